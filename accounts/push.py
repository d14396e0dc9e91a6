"""Notices in the browser, beside the mail: rows of the same outbox, claimed by the same statement, decided when sent.

A job of its own sends them, so that a push service that hangs keeps no mail waiting. What the worker has handed over stands
in its journal at once (notes.py); if it dies before that, the notice goes again and replaces itself on the screen, since
both have the same topic and tag.
"""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from lernbegleitung import clock

from .delivery import BATCH, pause_after, update
from .due import DueMail, claim
from .notes import Notes, take_over
from .outbox import KINDS
from .push_devices import PushDevice
from .push_service import Answer, Parcel, Refused, hand_over, is_on, service_of

log = logging.getLogger(__name__)
AT_ONCE = 8  # notices on their way to push services at the same time
TOPIC = "lernbegleitung"
PUSH = "push"


def deliver_pushes(batch: int = BATCH) -> dict[str, int]:
    """Send the notices that are due; answers how many were sent, dropped, put off, failed."""
    counts = {"sent": 0, "dropped": 0, "later": 0, "failed": 0}
    take_over()
    notes, troubled = Notes(), set[str]()
    try:
        with ThreadPoolExecutor(AT_ONCE) as lines:
            while mails := claim(batch, push=True):
                parcels = dict(_wanted(mails, counts))
                sent = [lines.submit(_try, mail, parcel, troubled) for mail, parcel in parcels.items()]
                for mail, answer in zip(parcels, sent, strict=True):
                    counts[_settle(mail, answer.result(), notes)] += 1
                notes.flush()
    finally:
        notes.close()
    return counts


def _wanted(mails: list[DueMail], counts: dict[str, int]) -> list[tuple[DueMail, Parcel]]:
    """What is still wanted, with its device; the rest is dropped."""
    kind, found = KINDS[PUSH], []
    devices = PushDevice.objects.in_bulk([mail.subject_id for mail in mails])
    if kind.prepare:
        kind.prepare(mails)
    for mail in mails:
        device, decision = devices.get(mail.subject_id), kind.decide(mail)
        if not is_on() or not device or device.owner_id != mail.recipient_id or not decision.send:
            update(mail, dropped_at=clock.now(), claimed_until=None)
            counts["dropped"] += 1
            continue
        notice: dict[str, Any] = decision.context
        text = json.dumps(notice["says"], ensure_ascii=False).encode()
        found.append((mail, Parcel(device.subscription(), text, notice["until"] - clock.now(), TOPIC)))
    return found


def _try(mail: DueMail, parcel: Parcel, troubled: set[str]) -> Answer | Refused:
    """Hand it over, unless its push service has just been in trouble; asks the database nothing."""
    try:
        host = service_of(parcel.to.endpoint)[0]
        answer = Answer(0) if host in troubled else hand_over(parcel)
    except Refused as refusal:
        return refusal
    except Exception as trouble:  # of one answer; the others are on their way, and what has gone is to be written down
        log.warning("notice %s: %s", mail.pk, type(trouble).__name__)
        return Answer(0)
    if answer.not_now:
        troubled.add(host)
    return answer


def _settle(mail: DueMail, answer: Answer | Refused, notes: Notes) -> str:
    """What an answer means for the row, and for the device."""
    now = clock.now()
    if isinstance(answer, Refused):
        log.warning("notice %s: refused (%s)", mail.pk, answer)
        update(mail, failed_at=now, smtp_status=PUSH)
        return "failed"
    if answer.accepted:
        notes.add("mail", {"mail": str(mail.pk), "at": now.isoformat()})
        return "sent"
    log.warning("notice %s: attempt %s, answer %s", mail.pk, mail.attempts, answer.status)
    if answer.gone:
        PushDevice.objects.filter(pk=mail.subject_id).delete()
        update(mail, dropped_at=now, claimed_until=None, smtp_code=answer.status)
        return "dropped"
    if answer.not_now:
        wait = max(pause_after(mail), answer.wait or timedelta())
        update(mail, due_at=now + wait, claimed_until=None, smtp_code=answer.status or None, smtp_status=PUSH)
        return "later"
    update(mail, failed_at=now, smtp_code=answer.status, smtp_status=PUSH)
    return "failed"
