"""What a companion offers: lines with their undo, days that differ, rules, and the preview of what learners find."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import FreeDay, User
from conversations.models import BookingRules, OfferedTime
from engagements.models import Engagement
from engagements.reminders import public_holidays
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion
from .test_retention import run_as_worker

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]
PAGE = "/zeiten/"


def coming(weekday: int, least: int = 3) -> date:
    """The next such weekday that is a working day in all of Germany's calendars of these tests, some days ahead."""
    day = clock.today() + timedelta(days=least)
    while day.weekday() != weekday or any(day in public_holidays(state, day.year) for state in ("BY", "BW", "SH")):
        day += timedelta(days=1)
    return day


def weekly(**also: Any) -> dict[str, Any]:
    """What a companion types for a morning of every week."""
    values = {"id": uuid.uuid4(), "weekday": "1", "starts": "9:00", "ends": "11:30", "formats": ["video"], "place": ""}
    return {"form": "weekly"} | {f"weekly-{name}": value for name, value in (values | also).items()}


def single(**also: Any) -> dict[str, Any]:
    """What a companion types for a day that differs."""
    values = {"id": uuid.uuid4(), "day": coming(1).isoformat(), "what": "off"}
    return {"form": "day"} | {f"day-{name}": value for name, value in (values | also).items()}


def rules(**also: Any) -> dict[str, Any]:
    values = {"buffer_minutes": "0", "notice_hours": "2", "horizon_days": "28"}
    return {"form": "rules"} | {f"rules-{name}": value for name, value in (values | also).items()}


def offered(companion: User, *times: tuple[int, int, int], formats: tuple[str, ...] = ("video",), **also: Any) -> None:
    """As if the companion had offered (weekday, from, to) before; rules without buffer and with two hours' notice."""
    with as_owner():
        for weekday, starts, ends in times:
            OfferedTime.objects.create(
                companion=companion, kind="weekly", weekday=weekday, starts=time(starts), ends=time(ends),
                formats=list(formats), **also,
            )  # fmt: skip
        BookingRules.objects.get_or_create(
            companion=companion, defaults={"buffer_minutes": 0, "notice_hours": 2, "horizon_days": 28}
        )


def lines() -> list[OfferedTime]:
    with as_owner():
        return list(OfferedTime.objects.order_by("pk"))


@pytest.fixture
def companion(client_of: ClientOf, ben: User) -> Client:
    return client_of(ben)


def test_a_time_of_every_week_is_offered_and_stands_in_the_preview(companion: Client) -> None:
    page = companion.get(PAGE).content.decode()
    assert "Noch bieten Sie keine Zeiten an." in page and "gibt es keine freie Zeit" in page
    assert companion.post(PAGE, weekly(formats=["video", "on_site"], place=" Raum  3 ")).status_code == 302
    (line,) = lines()
    assert (line.weekday, line.starts, line.ends, line.formats, line.place) == (
        1, time(9), time(11, 30), ["video", "on_site"], "Raum 3",
    )  # fmt: skip
    page = companion.get(PAGE).content.decode()
    assert "Dienstag" in page and "09:00 bis 11:30 Uhr" in page and "Vor Ort, Per Video: Raum 3" in page
    assert page.count('<span class="slot">09:30</span>') in (1, 2)  # two weeks: two Tuesdays, but for holidays


