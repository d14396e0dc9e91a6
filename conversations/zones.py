"""Time zones as calendars want them: VTIMEZONE with the rules of the change of the clocks (RFC 5545, 3.6.5).

Written from the machine's own zone data. The rules are yearly ("the last Sunday in March"), since that is the form that
every calendar reads, Exchange included; a zone whose changes follow no such rule gets them listed, one by one.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vRecur

YEARS = 6  # looked at, from the year before; an appointment is never further away
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True)
class Change:
    """A change of the clocks: when by the clock as it was before, and the offsets from UTC before and after."""

    at: datetime
    before: timedelta
    after: timedelta
    name: str
    to_summer: bool

    def rule(self) -> tuple[int, str, object]:
        """The month, the weekday in it ("-1SU": the last Sunday) and the hour."""
        last = self.at.day + 7 > calendar.monthrange(self.at.year, self.at.month)[1]
        nth = -1 if last else (self.at.day - 1) // 7 + 1
        return self.at.month, f"{nth}{DAYS[self.at.weekday()]}", self.at.time()


@cache
def vtimezone(name: str, year: int) -> bytes:
    """The zone of this name with the rules that hold around a year."""
    zone = ZoneInfo(name)
    timezone = Timezone()
    timezone.add("tzid", name)
    found = changes(zone, year - 1, year - 1 + YEARS)
    for summer in (False, True):
        if same := [change for change in found if change.to_summer == summer]:
            timezone.add_component(_observance(same))
    if not found:
        offset = datetime(year, 1, 1, tzinfo=zone).utcoffset() or timedelta(0)
        always = Change(datetime(1970, 1, 1), offset, offset, datetime(year, 1, 1, tzinfo=zone).tzname() or name, False)
        timezone.add_component(_observance([always]))
    return timezone.to_ical()


def changes(zone: tzinfo, first: int, end: int) -> list[Change]:
    """Every change of the clocks from the beginning of one year to the beginning of another."""
    found = []
    day, until = datetime(first, 1, 1, tzinfo=UTC), datetime(end, 1, 1, tzinfo=UTC)
    while day < until:
        after = day + timedelta(days=1)
        if _offset(zone, day) != _offset(zone, after):
            found.append(_change(zone, day, after))
        day = after
    return found


def _change(zone: tzinfo, early: datetime, late: datetime) -> Change:
    """The change between two moments, found to the minute by halving."""
    while late - early > timedelta(minutes=1):
        middle = early + ((late - early) / 2 // timedelta(minutes=1)) * timedelta(minutes=1)
        early, late = (middle, late) if _offset(zone, middle) == _offset(zone, early) else (early, middle)
    local, before = late.astimezone(zone), _offset(zone, early)
    return Change(
        at=(late + before).replace(tzinfo=None),
        before=before,
        after=_offset(zone, late),
        name=local.tzname() or "",
        to_summer=_offset(zone, late) > before,
    )


def _observance(same: list[Change]) -> TimezoneStandard | TimezoneDaylight:
    first = same[0]
    part: TimezoneStandard | TimezoneDaylight = TimezoneDaylight() if first.to_summer else TimezoneStandard()
    part.add("dtstart", first.at)
    part.add("tzoffsetfrom", first.before)
    part.add("tzoffsetto", first.after)
    part.add("tzname", first.name)
    month, weekday, _hour = first.rule()
    if len(same) == YEARS and len({change.rule() for change in same}) == 1:
        part.add("rrule", vRecur({"FREQ": "YEARLY", "BYMONTH": month, "BYDAY": weekday}))
    else:
        for change in same[1:]:
            part.add("rdate", change.at)
    return part


def _offset(zone: tzinfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)
