"""Appointments: made, moved, cancelled; nobody is in two talks at once; calendars follow."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from icalendar import Calendar

from accounts.models import AuditEvent, OutgoingMail, User
from conversations.models import Appointment, Conversation, ConversationPart
from engagements.actions import lifecycle
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner

BERLIN = ZoneInfo("Europe/Berlin")
Make = Callable[..., Engagement]
ClientOf = Callable[[User], Client]


@pytest.fixture
def active(engagement_in: Make) -> Engagement:
    return engagement_in(State.ACTIVE)


def in_days(number: int) -> date:
    return clock.today() + timedelta(days=number)


def typed(**also: Any) -> dict[str, Any]:
    """What a person types for a talk in a week, at ten."""
    values = {
        "id": uuid.uuid4(),
        "kind": "conversation",
        "day": in_days(7).isoformat(),
        "time": "10:00",
        "duration": "60",
        "format": "video",
        "place": "https://video.example.org/raum",
    }
    return {key: str(value) for key, value in (values | also).items()}


def url_of(engagement: Engagement) -> str:
    return f"/begleitungen/{engagement.pk}/termine/neu/"


def booked() -> list[Appointment]:
    with as_owner():
        return list(Appointment.objects.order_by("made_at"))


def sent(kind: str) -> list[OutgoingMail]:
    with as_owner():
        return list(OutgoingMail.objects.filter(kind=kind).order_by("pk").select_related("recipient"))


def event_of(text: str) -> tuple[str, Any]:
    """An independent reading of a calendar object: its method and its one event."""
    calendar = Calendar.from_ical(text)
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), event


@pytest.fixture
def appointment(client_of: ClientOf, anna: User, active: Engagement) -> Appointment:
    client_of(anna).post(url_of(active), typed())
    return booked()[0]


# ── making ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["anna", "ben"])
def test_either_of_the_two_makes_an_appointment_with_its_empty_record(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement, who: str
) -> None:
    response = client_of(getattr(world, who)).post(url_of(active), typed())
    (appointment,) = booked()
    assert response.headers["Location"] == f"/termine/{appointment.pk}/"
    assert appointment.starts_at == datetime.combine(in_days(7), time(10), BERLIN)
    assert appointment.duration() == timedelta(hours=1)
    assert (appointment.learner_id, appointment.companion_id) == (world.anna.pk, world.ben.pk)
    with as_owner():
        conversation = Conversation.objects.get(appointment=appointment)
        parts = ConversationPart.objects.filter(conversation=conversation)
        assert [(part.part, bytes(part.text_sealed)) for part in parts] == [(n, b"") for n in (1, 2, 3, 4)]
        assert AuditEvent.objects.get(kind="appointment.made").subject == active.pk
    assert {mail.recipient.email for mail in sent("appointment_new")} == {"anna@example.org", "ben@example.org"}


def test_the_first_appointment_is_for_getting_to_know_each_other(
    client_of: ClientOf, anna: User, engagement_in: Make
) -> None:
    engagement = engagement_in(State.INTRODUCTION)
    page = client_of(anna).get(url_of(engagement))
    assert b"Kennenlernen" in page.content and b'name="kind"' not in page.content
    client_of(anna).post(url_of(engagement), typed(kind="closing"))
    assert [appointment.kind for appointment in booked()] == ["introduction"]


def test_sending_the_form_twice_makes_one_appointment(client_of: ClientOf, anna: User, active: Engagement) -> None:
    client, form = client_of(anna), typed()
    first, second = client.post(url_of(active), form), client.post(url_of(active), form)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(booked()) == 1 and len(sent("appointment_new")) == 2


def test_an_id_of_somebody_elses_appointment_is_answered_kindly(
    client_of: ClientOf, world: SimpleNamespace, engagement_in: Make
) -> None:
    theirs, mine = engagement_in(State.ACTIVE, learner=world.stranger), engagement_in(State.ACTIVE)
    form = typed()
    client_of(world.stranger).post(url_of(theirs), form)
    response = client_of(world.anna).post(url_of(mine), form | {"time": "15:00"})
    assert response.status_code == 302 and response.headers["Location"] == "/heute/"
    assert len(booked()) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"day": "2020-01-01"}, "schon vorbei"),
        ({"day": ""}, "Wählen Sie einen Tag"),
        ({"day": "gestern"}, "zum Beispiel so"),
        ({"time": ""}, "wann Sie sich treffen"),
        ({"time": "25:99"}, "zum Beispiel so: 10:30"),
        ({"duration": "1"}, ""),
        ({"format": ""}, "wie Sie sich treffen"),
        ({"kind": "introduction"}, ""),
        ({"place": "javascript:alert(1)"}, "beginnt mit https://"),
        ({"place": "  JaVaScRiPt:alert(1)"}, "beginnt mit https://"),
        ({"place": "data:text/html,x"}, "beginnt mit https://"),
        ({"place": "ftp://files.example.org"}, "beginnt mit https://"),
        ({"place": "https://"}, "nicht vollständig"),
        ({"place": "x" * 100_000}, "Kürzen Sie"),
        ({"place": "Raum\x003"}, ""),
    ],
)  # fmt: skip
def test_what_does_not_work_is_said_beside_its_field_and_nothing_is_lost(
    client_of: ClientOf, anna: User, active: Engagement, change: dict[str, str], sentence: str
) -> None:
    response = client_of(anna).post(url_of(active), typed(place="Raum 3.14") | change)
    assert response.status_code == 422
    assert sentence in response.content.decode() and "field invalid" in response.content.decode()
    if "place" not in change:
        assert "Raum 3.14" in response.content.decode()
    assert booked() == []


def test_only_web_addresses_can_be_opened_and_html_stays_text(
    client_of: ClientOf, anna: User, active: Engagement
) -> None:
    client = client_of(anna)
    client.post(url_of(active), typed())
    client.post(url_of(active), typed(time="12:00", place="Raum <b>3</b> 🌲, Tel.: 0821"))
    linked, plain = (client.get(f"/termine/{a.pk}/").content.decode() for a in booked())
    assert 'href="https://video.example.org/raum"' in linked
    assert "Raum &lt;b&gt;3&lt;/b&gt; 🌲" in plain


def test_today_at_an_hour_that_is_over_is_refused(client_of: ClientOf, anna: User, active: Engagement) -> None:
    response = client_of(anna).post(url_of(active), typed(day=clock.today(), time="00:00"))
    assert "schon vorbei" in response.content.decode() and booked() == []


def test_the_other_ones_absence_is_named_and_respected(
    client_of: ClientOf, anna: User, ben: User, active: Engagement
) -> None:
    with as_owner():
        User.objects.filter(pk=ben.pk).update(absent_from=in_days(5), absent_until=in_days(9))
    assert "abwesend" in client_of(anna).get(url_of(active)).content.decode()
    response = client_of(anna).post(url_of(active), typed())
    assert response.status_code == 422 and "Wählen Sie einen anderen Tag" in response.content.decode()
    client_of(anna).post(url_of(active), typed(day=in_days(10)))
    assert len(booked()) == 1


@pytest.mark.parametrize("state", [State.OFFERED, State.PAUSED, State.CLOSED, State.REQUESTED])
def test_no_appointments_before_and_after_the_two_work_together(
    client_of: ClientOf, anna: User, engagement_in: Make, state: State
) -> None:
    response = client_of(anna).post(url_of(engagement_in(state)), typed())
    assert response.status_code == 302 and booked() == []


# ── moving and cancelling ──────────────────────────────────────────────────


def test_a_move_keeps_the_row_and_tells_both_calendars(
    client_of: ClientOf, ben: User, appointment: Appointment
) -> None:
    client = client_of(ben)
    url = f"/termine/{appointment.pk}/verschieben/"
    assert b'value="10:00"' in client.get(url).content
    response = client.post(url, typed(time="14:00", sequence=0))
    assert response.headers["Location"] == f"/termine/{appointment.pk}/"
    (moved,) = booked()
    assert (moved.pk, moved.sequence, moved.starts_at.astimezone(BERLIN).hour) == (appointment.pk, 1, 14)
    before, after = (event_of(sent(kind)[0].attachment) for kind in ("appointment_new", "appointment_moved"))
    assert before[0] == after[0] == "REQUEST"
    assert before[1]["UID"] == after[1]["UID"] and before[1]["SEQUENCE"] < after[1]["SEQUENCE"]
    assert len(sent("appointment_moved")) == 2


def test_a_move_sent_twice_or_to_the_same_time_changes_nothing(
    client_of: ClientOf, anna: User, appointment: Appointment
) -> None:
    client, url = client_of(anna), f"/termine/{appointment.pk}/verschieben/"
    for _twice in range(2):
        assert client.post(url, typed(time="14:00", sequence=0)).status_code == 302
    assert booked()[0].sequence == 1 and len(sent("appointment_moved")) == 2


def test_two_who_move_at_once_see_each_other(
    client_of: ClientOf, anna: User, ben: User, appointment: Appointment
) -> None:
    url = f"/termine/{appointment.pk}/verschieben/"
    client_of(anna).post(url, typed(time="14:00", sequence=0))
    response = client_of(ben).post(url, typed(time="16:00", sequence=0))
    page = response.content.decode()
    assert (
        response.status_code == 412
        and "14:00" in page
        and 'value="16:00"' in page
        and 'name="sequence" value="1"' in page
    )
    assert client_of(ben).post(url, typed(time="16:00", sequence=1)).status_code == 302
    assert booked()[0].sequence == 2


def test_a_move_to_a_taken_time_keeps_the_old_one(
    client_of: ClientOf, anna: User, active: Engagement, appointment: Appointment
) -> None:
    client = client_of(anna)
    client.post(url_of(active), typed(time="15:00"))
    response = client.post(f"/termine/{appointment.pk}/verschieben/", typed(time="15:30", sequence=0))
    assert response.status_code == 422 and "Zu dieser Zeit" in response.content.decode()
    assert booked()[0].starts_at == appointment.starts_at


def test_cancelling_asks_first_tells_both_and_can_be_made_again(
    client_of: ClientOf, anna: User, active: Engagement, appointment: Appointment
) -> None:
    client, url = client_of(anna), f"/termine/{appointment.pk}/absagen/"
    assert "Diesen Termin absagen?" in client.get(url).content.decode() and not booked()[0].cancelled_at
    for _twice in range(2):
        assert client.post(url).status_code == 302
    cancelled = booked()[0]
    assert cancelled.cancelled_at and cancelled.sequence == 1
    method, event = event_of(sent("appointment_cancelled")[0].attachment)
    assert method == "CANCEL" and event["STATUS"] == "CANCELLED" and event["SEQUENCE"] == 1
    assert len(sent("appointment_cancelled")) == 2
    assert "findet nicht statt" in client.get(f"/termine/{appointment.pk}/").content.decode()
    assert client.post(url_of(active), typed()).status_code == 302
    assert client.get(f"/termine/{appointment.pk}/verschieben/").status_code == 302


@pytest.mark.parametrize("how", ["close", "change_companion"])
def test_when_the_two_part_the_coming_appointments_are_cancelled(
    world: SimpleNamespace, active: Engagement, appointment: Appointment, how: str
) -> None:
    with rls.acting_as(world.anna.pk):
        if how == "close":
            lifecycle.close(engagement=active, by=world.anna)
        else:
            lifecycle.change_companion(engagement=active, by=world.anna)
    assert booked()[0].cancelled_at and booked()[0].sequence == 1
    assert len(sent("appointment_cancelled")) == 2


def test_a_companion_who_is_released_gets_the_time_back(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    engagement = engagement_in(State.INTRODUCTION)
    client_of(world.anna).post(url_of(engagement), typed())
    with rls.acting_as(world.ben.pk), connection.cursor() as cursor:
        cursor.execute("SELECT engagement_release(%s)", [engagement.pk])
    assert booked()[0].cancelled_at


# ── who sees it ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["stranger", "carla", "dirk", "eva"])
@pytest.mark.parametrize("page", ["", "verschieben/", "absagen/", "termin.ics"])
def test_others_get_404(
    world: SimpleNamespace, client_of: ClientOf, appointment: Appointment, who: str, page: str
) -> None:
    client = client_of(getattr(world, who))
    assert client.get(f"/termine/{appointment.pk}/{page}").status_code == 404
    if page in ("verschieben/", "absagen/"):
        assert client.post(f"/termine/{appointment.pk}/{page}", typed()).status_code == 404


@pytest.mark.parametrize("who", ["stranger", "carla"])
def test_others_cannot_make_one(world: SimpleNamespace, client_of: ClientOf, active: Engagement, who: str) -> None:
    client = client_of(getattr(world, who))
    assert client.get(url_of(active)).status_code == client.post(url_of(active), typed()).status_code == 404
    assert booked() == []


def test_the_appointment_page_says_when_where_and_who_sees_it(
    client_of: ClientOf, ben: User, appointment: Appointment
) -> None:
    page = client_of(ben).get(f"/termine/{appointment.pk}/").content.decode()
    for words in (
        "Lerngespräch",
        "10:00 bis 11:00 Uhr",
        "Per Video",
        "Anna Beispiel",
        "Das lesen Sie und",
        "Verschieben",
        "Absagen",
        "vorbereiten",
        "termin.ics",
    ):
        assert words in page


def test_after_the_talk_the_page_offers_to_document_it(
    client_of: ClientOf, anna: User, appointment: Appointment
) -> None:
    with as_owner():
        now = clock.now()
        Appointment.objects.filter(pk=appointment.pk).update(
            starts_at=now - timedelta(hours=2), ends_at=now - timedelta(hours=1)
        )
    page = client_of(anna).get(f"/termine/{appointment.pk}/").content.decode()
    assert "Gespräch dokumentieren" in page and "noch nicht dokumentiert" in page
