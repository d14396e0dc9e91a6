"""Making, moving and cancelling series of talks, and "again in four weeks". Both are told, in one mail for all of it."""

from __future__ import annotations

import uuid
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from conversations.access import conversation_of, may_meet
from conversations.appointments import Appointment, Kind
from conversations.busy import busy_times
from conversations.mails import SERIES_MOVED, SERIES_NEW, tell_both_of_series
from conversations.series import Slot, Taken, again_at, plan, regular_times, shifted
from engagements.actions.choice import locked
from engagements.digest import rhythm_of
from engagements.engagement import Engagement
from engagements.reminders import Rhythm
from engagements.states import NotPossible
from lernbegleitung import clock

from .appointments import (
    Changed,
    Meeting,
    TimeTaken,
    _book,
    _locked,
    add,
    cancel,
    cancel_together,
    clash,
    kinds_in,
    make,
    move,
)
from .booking import place_for


def look_at(*, engagement: Engagement, first: Meeting, every: int, number: int, by: User) -> list[Slot]:
    """The regular times of a series and what stands against each; changes nothing."""
    zone, length = by.zone(), first.ends_at - first.starts_at
    local = first.starts_at.astimezone(zone)
    times = regular_times(local.date(), local.time(), zone, every, number)
    taken = taken_for(engagement, times[0], times[-1] + timedelta(days=14))
    return plan(times, length, zone, rhythms_of(engagement), taken)


def taken_for(engagement: Engagement, start: datetime, end: datetime) -> Taken:
    """Whether one of the two has something else then, here or in the own calendar."""
    people = [engagement.learner_id, engagement.companion_id or 0]
    busy = [period for periods in busy_times(people, start, end).values() for period in periods]

    def taken(starts: datetime, ends: datetime) -> bool:
        return any(a < ends and b > starts for a, b in busy) or clash(engagement.pk, starts, ends)

    return taken


def rhythms_of(engagement: Engagement) -> list[Rhythm]:
    """The working days of both."""
    return [rhythm_of(person) for person in (engagement.learner, engagement.companion) if person]


@transaction.atomic
def make_series(
    *, engagement: Engagement, series: uuid.UUID, kind: str, dates: list[tuple[Slot, datetime]], first: Meeting,
    every: int, by: User,
) -> list[Appointment]:  # fmt: skip
    """The talks of a series, all or none. The same form twice is once."""
    engagement = locked(engagement)
    if there := list(Appointment.objects.filter(series=series, engagement=engagement).order_by("slot_at")):
        return there
    if not engagement.companion or kind not in kinds_in(engagement.state) or not dates:
        raise NotPossible()
    length, made = first.ends_at - first.starts_at, []
    for slot, starts in dates:
        meeting = replace(first, starts_at=starts, ends_at=starts + length)
        pk = uuid.uuid5(series, slot.at.isoformat())
        made.append(
            add(engagement, pk, kind, meeting, by, {"series": series, "slot_at": slot.at, "every_weeks": every})
        )
    audit.write("appointment.series_made", by=by.pk, subject=engagement.pk)
    tell_both_of_series(SERIES_NEW, made)
    return made


def following(appointment: Appointment) -> list[Appointment]:
    """This one and the standing ones after it in its series, in the order of their regular times."""
    if not appointment.series:
        return [appointment]
    rows = Appointment.objects.standing().filter(series=appointment.series, slot_at__gte=appointment.slot_at)
    return list(rows.select_related("engagement", "learner", "companion", "conversation").order_by("slot_at"))


@transaction.atomic
def move_following(*, appointment: Appointment, seen: int, meeting: Meeting, by: User) -> int:
    """This one as told, and all after it by as many days and to the same time of day; answers how many moved.

    All or none: raises TimeTaken where one of them meets something else.
    """
    appointment = _locked(appointment)
    zone, length = by.zone(), meeting.ends_at - meeting.starts_at
    local = meeting.starts_at.astimezone(zone)
    days = local.date() - appointment.starts_at.astimezone(zone).date()
    rows = [row for row in following(appointment) if may_meet(row, conversation_of(row)).move]
    if appointment.pk not in {row.pk for row in rows}:
        raise NotPossible()
    if len(rows) == 1:
        return int(move(appointment=appointment, seen=seen, meeting=meeting, by=by))
    there = [(row, shifted(row.starts_at, days, local.time(), zone)) for row in rows]
    changes = [(row, replace(meeting, starts_at=at, ends_at=at + length)) for row, at in there]
    changes = [(row, to) for row, to in changes if not to.fits(row)]
    if not changes:  # the same form twice is once
        return 0
    if appointment.sequence != seen:
        raise Changed(appointment)
    if any(to.starts_at <= clock.now() for _row, to in changes):
        raise NotPossible(_("Einer der folgenden Termine läge dann in der Vergangenheit."))
    rows = [row for row, _to in changes]
    later = meeting.starts_at > appointment.starts_at
    for row, to in reversed(changes) if later else changes:  # into what is left free
        for name, value in asdict(to).items():
            setattr(row, name, value)
        row.sequence += 1
        _book(row, update_fields=[*asdict(to), "sequence"])
    audit.write("appointment.series_moved", by=by.pk, subject=appointment.engagement_id)
    tell_both_of_series(SERIES_MOVED, rows)
    return len(rows)


@transaction.atomic
def cancel_following(*, appointment: Appointment, by: User) -> int:
    """This one and all after it do not take place; answers how many were cancelled. Twice is once."""
    appointment = _locked(appointment)
    rows = [row for row in following(appointment) if may_meet(row, conversation_of(row)).cancel]
    if len(rows) < 2:
        cancel(appointment=appointment, by=by)
        return 1
    cancel_together(rows, by)
    return len(rows)


def again(*, appointment: Appointment, by: User) -> Appointment:
    """The same once more in four weeks, a free day moved on; a second click is the same. Raises TimeTaken."""
    engagement = appointment.engagement
    kinds = kinds_in(engagement.state)
    if not kinds:
        raise NotPossible()
    starts = again_at(appointment.starts_at, by.zone(), rhythms_of(engagement))
    same = appointment.companion_id == engagement.companion_id  # a former companion's room or number stays theirs
    place = appointment.place if same else place_for(engagement, appointment.format, "", by)
    meeting = Meeting(starts, starts + appointment.duration(), appointment.format, place)
    cancelled = Appointment.objects.filter(engagement=engagement, starts_at=starts).exclude(cancelled_at=None).count()
    pk = uuid.uuid5(appointment.pk, f"{starts.isoformat()}/{cancelled}")  # what was cancelled is not made by this
    if starts <= clock.now() or taken_for(engagement, starts, meeting.ends_at)(starts, meeting.ends_at):
        if there := Appointment.objects.standing().filter(pk=pk).first():
            return there
        raise TimeTaken
    kind: Any = appointment.kind if appointment.kind in (Kind.CONVERSATION, Kind.CHECK_IN) else kinds[0]
    return make(engagement=engagement, pk=pk, kind=kind, meeting=meeting, by=by)


def say_held(*, appointment: Appointment, held: bool | None, by: User) -> None:
    """Whether the two met, as one of them says; the other one can say otherwise. Nobody else learns of it."""
    appointment = _locked(appointment)
    if not may_meet(appointment, conversation_of(appointment)).say_held:
        raise NotPossible()
    Appointment.objects.filter(pk=appointment.pk).update(held=held)
