"""The line to the relay: one for all mails of a ring, and no idle waiting where the relay knows pipelining (RFC 2920)."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from typing import Any

from django.core.mail import get_connection

from .messages import ReadyMail

PLAIN = re.compile(r"[!-;=?-~]+")  # printable ASCII without spaces and angle brackets
Answer = tuple[int, bytes]


class Line:
    """A line that opens with the first mail; after an error it is closed, and the next mail opens a fresh one."""

    def __init__(self) -> None:
        self.backend: Any = get_connection()

    def hand_over(self, made: ReadyMail, meanwhile: Callable[[], None]) -> None:
        """Hand a mail to the relay; raises SMTPException or OSError when it does not take it.

        `meanwhile` is done while the relay reads sender and recipient, where it can be told both at once; never between
        the text and the relay's last word, since what it has taken must be written down without delay.
        """
        self.backend.open()
        smtp: smtplib.SMTP = self.backend.connection
        smtp.ehlo_or_helo_if_needed()
        sender, raw = made.from_email, made.message().as_bytes(linesep="\r\n")
        to = as_relays_take_it(made.to[0])
        if smtp.has_extn("pipelining") and PLAIN.fullmatch(to) and PLAIN.fullmatch(sender):
            _in_one_go(smtp, sender, to, raw, meanwhile)
        else:
            smtp.sendmail(sender, [to], raw)

    def close(self) -> None:
        """Say good-bye."""
        self.backend.close()


def as_relays_take_it(address: str) -> str:
    """The address in ASCII, a domain with umlauts as its xn-- name (IDNA); what cannot be written so is no address here."""
    name, _at, domain = address.rpartition("@")
    try:
        plain = f"{name}@{domain.encode('idna').decode()}"
        plain.encode("ascii")
    except UnicodeError:
        raise smtplib.SMTPRecipientsRefused({address: (553, b"5.1.3 not an address that mail can go to")}) from None
    return plain


def _in_one_go(smtp: smtplib.SMTP, sender: str, to: str, raw: bytes, meanwhile: Callable[[], None]) -> None:
    size = f" SIZE={len(raw)}" if smtp.has_extn("size") else ""
    smtp.send(f"MAIL FROM:<{sender}>{size}\r\nRCPT TO:<{to}>\r\nDATA\r\n".encode("ascii"))
    meanwhile()
    from_, rcpt, data = _answers(smtp)
    refused = from_[0] != 250 or rcpt[0] not in (250, 251)
    if refused and data[0] == 354:  # RFC 2920, 3.1: it waits for a text that nobody is to get
        smtp.send(b".\r\n")
        smtp.getreply()
    if from_[0] != 250:
        raise smtplib.SMTPSenderRefused(*from_, sender)
    if refused:
        raise smtplib.SMTPRecipientsRefused({to: rcpt})
    if data[0] == 354:
        smtp.send(b"%s.\r\n" % raw.replace(b"\r\n.", b"\r\n.."))  # a header never begins with a point
        data = smtp.getreply()
        if data[0] == 250:
            return
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
