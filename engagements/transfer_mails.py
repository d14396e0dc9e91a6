"""The mail of a transfer check: written when it is wished for, decided when sent, in the person's rhythm."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from accounts import outbox
from accounts.models import OutgoingMail, User
from accounts.outbox import DROP, SEND, Decision
from lernbegleitung import clock

from .reminders import Rhythm
from .step_mails import rhythm_of
from .transfer import TransferCheck

# It is not bound to a day, so a holiday of weeks only moves it. Later than this it is on Heute, but not in the mail.
TOO_LATE = timedelta(days=30)


def decide(mail: OutgoingMail) -> Decision:
    """Send while it is still wished for and unanswered; never as a second reminder on one day.

    Runs as the worker, who may read of a check its day and whether it is answered.
    """
    check: Any = TransferCheck.objects.filter(pk=mail.subject_id).values("due_on", "answered_at").first()
    recipient = mail.recipient
    if not check or check["answered_at"]:
        return DROP
    if not recipient or not recipient.is_active or recipient.reminders_stopped_at:
        return DROP
    now, rhythm = clock.now(), rhythm_of(recipient)
    later = rhythm.next_chance(now)
    if not later and another_today(mail, now):
        later = next_working_day(rhythm, now)
    if clock.day_of(later or now) > check["due_on"] + TOO_LATE:
        return DROP
    return Decision(later=later) if later else SEND


def another_today(mail: OutgoingMail, now: datetime) -> bool:
    """Whether the person has had a reminder today, or one is about to go out."""
    others = OutgoingMail.objects.filter(
        Q(kind__startswith="step_") | Q(kind=TRANSFER_CHECK.name), recipient_id=mail.recipient_id
    ).exclude(pk=mail.pk)
    open_now = Q(sent_at=None, dropped_at=None, failed_at=None, due_at__lte=now, kind__startswith="step_")
    return bool(others.filter(Q(sent_at__date=clock.day_of(now)) | open_now).exists())


def next_working_day(rhythm: Rhythm, now: datetime) -> datetime:
    """The personal hour of the next day on which the person works."""
    local = now.astimezone(rhythm.zone).date()
    return rhythm.moment(rhythm.first_working_day(local + timedelta(days=1)))


TRANSFER_CHECK = outbox.kind("transfer_check", decide=decide)


def write_mail(check: TransferCheck, owner: User) -> None:
    """In the transaction of the wish."""
    outbox.post(
        f"transfer_check:{check.pk}",
        kind=TRANSFER_CHECK,
        to=owner,
        about=check.pk,
        facts={"path": f"/rueckblick/{check.pk}/"},
        due_at=rhythm_of(owner).reminder_on(check.due_on),
    )
