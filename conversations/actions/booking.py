"""Booking one of the offered times: still free when it is written down, whoever else reaches for it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from accounts.models import User
from accounts.rooms import video_service_for
from conversations.appointments import Appointment, MeetingFormat
from conversations.booking import slot_at
from engagements.actions.choice import locked
from engagements.engagement import Engagement
from engagements.states import NotPossible

from . import appointments
from .appointments import Meeting, TimeTaken


def book(
    *, engagement: Engagement, pk: uuid.UUID, kind: str, starts_at: datetime, length: timedelta, format: str, by: User
) -> Appointment:
    """An appointment at an offered time. TimeTaken where it is offered no longer; the same form twice is once.

    Both people are held before it is looked up whether the slot is free, so that the buffer between talks holds, too,
    when two reach for neighbouring times; the exclusion constraint is the last word (appointments.make).
    """
    engagement = locked(engagement)
    if there := Appointment.objects.filter(pk=pk, engagement=engagement).first():
        return there
    if not engagement.companion or kind not in appointments.kinds_in(engagement.state):
        raise NotPossible()
    if appointments.clash(engagement.pk, starts_at, starts_at + length):
        raise TimeTaken
    slot = slot_at(engagement, starts_at, length)
    if not slot:
        raise TimeTaken
    if format not in slot.formats:
        raise NotPossible()
    meeting = Meeting(slot.starts_at, slot.ends_at, format, place_for(engagement, format, slot.place, by))
    return appointments.make(engagement=engagement, pk=pk, kind=kind, meeting=meeting, by=by)


def place_for(engagement: Engagement, format: str, room: str, by: User) -> str:
    """Where the two meet: in the room offered, in a fresh one of the agency's video service, else as last time."""
    if format == MeetingFormat.ON_SITE and room:
        return room
    partner = engagement.partner_of(by)
    if format == MeetingFormat.VIDEO and partner and (service := video_service_for(by.agency, partner.agency)):
        return service.fresh_room()
    here = Appointment.objects.standing().filter(engagement=engagement, companion=engagement.companion, format=format)
    last = here.order_by("-starts_at").first()
    return last.place if last else ""
