"""Appointments as calendar objects (RFC 5545, RFC 5546): what a mail carries and what can be downloaded.

The identity stays the same over every move, so that calendars change their entry instead of adding another. The title
is neutral and nobody else is named, since deputies read calendars: the organiser is the application, whose mail it is,
and the one attendee is the person whose calendar it is for (docs/decisions/0016-calendars.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from enum import StrEnum
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event, Timezone, vCalAddress, vRecur, vText, vUri

from accounts.models import User
from lernbegleitung import clock

from .appointments import Appointment
from .zones import vtimezone

RING_BEFORE = 30  # minutes, unless a person wants it otherwise


class Method(StrEnum):
    """What a calendar shall do with it."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


def calendar_text(
    appointments: list[Appointment], *, method: Method, person: User, alarm: int | None, whole: bool = False
) -> str:
    """The calendar object with these appointments, for this person's calendar and in their language.

    Of a series they are exceptions to its recurring event; with `whole` that comes too, and only the talks that are not at
    their regular time are named besides. `alarm`: minutes before at which it rings.
    """
    calendar, title, now = empty_calendar(method), neutral_title(person.language), clock.now()
    add_zones(calendar, appointments)
    events = [master_of(appointments, title=title, stamp=now, alarm=alarm)] if whole else []
    for appointment in appointments:
        regular = appointment.starts_at == appointment.slot_at and like(appointment, appointments)
        if not whole or not regular and not appointment.cancelled_at:
            event = event_of(appointment, title=title, stamp=now, alarm=alarm)
            if appointment.series:
                event["uid"] = vText(uid(appointment))
                event.add("recurrence-id", (appointment.slot_at or now).astimezone(ZoneInfo(appointment.zone)))
            events.append(event)
    for event in events:
        if method != Method.PUBLISH:  # nobody is invited to what is published
            event.add("attendee", _attendee(person), encode=False)
        calendar.add_component(event)
    return calendar.to_ical().decode()


def like(appointment: Appointment, series: list[Appointment]) -> bool:
    """Whether it is as long and where the recurring event of its series says (`master_of`)."""
    first = min(series, key=lambda row: row.slot_at or row.starts_at)
    return (appointment.duration(), appointment.place) == (first.duration(), first.place)


def file_of(appointment: Appointment, person: User) -> str:
    """What the download contains: the appointment, with its series where it has one, or that it was cancelled."""
    alarm = alarms_of([person.pk])[person.pk]
    if appointment.cancelled_at:
        return calendar_text([appointment], method=Method.CANCEL, person=person, alarm=None)
    if not appointment.series:
        return calendar_text([appointment], method=Method.PUBLISH, person=person, alarm=alarm)
    series = list(Appointment.objects.filter(series=appointment.series).order_by("slot_at"))
    return calendar_text(series, method=Method.PUBLISH, person=person, alarm=alarm, whole=True)


def alarms_of(people: list[int]) -> dict[int, int | None]:
    """How many minutes before a talk the calendars of these ring, None for not; of oneself and of partners."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT person, minutes FROM alarms_of(%s)", [people])
        found: dict[int, int | None] = dict.fromkeys(people, RING_BEFORE)
        return found | dict(cursor.fetchall())


def master_of(series: list[Appointment], *, title: str, stamp: datetime, alarm: int | None) -> Event:
    """The recurring event of a series: its regular times, without those at which nothing takes place."""
    ordered = sorted(series, key=lambda row: row.slot_at or stamp)
    first, zone = ordered[0], ZoneInfo(ordered[0].zone)
    slots = {(row.slot_at or stamp).astimezone(zone): row for row in ordered}
    begins, ends = min(slots), max(slots)
    every = timedelta(weeks=first.every_weeks or 1)
    count = (ends.date() - begins.date()) // every + 1
    regular = [datetime.combine(begins.date() + every * n, begins.time(), zone) for n in range(count)]
    event = event_of(first, title=title, stamp=stamp, alarm=alarm)
    for name in ("dtstart", "dtend", "uid", "sequence", "status", "transp"):
        del event[name]
    event["uid"] = vText(uid(first))
    event.add("sequence", 0)
    event.add("status", "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("dtstart", begins)
    event.add("dtend", begins + first.duration())
    event.add("rrule", vRecur({"FREQ": "WEEKLY", "INTERVAL": first.every_weeks, "COUNT": count}))
    for moment in regular:
        if moment not in slots or slots[moment].cancelled_at:
            event.add("exdate", moment)
    return event


def neutral_title(language: str) -> str:
    """What it is called in calendars, unless the person wants it otherwise."""
    with translation.override(language):
        return _("Termin")


def add_zones(calendar: Calendar, appointments: Iterable[Appointment]) -> None:
    """The rules of every zone that these appointments are in."""
    years: dict[str, int] = {}
    for appointment in appointments:
        year = appointment.starts_at.year
        years[appointment.zone] = min(year, years.get(appointment.zone, year))
    for name, year in sorted(years.items()):
        calendar.add_component(Timezone.from_ical(vtimezone(name, year)))


def empty_calendar(method: Method) -> Calendar:
    """A calendar of ours with nothing in it."""
    calendar = Calendar()
    calendar.add("prodid", "-//Lernbegleitung//Termine//DE")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method.value)
    return calendar


def uid(appointment: Appointment) -> str:
    """The same for as long as the appointment, or its series, exists."""
    return f"{appointment.series or appointment.pk}@{our_domain()}"


def our_domain() -> str:
    """What our identities end with."""
    return our_address().rsplit("@", 1)[-1] or urlsplit(settings.BASE_URL).hostname or "localhost"


def our_address() -> str:
    """The address that our mails come from."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def event_of(appointment: Appointment, *, title: str, stamp: datetime, alarm: int | None) -> Event:
    """The appointment as an event of its own; `stamp` is when this was said about it."""
    zone = ZoneInfo(appointment.zone)
    event = Event()
    event.add("uid", f"{appointment.pk}@{our_domain()}")
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(zone))
    event.add("dtend", appointment.ends_at.astimezone(zone))
    event.add("summary", title)
    if appointment.place:
        event.add("location", appointment.place)
    event.add("url", vUri(f"{settings.BASE_URL}/termine/{appointment.pk}/"))
    event.add("class", "PRIVATE")
    event.add("status", "CANCELLED" if appointment.cancelled_at else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if appointment.cancelled_at else "OPAQUE")
    event.add("organizer", vCalAddress(f"mailto:{our_address()}"))
    if not appointment.cancelled_at and alarm:
        event.add_component(_alarm(title, timedelta(minutes=alarm)))
    return event


def _attendee(person: User) -> vCalAddress:
    """Who the entry is for. No answer is asked for: moving and cancelling is done on the page."""
    attendee = vCalAddress(f"mailto:{person.email}")
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = "ACCEPTED"
    attendee.params["RSVP"] = "FALSE"
    return attendee


def _alarm(title: str, before: timedelta) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", -before)
    return alarm
