"""The free times of two people: what the companion offers, without what either has no time for; as a page shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from accounts.models import User
from engagements.digest import rhythm_of
from engagements.engagement import Engagement
from lernbegleitung import clock

from .busy import busy_times
from .offered_times import OfferedTime, offers_of, rules_of
from .slots import Calendar, Offers, Slot, slots

DAYS, PREVIEW = 8, 14  # days with free times on a page; days ahead in the companion's preview
LENGTHS = (30, 45, 60, 90)  # minutes
A_DAY = timedelta(days=1)


@dataclass
class FreeDay:
    """The free times of one day of the reader's."""

    day: date
    slots: list[Slot] = field(default_factory=list)


def offered_by(companion: User) -> Offers:
    """Everything this companion offers, for the companion and for those who learn with them."""
    return offers_of(rules_of(companion), list(OfferedTime.objects.in_force_of(companion)))


def free_slots(engagement: Engagement, length: timedelta, first: date | None = None) -> Iterator[Slot]:
    """When the two of a running companionship could meet for so long, from a day on; soonest first."""
    companion, learner = engagement.companion, engagement.learner
    assert companion  # a running companionship has one
    offers = offered_by(companion)
    if not offers.times:
        return iter(())
    now = clock.now()
    busy = busy_times([companion.pk, learner.pk], now - A_DAY, now + (offers.horizon + 2) * A_DAY)
    theirs, learners = (Calendar(rhythm_of(person), busy[person.pk]) for person in (companion, learner))
    return slots(offers, theirs, learners, length, now, first or clock.today())


def preview_of(companion: User, offers: Offers, length: timedelta) -> Iterator[Slot]:
    """What anybody who learns with this companion would find in the next two weeks."""
    now = clock.now()
    busy = busy_times([companion.pk], now - A_DAY, now + (PREVIEW + 2) * A_DAY)
    until = now + PREVIEW * A_DAY
    found = slots(offers, Calendar(rhythm_of(companion), busy[companion.pk]), None, length, now, clock.today())
    return (slot for slot in found if slot.starts_at <= until)


def slot_at(engagement: Engagement, starts_at: datetime, length: timedelta) -> Slot | None:
    """The free slot with this beginning, if there is one."""
    companion = engagement.companion
    assert companion  # a running companionship has one
    day = starts_at.astimezone(companion.zone()).date()
    found = free_slots(engagement, length, day)
    nearby = (slot for slot in found if slot.starts_at >= starts_at)
    return next((slot for slot in islice(nearby, 1) if slot.starts_at == starts_at), None)


def by_day(found: Iterator[Slot], zone: ZoneInfo, most: int = DAYS) -> tuple[list[FreeDay], Slot | None]:
    """By the reader's days, at most so many; and the first slot that is not among them."""
    days: list[FreeDay] = []
    for slot in found:
        day = slot.starts_at.astimezone(zone).date()
        if not days or days[-1].day != day:
            if len(days) == most:
                return days, slot
            days.append(FreeDay(day))
        days[-1].slots.append(slot)
    return days, None
