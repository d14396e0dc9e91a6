"""The line to the relay: one for all mails of a ring, and no idle waiting where the relay knows pipelining (RFC 2920)."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.core.mail import get_connection

from .messages import ReadyMail

PLAIN = re.compile(r"[!-;=?-~]+")  # printable ASCII without spaces and angle brackets
Answer = tuple[int, bytes]


class Line:
    """A line that opens with the first mail; after an error it is closed, and the next mail opens a fresh one.

    Where the relay knows pipelining, sender and recipient of the next mail go behind the text of this one (RFC 2920, 3.1):
    there and back once for each mail. The relay may not keep back its word on a text meanwhile (3.2).
    """

    def __init__(self) -> None:
        self.backend: Any = get_connection()
        self.announced: ReadyMail | None = None  # whose sender and recipient the relay has been told

    def hand_over(self, made: ReadyMail, make_next: Callable[[], ReadyMail | None] = lambda: None) -> None:
        """Hand a mail to the relay; raises SMTPException or OSError when it does not take it.

        `make_next` is called while the relay reads sender and recipient, where it can be told both at once; never between
        the text and the relay's last word, since what it has taken must be written down without delay.
        """
        if self.announced is not made:
            self._take_back()
        self.backend.open()
        smtp: smtplib.SMTP = self.backend.connection
        smtp.ehlo_or_helo_if_needed()
        sender, to, raw = made.sender, as_relays_take_it(made.to), made.raw
        if not self.announced:
            announcement = _announcement(smtp, made)
            if not announcement:
                smtp.sendmail(sender, [to], raw)
                return
            smtp.send(announcement)
        self.announced = None
        coming = make_next()
        _listen(smtp, sender, to)
        behind = _announcement(smtp, coming) if coming else b""
        self.announced = coming if behind else None
        smtp.send(b"%s.\r\n%s" % (raw.replace(b"\r\n.", b"\r\n.."), behind))  # a header never begins with a point
        answer = smtp.getreply()
        if answer[0] != 250:
            raise smtplib.SMTPDataError(*answer)

    def close(self) -> None:
        """Say good-bye."""
        self._take_back()
        self.backend.close()

    def _take_back(self) -> None:
        """What was announced does not come: the relay waits for its text and would take any word for it, so hang up."""
        if self.announced:
            self.announced = None
            self.backend.connection.close()
            self.backend.close()


def as_relays_take_it(address: str) -> str:
    """The address in ASCII, a domain with umlauts as its xn-- name (IDNA); what cannot be written so is no address here."""
    name, _at, domain = address.rpartition("@")
    try:
        plain = f"{name}@{_in_ascii(domain)}"
        plain.encode("ascii")
    except UnicodeError:
        raise smtplib.SMTPRecipientsRefused({address: (553, b"5.1.3 not an address that mail can go to")}) from None
    return plain


@lru_cache
def _in_ascii(domain: str) -> str:
    return domain.encode("idna").decode()


def _announcement(smtp: smtplib.SMTP, made: ReadyMail) -> bytes:
    """Sender, recipient and DATA in one go; nothing where the relay or one of the addresses is not fit for that."""
    sender, size = made.sender, f" SIZE={len(made.raw)}" if smtp.has_extn("size") else ""
    with suppress(smtplib.SMTPRecipientsRefused):
        to = as_relays_take_it(made.to)
        if smtp.has_extn("pipelining") and PLAIN.fullmatch(to) and PLAIN.fullmatch(sender):
            return f"MAIL FROM:<{sender}>{size}\r\nRCPT TO:<{to}>\r\nDATA\r\n".encode("ascii")
    return b""


def _listen(smtp: smtplib.SMTP, sender: str, to: str) -> None:
    """What the relay says to an announcement; raises when it does not want the text."""
    from_, rcpt, data = _answers(smtp)
    refused = from_[0] != 250 or rcpt[0] not in (250, 251)
    if refused and data[0] == 354:  # RFC 2920, 3.1: it waits for a text that nobody is to get
        smtp.send(b".\r\n")
        smtp.getreply()
    if from_[0] != 250:
        raise smtplib.SMTPSenderRefused(*from_, sender)
    if refused:
        raise smtplib.SMTPRecipientsRefused({to: rcpt})
    if data[0] != 354:
        raise smtplib.SMTPDataError(*data)


def _answers(smtp: smtplib.SMTP) -> list[Answer]:
    """To sender, recipient and text; a relay that says 421 and hangs up has answered all of them with it."""
    answers: list[Answer] = []
    while len(answers) < 3:
        try:
            answers.append(smtp.getreply())
        except smtplib.SMTPServerDisconnected:
            if not answers or answers[-1][0] != 421:
                raise
            answers += answers[-1:] * (3 - len(answers))
    return answers
