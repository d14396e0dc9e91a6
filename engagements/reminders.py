"""When a reminder may come (design/domain.md, R2 to R5). Plain functions of values; no queries, no clock of their own.

`plan` is the whole truth about it: the page that says what will come, the row in the outbox and the decision when
a mail is sent are all made of its answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from holidays.countries.germany import Germany

OPENS, CLOSES = 8, 16  # no mail outside of these hours, in the person's own time zone
FOLLOW_UP_AFTER = 3  # working days
LATE = 2  # working days that a reminder may come late, a week at most; then it is dropped, never caught up in bulk
LATE_AT_MOST = timedelta(days=7)
MANY = 20_000  # answers that are remembered
A_YEAR = 366  # days that are searched for a working day

STEP_DUE, STEP_AGAIN = "step_due", "step_again"


@cache
def public_holidays(state: str, year: int) -> frozenset[date]:
    """The public holidays of a Bundesland in a year; the only place that knows the package."""
    return frozenset(Germany(subdiv=state, years=year))


@dataclass(frozen=True)
class Rhythm:
    """What a person's working days depend on. `work_days` has bits 0 to 6 for Monday to Sunday.

    `free` are free days of the agency besides the Bundesland's; `free_every_year` are (month, day).
    """

    state: str
    zone: ZoneInfo
    hour: int = OPENS
    work_days: int = 0b0011111
    absent_from: date | None = None
    absent_until: date | None = None
    free: frozenset[date] = frozenset()
    free_every_year: frozenset[tuple[int, int]] = frozenset()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:  # asked for again and again by what is remembered below
        return hash((self.state, self.zone, self.hour, self.work_days, self.absent_from, self.absent_until, self.free))

    def is_holiday(self, day: date) -> bool:
        """A public holiday of the Bundesland, or a free day of the agency."""
        return (
            day in public_holidays(self.state, day.year)
            or day in self.free
            or (day.month, day.day) in self.free_every_year
        )

    def is_off(self, day: date) -> bool:
        """A holiday, or in a declared absence: nobody is asked to come then, whatever the weekday."""
        absent = self.absent_from is not None and self.absent_from <= day <= (self.absent_until or date.max)
        return absent or self.is_holiday(day)

    @lru_cache(maxsize=MANY)  # noqa: B019 - the same few rhythms and days for everybody, again and again
    def works_on(self, day: date) -> bool:
        """An own working day that is neither a holiday nor in a declared absence."""
        return bool(self.work_days >> day.weekday() & 1) and not self.is_off(day)

    @lru_cache(maxsize=MANY)  # noqa: B019
    def working_day_from(self, day: date) -> date | None:
        """This day or the next on which the person works; None when there is none within a year."""
        for distance in range(A_YEAR):
            found = day + timedelta(days=distance)
            if self.works_on(found):
                return found
        return None

    def working_days_later(self, day: date, number: int) -> date | None:
        """The day so many working days later; None when there is none."""
        found: date | None = day
        for _ in range(number):
            found = found and self.working_day_from(found + timedelta(days=1))
        return found

    def own_hour(self) -> int:
        """The personal hour, within the window."""
        return min(max(self.hour, OPENS), CLOSES - 1)

    @lru_cache(maxsize=MANY)  # noqa: B019
    def moment(self, day: date) -> datetime:
        """The personal hour of a day."""
        return datetime.combine(day, time(self.own_hour()), self.zone)

    def may_send(self, now: datetime) -> bool:
        """Whether a mail may go out right now: a working day, the own hour or later, the window still open."""
        local = now.astimezone(self.zone)
        return self.own_hour() <= local.hour < CLOSES and self.works_on(local.date())

    def next_chance(self, now: datetime) -> datetime | None:
        """None when a mail may go out right now, or never; else the next moment at which it may."""
        local = now.astimezone(self.zone)
        if self.may_send(now):
            return None
        tomorrow = timedelta(days=0 if local.hour < self.own_hour() else 1)
        day = self.working_day_from(local.date() + tomorrow)
        return self.moment(day) if day else None


@lru_cache(maxsize=MANY)
def the_one(rhythm: Rhythm) -> Rhythm:
    """The same object for all equal rhythms: what is remembered of it is found again without comparing eight values."""
    return rhythm


class Wish(NamedTuple):
    """Something that a person is to be told: once for each `what`, `subject` and `meant_for`.

    `first` is the day on which it is to be told, `last` the day after which it is no longer worth it.
    """

    what: str
    subject: uuid.UUID
    meant_for: date
    first: date
    last: date

    def mark(self) -> Mark:
        """What is written down once it was told."""
        return self.what, self.subject, self.meant_for


Mark = tuple[str, uuid.UUID, date]


class Digest(NamedTuple):
    """One mail of one working day: when it is to go out, and what it tells, in the order of the days meant."""

    day: date
    at: datetime
    wishes: tuple[Wish, ...]


def wishes_of_step(rhythm: Rhythm, step: uuid.UUID, due_on: date, told: Mapping[Mark, date], today: date) -> list[Wish]:
    """A reminder on the day, or on the next working day, and one follow-up three working days after it. Then silence."""
    spans = _spans_of_step(rhythm, due_on, told.get((STEP_DUE, step, due_on)), today)
    return [Wish(what, step, due_on, first, last) for what, first, last in spans if (what, step, due_on) not in told]


@lru_cache(maxsize=MANY)
def _spans_of_step(
    rhythm: Rhythm, due_on: date, told_on: date | None, today: date
) -> tuple[tuple[str, date, date], ...]:
    """From when to when each of the two may be told: the same for all steps of a day and a rhythm."""
    first = rhythm.working_day_from(due_on)
    if first is None:
        return ()
    last = last_day(rhythm, first)
    soon = rhythm.working_day_from(max(first, today)) if last >= today else first
    again = rhythm.working_days_later(told_on or soon or first, FOLLOW_UP_AFTER)
    due = (STEP_DUE, first, last)
    return (due, (STEP_AGAIN, again, last_day(rhythm, again))) if again else (due,)


def last_day(rhythm: Rhythm, first: date) -> date:
    """Until when something meant for a working day may still be told."""
    return min(rhythm.working_days_later(first, LATE) or first, first + LATE_AT_MOST)


def plan(rhythm: Rhythm, wishes: Iterable[Wish], now: datetime, used: Collection[date] = ()) -> list[Digest]:
    """What goes out when, from now on: at most one mail a working day (R2), none on the days `used` already.

    `now` is frozen by whoever asks. What has become too late is not in the answer, and never will be.
    """
    local = now.astimezone(rhythm.zone)
    earliest = local.date() + timedelta(days=0 if local.hour < CLOSES else 1)
    days: dict[date, list[Wish]] = {}
    for wish in wishes:
        day = rhythm.working_day_from(max(wish.first, earliest))
        while day is not None and day in used:
            day = rhythm.working_day_from(day + timedelta(days=1))
        if day is not None and day <= wish.last:
            days.setdefault(day, []).append(wish)
    return [
        Digest(day, rhythm.moment(day), tuple(sorted(days[day], key=lambda wish: (wish.meant_for, wish.subject))))
        for day in sorted(days)
    ]


def working_days_between(start: date, end: date, state: str) -> int:
    """Monday to Friday without holidays, after `start` and up to `end`."""
    rhythm = Rhythm(state=state, zone=ZoneInfo("Europe/Berlin"))
    days = (start + timedelta(days=number) for number in range(1, (end - start).days + 1))
    return sum(rhythm.works_on(day) for day in days)
