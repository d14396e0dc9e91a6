"""What people answer in their calendars (METHOD:REPLY, RFC 5546): read where mail comes back, by the worker.

An answer from a calendar moves and cancels nothing, since anybody could write one. Whoever declines is told so, once for each
time that the appointment has had, with the page on which one click does it; then both hear of it.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from email.message import Message

from django.db import connection
from icalendar import Calendar

from accounts import bounces, outbox
from accounts.models import User
from lernbegleitung import clock

from .calendar import our_domain
from .mails import APPOINTMENT_DECLINED

AT_MOST = 20  # answers in one message


@bounces.reader
def read_reply(message: Message) -> str | None:
    """Answers "declined" for a no to an appointment that stands, None for anything that is no such reply."""
    told = [_tell(*no) for part in message.walk() if part.get_content_type() == "text/calendar" for no in _noes(part)]
    return "declined" if any(told) else None


def _noes(part: Message) -> list[tuple[uuid.UUID, str, datetime | None]]:
    """Of whoever declines: identity of the appointment or its series, address, and which of the series.

    Nothing for what cannot be read.
    """
    raw = part.get_payload(decode=True)
    try:
        calendar = Calendar.from_ical(raw if isinstance(raw, bytes) else b"")
    except (ValueError, IndexError, KeyError, AttributeError, TypeError):
        return []
    if str(calendar.get("method", "")).upper() != "REPLY":
        return []
    found = []
    for event in calendar.walk("VEVENT")[:AT_MOST]:
        local, _at, domain = str(event.get("uid", "")).rpartition("@")
        attendee, slot = event.get("attendee"), getattr(event.get("recurrence-id"), "dt", None)
        slot = slot if isinstance(slot, datetime) and slot.tzinfo else None
        for one in attendee if isinstance(attendee, list) else [attendee] if attendee else []:
            if str(one.params.get("PARTSTAT", "")).upper() == "DECLINED" and domain == our_domain():
                try:
                    found.append((uuid.UUID(local), str(one).replace("\0", "").lower().removeprefix("mailto:"), slot))
                except ValueError:
                    continue
    return found


def _tell(identity: uuid.UUID, address: str, slot: datetime | None) -> bool:
    """The mail to the one who declines; False where the two do not belong together or nothing is to come."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM talk_declined(%s, %s, %s, %s)", [identity, address, clock.now(), slot])
        row = cursor.fetchone()
    if not row:
        return False
    talk, sequence, ends_at, person, language = row
    facts = {"path": f"/termine/{talk}/", "ends_at": ends_at.isoformat()}
    outbox.post(
        f"{APPOINTMENT_DECLINED.name}:{talk}:{sequence}:{person}",
        kind=APPOINTMENT_DECLINED,
        to=User(pk=person, language=language),
        about=talk,
        facts=facts,
    )
    return True
