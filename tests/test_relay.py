"""The line to the relay, with and without pipelining (RFC 2920): the same answers mean the same, and no mail is mangled."""

from __future__ import annotations

import smtplib
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.messages import ReadyMail
from accounts.relay import Line
from accounts.replies import reply_of

TEXT = b"Subject: Hallo\r\n\r\n.ein Punkt\r\n..zwei\r\nEnde.\r\n"


class Relay(socketserver.ThreadingTCPServer):
    """Says what it is told to say. With pipelining it answers no command before DATA has come: who waits, waits forever."""

    daemon_threads = allow_reuse_address = True

    def __init__(self, *, pipelining: bool) -> None:
        super().__init__(("127.0.0.1", 0), Talk)
        self.pipelining = pipelining
        self.says = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", "TEXT": "250 taken"}
        self.texts: list[bytes] = []
        self.lines = 0


class Talk(socketserver.StreamRequestHandler):
    """One line."""

    server: Relay

    def say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def handle(self) -> None:
        self.server.lines += 1
        self.say("220 relay")
        held: list[str] = []
        while line := self.rfile.readline():
            word = line[:4].decode().upper()
            if word == "EHLO":
                self.say("250-relay", *(["250-PIPELINING"] if self.server.pipelining else []), "250 SIZE 9999")
            elif word in ("MAIL", "RCPT", "DATA"):
                held.append("550 5.1.1 nobody here" if b"<nobody@" in line else self.server.says[word])
                if held[-1].startswith("421"):
                    return self.say(held[-1])
                if word == "DATA" or not self.server.pipelining:
                    self.say(*held)
                    held = []
                if word == "DATA" and self.server.says["DATA"].startswith("354"):
                    self.take()
            elif word == "RSET":
                self.say("250 ok")
            else:
                return self.say("221 bye")
        return None

    def take(self) -> None:
        text = b""
        while (line := self.rfile.readline()) != b".\r\n":
            text += line.removeprefix(b".")
        if text:
            self.server.texts.append(text)
        self.say(self.server.says["TEXT"] if text else "554 no valid recipients")


@pytest.fixture(params=[True, False], ids=["pipelining", "one by one"])
def relay(request: pytest.FixtureRequest, settings: Any) -> Iterator[Relay]:
    server = Relay(pipelining=request.param)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.server_address[1], 5
    yield server
    server.shutdown()
    server.server_close()


def mail(to: str = "anna@example.org", text: bytes = TEXT) -> ReadyMail:
    return ReadyMail("absender@example.org", to, text)


def test_a_mail_arrives_as_it_was_made_and_the_line_stays(relay: Relay) -> None:
    line = Line()
    for _ in range(3):
        line.hand_over(mail())
    line.close()
    assert relay.texts == [TEXT] * 3 and relay.lines == 1


@pytest.mark.parametrize(
    ("says", "about", "never"),
    [
        ({"MAIL": "550 5.7.1 not you"}, "relay", False),
        ({"RCPT": "550 5.1.1 nobody here", "DATA": "554 no valid recipients"}, "address", True),
        ({"RCPT": "550 5.1.1 nobody here"}, "address", True),  # and yet 354: it gets a lone point
        ({"RCPT": "450 4.2.1 not now", "DATA": "554 no valid recipients"}, "mail", False),
        ({"DATA": "451 4.3.0 later"}, "mail", False),
        ({"TEXT": "552 5.2.3 too long"}, "mail", True),
        ({"MAIL": "421 4.3.2 closing"}, "relay", False),
        ({"RCPT": "421 4.3.2 closing"}, "relay", False),
    ],
)
def test_a_refusal_means_the_same_whichever_way_it_was_asked(
    relay: Relay, says: dict[str, str], about: str, never: bool
) -> None:
    line, well = Line(), dict(relay.says)
    relay.says |= says
    with pytest.raises((smtplib.SMTPException, OSError)) as refused:
        line.hand_over(mail())
    answer = reply_of(refused.value)
    assert (answer.about, answer.never) == (about, never)
    line.close()
    relay.says = well
    relay.texts.clear()
    line.hand_over(mail())
    line.close()
    assert relay.texts == [TEXT], "and what comes next is a mail of its own"


def test_the_next_mail_is_made_before_the_text_goes_never_after(relay: Relay) -> None:
    line, seen = Line(), list[list[bytes]]()
    line.hand_over(mail(), lambda: seen.append(list(relay.texts)))
    line.close()
    assert seen == ([[]] if relay.pipelining else []) and relay.texts == [TEXT]


ONE, TWO, THREE = (mail(text=b"Subject: %d\r\n\r\n%d\r\n" % (n, n)) for n in (1, 2, 3))


def raws(*mails: ReadyMail) -> list[bytes]:
    return [one.raw for one in mails]


def test_the_next_one_is_announced_with_the_text_and_goes_when_it_is_its_turn(relay: Relay) -> None:
    line = Line()
    line.hand_over(ONE, lambda: TWO)
    assert relay.texts == raws(ONE) and (line.announced is TWO) == relay.pipelining
    line.hand_over(TWO, lambda: THREE)
    line.hand_over(THREE)
    line.close()
    assert relay.texts == raws(ONE, TWO, THREE) and relay.lines == 1


def test_one_that_was_announced_and_is_not_wanted_any_more_never_goes(relay: Relay) -> None:
    line = Line()
    line.hand_over(ONE, lambda: TWO)
    line.hand_over(THREE, lambda: TWO)
    line.close()  # at once, though the relay waits for a text
    assert relay.texts == raws(ONE, THREE), "and nothing empty, and no QUIT taken for a text"
    assert relay.lines == (2 if relay.pipelining else 1)


def test_a_refusal_of_the_announced_one_is_its_own_and_one_of_the_text_leaves_it_for_its_turn(relay: Relay) -> None:
    line, nobody = Line(), mail("nobody@example.org")
    line.hand_over(ONE, lambda: nobody)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        line.hand_over(nobody, lambda: TWO)
    line.close()
    relay.says["TEXT"] = "552 5.2.3 too long"
    with pytest.raises(smtplib.SMTPDataError):
        line.hand_over(TWO, lambda: THREE)
    line.close()
    relay.says["TEXT"], relay.texts = "250 taken", []
    line.hand_over(TWO, lambda: THREE)
    line.hand_over(THREE)
    line.close()
    assert relay.texts == raws(TWO, THREE)


def test_an_address_that_is_no_plain_one_goes_the_long_way(relay: Relay) -> None:
    line = Line()
    relay.pipelining = True
    for odd in ("two words@example.org", "a@example.org>\r\nRCPT TO:<b@example.org"):
        with pytest.raises((smtplib.SMTPException, OSError, ValueError)):
            relay.says["RCPT"] = "550 no"
            line.backend.timeout = 0.3
            line.hand_over(mail(odd))
        line.close()
    assert relay.texts == []
