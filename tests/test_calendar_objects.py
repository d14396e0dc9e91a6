"""Calendar objects as others read them: vobject (with dateutil's own reading of VTIMEZONE) and recurring-ical-events."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
import recurring_ical_events
import vobject
from django.test import Client
from icalendar import Calendar, Timezone

from accounts.messages import message
from accounts.models import User
from accounts.outbox import KINDS, SEND
from conversations.appointments import Appointment
from conversations.calendar import Method, calendar_text
from conversations.zones import changes, vtimezone
from engagements.models import Engagement
from engagements.states import State

from .test_appointments import booked, in_days, sent, typed, url_of

ClientOf = Callable[[User], Client]
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def active(engagement_in: Callable[..., Engagement]) -> Engagement:
    return engagement_in(State.ACTIVE)


def appointment(starts: datetime, **also: Any) -> Appointment:
    return Appointment(
        learner_id=1, companion_id=2, starts_at=starts, ends_at=starts + timedelta(hours=1), format="video", **also
    )


ANNA = User(email="anna@example.org", language="de")
ENDS_OF_SUMMER = [
    datetime(2027, 3, 27, 9), datetime(2027, 3, 28, 9), datetime(2027, 10, 30, 9), datetime(2027, 10, 31, 9),
    datetime(2028, 2, 29, 9), datetime(2027, 12, 31, 23, 30), datetime(2027, 1, 1, 0, 0),
]  # fmt: skip


@pytest.mark.parametrize("local", ENDS_OF_SUMMER)
def test_an_independent_parser_reads_the_same_moment_by_our_zone_rules_alone(local: datetime) -> None:
    starts = local.replace(tzinfo=BERLIN)
    text = calendar_text([appointment(starts)], method=Method.REQUEST, person=ANNA, alarm=30)
    event = vobject.readOne(text).vevent
    assert "DTSTART;TZID=Europe/Berlin:" in text
    assert event.dtstart.value.astimezone(UTC) == starts.astimezone(UTC)
    assert event.dtend.value.astimezone(UTC) == starts.astimezone(UTC) + timedelta(hours=1)
    assert event.dtstart.value.replace(tzinfo=None) == local
    (found,) = recurring_ical_events.of(Calendar.from_ical(text)).between(starts, starts + timedelta(minutes=1))
    assert found["DTSTART"].dt == starts
    vobject.readOne(text).validate(raiseException=True)


@pytest.mark.parametrize("name", ["Europe/Berlin", "Europe/London", "Atlantic/Azores", "America/New_York",
                                  "Australia/Sydney", "Asia/Tokyo", "UTC", "America/Santiago", "Africa/Casablanca"])  # fmt: skip
def test_our_rules_of_a_zone_are_those_of_the_machine(name: str) -> None:
    zone = ZoneInfo(name)
    text = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" + vtimezone(name, 2027) + b"END:VCALENDAR\r\n"
    theirs = vobject.readOne(text.decode()).vtimezone.gettzinfo()
    moment = datetime(2027, 1, 1, 12)
    while moment < datetime(2029, 12, 31):
        assert moment.replace(tzinfo=theirs).utcoffset() == moment.replace(tzinfo=zone).utcoffset(), moment
        moment += timedelta(days=1)
    for change in changes(zone, 2027, 2030):  # by the clock, an hour and a half around each change
        for minutes in (-90, 90):
            local = change.at + timedelta(minutes=minutes)
            assert local.replace(tzinfo=theirs).utcoffset() == local.replace(tzinfo=zone).utcoffset(), local


def test_germany_changes_its_clocks_by_a_yearly_rule_that_exchange_reads() -> None:
    text = vtimezone("Europe/Berlin", 2027).decode()
    assert "DTSTART:20260329T020000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3" in text
    assert "DTSTART:20261025T030000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10" in text


def test_every_zone_that_a_person_can_have_is_written() -> None:
    zones = sorted(name for name in available_timezones() if name.startswith("Europe/"))
    assert len(zones) > 50
    for name in zones:
        assert Timezone.from_ical(vtimezone(name, 2027)).walk(), name


def test_what_we_write_is_read_back_and_written_the_same(
    client_of: ClientOf, anna: User, active: Engagement, world: SimpleNamespace
) -> None:
    client_of(anna).post(url_of(active), typed())
    (made,) = booked()
    text = calendar_text([made], method=Method.REQUEST, person=world.ben, alarm=30)
    assert Calendar.from_ical(text).to_ical().decode() == text
    assert vobject.readOne(text).serialize(validate=True)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n")), "folded"


def test_the_mail_carries_it_as_an_alternative_and_as_a_file_and_names_nobody_else(
    client_of: ClientOf, anna: User, active: Engagement
) -> None:
    client_of(anna).post(url_of(active), typed(day=in_days(9)))
    for mail in sent("appointment_new"):
        made = message(mail, KINDS[mail.kind], SEND).raw
        parsed = email.message_from_bytes(made, policy=email.policy.default)
        parts = [(part.get_content_type(), part.get_param("method")) for part in parsed.walk()]
        assert parts == [
            ("multipart/mixed", None), ("multipart/alternative", None), ("text/plain", None), ("text/html", None),
            ("text/calendar", "REQUEST"), ("application/ics", None),
        ]  # fmt: skip
        invitation = next(part for part in parsed.walk() if part.get_content_type() == "text/calendar").get_content()
        event = vobject.readOne(invitation).vevent
        assert event.attendee.value == f"mailto:{mail.recipient.email}"
        assert (
            event.organizer.value
            == "mailto:lernbegleitung@example.org"
            == f"mailto:{parsed['From'].addresses[0].addr_spec}"
        )
        other = {"anna@example.org": "Ben", "ben@example.org": "Anna"}[mail.recipient.email]
        assert other not in made.decode() and other.lower() + "@" not in made.decode() + invitation
        assert (
            "Eine Zu- oder Absage im Kalender sagt hier nichts zu oder ab" in parsed.get_body(("plain",)).get_content()
        )


def test_a_person_elsewhere_arranges_by_the_own_clock(
    client_of: ClientOf, world: SimpleNamespace, active: Engagement
) -> None:
    from .conftest import as_owner

    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(time_zone="Atlantic/Azores")
    client_of(world.anna).post(url_of(active), typed(day=date(2027, 3, 29)))
    (made,) = booked()
    event = vobject.readOne(calendar_text([made], method=Method.REQUEST, person=world.ben, alarm=30)).vevent
    assert made.zone == "Atlantic/Azores" and event.dtstart.value.hour == 10
    assert event.dtstart.value.astimezone(UTC) == datetime(2027, 3, 29, 10, tzinfo=UTC)
