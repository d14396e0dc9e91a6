"""Which times are free: of what a companion offers, without free days and without what is taken. Plain functions of
values; no queries, no clock of their own (docs/decisions/0015).

Offers are read in the companion's time zone, wall clock and all: ten o'clock stays ten o'clock when the clocks change.
Slots are moments in UTC, so that an hour lasts an hour and everybody reads them in their own zone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engagements.reminders import Rhythm

STEP = timedelta(minutes=30)  # from one beginning to the next, counted from the beginning of the offer

Busy = tuple[datetime, datetime]  # from, to; the end is free again


@dataclass(frozen=True)
class Offer:
    """From one time of day to another: every week on a weekday (0 is Monday), or once on a day."""

    starts: time
    ends: time
    weekday: int | None = None
    day: date | None = None
    formats: tuple[str, ...] = ()
    place: str = ""

    def holds_on(self, day: date) -> bool:
        """Whether this day is meant."""
        return self.day == day if self.day else self.weekday == day.weekday()


@dataclass(frozen=True)
class Offers:
    """Everything a companion offers: times, days without any, and how they may be booked. `horizon` is in days."""

    times: tuple[Offer, ...] = ()
    days_off: frozenset[date] = frozenset()
    buffer: timedelta = timedelta(0)
    notice: timedelta = timedelta(0)
    horizon: int = 28


@dataclass(frozen=True)
class Slot:
    """A time that can be booked, in UTC, and how the two may meet then."""

    starts_at: datetime
    ends_at: datetime
    formats: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True)
class Calendar:
    """What is known of one person: the days they work, and when they are taken, by whatever."""

    rhythm: Rhythm
    busy: Collection[Busy] = ()

    def is_free(self, slot: Slot, buffer: timedelta = timedelta(0)) -> bool:
        """Whether nothing lies within the slot, nor so close to it."""
        return all(ends + buffer <= slot.starts_at or slot.ends_at + buffer <= starts for starts, ends in self.busy)

    def suits(self, slot: Slot, offer: Offer) -> bool:
        """Whether the person can be there on that day. What is offered once may lie on a weekday one does not work on."""
        days = {moment.astimezone(self.rhythm.zone).date() for moment in (slot.starts_at, slot.ends_at)}
        return all(self.rhythm.works_on(day) or offer.day and not self.rhythm.is_off(day) for day in days)


def slots(
    offers: Offers, companion: Calendar, other: Calendar | None, length: timedelta, now: datetime, first: date
) -> Iterator[Slot]:
    """The free slots of this length in order of time, from the companion's day `first` on; at most one for a beginning.

    `other` is the learner; None: as anybody would see it.
    """
    zone = companion.rhythm.zone
    today = now.astimezone(zone).date()
    people = [companion, other] if other else [companion]
    for number in range((today - max(first, today)).days + offers.horizon + 1):
        day = max(first, today) + timedelta(days=number)
        found: dict[datetime, Slot] = {}
        for offer in offers.times:
            if offer.holds_on(day) and day not in offers.days_off:
                for slot in within(offer, day, zone, length):
                    if slot.starts_at >= now + offers.notice and all(person.suits(slot, offer) for person in people):
                        found.setdefault(slot.starts_at, slot)
        for moment in sorted(found):
            slot = found[moment]
            if companion.is_free(slot, offers.buffer) and (not other or other.is_free(slot)):
                yield slot


def within(offer: Offer, day: date, zone: ZoneInfo, length: timedelta) -> Iterator[Slot]:
    """What fits into an offer on a day. Beginning and end are inside of it by the clock on the wall, also on the two
    days on which that clock jumps."""
    moment = datetime.combine(day, offer.starts, zone).astimezone(UTC)
    last = datetime.combine(day, offer.ends, zone).astimezone(UTC) - length
    while moment <= last:
        walls = [at.astimezone(zone).replace(tzinfo=None) for at in (moment, moment + length)]
        if all(datetime.combine(day, offer.starts) <= wall <= datetime.combine(day, offer.ends) for wall in walls):
            yield Slot(moment, moment + length, offer.formats, offer.place)
        moment += STEP