def test_sending_it_twice_is_once(companion: Client) -> None:
    form = weekly()
    assert [companion.post(PAGE, form).status_code for _time in range(2)] == [302, 302]
    assert len(lines()) == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"ends": "8:00"}, "Das Ende liegt vor dem Anfang."),
        ({"ends": "9:20"}, "kürzer als eine halbe Stunde"),
        ({"starts": "halb zehn"}, "Schreiben Sie die Uhrzeit zum Beispiel so: 10:30."),
        ({"formats": []}, "Wählen Sie mindestens eine Art aus."),
        ({"place": "javascript:alert(1)"}, "Dieser Link ist nicht möglich."),
        ({"weekday": "9"}, "ist keine gültige Auswahl"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_stays(companion: Client, typed: dict[str, Any], sentence: str) -> None:
    response = companion.post(PAGE, weekly(**({"place": "Raum 8"} | typed)))
    page = response.content.decode()
    assert response.status_code == 422 and sentence in page and lines() == []
    assert "Raum 8" in page or "place" in typed


def test_what_is_offered_already_is_not_offered_again(companion: Client) -> None:
    companion.post(PAGE, weekly())
    page = companion.post(PAGE, weekly(starts="11:00", ends="12:00")).content.decode()
    assert "Von 09:00 bis 11:30 Uhr bieten Sie dann schon an." in page
    assert companion.post(PAGE, weekly(starts="11:30", ends="12:30")).status_code == 302
    assert companion.post(PAGE, weekly(weekday="2")).status_code == 302


def test_a_line_is_taken_away_and_back_in_its_place(companion: Client) -> None:
    companion.post(PAGE, weekly())
    (line,) = lines()
    gone = companion.post(f"/zeiten/{line.pk}/", follow=True).content.decode()
    assert "Rückgängig" in gone and "Entfernt." in gone and 'class="slot"' not in gone
    assert "Rückgängig" not in companion.get(PAGE).content.decode()
    back = companion.post(f"/zeiten/{line.pk}/", {"back": "1"}, follow=True).content.decode()
    assert "Die Zeit gilt wieder." in back and 'class="slot"' in back


def test_a_day_off_and_an_extra_time(companion: Client, ben: User) -> None:
    offered(ben, (1, 9, 11))
    day, saturday = coming(1), coming(5)
    assert companion.post(PAGE, single()).status_code == 302
    assert "steht das schon da" in companion.post(PAGE, single()).content.decode()
    extra = single(what="once", day=saturday.isoformat(), starts="10:00", ends="12:00", formats=["phone"])
    assert companion.post(PAGE, extra).status_code == 302
    page = companion.get(PAGE).content.decode()
    assert "kein Angebot" in page and "zusätzlich" in page
    preview = page.partition('id="vorschau"')[2]
    assert f"Samstag, {saturday.day}." in preview and f"Dienstag, {day.day}." not in preview


def test_an_extra_time_wants_its_times(companion: Client) -> None:
    response = companion.post(PAGE, single(what="once"))
    page = response.content.decode()
    assert response.status_code == 422 and "Ab wann?" in page and "Bis wann?" in page and "mindestens eine Art" in page


def test_holidays_free_days_and_absence_are_left_out_of_the_preview(companion: Client, ben: User) -> None:
    offered(ben, *((weekday, 9, 10) for weekday in range(5)))
    first = companion.get(PAGE).content.decode().partition('id="vorschau"')[2]
    assert first.count('<span class="slot">09:00</span>') in range(7, 12)
    tuesday = coming(1)
    name = f"Dienstag, {tuesday.day}."
    assert name in first
    with as_owner():
        free = FreeDay.objects.create(day=tuesday, agency=ben.agency, name_de="Betriebsausflug")
    assert name not in companion.get(PAGE).content.decode().partition('id="vorschau"')[2]
    with as_owner():
        free.delete()
        User.objects.filter(pk=ben.pk).update(absent_from=tuesday, absent_until=tuesday)
    assert name not in companion.get(PAGE).content.decode().partition('id="vorschau"')[2]
    with as_owner():
        User.objects.filter(pk=ben.pk).update(absent_from=None, absent_until=None, work_days=0b0011101)
    assert name not in companion.get(PAGE).content.decode().partition('id="vorschau"')[2]


def test_rules_are_kept_and_while_it_rests_nothing_is_offered(companion: Client, ben: User) -> None:
    offered(ben, *((weekday, 9, 12) for weekday in range(5)))
    assert companion.post(PAGE, rules(buffer_minutes="30", notice_hours="168")).status_code == 302
    with as_owner():
        kept = BookingRules.objects.get(companion=ben)
    assert (kept.buffer_minutes, kept.notice_hours, kept.horizon_days, kept.resting) == (30, 168, 28, False)
    companion.post(PAGE, rules(resting="on"))
    page = companion.get(PAGE).content.decode()
    assert "Gerade bieten Sie nichts an." in page and 'class="slot"' not in page and "09:00 bis 12:00 Uhr" in page
    assert companion.post(PAGE, rules(buffer_minutes="7")).status_code == 422


def test_the_page_asks_as_often_with_three_lines_as_with_one(
    companion: Client, ben: User, assert_same_queries: Callable[..., None]
) -> None:
    page = reverse("conversations:offered_times")
    assert_same_queries(lambda: companion.get(page), lambda number: offered(ben, (number, 8, 9)))


# ── who sees and writes it ─────────────────────────────────────────────────


def test_learners_of_running_companionships_read_it_and_nobody_else(
    world: SimpleNamespace, engagement_in: Make
) -> None:
    engagement = engagement_in(State.ACTIVE)
    offered(world.ben, (1, 9, 11))

    def reads(user: User) -> tuple[bool, bool]:
        with rls.acting_as(user.pk):
            return OfferedTime.objects.exists(), BookingRules.objects.exists()

    assert {name: reads(getattr(world, name)) for name in ("anna", "ben", "carla", "dirk", "stranger")} == {
        "anna": (True, True), "ben": (True, True), "carla": (False, False), "dirk": (False, False),
        "stranger": (False, False),
    }  # fmt: skip
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(state=State.CLOSED, closed_at=clock.now())
    assert reads(world.anna) == (False, False)


def test_nobody_offers_in_the_name_of_somebody_else(world: SimpleNamespace, companion: Client) -> None:
    companion.post(PAGE, weekly())
    (line,) = lines()
    with as_owner():
        make_companion(world.stranger)
    with rls.acting_as(world.stranger.pk):
        assert OfferedTime.objects.filter(pk=line.pk).update(removed_at=clock.now()) == 0
        with pytest.raises(Exception, match="row-level security"), transaction.atomic():
            OfferedTime(companion=world.ben, kind="off", day=clock.today()).save(force_insert=True)
    with rls.acting_as(world.anna.pk), pytest.raises(Exception, match="row-level security"), transaction.atomic():
        OfferedTime(companion=world.anna, kind="off", day=clock.today()).save(force_insert=True)


def test_the_database_takes_no_half_line(ben: User) -> None:
    for wrong in (
        {"kind": "weekly", "weekday": 8, "starts": time(9), "ends": time(10)},
        {"kind": "weekly", "weekday": 1, "starts": time(10), "ends": time(9)},
        {"kind": "weekly", "weekday": 1},
        {"kind": "once", "starts": time(9), "ends": time(10)},
        {"kind": "off", "day": clock.today(), "starts": time(9), "ends": time(10)},
    ):
        with as_owner(), pytest.raises(IntegrityError), transaction.atomic():
            OfferedTime.objects.create(companion=ben, **wrong)


def test_what_was_taken_away_or_is_over_is_erased_after_a_day(ben: User) -> None:
    today = clock.today()
    with as_owner():
        for day, removed in ((today, None), (today - timedelta(days=2), None), (today, clock.now() - timedelta(days=2)), (today, clock.now())):  # fmt: skip
            OfferedTime.objects.create(companion=ben, kind="off", day=day, removed_at=removed)
    run_as_worker()
    assert len(lines()) == 2


# ── when people have no time ───────────────────────────────────────────────


def busy_for(user: User, people: list[User]) -> list[tuple[Any, ...]]:
    now = clock.now()
    with rls.acting_as(user.pk), connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM busy_times(%s, %s, %s)",
            [[p.pk for p in people], now - timedelta(days=1), now + timedelta(days=60)],
        )
        assert [column.name for column in cursor.description or ()] == ["person", "starts_at", "ends_at"]
        return sorted(cursor.fetchall())


def test_of_others_one_learns_from_and_to_and_only_in_a_running_companionship(
    world: SimpleNamespace, engagement_in: Make
) -> None:
    from .test_audiences import fill

    annas, theirs = engagement_in(State.ACTIVE), engagement_in(State.ACTIVE, learner=world.stranger)
    fill(annas, shared=False, hour=9)
    fill(theirs, shared=False, hour=12)
    everybody = [world.anna, world.ben, world.stranger, world.carla]

    def seen(user: User) -> dict[int, int]:
        rows = busy_for(user, everybody)
        return {person.pk: sum(row[0] == person.pk for row in rows) for person in everybody if any(row[0] == person.pk for row in rows)}  # fmt: skip

    # an appointment each, Ben's two, and what the learners' own calendars say
    assert seen(world.anna) == {world.anna.pk: 2, world.ben.pk: 2}
    assert seen(world.ben) == {world.anna.pk: 2, world.ben.pk: 2, world.stranger.pk: 2}
    assert seen(world.carla) == {}
    with as_owner():
        Engagement.objects.filter(pk=annas.pk).update(state=State.CLOSED, closed_at=clock.now())
    assert seen(world.anna) == {world.anna.pk: 1}  # closing cancels what was to come; of Ben nothing is said any more
