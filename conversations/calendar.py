"""Appointments as calendar objects (RFC 5545): neutral title, stable identity, rising sequence."""

from __future__ import annotations

from datetime import UTC, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext
from icalendar import Alarm, Calendar, Event, vCalAddress, vText

from lernbegleitung import clock

from .appointments import Appointment


def calendar_object(appointment: Appointment, *, method: str) -> str:
    """The text of a REQUEST or a CANCEL; times in UTC, so that every calendar shows its own zone."""
    calendar = Calendar()
    calendar.add("prodid", "-//Lernbegleitung//DE")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(_event(appointment, cancelled=method == "CANCEL"))
    return calendar.to_ical().decode()


def _event(appointment: Appointment, *, cancelled: bool) -> Event:
    event = Event()
    event.add("uid", f"{appointment.pk}@{urlsplit(settings.BASE_URL).hostname}")
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", clock.now().astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", gettext("Termin"))
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    event.add("url", f"{settings.BASE_URL}/termine/{appointment.pk}/")
    if appointment.place:
        event.add("location", vText(appointment.place))
    organizer = vCalAddress(f"mailto:{appointment.companion.email}")
    organizer.params["cn"] = vText(appointment.companion.name)
    event["organizer"] = organizer
    for person in (appointment.companion, appointment.learner):
        attendee = vCalAddress(f"mailto:{person.email}")
        attendee.params["cn"] = vText(person.name)
        attendee.params["partstat"] = vText("ACCEPTED")
        event.add("attendee", attendee, encode=False)
    if not cancelled:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", gettext("Termin"))
        alarm.add("trigger", timedelta(minutes=-15))
        event.add_component(alarm)
    return event
