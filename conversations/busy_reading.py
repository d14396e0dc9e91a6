"""Fetch somebody's published calendar and answer when they are busy. Runs as a process of its own, for nothing else.

What a stranger's server sends is read here, away from the application: without its secrets, without the database, with an
end set to time, memory and size (`read_safely`). It is told where to look on its standard input and answers with times or
with the name of a problem, so that neither address nor content stands in a list of processes or in a log.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component

from .fetching import Refused, fetch

SECONDS, CPU_SECONDS, MEMORY = 40, 20, 1 << 30
MOST_EVENTS, MOST_TIMES = 20_000, 2_000
TOO_FINE = {"SECONDLY", "MINUTELY"}  # nobody has an appointment every minute
FREE = {"FREE", "WORKINGELSEWHERE"}  # as Exchange says that somebody can be asked

Times = list[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Order:
    """What to read: the address, the window, the zone of times without one, and whose events are ours anyway."""

    address: str
    start: str
    end: str
    zone: str
    own_domain: str
    inner_hosts: tuple[str, ...] = ()
    ca_file: str = ""


def read_safely(order: Order) -> Times:
    """What `read` finds, by a process of its own; raises Refused, also when it takes too long or too much."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "conversations.busy_reading"], input=json.dumps(asdict(order)), text=True,
            capture_output=True, timeout=SECONDS, check=True, env={}, cwd=Path(__file__).parent.parent,
        )  # fmt: skip
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise Refused("too_slow") from None
    except (subprocess.CalledProcessError, ValueError):  # out of memory or computing time
        raise Refused("too_much") from None
    if "problem" in answer:
        raise Refused(answer["problem"])
    return [(datetime.fromisoformat(starts), datetime.fromisoformat(ends)) for starts, ends in answer["times"]]


def read(order: Order) -> Times:
    """Fetch and read."""
    data = fetch(order.address, inner_hosts=order.inner_hosts, ca_file=order.ca_file)
    start, end = datetime.fromisoformat(order.start), datetime.fromisoformat(order.end)
    return busy_times(data, start, end, ZoneInfo(order.zone), own_domain=order.own_domain)


def busy_times(data: bytes, start: datetime, end: datetime, zone: ZoneInfo, *, own_domain: str = "") -> Times:
    """When somebody is busy between two moments, in order and without overlaps; raises Refused."""
    if b"BEGIN:VCALENDAR" not in data[:2000].upper():
        raise Refused("no_calendar")
    try:
        calendars = Calendar.from_ical(data, multiple=True)
    except (ValueError, IndexError, KeyError, AttributeError, TypeError):
        raise Refused("no_calendar") from None
    found: Times = []
    for calendar in calendars:
        found += [period for period in _events(calendar, start, end, zone, own_domain) if period]
        found += _free_busy(calendar, zone)
    return merged([(max(a, start), min(b, end)) for a, b in found if a < end and b > start and a < b])[:MOST_TIMES]


def _events(
    calendar: Component, start: datetime, end: datetime, zone: ZoneInfo, own: str
) -> Iterator[tuple[datetime, datetime] | None]:
    import recurring_ical_events

    calendar.subcomponents = [part for part in calendar.subcomponents if part.name != "VEVENT" or "DTSTART" in part]
    events = calendar.walk("VEVENT")
    if len(events) > MOST_EVENTS or any(_too_fine(event) for event in events):
        raise Refused("too_much")
    for event in recurring_ical_events.of(calendar, skip_bad_series=True).between(start, end):
        if is_busy(event) and not (own and str(event.get("UID", "")).endswith(f"@{own}")):
            yield _period(event.get("DTSTART"), event.get("DTEND"), zone)


def is_busy(event: Component) -> bool:
    """Whether an occurrence takes time: not cancelled, not transparent, not free in Exchange's words."""
    exchange = str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper()
    if str(event.get("STATUS", "")).upper() == "CANCELLED" or exchange in FREE:
        return False
    return bool(exchange) or str(event.get("TRANSP", "")).upper() != "TRANSPARENT"


def _too_fine(event: Component) -> bool:
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        if any(str(value).upper() in TOO_FINE for value in rule.get("FREQ", [])):
            return True
    return False


def _free_busy(calendar: Component, zone: ZoneInfo) -> Times:
    found: Times = []
    for component in calendar.walk("VFREEBUSY"):
        lines = component.get("FREEBUSY", [])
        for line in lines if isinstance(lines, list) else [lines]:
            if str(line.params.get("FBTYPE", "BUSY")).upper() != "FREE":
                begins, ends = line.dt
                ends = begins + ends if isinstance(ends, timedelta) else ends
                found.append((_moment(begins, zone), _moment(ends, zone)))
    return found


def _period(begins: Any, ends: Any, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    if begins is None:
        return None
    first = begins.dt
    last = ends.dt if ends is not None else first + timedelta(days=0 if isinstance(first, datetime) else 1)
    return _moment(first, zone), _moment(last, zone)


def _moment(value: date | datetime, zone: ZoneInfo) -> datetime:
    """A day is its midnight; what has no zone is in the person's."""
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value if value.tzinfo else value.replace(tzinfo=zone)


def merged(times: Times) -> Times:
    """In order, what touches or overlaps made one."""
    found: Times = []
    for starts, ends in sorted(times):
        if found and starts <= found[-1][1]:
            found[-1] = (found[-1][0], max(ends, found[-1][1]))
        else:
            found.append((starts, ends))
    return found


def main() -> None:
    """Read the order, set an end to everything, answer."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    values = json.load(sys.stdin)
    order = Order(**values | {"inner_hosts": tuple(values["inner_hosts"])})
    answer: dict[str, Any]
    try:
        answer = {"times": [(a.isoformat(), b.isoformat()) for a, b in read(order)]}
    except Refused as refused:
        answer = {"problem": refused.problem}
    except (MemoryError, RecursionError):
        answer = {"problem": "too_much"}
    except Exception:  # what a stranger writes can make a library stumble over anything
        answer = {"problem": "no_calendar"}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
