"""When a reminder may be sent (design/domain.md, R2 to R5). Plain functions of values; no queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

OPENS, CLOSES = 8, 16  # no mail outside of these hours, in the person's own time zone
FOLLOW_UP_AFTER = 3  # working days
TOO_LATE = timedelta(days=3)  # what could not be sent for so long is dropped, never caught up in bulk


@cache
def _calendar(state: str) -> holidays.HolidayBase:
    return holidays.country_holidays("DE", subdiv=state)


@dataclass(frozen=True)
class Rhythm:
    """What a person's working days depend on. `work_days` has bits 0 to 6 for Monday to Sunday."""

    state: str
    zone: ZoneInfo
    hour: int = 8
    work_days: int = 0b0011111
    absent_from: date | None = None
    absent_until: date | None = None

    def is_holiday(self, day: date) -> bool:
        """A public holiday of the Bundesland."""
        return day in _calendar(self.state)

    def works_on(self, day: date) -> bool:
        """An own working day that is neither a holiday nor in a declared absence."""
        absent = self.absent_from is not None and self.absent_from <= day <= (self.absent_until or date.max)
        return bool(self.work_days >> day.weekday() & 1) and not self.is_holiday(day) and not absent

    def first_working_day(self, day: date) -> date:
        """This day or the next on which the person works; an endless absence answers a year later."""
        for distance in range(366):
            found = day + timedelta(days=distance)
            if self.works_on(found):
                return found
        return day + timedelta(days=366)

    def add_working_days(self, day: date, number: int) -> date:
        """The day so many working days later."""
        for _ in range(number):
            day = self.first_working_day(day + timedelta(days=1))
        return day

    def moment(self, day: date) -> datetime:
        """The personal hour of a day, within the window."""
        return datetime.combine(day, time(min(max(self.hour, OPENS), CLOSES - 1)), self.zone)

    def reminder_on(self, due_on: date) -> datetime:
        """When a step meant for a day is reminded of: on that day, or moved forward to the next working day."""
        return self.moment(self.first_working_day(due_on))

    def follow_up_on(self, due_on: date) -> datetime:
        """The one and only second reminder."""
        return self.moment(self.add_working_days(self.first_working_day(due_on), FOLLOW_UP_AFTER))

    def next_chance(self, now: datetime) -> datetime | None:
        """None when a mail may go out right now; else the next moment at which it may."""
        local = now.astimezone(self.zone)
        if self.works_on(local.date()) and self.hour <= local.hour < CLOSES:
            return None
        today_still = self.works_on(local.date()) and local.hour < self.hour
        day = local.date() if today_still else self.first_working_day(local.date() + timedelta(days=1))
        return self.moment(day)


def working_days_between(start: date, end: date, state: str) -> int:
    """Monday to Friday without holidays, after `start` and up to `end`."""
    rhythm = Rhythm(state=state, zone=ZoneInfo("Europe/Berlin"))
    days = (start + timedelta(days=number) for number in range(1, (end - start).days + 1))
    return sum(rhythm.works_on(day) for day in days)
