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
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event, Timezone, vCalAddress, vUri

from accounts.models import User
from lernbegleitung import clock

from .appointments import Appointment
from .zones import vtimezone

REMIND_BEFORE = timedelta(minutes=30)


class Method(StrEnum):
    """What a calendar shall do with it."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


def calendar_text(appointment: Appointment, *, method: Method, person: User) -> str:
    """The calendar object with this one appointment, for this person's calendar and in their language."""
    calendar = empty_calendar(method)
    add_zones(calendar, [appointment])
    event = event_of(appointment, title=neutral_title(person.language), stamp=clock.now())
    if method != Method.PUBLISH:  # nobody is invited to what is published
        event.add("attendee", _attendee(person), encode=False)
    calendar.add_component(event)
    return calendar.to_ical().decode()


def file_of(appointment: Appointment, person: User) -> str:
    """What the download contains: the appointment, or that it was cancelled."""
    method = Method.CANCEL if appointment.cancelled_at else Method.PUBLISH
    return calendar_text(appointment, method=method, person=person)


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
    """The same for as long as the appointment exists."""
    return f"{appointment.pk}@{our_domain()}"


def our_domain() -> str:
    """What our identities end with."""
    return our_address().rsplit("@", 1)[-1] or urlsplit(settings.BASE_URL).hostname or "localhost"


def our_address() -> str:
    """The address that our mails come from."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def event_of(appointment: Appointment, *, title: str, stamp: datetime) -> Event:
    """The appointment as an event; `stamp` is when this was said about it."""
    zone = ZoneInfo(appointment.zone)
    event = Event()
    event.add("uid", uid(appointment))
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
    if not appointment.cancelled_at:
        event.add_component(_alarm(title))
    return event


def _attendee(person: User) -> vCalAddress:
    """Who the entry is for. No answer is asked for: moving and cancelling is done on the page."""
    attendee = vCalAddress(f"mailto:{person.email}")
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = "ACCEPTED"
    attendee.params["RSVP"] = "FALSE"
    return attendee


def _alarm(title: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", -REMIND_BEFORE)
    return alarm
