"""An answer from a calendar: it ends no talk, and whoever declines is not left waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.core.management import call_command
from icalendar import Calendar, vCalAddress

from accounts import bounces
from accounts.models import OutgoingMail, User
from conversations.models import Appointment
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock

from .conftest import as_owner
from .test_delivery import as_worker

pytestmark = pytest.mark.django_db


def reply(appointment: Appointment, address: str, said: str = "DECLINED", method: str = "REPLY", **also: Any) -> bytes:
    """What a calendar sends when its owner answers."""
    from icalendar import Event

    calendar, event = Calendar(), Event()
    calendar.add("method", method)
    event.add("uid", also.get("uid", f"{appointment.series or appointment.pk}@example.org"))
    attendee = vCalAddress(f"MAILTO:{address}")
    attendee.params["PARTSTAT"] = said
    event.add("attendee", attendee, encode=False)
    calendar.add_component(event)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = address, "lernbegleitung@example.org", "Abgelehnt: Termin"
    mail.set_content("Abgelehnt")
    mail.add_alternative(calendar.to_ical().decode(), subtype="calendar", params={"method": method})
    return mail.as_bytes()


def told() -> list[tuple[str, str]]:
    with as_owner():
        rows = OutgoingMail.objects.filter(kind="declined_in_calendar").select_related("recipient")
        return [(row.recipient.email, row.facts["path"]) for row in rows]


@pytest.fixture
def appointment(engagement_in: Callable[..., Engagement], anna: User, ben: User) -> Appointment:
    engagement = engagement_in(State.ACTIVE)
    start = clock.now() + timedelta(days=2)
    with as_owner():
        return Appointment.objects.create(
            engagement=engagement, learner=anna, companion=ben, starts_at=start, ends_at=start + timedelta(hours=1),
            format="video",
        )  # fmt: skip


def test_who_declines_is_told_that_it_stands_once_for_each_time(appointment: Appointment) -> None:
    raw = reply(appointment, "Anna@Example.org")
    assert [as_worker(lambda: bounces.take(raw)) for _ in range(2)] == ["declined", "declined"]
    assert told() == [("anna@example.org", f"/termine/{appointment.pk}/")], "nobody else hears of it"
    with as_owner():
        appointment.refresh_from_db()
        assert appointment.cancelled_at is None, "an answer by mail ends no talk"
        Appointment.objects.update(sequence=1)
    as_worker(lambda: bounces.take(raw))
    assert len(told()) == 2, "moved since: another time, another answer"


def test_an_answer_to_a_series_is_about_its_next_talk(appointment: Appointment) -> None:
    with as_owner():
        Appointment.objects.update(series=appointment.engagement_id, slot_at=appointment.starts_at, every_weeks=1)
        appointment.refresh_from_db()
    assert as_worker(lambda: bounces.take(reply(appointment, "ben@example.org"))) == "declined"
    assert told() == [("ben@example.org", f"/termine/{appointment.pk}/")]


@pytest.mark.parametrize(
    "changed",
    [
        {"address": "mia@example.org"},
        {"said": "ACCEPTED"},
        {"said": "TENTATIVE"},
        {"method": "REQUEST"},
        {"uid": "nothing@example.org"},
        {"uid": "0190a0b0-0000-7000-8000-000000000000@example.org"},
    ],
)
def test_anything_else_changes_nothing(appointment: Appointment, changed: dict[str, str]) -> None:
    raw = reply(appointment, **{"address": "anna@example.org", **changed})
    assert as_worker(lambda: bounces.take(raw)) == "ignored" and told() == []


def test_of_another_house_of_what_is_over_or_cancelled_and_of_rubbish_nothing(appointment: Appointment) -> None:
    foreign = reply(appointment, "anna@example.org", uid=f"{appointment.pk}@elsewhere.example")
    assert as_worker(lambda: bounces.take(foreign)) == "ignored"
    rubbish = reply(appointment, "anna@example.org").replace(b"BEGIN:VEVENT", b"BEGIN:\xff\x00;=;")
    assert as_worker(lambda: bounces.take(rubbish)) == "ignored"
    with as_owner():
        Appointment.objects.update(cancelled_at=clock.now())
    assert as_worker(lambda: bounces.take(reply(appointment, "anna@example.org"))) == "ignored"
    with as_owner():
        Appointment.objects.update(cancelled_at=None, ends_at=clock.now(), starts_at=clock.now() - timedelta(hours=1))
    assert as_worker(lambda: bounces.take(reply(appointment, "anna@example.org"))) == "ignored"
    assert told() == []


def test_it_comes_in_by_the_same_command(appointment: Appointment, tmp_path: Any, capsys: Any) -> None:
    (tmp_path / "1").write_bytes(reply(appointment, "anna@example.org"))
    as_worker(lambda: call_command("take_bounces", str(tmp_path)))
    assert "1: declined" in capsys.readouterr().out
