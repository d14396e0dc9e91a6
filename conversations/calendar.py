"""Appointments as calendar objects (RFC 5545, RFC 5546): what a mail carries and what can be downloaded.

The identity stays the same over every move, so that calendars change their entry instead of adding another. The title
is neutral, since deputies read calendars.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event, vCalAddress, vUri

from lernbegleitung import clock

from .appointments import Appointment

REMIND_BEFORE = timedelta(minutes=30)


class Method(StrEnum):
    """What a calendar shall do with it."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"
    PUBLISH = "PUBLISH"


def calendar_text(appointment: Appointment, *, method: Method, language: str) -> str:
    """The calendar object with this one appointment, its neutral title in the recipient's language."""
    with translation.override(language):
        title = _("Termin")
    calendar = Calendar()
    calendar.add("prodid", "-//Lernbegleitung//Termine//DE")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method.value)
    calendar.add_component(_event(appointment, title, cancelled=method == Method.CANCEL))
    return calendar.to_ical().decode()


def file_of(appointment: Appointment, language: str) -> str:
    """What the download contains: the appointment, or that it was cancelled."""
    method = Method.CANCEL if appointment.cancelled_at else Method.PUBLISH
    return calendar_text(appointment, method=method, language=language)


def uid(appointment: Appointment) -> str:
    """The same for as long as the appointment exists."""
    domain = settings.DEFAULT_FROM_EMAIL.rsplit("@", 1)[-1].strip("> ") or urlsplit(settings.BASE_URL).hostname
    return f"{appointment.pk}@{domain}"


def _event(appointment: Appointment, title: str, *, cancelled: bool) -> Event:
    event = Event()
    event.add("uid", uid(appointment))
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", clock.now().astimezone(UTC))
    # In UTC: right in every calendar, whatever it knows of time zones, on both sides of a change of the clocks.
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", title)
    if appointment.place:
        event.add("location", appointment.place)
    event.add("url", vUri(f"{settings.BASE_URL}/termine/{appointment.pk}/"))
    event.add("class", "PRIVATE")
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    _add_people(event, appointment)
    if not cancelled:
        event.add_component(_alarm(title))
    return event


def _add_people(event: Event, appointment: Appointment) -> None:
    made_by_companion = appointment.made_by_id == appointment.companion_id
    organiser = appointment.companion if made_by_companion else appointment.learner
    event.add("organizer", vCalAddress(f"mailto:{organiser.email}"))
    for person in (appointment.learner, appointment.companion):
        attendee = vCalAddress(f"mailto:{person.email}")
        attendee.params["ROLE"] = "REQ-PARTICIPANT"
        attendee.params["PARTSTAT"] = "ACCEPTED" if person == organiser else "NEEDS-ACTION"
        attendee.params["RSVP"] = "FALSE"
        event.add("attendee", attendee, encode=False)


def _alarm(title: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", -REMIND_BEFORE)
    return alarm
