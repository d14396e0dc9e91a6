"""Making, moving and cancelling appointments. Both are told, and nobody is in two talks at once."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from accounts import audit
from accounts.models import User
from conversations.access import conversation_of, may_meet
from conversations.appointments import Appointment, Kind
from conversations.conversation import Conversation, ConversationPart
from conversations.guide import PARTS
from conversations.mails import (
    APPOINTMENT_CANCELLED,
    APPOINTMENT_MOVED,
    APPOINTMENT_NEW,
    SERIES_CANCELLED,
    tell_both,
    tell_both_of_series,
)
from conversations.proposed_dates import DateAnswer, DateProposal
from engagements.actions.choice import locked
from engagements.engagement import Engagement
from engagements.states import NotPossible, State
from lernbegleitung import clock

EXCLUSION_VIOLATION, DEADLOCK, UNIQUE_VIOLATION = "23P01", "40P01", "23505"


class TimeTaken(Exception):
    """One of the two has another appointment then."""


class Changed(Exception):
    """The other one has changed it since the form was made; carries it as it stands."""

    def __init__(self, stored: Appointment) -> None:
        super().__init__()
        self.stored = stored


@dataclass(frozen=True)
class Meeting:
    """When, how and where."""

    starts_at: datetime
    ends_at: datetime
    format: str
    place: str

    def fits(self, appointment: Appointment) -> bool:
        """Whether the appointment is already so."""
        return all(getattr(appointment, name) == value for name, value in asdict(self).items())


def kinds_in(state: str) -> list[Kind]:
    """What the two may meet for: first to get to know each other, then to work."""
    if state == State.INTRODUCTION:
        return [Kind.INTRODUCTION]
    return [Kind.CONVERSATION, Kind.CHECK_IN, Kind.CLOSING] if state == State.ACTIVE else []


def make(*, engagement: Engagement, pk: uuid.UUID, kind: str, meeting: Meeting, by: User) -> Appointment:
    """A new appointment with its talk and the four empty parts. The same form twice is once."""
    engagement = locked(engagement)
    if there := Appointment.objects.filter(pk=pk, engagement=engagement).first():
        return there
    if not engagement.companion or kind not in kinds_in(engagement.state):
        raise NotPossible()
    appointment = add(engagement, pk, kind, meeting, by)
    audit.write("appointment.made", by=by.pk, subject=engagement.pk)
    tell_both(APPOINTMENT_NEW, appointment)
    return appointment


def add(
    engagement: Engagement, pk: uuid.UUID, kind: str, meeting: Meeting, by: User, series: dict[str, Any] | None = None
) -> Appointment:
    """An appointment with its talk and the four empty parts; nobody is told yet."""
    pair = {"learner": engagement.learner, "companion": engagement.companion}
    appointment = Appointment(
        pk=pk,
        engagement=engagement,
        kind=kind,
        made_by=by,
        made_at=clock.now(),
        zone=by.time_zone,
        **pair,
        **asdict(meeting),
        **(series or {}),
    )
    _book(appointment, force_insert=True)
    conversation = Conversation.objects.create(engagement=engagement, appointment=appointment)
    ConversationPart.objects.bulk_create(
        ConversationPart(conversation=conversation, part=part.number) for part in PARTS
    )
    DateProposal.objects.filter(engagement=engagement, answer=DateAnswer.OPEN).update(
        answer=DateAnswer.LAPSED, answered_at=clock.now()
    )
    return appointment


def move(*, appointment: Appointment, seen: int, meeting: Meeting, by: User) -> bool:
    """Another time or place for the same appointment; its preparation stays. False when it is already so."""
    appointment = _locked(appointment)
    if not may_meet(appointment, conversation_of(appointment)).move:
        raise NotPossible()
    if meeting.fits(appointment):
        return False
    if appointment.sequence != seen:
        raise Changed(appointment)
    for name, value in asdict(meeting).items():
        setattr(appointment, name, value)
    appointment.sequence += 1
    _book(appointment, update_fields=[*asdict(meeting), "sequence"])
    audit.write("appointment.moved", by=by.pk, subject=appointment.engagement_id)
    tell_both(APPOINTMENT_MOVED, appointment)
    return True


def cancel(*, appointment: Appointment, by: User) -> None:
    """It does not take place; what was prepared stays. Twice is once."""
    appointment = _locked(appointment)
    if appointment.cancelled_at:
        return
    if not may_meet(appointment, conversation_of(appointment)).cancel:
        raise NotPossible()
    _strike(appointment, by)


def cancel_coming(*, engagement: Engagement, by: User) -> None:
    """The two part: what was still to come is cancelled, and both calendars are told, once for a whole series."""
    coming = Appointment.objects.standing().filter(engagement_id=engagement.pk, starts_at__gt=clock.now())
    together: dict[uuid.UUID, list[Appointment]] = {}
    for appointment in coming.select_related("learner", "companion").order_by("starts_at"):
        together.setdefault(appointment.series or appointment.pk, []).append(appointment)
    for one, *others in together.values():
        if others:
            cancel_together([one, *others], by)
        else:
            _strike(one, by)


def cancel_together(appointments: list[Appointment], by: User) -> None:
    """These of one series do not take place: one mail about all of them."""
    for appointment in appointments:
        strike(appointment)
    audit.write("appointment.series_cancelled", by=by.pk, subject=appointments[0].engagement_id)
    tell_both_of_series(SERIES_CANCELLED, appointments)


def strike(appointment: Appointment) -> None:
    """Cancel the row; nobody is told yet."""
    appointment.cancelled_at = clock.now()
    appointment.sequence += 1
    appointment.save(update_fields=["cancelled_at", "sequence"])


def _strike(appointment: Appointment, by: User) -> None:
    strike(appointment)
    audit.write("appointment.cancelled", by=by.pk, subject=appointment.engagement_id)
    tell_both(APPOINTMENT_CANCELLED, appointment)


def _locked(appointment: Appointment) -> Appointment:
    """The appointment as it is now, its engagement held first: one order of locks everywhere."""
    locked(appointment.engagement)
    rows = Appointment.objects.select_for_update(no_key=True, of=("self",))
    found = rows.select_related("engagement", "learner", "companion", "conversation").filter(pk=appointment.pk).first()
    if not found:
        raise NotPossible()
    return found


def _book(appointment: Appointment, **how: Any) -> None:
    """Write it, if the time is free for both; two walls, one answer."""
    try:
        with transaction.atomic():
            if _clashes(appointment):
                raise TimeTaken
            appointment.save(**how)
    except DatabaseError as error:
        code = getattr(error.__cause__, "sqlstate", "")
        if code in (EXCLUSION_VIOLATION, DEADLOCK):
            raise TimeTaken from error
        if code == UNIQUE_VIOLATION:  # an id that belongs to somebody else's appointment
            raise NotPossible() from error
        raise


def _clashes(appointment: Appointment) -> bool:
    return clash(appointment.engagement_id, appointment.starts_at, appointment.ends_at, moved=appointment.pk)


def clash(engagement: uuid.UUID, starts_at: datetime, ends_at: datetime, moved: uuid.UUID | None = None) -> bool:
    """Whether one of the two has another appointment then. Holds both until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT appointment_clash(%s, %s, %s, %s)", [engagement, starts_at, ends_at, moved])
        return bool(cursor.fetchone()[0])
