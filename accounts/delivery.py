"""Delivery: claim a few rows for a while, decide, send, write down at once. Any number of workers may do so.

A lease instead of one long transaction: nothing is lost when a worker dies or is held up (the lease ends and another sends).
What it had sent and not written down stands in its journal (notes.py), which others read; at most the one mail it was just
handing over goes twice, with the same Message-ID (measured in docs/decisions/0005-delivery.md).
"""

from __future__ import annotations

import logging
import smtplib
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError
from django.db.models import DateTimeField, Func

from lernbegleitung import clock

from .due import DueMail, claim, give_back, lease
from .messages import ReadyMail, message
from .notes import Notes, take_over, until_the_database_is_back
from .operation import PausedAddress
from .outbox import DROP, KINDS, Decision, Kind, OutgoingMail
from .relay import Line
from .replies import Reply, reply_of

log = logging.getLogger(__name__)
BATCH = 200
JUST_NOW = 2  # seconds that a decision holds
LONGEST_PAUSE = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(days=3)  # of refusals "for now" since it was due; a relay that is down is waited for
THE_DATABASES_NOW = Func(function="app_now", output_field=DateTimeField())


class RelayTrouble(Exception):
    """The relay, not this mail: everything else waits for the next ring."""


def deliver_due(batch: int = BATCH) -> dict[str, int]:
    """Send what is due, batch after batch, until nothing is left; answers how many were sent, dropped, put off, failed."""
    counts = {"sent": 0, "dropped": 0, "later": 0, "failed": 0}
    take_over()
    desk = Desk(Line(), Notes())
    try:
        while (mails := claim(batch)) and deliver(mails, desk, counts):
            desk.notes.flush()
            take_over()
    finally:
        desk.notes.close()
        desk.line.close()
    return counts


@dataclass
class Desk:
    """What a worker sends with."""

    line: Line
    notes: Notes


class Turn(NamedTuple):
    """A mail whose turn it is: its kind, what is decided about it, and as it goes out, when it does."""

    mail: DueMail
    kind: Kind | None
    decision: Decision
    made: ReadyMail | None
    decided_at: float

    def holds(self) -> bool:
        """Whether it was decided just now; a relay that kept us waiting is a reason to look again."""
        return time.monotonic() - self.decided_at < JUST_NOW


class Turns:
    """The turns of a batch; the next one can be got ready while the relay reads the present one."""

    def __init__(self, mails: list[DueMail]) -> None:
        self.mails, self.number, self.ready = mails, -1, None

    ready: Turn | None

    def take(self, number: int) -> Turn:
        """The turn of this mail, decided just now."""
        self.number, ready, self.ready = number, self.ready, None
        if ready and ready.mail is self.mails[number] and ready.holds():
            return ready
        return decided(self.mails[number])

    def look_ahead(self) -> ReadyMail | None:
        """Get the next one ready; what goes wrong with it shall be said on its own turn."""
        with suppress(Exception):
            self.ready = decided(self.mails[self.number + 1]) if self.number + 1 < len(self.mails) else None
        return self.ready.made if self.ready else None


def decided(mail: DueMail) -> Turn:
    """Decide about a mail and put it together; nothing is written yet."""
    kind, now = KINDS.get(mail.kind), time.monotonic()
    decision = kind.decide(mail) if kind else DROP
    goes = kind and decision.send and not decision.later and not getattr(mail, "is_paused", False)
    return Turn(mail, kind, decision, message(mail, kind, decision) if kind and goes else None, now)


def deliver(mails: list[DueMail], desk: Desk, counts: dict[str, int]) -> bool:
    """One batch; False when the relay is in trouble and everything else waits for the next ring."""
    half_the_lease = time.monotonic() + lease().total_seconds() / 2
    prepare(mails)
    turns = Turns(mails)
    for number in range(len(mails)):
        if time.monotonic() > half_the_lease:
            give_back(mails[number:])
            return True
        try:
            try:
                turn = turns.take(number)
            except DatabaseError:
                raise
            except Exception as error:  # a mistake in making this one is no reason for others to wait
                counts[put_off(mails[number], Reply(type(error).__name__, "mail"))] += 1
                continue
            counts[handle(turn, desk, turns.look_ahead)] += 1
        except RelayTrouble:
            counts["later"] += 1
            give_back(mails[number + 1 :])
            return False
    return True


