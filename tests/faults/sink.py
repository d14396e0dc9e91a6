"""An SMTP server in a process of its own that writes down what it accepts, and misbehaves when a file says so.

`python -m tests.faults.sink PORT FOLDER`: accepted mails are lines of "recipient message-id" in FOLDER/accepted; the
word in FOLDER/mode is ok, refuse (451), hang (says nothing), slow (a fifth of a second for each mail) or cut (closes the
line after having accepted, so that the sender cannot know).
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path


class Session:
    """One line with a client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, folder: Path) -> None:
        self.reader, self.writer, self.folder = reader, writer, folder
        self.recipient = ""

    def mode(self) -> str:
        try:
            return (self.folder / "mode").read_text().strip() or "ok"
        except OSError:
            return "ok"

    def say(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())

    async def talk(self) -> None:
        if self.mode() == "hang":
            await asyncio.sleep(3600)
        self.say("220 sink ESMTP")
        while line := await self.reader.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                self.say("250-sink", "250-PIPELINING", "250 8BITMIME")
            elif word == b"RCPT":
                self.recipient = line.decode("ascii", "replace").partition("<")[2].partition(">")[0]
                self.say("250 ok")
            elif word == b"DATA":
                if not await self.take():
                    return
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    async def take(self) -> bool:
        """Read a mail; False when the line is to be closed."""
        if self.mode() == "refuse":
            self.say("451 4.3.0 later")
            return True
        self.say("354 go on")
        body = await self.reader.readuntil(b"\r\n.\r\n")
        mode = self.mode()
        if mode == "hang":
            await asyncio.sleep(3600)
        if mode == "slow":
            await asyncio.sleep(0.2)
        found = body.partition(b"Message-ID:")[2].partition(b">")[0].strip().lstrip(b"<").decode()
        with (self.folder / "accepted").open("a") as file:
            file.write(f"{self.recipient} {found}\n")
        if mode == "cut":
            return False
        self.say("250 2.0.0 taken")
        return True


async def serve(port: int, folder: Path) -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await Session(reader, writer, folder).talk()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
