"""A series of talks: its regular times by the clock, and what stands against each. Plain functions of values; no queries.

Each talk of a series is an appointment of its own, with its own preparation and record. What makes it a series is that they
share an identity in calendars, where they are one recurring event with exceptions (docs/decisions/0016-calendars.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engagements.reminders import Rhythm

from .appointment_forms import moment

MOST = 12  # talks
LOOK_FURTHER = 6  # days after a regular time in which another is looked for
AGAIN = timedelta(weeks=4)
FREE_DAY, TAKEN = "free_day", "taken"
Taken = Callable[[datetime, datetime], bool]


@dataclass(frozen=True)
class Slot:
    """One regular time of a series: what stands against it, and when it would be possible instead."""

    number: int
    at: datetime
    trouble: str = ""
    instead: datetime | None = None

    def usual(self) -> str:
        """What is done with it unless somebody says otherwise: keep, move or leave out."""
        return "keep" if not self.trouble else "move" if self.instead else "skip"

    def choices(self) -> list[str]:
        """What can be done with it; nobody can be in two places, but one may meet on a free day."""
        possible = {"keep": self.trouble != TAKEN, "move": self.instead is not None, "skip": True}
        return [choice for choice, can in possible.items() if can]

    def chosen(self, choice: str) -> datetime | None:
        """When it takes place by this choice; None for not at all."""
        choice = choice if choice in self.choices() else self.usual()
        return {"keep": self.at, "move": self.instead}.get(choice)


def regular_times(first: date, at: time, zone: ZoneInfo, every: int, number: int) -> list[datetime]:
    """Every so many weeks at the same time by the clock; without one that the change of the clocks skips."""
    days = (first + timedelta(weeks=every * n) for n in range(number))
    return [found for day in days if (found := moment(day, at, zone))]


def plan(
    times: Iterable[datetime], length: timedelta, zone: ZoneInfo, rhythms: list[Rhythm], taken: Taken
) -> list[Slot]:
    """Each regular time with what stands against it: a day on which one of the two does not work, or another appointment."""
    slots = []
    for number, starts in enumerate(times):
        day = starts.astimezone(zone).date()
        trouble = (
            FREE_DAY if not all(rhythm.works_on(day) for rhythm in rhythms)
            else TAKEN if taken(starts, starts + length) else ""
        )  # fmt: skip
        instead = next_possible(starts, length, zone, rhythms, taken) if trouble else None
        slots.append(Slot(number, starts, trouble, instead))
    return slots


def next_possible(
    starts: datetime, length: timedelta, zone: ZoneInfo, rhythms: list[Rhythm], taken: Taken
) -> datetime | None:
    """The same time by the clock on the next day on which both work and are free; None when there is none soon."""
    local = starts.astimezone(zone)
    for distance in range(1, LOOK_FURTHER + 1):
        day = local.date() + timedelta(days=distance)
        found = moment(day, local.time(), zone)
        if found and all(rhythm.works_on(day) for rhythm in rhythms) and not taken(found, found + length):
            return found
    return None


def again_at(starts: datetime, zone: ZoneInfo, rhythms: list[Rhythm]) -> datetime:
    """Four weeks later at the same time by the clock, on the next day on which both work."""
    local = starts.astimezone(zone)
    day = local.date() + AGAIN
    for distance in range(LOOK_FURTHER + 1):
        later = day + timedelta(days=distance)
        if all(rhythm.works_on(later) for rhythm in rhythms):
            day = later
            break
    return moment(day, local.time(), zone) or datetime.combine(day, local.time(), zone).astimezone(UTC)


def shifted(starts: datetime, by: timedelta, at: time, zone: ZoneInfo) -> datetime:
    """Moved by whole days and to a time by the clock."""
    day = starts.astimezone(zone).date() + by
    return moment(day, at, zone) or datetime.combine(day, at, zone).astimezone(UTC)
