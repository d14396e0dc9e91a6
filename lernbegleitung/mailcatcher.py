"""`python -m lernbegleitung.mailcatcher --port N --dir DIR`: takes mail by SMTP and lays it into a folder. Demo only."""

from __future__ import annotations

import argparse
import signal
import time
import uuid
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


class Catcher:
    """Writes each message as one .eml file; it appears under its name only when it is complete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Accept everything."""
        file = self.folder / f"{time.time_ns()}-{uuid.uuid4().hex}.eml"
        draft = file.with_suffix(".part")
        recipients = "".join(f"X-Envelope-To: {address}\r\n" for address in envelope.rcpt_tos)
        draft.write_bytes(recipients.encode() + (envelope.original_content or envelope.content))
        draft.rename(file)
        return "250 caught"


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    controller = Controller(Catcher(options.dir), hostname="127.0.0.1", port=options.port)
    controller.start()
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    controller.stop()


if __name__ == "__main__":
    main()
