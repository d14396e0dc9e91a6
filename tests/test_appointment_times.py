"""Times and calendars: zones, the change of the clocks, nobody in two talks at once, calendar objects and mails."""

from __future__ import annotations

import email
import email.policy
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from conversations import mails
from conversations.actions import appointments as actions
from conversations.appointment_forms import moment
from conversations.models import Appointment
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, person
from .test_appointments import BERLIN, active, appointment, booked, event_of, in_days, sent, typed, url_of

Make = Callable[..., Engagement]
ClientOf = Callable[[User], Client]
FIXTURES = (active, appointment)


# ── time zones and the change of the clocks ────────────────────────────────


def test_times_are_read_in_the_persons_own_time_zone(client_of: ClientOf, anna: User, active: Engagement) -> None:
    with as_owner():
        User.objects.filter(pk=anna.pk).update(time_zone="Atlantic/Azores")
    client = client_of(anna)
    client.post(url_of(active), typed())
    (appointment,) = booked()
    assert appointment.starts_at == datetime.combine(in_days(7), time(10), ZoneInfo("Atlantic/Azores"))
    assert "10:00 bis 11:00" in client.get(f"/termine/{appointment.pk}/").content.decode()


def test_the_skipped_hour_is_refused_the_double_hour_is_the_first_and_an_hour_lasts_an_hour() -> None:
    assert moment(date(2027, 3, 28), time(2, 30), BERLIN) is None
    assert moment(date(2027, 3, 28), time(3, 30), BERLIN) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert moment(date(2026, 10, 25), time(2, 30), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    before, after = moment(date(2027, 3, 26), time(10), BERLIN), moment(date(2027, 3, 29), time(10), BERLIN)
    assert before and after and (before.hour, after.hour) == (9, 8)


def test_a_talk_after_the_clocks_change_keeps_its_local_time_in_page_and_calendar(
    client_of: ClientOf, anna: User, active: Engagement
) -> None:
    year = clock.today().year + 1
    client = client_of(anna)
    for number, day in enumerate((date(year, 3, 10), date(year, 4, 10))):
        client.post(url_of(active), typed(day=day, time="09:15"))
        _method, event = event_of(client.get(f"/termine/{booked()[-1].pk}/termin.ics").content.decode())
        assert event["DTSTART"].dt.astimezone(BERLIN).time() == time(9, 15)
        assert event["DTSTART"].dt.astimezone(UTC).hour == 8 - number
        assert "09:15 bis 10:15" in client.get(f"/termine/{booked()[-1].pk}/").content.decode()


# ── nobody in two talks ────────────────────────────────────────────────────


def test_a_taken_time_is_refused_beside_the_field_and_back_to_back_is_fine(
    client_of: ClientOf, world: SimpleNamespace, active: Engagement, engagement_in: Make
) -> None:
    other = engagement_in(State.ACTIVE, learner=world.stranger)
    client_of(world.anna).post(url_of(active), typed())
    client = client_of(world.stranger)
    response = client.post(url_of(other), typed(time="10:30", place="Raum 7"))
    page = response.content.decode()
    assert response.status_code == 422 and "Zu dieser Zeit" in page and "Raum 7" in page
    assert client.post(url_of(other), typed(time="11:00")).status_code == 302
    assert len(booked()) == 2


def test_who_learns_and_accompanies_is_not_in_two_roles_at_once(
    client_of: ClientOf, world: SimpleNamespace, active: Engagement, engagement_in: Make
) -> None:
    with as_owner():
        make_companion(world.stranger)
    bens = engagement_in(State.ACTIVE, learner=world.ben, companion=world.stranger)
    client_of(world.anna).post(url_of(active), typed())
    assert client_of(world.stranger).post(url_of(bens), typed()).status_code == 422
    assert len(booked()) == 1


def test_the_database_refuses_a_double_booking_by_itself(
    world: SimpleNamespace, active: Engagement, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = datetime.combine(in_days(7), time(10), BERLIN)
    meeting = actions.Meeting(starts, starts + timedelta(hours=1), "video", "")
    monkeypatch.setattr(actions, "_clashes", lambda appointment: False)
    with rls.acting_as(world.anna.pk):
        actions.make(engagement=active, pk=uuid.uuid4(), kind="conversation", meeting=meeting, by=world.anna)
        with pytest.raises(actions.TimeTaken):
            actions.make(engagement=active, pk=uuid.uuid4(), kind="conversation", meeting=meeting, by=world.anna)
        assert Appointment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_gets_the_time(
    transactional_db: None, world: SimpleNamespace, engagement_in: Make
) -> None:
    with as_owner():
        learners = [person(f"Nora{number}", world.augsburg) for number in range(5)]
    engagements = [engagement_in(State.ACTIVE, learner=learner) for learner in learners]
    starts = datetime.combine(in_days(7), time(10), BERLIN)
    outcomes: list[str] = []
    together = threading.Barrier(len(engagements))

    def book(engagement: Engagement, minutes: int) -> None:
        at = starts + timedelta(minutes=minutes)
        meeting = actions.Meeting(at, at + timedelta(hours=1), "video", "")
        new = {"pk": uuid.uuid4(), "kind": "conversation", "meeting": meeting, "by": engagement.learner}
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE lern_app")
            together.wait(timeout=20)
            with transaction.atomic(), rls.acting_as(engagement.learner_id):
                actions.make(engagement=engagement, **new)
            outcomes.append("booked")
        except actions.TimeTaken:
            outcomes.append("taken")
        except Exception as error:
            outcomes.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=book, args=(e, 10 * n)) for n, e in enumerate(engagements)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["booked"] + ["taken"] * (len(engagements) - 1)
    assert len(booked()) == 1


# ── calendar and mails ─────────────────────────────────────────────────────


def test_the_calendar_object_is_neutral_complete_and_stable(
    client_of: ClientOf, anna: User, ben: User, appointment: Appointment
) -> None:
    response = client_of(ben).get(f"/termine/{appointment.pk}/termin.ics")
    assert (
        response.headers["Content-Type"].startswith("text/calendar")
        and "termin.ics" in response.headers["Content-Disposition"]
    )
    method, event = event_of(response.content.decode())
    assert method == "PUBLISH" and str(event["SUMMARY"]) == "Termin" and event["CLASS"] == "PRIVATE"
    assert str(event["UID"]).startswith(f"{appointment.pk}@")
    assert event["DTSTART"].dt == appointment.starts_at and event["DTEND"].dt == appointment.ends_at
    assert str(event["LOCATION"]) == "https://video.example.org/raum" and f"/termine/{appointment.pk}/" in str(
        event["URL"]
    )
    assert "ATTENDEE" not in event, "nobody is invited to what is published"
    assert str(event["ORGANIZER"]) == "mailto:lernbegleitung@example.org"
    assert "anna" not in response.content.decode().lower()
    (alarm,) = event.walk("VALARM")
    assert alarm["TRIGGER"].dt < timedelta(0)
    assert event["DTSTAMP"].dt.tzinfo is not None
    assert "Rückmeldungen" not in response.content.decode()


def test_a_place_cannot_break_out_of_its_line(client_of: ClientOf, anna: User, active: Engagement) -> None:
    client_of(anna).post(url_of(active), typed(place="Raum 3\r\nATTENDEE:mailto:x@example.org; METHOD:CANCEL"))
    _method, event = event_of(sent("appointment_new")[0].attachment)
    assert str(event["ATTENDEE"]) == "mailto:anna@example.org" and "Raum 3" in str(event["LOCATION"])


def test_english_readers_get_an_english_title_and_date(
    client_of: ClientOf, anna: User, ben: User, active: Engagement
) -> None:
    with as_owner():
        User.objects.filter(pk=ben.pk).update(language="en")
    client_of(anna).post(url_of(active), typed())
    by = {mail.recipient.email: mail for mail in sent("appointment_new")}
    assert (
        "10:00" in by["ben@example.org"].facts["when"]
        and by["ben@example.org"].facts["when"] != by["anna@example.org"].facts["when"]
    )


def test_a_mail_that_is_overtaken_or_over_is_not_sent(
    client_of: ClientOf, anna: User, appointment: Appointment
) -> None:
    first = sent("appointment_new")[0]
    with as_owner():
        assert mails.decide(first).send
    client_of(anna).post(f"/termine/{appointment.pk}/verschieben/", typed(time="14:00", sequence=0))
    with as_owner():
        assert not mails.decide(first).send
        last = sent("appointment_moved")[0]
        assert mails.decide(last).send
        last.facts["ends_at"] = (clock.now() - timedelta(minutes=1)).isoformat()
        assert not mails.decide(last).send


def test_the_mail_names_day_and_link_and_nobody_else(client_of: ClientOf, anna: User, appointment: Appointment) -> None:
    from accounts.messages import message
    from accounts.outbox import KINDS, SEND

    for mail in sent("appointment_new"):
        made = email.message_from_bytes(message(mail, KINDS["appointment_new"], SEND).raw, policy=email.policy.default)
        subject, body = str(made["Subject"]), made.get_body(("plain",)).get_content()
        assert "Ben" not in subject + body.replace(mail.recipient.name, "") and "Anna" not in subject
        assert "10:00 bis 11:00 Uhr" in body and f"/termine/{appointment.pk}/" in body
        assert "video.example.org" not in body