def prepare(mails: list[DueMail]) -> None:
    """What deciding needs of the database, asked once for the whole batch."""
    for kind in {KINDS[mail.kind] for mail in mails if mail.kind in KINDS}:
        if kind.prepare:
            kind.prepare([mail for mail in mails if mail.kind == kind.name])
    paused = set(
        PausedAddress.objects.filter(pk__any_of=[mail.goes_to().lower() for mail in mails]).values_list("pk", flat=True)
    )
    for mail in mails:
        mail.is_paused = mail.goes_to().lower() in paused  # type: ignore[attr-defined]


def handle(turn: Turn, desk: Desk, make_next: Callable[[], ReadyMail | None]) -> str:
    """Do what is decided about one claimed mail; answers sent, dropped, later or failed. Raises RelayTrouble."""
    mail, decision = turn.mail, turn.decision
    if decision.later:
        update(mail, due_at=decision.later, claimed_until=None, attempts=0)
        return "later"
    if not turn.kind or not decision.send:
        own = decision.drop
        until_the_database_is_back(
            lambda: own(mail) if own else update(mail, dropped_at=clock.now(), claimed_until=None)
        )
        return "dropped"
    if not turn.made:
        return refuse_paused(mail, reminder=turn.kind.reminder)
    try:
        desk.line.hand_over(turn.made, make_next)
    except (smtplib.SMTPException, OSError) as error:
        desk.line.close()  # what came after a half-spoken mail is not to be trusted; the next one opens a fresh line
        desk.notes.flush()
        return put_off(mail, reply_of(error))
    desk.notes.add(*(decision.note or ("mail", {"mail": str(mail.pk), "at": clock.now().isoformat()})))
    return "sent"


def refuse_paused(mail: DueMail, *, reminder: bool) -> str:
    """To an address that takes nothing: a reminder is dropped, anything else stays visible as undelivered."""
    if reminder:
        update(mail, dropped_at=clock.now(), claimed_until=None)
        return "dropped"
    update(mail, failed_at=clock.now(), smtp_status="paused")
    return "failed"


def put_off(mail: DueMail, reply: Reply) -> str:
    """What an answer of the relay means for a mail.

    Trouble of the relay: this mail waits longer each time (it may be the one that the relay chokes on), all others go
    with the next ring. "Not now": the same, for three days. "Never": a failure that the operator sees, and where the
    address is the reason, nothing more goes there.
    """
    log.warning("mail %s: attempt %s failed (%s, %s %s)", mail.pk, mail.attempts, reply.kind, reply.code, reply.status)
    overdue = clock.now() - mail.due_at > GIVE_UP_AFTER
    if reply.never or (reply.about == "mail" and overdue):
        update(mail, failed_at=clock.now(), smtp_code=reply.code, smtp_status=reply.status)
        if reply.about == "address":
            pause(mail.goes_to().lower(), PausedAddress.Reason.REFUSED, reply.status)
        return "failed"
    update(mail, claimed_until=THE_DATABASES_NOW + pause_after(mail), smtp_code=reply.code, smtp_status=reply.status)
    if reply.about == "relay":
        raise RelayTrouble
    return "later"


def pause_after(mail: DueMail) -> timedelta:
    """Twice as long each time, up to four hours; a fifth more or less, so that not all come back in one minute."""
    pause = min(timedelta(seconds=settings.MAIL_PAUSE) * 2 ** min(mail.attempts - 1, 12), LONGEST_PAUSE)
    return pause * (0.8 + 0.4 * (zlib.crc32(mail.pk.bytes) % 1000) / 1000)


def pause(address: str, reason: str, status: str) -> None:
    """Nothing goes to this address until somebody says so."""
    row = PausedAddress(address=address.lower(), reason=reason, status=status[:12], since=clock.now())
    PausedAddress.objects.bulk_create([row], ignore_conflicts=True)


def update(mail: DueMail, **values: Any) -> None:
    """Change the row of a mail."""
    until_the_database_is_back(lambda: OutgoingMail.objects.filter(pk=mail.pk).update(**values))


def oldest_due() -> datetime | None:
    """Since when the longest waiting mail has been due; None when nothing waits."""
    waiting = OutgoingMail.objects.filter(due_at__lte=clock.now(), sent_at=None, failed_at=None, dropped_at=None)
    return waiting.order_by("due_at").values_list("due_at", flat=True).first()
