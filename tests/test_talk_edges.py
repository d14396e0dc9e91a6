"""Edges of appointments, each found by somebody who tried to break them: a former companion's room, stale pages, second
clicks, foreign keys, mails from anywhere."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from icalendar import Calendar, Event, vCalAddress

from accounts import bounces
from accounts.actions.people import set_active
from accounts.models import DataKey, OutgoingMail, User
from accounts.push_service import LONGEST_PAUSE, _wait
from conversations import busy_calendars, feeds
from conversations.actions import proposed_dates
from conversations.calendar import our_domain
from conversations.fetching import is_public
from conversations.models import Appointment, BusyCalendar, CalendarFeed, Conversation, OfferedTime
from engagements.actions import lifecycle
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, person
from .test_appointments import booked, sent, typed
from .test_booking import at, form_of, talk_at, url_of
from .test_delivery import as_worker
from .test_offered_times import coming, offered
from .test_series import BERLIN, active, mails, make, over

__all__ = ["active", "over"]  # fixtures
pytestmark = pytest.mark.django_db
Make = Callable[..., Engagement]
ClientOf = Callable[[User], Client]
HOUR = timedelta(hours=1)


def changed_to_nina(engagement: Engagement, world: SimpleNamespace) -> User:
    """Anna has asked for somebody else, and Nina has accepted."""
    with as_owner():
        nina = make_companion(person("Nina", world.ben.agency))
    with rls.acting_as(world.anna.pk):
        lifecycle.change_companion(engagement=engagement, by=world.anna)
    with as_owner():
        for values in ({"state": "offered", "companion": nina, "offered_at": clock.now()}, {"state": "introduction"}, {"state": "active"}):  # fmt: skip
            Engagement.objects.filter(pk=engagement.pk).update(**values)
    return nina


def test_a_former_companions_room_stays_theirs(
    engagement_in: Make, world: SimpleNamespace, client_of: ClientOf
) -> None:
    engagement, now, client = engagement_in(State.ACTIVE), clock.now(), client_of(world.anna)
    with as_owner():
        row = Appointment.objects.create(
            engagement=engagement, learner=world.anna, companion=world.ben, format="video",
            place="https://meet.example.org/ben-privat", starts_at=now - 2 * HOUR, ends_at=now - HOUR,
        )  # fmt: skip
        Conversation.objects.create(engagement=engagement, appointment=row)
    nina = changed_to_nina(engagement, world)
    offered(nina, (1, 9, 12))
    client.post(url_of(engagement), form_of(at(coming(1), 9)))
    assert "ben-privat" not in client.get(f"/begleitungen/{engagement.pk}/termine/neu/").content.decode()
    client.post(f"/termine/{row.pk}/wieder/")
    with as_owner():
        made = Appointment.objects.filter(companion=nina)
        assert len(made) == 2 and not any("ben-privat" in one.place for one in made)
        assert not OutgoingMail.objects.filter(kind="appointment_new", attachment__contains="ben-privat").exists()


def test_dates_of_a_former_companion_are_taken_by_nobody(
    engagement_in: Make, world: SimpleNamespace, client_of: ClientOf
) -> None:
    engagement, when, pk = engagement_in(State.ACTIVE), clock.now() + timedelta(days=5), uuid.uuid4()
    proposed = proposed_dates.Proposed([when], 60, "conversation", "video", "https://meet.example.org/ben-privat")
    with rls.acting_as(world.ben.pk):
        proposed_dates.propose(
            engagement=Engagement.objects.get(pk=engagement.pk), pk=pk, proposed=proposed, by=world.ben
        )
    page = f"/begleitungen/{engagement.pk}/termine/vorschlag/"
    with rls.acting_as(world.anna.pk):
        lifecycle.change_companion(engagement=engagement, by=world.anna)
    assert client_of(world.anna).post(page, {"vorschlag": pk}).status_code == 302, "with nobody to meet, no crash"
    with as_owner():
        nina = make_companion(person("Nina", world.ben.agency))
        for values in ({"state": "offered", "companion": nina, "offered_at": clock.now()}, {"state": "introduction"}, {"state": "active"}):  # fmt: skip
            Engagement.objects.filter(pk=engagement.pk).update(**values)
    client_of(world.anna).post(page, {"vorschlag": pk, "beginn": when.isoformat()})
    assert booked() == []


def test_a_proposal_with_somebody_elses_id_is_refused(engagement_in: Make, world: SimpleNamespace) -> None:
    with as_owner():
        nina = make_companion(person("Nina", world.ben.agency))
    engagement = engagement_in(State.ACTIVE)
    other = engagement_in(State.ACTIVE, learner=world.stranger, companion=nina)
    proposed = proposed_dates.Proposed([clock.now() + timedelta(days=5)], 60, "conversation", "video", "")
    pk = uuid.uuid4()
    with rls.acting_as(world.stranger.pk):
        proposed_dates.propose(engagement=other, pk=pk, proposed=proposed, by=world.stranger)
    with rls.acting_as(world.anna.pk), pytest.raises(proposed_dates.NotPossible):
        proposed_dates.propose(engagement=engagement, pk=pk, proposed=proposed, by=world.anna)


def test_no_calendar_takes_the_id_of_a_companionship(engagement_in: Make, world: SimpleNamespace) -> None:
    engagement = engagement_in(State.ACTIVE)
    with rls.acting_as(world.stranger.pk):
        with pytest.raises(DatabaseError), transaction.atomic():
            BusyCalendar.objects.create(pk=engagement.pk, owner=world.stranger)
        busy_calendars.keep(owner=world.stranger, address="https://a.example.org/x.ics")
        with pytest.raises(DatabaseError), transaction.atomic():
            BusyCalendar.objects.filter(owner=world.stranger).update(id=engagement.pk)
        assert not DataKey.objects.filter(pk=engagement.pk).exists()
    with as_owner():
        assert DataKey.objects.filter(pk=engagement.pk).exists()


@pytest.mark.parametrize("column", ["companion_id", "learner_id", "engagement_id", "made_at"])
def test_whose_an_appointment_is_never_changes(engagement_in: Make, world: SimpleNamespace, column: str) -> None:
    appointment = talk_at(engagement_in(State.ACTIVE), clock.now() + timedelta(days=4))
    change = f"UPDATE conversations_appointment SET {column} = {column} WHERE id = %s"
    with rls.acting_as(world.anna.pk), pytest.raises(DatabaseError, match="permission"), transaction.atomic():
        connection.cursor().execute(change, [appointment.pk])


def test_again_after_it_was_cancelled_makes_a_new_one(client_of: ClientOf, ben: User, over: Appointment) -> None:
    client = client_of(ben)
    client.post(f"/termine/{over.pk}/wieder/")
    client.post(f"/termine/{over.pk}/wieder/")
    (first,) = [row for row in booked() if row.pk != over.pk]
    client.post(f"/termine/{first.pk}/absagen/")
    client.post(f"/termine/{over.pk}/wieder/")
    assert [row.cancelled_at is None for row in booked() if row.pk not in (over.pk, first.pk)] == [True]
    assert len(sent("appointment_new")) == 4, "each of the two, for each of the two talks"


def test_moving_a_series_twice_is_once(client_of: ClientOf, anna: User, active: Engagement) -> None:
    client = client_of(anna)
    first = min(make(client, active), key=lambda row: row.starts_at)
    moved = typed(day="2027-02-02", time="11:00", which="following", sequence="0")
    answers = [client.post(f"/termine/{first.pk}/verschieben/", moved) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302] and len(mails("series_moved")) == 2


def test_no_talk_of_a_series_is_moved_into_the_past(client_of: ClientOf, anna: User, active: Engagement) -> None:
    client, day = client_of(anna), clock.today() + timedelta(days=14)
    made = sorted(make(client, active, day=f"{day}", every="1", number="4"), key=lambda row: row.slot_at)
    tomorrow = clock.today() + timedelta(days=1)
    client.post(
        f"/termine/{made[2].pk}/verschieben/", typed(day=f"{tomorrow}", time="09:00", which="one", sequence="0")
    )
    before = [row.starts_at for row in booked()]
    earlier = made[0].starts_at.astimezone(BERLIN).date() - timedelta(days=7)
    client.post(
        f"/termine/{made[0].pk}/verschieben/", typed(day=f"{earlier}", time="09:00", which="following", sequence="0")
    )
    assert [row.starts_at for row in booked()] == before and min(before) > clock.now()


def test_the_downloaded_series_has_the_new_room_and_length(client_of: ClientOf, anna: User, active: Engagement) -> None:
    client = client_of(anna)
    second = sorted(make(client, active), key=lambda row: row.starts_at)[1]
    local = second.starts_at.astimezone(BERLIN)
    moved = typed(day=f"{local:%Y-%m-%d}", time=f"{local:%H:%M}", place="Raum NEU 7", format="on_site", duration="90", which="one", sequence="0")  # fmt: skip
    client.post(f"/termine/{second.pk}/verschieben/", moved)
    text = client.get(reverse("conversations:appointment_ics", args=[second.pk])).content.decode()
    assert "Raum NEU 7" in text and text.count("BEGIN:VEVENT") == 2


def test_declining_one_of_a_series_is_about_that_one(client_of: ClientOf, anna: User, active: Engagement) -> None:
    third = sorted(make(client_of(anna), active), key=lambda row: row.starts_at)[2]
    calendar, event, mail = Calendar(), Event(), EmailMessage()
    calendar.add("method", "REPLY")
    event.add("uid", f"{third.series}@{our_domain()}")
    event.add("recurrence-id", third.slot_at)
    attendee = vCalAddress("mailto:anna@example.org")
    attendee.params["PARTSTAT"] = "DECLINED"
    event.add("attendee", attendee, encode=False)
    calendar.add_component(event)
    mail.set_content("Nein")
    mail.add_alternative(calendar.to_ical().decode(), subtype="calendar", params={"method": "REPLY"})
    assert as_worker(lambda: bounces.take(mail.as_bytes())) == "declined"
    with as_owner():
        (told,) = OutgoingMail.objects.filter(kind="declined_in_calendar")
    assert told.facts["path"] == f"/termine/{third.pk}/"


REPLY = """BEGIN:VCALENDAR
METHOD:REPLY
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:5b0d2f1e-aaaa-4aaa-8aaa-aaaaaaaaaaaa@example.org
DTSTART;TZID=Europe/Berlin:20270111T090000
ATTENDEE;PARTSTAT=DECLINED;CN="A":mailto:a@example.org
END:VEVENT
END:VCALENDAR"""
ODD = ["ATTENDEE;PARTSTAT=DECLINED:mailto:a\0b@example.org", "ATTENDEE;VALUE=DATE;PARTSTAT=DECLINED:20270101", "BEGIN:VALARM",
       "END:VEVENT", "UID;VALUE=BINARY;ENCODING=BASE64:AAAA", "METHOD:REPLY\r\nMETHOD:REPLY", "TZOFFSETTO:+9999", "UID:a\r\nUID:b",
       "DTSTART:00000000T000000", "RECURRENCE-ID;VALUE=DATE:20270101", "BEGIN:VTIMEZONE"]  # fmt: skip


def test_no_mail_from_anywhere_stops_the_reading(db: None) -> None:
    dice = random.Random(1)
    for _try in range(600):
        lines = REPLY.split("\n")
        for _change in range(dice.randint(1, 3)):
            place = dice.randrange(len(lines))
            lines[place : place + dice.randint(0, 1)] = dice.choice([[], [dice.choice(ODD)], [lines[place]] * 2])
            lines = lines or [""]
        head = b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/calendar; charset=utf-8\r\n\r\n"
        raw = head + "\r\n".join(lines).encode()
        assert as_worker(lambda raw=raw: bounces.take(raw)) == "ignored", lines


def test_a_calendar_without_its_key_keeps_no_other_waiting(world: SimpleNamespace) -> None:
    for owner in (world.anna, world.ben):
        with rls.acting_as(owner.pk):
            busy_calendars.keep(owner=owner, address="https://a.example.org/x.ics")
    with as_owner():
        DataKey.objects.filter(pk=BusyCalendar.objects.get(owner=world.anna).pk).delete()
        BusyCalendar.objects.filter(owner=world.anna).update(next_at=clock.now() - timedelta(hours=1))
        BusyCalendar.objects.filter(owner=world.ben).update(next_at=clock.now() - timedelta(minutes=1))
        bens = BusyCalendar.objects.get(owner=world.ben).pk
    assert [row.pk for row in as_worker(lambda: busy_calendars.claim(1))] == [bens]


def test_who_has_left_offers_nothing_and_no_calendar_is_kept(world: SimpleNamespace) -> None:
    offered(world.ben, (1, 9, 12))
    with rls.acting_as(world.ben.pk):
        busy_calendars.keep(owner=world.ben, address="https://a.example.org/x.ics")
        feeds.open_feed(owner=world.ben, naming="neutral")
    with rls.acting_as(world.dirk.pk):
        set_active(user=world.ben, active=False, by=world.dirk)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM erase_due()")
        kept = (BusyCalendar.objects, CalendarFeed.objects, OfferedTime.objects)
        assert [table.count() for table in kept] == [0, 0, 0]


@pytest.mark.parametrize(("said", "wait"), [("99999999999999999999", None), ("²", None), ("120", timedelta(minutes=2)), ("999999", LONGEST_PAUSE), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])  # fmt: skip
def test_what_a_push_service_wishes_is_a_number_or_nothing(said: str, wait: timedelta | None) -> None:
    assert _wait(said) == wait


@pytest.mark.parametrize("address", ["fec0::1", "::ffff:10.0.0.1", "100.64.0.1", "fe80::1", "10.0.0.1"])
def test_an_address_of_the_house_is_not_public(address: str) -> None:
    assert not is_public(address)
