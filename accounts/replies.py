"""What a relay's answer means: whose fault it is, and whether it is for now or for good (RFC 5321, RFC 3463)."""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass

STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
# Enhanced codes that say: this address does not exist, or takes nothing any more.
NO_SUCH_ADDRESS = ("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4")
# Codes about us rather than about a mail: busy, closing, authentication, encryption, unknown commands.
OURS = (421, 432, 454, 500, 502, 503, 504, 530, 534, 535, 538)


@dataclass(frozen=True)
class Reply:
    """An answer: `about` is relay, address or mail; `never`: not worth trying again."""

    kind: str
    about: str
    never: bool = False
    code: int | None = None
    status: str = ""


def reply_of(error: Exception) -> Reply:
    """What an error of smtplib says."""
    kind = type(error).__name__
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return _reply(kind, code, text, at_recipient=True)
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPAuthenticationError | smtplib.SMTPHeloError):
        return Reply(kind, "relay", code=error.smtp_code, status=status_of(error.smtp_error))
    if isinstance(error, smtplib.SMTPConnectError) or not isinstance(error, smtplib.SMTPResponseException):
        return Reply(kind, "relay", code=getattr(error, "smtp_code", None))
    return _reply(kind, error.smtp_code, error.smtp_error, at_recipient=False)


def _reply(kind: str, code: int, text: bytes | str, *, at_recipient: bool) -> Reply:
    status = status_of(text)
    if code in OURS or not 400 <= code < 600:
        return Reply(kind, "relay", code=code, status=status)
    if code < 500:
        return Reply(kind, "mail", code=code, status=status)
    gone = status in NO_SUCH_ADDRESS or (at_recipient and not status and code in (550, 551, 553))
    return Reply(kind, "address" if gone else "mail", never=True, code=code, status=status)


def status_of(text: bytes | str) -> str:
    """The enhanced status code in an answer, where there is one."""
    words = text.decode("ascii", "replace") if isinstance(text, bytes) else str(text)
    found = STATUS.search(words)
    return found[1] if found else ""
