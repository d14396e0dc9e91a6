"""A reminder before each talk: once, in the one mail of a working day, moved back, never about what was moved or cancelled."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import TalkSettings, User
from conversations.actions import appointments as actions
from conversations.actions.appointments import Meeting
from conversations.appointments import Appointment
from conversations.talk_reminders import BEFORE, wish_of
from conversations.tasks import remind_of_talks
from engagements.models import Engagement
from engagements.reminders import Rhythm, plan
from engagements.states import State
from lernbegleitung import ids, rls

from .conftest import as_owner
from .test_delivery import TUESDAY, Sink, as_worker, at, deliver, parsed, sink

__all__ = ["at", "sink"]  # fixtures
pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ClientOf = Callable[[User], Client]


# ── the rule ───────────────────────────────────────────────────────────────


def reminder(starts: datetime, remind: str = "day_before", made: datetime = LONG_AGO, **life: Any) -> date | None:
    wish = wish_of(Rhythm(state="BY", zone=BERLIN, **life), uuid.uuid4(), starts, remind, made)
    return wish.first if wish else None


@pytest.mark.parametrize(
    ("starts", "remind", "life", "day"),
    [
        (datetime(2026, 12, 2, 10), "day_before", {}, date(2026, 12, 1)),
        (datetime(2026, 12, 7, 10), "day_before", {}, date(2026, 12, 4)),  # Monday: Friday
        (datetime(2027, 1, 7, 10), "day_before", {}, date(2027, 1, 5)),  # after Epiphany in Bavaria
        (datetime(2026, 12, 2, 10), "day_before", {"work_days": 0b0000101}, date(2026, 11, 30)),  # Monday, Wednesday
        (datetime(2026, 12, 2, 10), "same_day", {}, date(2026, 12, 2)),
        (datetime(2026, 12, 2, 8, 15), "same_day", {}, date(2026, 12, 1)),  # before the mail would come
        (datetime(2026, 12, 2, 10), "same_day", {"hour": 12}, date(2026, 12, 1)),
        (datetime(2026, 12, 5, 10), "same_day", {}, date(2026, 12, 4)),  # on a Saturday
        (datetime(2026, 12, 2, 10), "day_before",
         {"absent_from": date(2026, 11, 23), "absent_until": date(2026, 12, 1)}, date(2026, 11, 20)),
        (datetime(2026, 12, 2, 10), "day_before", {"absent_from": date(2026, 1, 1)}, None),
    ],
)  # fmt: skip
def test_a_reminder_of_a_talk_moves_back(starts: datetime, remind: str, life: dict[str, Any], day: date | None) -> None:
    assert reminder(starts.replace(tzinfo=BERLIN), remind, **life) == day


def test_not_on_the_day_on_which_it_was_made() -> None:
    starts, made = datetime(2026, 12, 2, 10, tzinfo=BERLIN), datetime(2026, 12, 1, 9, tzinfo=BERLIN)
    assert reminder(starts, made=made) == date(2026, 12, 2), "the next morning, there is time left"
    assert reminder(starts.replace(hour=8), made=made) is None


@given(
    st.datetimes(datetime(2026, 6, 1), datetime(2028, 6, 1)), st.sampled_from(["day_before", "same_day"]),
    st.integers(1, 127), st.integers(8, 15), st.integers(0, 40),
)  # fmt: skip
def test_whatever_the_life_the_mail_comes_before_the_talk_and_in_the_window(
    starts: datetime, remind: str, work_days: int, hour: int, before: int
) -> None:
    life = Rhythm(state="BY", zone=BERLIN, hour=hour, work_days=work_days)
    moment = starts.replace(tzinfo=BERLIN)
    wish = wish_of(life, uuid.uuid4(), moment, remind, LONG_AGO)
    for digest in plan(life, [wish] if wish else [], moment - timedelta(days=before)):
        assert digest.at + BEFORE <= moment and life.may_send(digest.at)


# ── the mail ───────────────────────────────────────────────────────────────


@pytest.fixture
def house(
    at: Callable[[datetime], None], engagement_in: Callable[..., Engagement]
) -> Iterator[Callable[[datetime], None]]:
    """Sets the clock of the application and of the database."""

    def now_is(moment: datetime) -> None:
        at(moment)
        with connection.cursor() as cursor:
            offset = int((moment - datetime.now(UTC)).total_seconds())
            cursor.execute("SELECT set_config('app.clock_offset', %s, false)", [str(offset)])

    now_is(TUESDAY)
    yield now_is
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.clock_offset', '', false)")


@pytest.fixture
def active(house: Any, engagement_in: Callable[..., Engagement]) -> Engagement:
    return engagement_in(State.ACTIVE)


def arranged(engagement: Engagement, starts: datetime) -> Appointment:
    meeting = Meeting(starts, starts + timedelta(hours=1), "video", "https://geheim.example.org/raum")
    with rls.acting_as(engagement.learner_id):
        return actions.make(
            engagement=engagement, pk=ids.new_id(), kind="conversation", meeting=meeting, by=engagement.learner
        )


def day_by_day(house: Any, days: int, start: datetime = TUESDAY) -> None:
    """Let time pass; the timetable rings before and after nine."""
    for number in range(days):
        for hour in (0, 1, 3):
            house(start + timedelta(days=number, hours=hour))
            as_worker(remind_of_talks)
            deliver()


def reminded(sink: Sink) -> list[tuple[str, str]]:
    found = [parsed(mail) for mail in sink.messages if b"/vorbereiten/" in mail and b"Erinnerungen" in mail]
    return sorted((str(mail["To"]).partition("@")[0], str(mail["Subject"])) for mail in found)


def test_both_are_reminded_once_on_the_working_day_before_with_a_link_to_prepare(
    house: Any, active: Engagement, sink: Sink
) -> None:
    talk = arranged(active, TUESDAY + timedelta(days=6, hours=3))  # a Monday
    day_by_day(house, 7)
    assert reminded(sink) == [("anna", "Ein Termin steht an"), ("ben", "Ein Termin steht an")]
    for mail in (mail for mail in sink.messages if b"/vorbereiten/" in mail):
        text = parsed(mail).get_body(("plain",)).get_content()
        assert f"/gespraeche/{talk.conversation.pk}/vorbereiten/" in text and "geheim" not in text
        assert "Am Montag" in text and "Anna" not in text and "Ben" not in text


def test_who_does_not_want_it_gets_none_and_who_wants_it_later_gets_it_on_the_day(
    house: Any, active: Engagement, sink: Sink, world: SimpleNamespace
) -> None:
    with as_owner():
        TalkSettings.objects.create(owner=world.anna, remind="off")
        TalkSettings.objects.create(owner=world.ben, remind="same_day")
    arranged(active, TUESDAY + timedelta(days=2, hours=4))
    day_by_day(house, 2)
    assert reminded(sink) == []
    day_by_day(house, 1, TUESDAY + timedelta(days=2))
    assert reminded(sink) == [("ben", "Ein Termin steht an")]


def test_a_cancelled_talk_reminds_nobody_and_a_moved_one_at_its_new_time(
    house: Any, active: Engagement, sink: Sink, world: SimpleNamespace
) -> None:
    gone, moved = (arranged(active, TUESDAY + timedelta(days=3, hours=h)) for h in (2, 4))
    as_worker(remind_of_talks)
    with rls.acting_as(world.ben.pk):
        actions.cancel(appointment=gone, by=world.ben)
        later = TUESDAY + timedelta(days=9, hours=4)
        meeting = Meeting(later, later + timedelta(hours=1), "phone", "")
        actions.move(appointment=moved, seen=0, meeting=meeting, by=world.ben)
    day_by_day(house, 6)
    assert reminded(sink) == []
    day_by_day(house, 4, TUESDAY + timedelta(days=6))
    assert [who for who, _subject in reminded(sink)] == ["anna", "ben"]


@pytest.mark.parametrize("state", [State.PAUSED, State.CLOSED])
def test_while_it_rests_or_when_it_is_over_nobody_is_reminded(
    house: Any, active: Engagement, sink: Sink, state: State
) -> None:
    arranged(active, TUESDAY + timedelta(days=3))
    as_worker(remind_of_talks)
    with as_owner():
        Engagement.objects.update(state=state)
    day_by_day(house, 4)
    assert reminded(sink) == []


def test_a_worker_that_was_away_sends_no_reminder_after_the_talk(house: Any, active: Engagement, sink: Sink) -> None:
    arranged(active, TUESDAY + timedelta(days=3))
    as_worker(remind_of_talks)
    house(TUESDAY + timedelta(days=3, hours=2))
    deliver()
    as_worker(remind_of_talks)
    deliver()
    assert reminded(sink) == []


def test_the_preview_shows_it_with_its_reason_and_follows_the_choice(
    house: Any, active: Engagement, client_of: ClientOf, world: SimpleNamespace
) -> None:
    arranged(active, TUESDAY + timedelta(days=2, hours=4))
    client = client_of(world.anna)
    page = client.get("/erinnerungen/").content.decode()
    assert "Morgen haben Sie einen Termin." in page and "Vor jedem Gespräch, einmal." in page
    client.post("/kalender/", {"remind": "same_day", "alarm_minutes": "60"})
    assert "Heute haben Sie einen Termin." in client.get("/erinnerungen/").content.decode()
    client.post("/kalender/", {"remind": "off", "alarm_minutes": "0"})
    assert "haben Sie einen Termin." not in client.get("/erinnerungen/").content.decode()


def test_nobody_can_ask_about_the_talks_of_others(house: Any, active: Engagement, world: SimpleNamespace) -> None:
    arranged(active, TUESDAY + timedelta(days=2))
    for who, found in ((world.anna, 1), (world.ben, 1), (world.stranger, 0), (world.carla, 0), (None, 0)):
        with rls.acting_as(who.pk if who else None), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM talks_coming_for_me(now(), now() + interval '900 days')")
            assert cursor.fetchone() == (found,)


@pytest.mark.parametrize(("minutes", "trigger"), [("60", "TRIGGER:-PT1H"), ("1440", "TRIGGER:-P1D"), ("0", "")])
def test_the_entry_in_ones_calendar_rings_when_one_likes(
    house: Any, active: Engagement, client_of: ClientOf, world: SimpleNamespace, minutes: str, trigger: str
) -> None:
    client_of(world.ben).post("/kalender/", {"remind": "off", "alarm_minutes": minutes})
    arranged(active, TUESDAY + timedelta(days=2))
    from .test_appointments import sent

    texts = {mail.recipient.pk: mail.attachment for mail in sent("appointment_new")}
    assert "TRIGGER:-PT30M" in texts[world.anna.pk]
    assert trigger in texts[world.ben.pk] and ("VALARM" in texts[world.ben.pk]) == bool(trigger)
