"""What comes back: undeliverable notices (RFC 3464) and complaints (RFC 5965), read by the standard library; and whatever
else an app knows how to read (`reader`).

A notice counts only for a mail that is ours, known by the sender that this mail had for itself, or by its Message-ID in
what was returned. Anything else, out-of-office replies above all, changes nothing.
"""

from __future__ import annotations

import email
import email.policy
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.utils import getaddresses

from django.db import connection

from .delivery import pause
from .messages import mail_id_of, our_domain
from .operation import PausedAddress
from .outbox import OutgoingMail
from .replies import NO_SUCH_ADDRESS, status_of

Reader = Callable[[Message], str | None]
READERS: list[Reader] = []
RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global-headers")


def reader(read: Reader) -> Reader:
    """Make known who else reads what comes back; answers in a word what was done, or None."""
    READERS.append(read)
    return read


@dataclass(frozen=True)
class Notice:
    """One thing that a returned message says: of which mail, and what. `status` as in RFC 3463."""

    mail: uuid.UUID
    what: str  # failed, delayed or complaint
    status: str = ""


def notices_in(message: EmailMessage) -> list[Notice]:
    """What a message that came back says about our mails; nothing for everything else."""
    if message.get_content_type() != "multipart/report":
        return []
    mail = _mail_of(message)
    if mail is None:
        return []
    kinds = {part.get_content_type() for part in message.walk()}
    if "message/feedback-report" in kinds:
        return [Notice(mail, "complaint")]
    return [Notice(mail, action, status) for action, status in _recipients(message)]


def _recipients(message: Message) -> Iterator[tuple[str, str]]:
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for fields in part.get_payload() if isinstance(part.get_payload(), list) else []:
            if isinstance(fields, Message) and (action := str(fields.get("Action", "")).strip().lower()):
                yield action, status_of(str(fields.get("Status", "")))


def _mail_of(message: EmailMessage) -> uuid.UUID | None:
    """The mail it is about: by the address it came back to, else by the Message-ID of what was returned."""
    for _name, address in getaddresses(
        [str(message.get(name, "")) for name in ("To", "Delivered-To", "X-Original-To")]
    ):
        if own := mail_id_of(address):
            return uuid.UUID(own)
    for part in message.walk():
        if part.get_content_type() in RETURNED and (found := _our_id(_headers_of(part).get("Message-ID", ""))):
            return found
    return None


def _headers_of(part: Message) -> Message:
    payload = part.get_payload()
    if isinstance(payload, list):
        return payload[0] if payload and isinstance(payload[0], Message) else Message()
    raw = part.get_payload(decode=True)
    return email.message_from_bytes(raw if isinstance(raw, bytes) else b"")


def _our_id(message_id: str) -> uuid.UUID | None:
    local, _at, domain = str(message_id).strip().strip("<>").rpartition("@")
    if domain.lower() != our_domain():
        return None
    try:
        return uuid.UUID(local)
    except ValueError:
        return None


def take(raw: bytes) -> str:
    """Act on one message that came back; answers in a word what was done. The same message twice is once.

    A delay is the relay's matter. A failure stays visible at the mail; where it says that the address takes nothing, and
    for a complaint, nothing more is sent there.
    """
    message = email.message_from_bytes(raw, policy=email.policy.default)
    for read in READERS:
        if done := read(message):
            return done
    done = "ignored"
    for notice in notices_in(message):
        address = address_of(notice.mail)
        if not address:
            continue
        if notice.what == "complaint":
            pause(address, PausedAddress.Reason.COMPLAINT, "")
            done = "complaint"
        elif notice.what == "failed" and not notice.status.startswith("4."):
            OutgoingMail.objects.filter(pk=notice.mail).update(smtp_status=notice.status or "5.0.0")
            done = "failed"
            if notice.status in NO_SUCH_ADDRESS:
                pause(address, PausedAddress.Reason.BOUNCED, notice.status)
                done = "address paused"
    return done


def address_of(mail: uuid.UUID) -> str:
    """Where a mail of ours went; nothing for one that was never sent."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT address_of_sent_mail(%s)", [mail])
        return str((cursor.fetchone() or ("",))[0] or "")
