"""Booking an offered time: three clicks, in one's own time zone, once only, and a friendly answer for whoever is late."""

from __future__ import annotations

import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import FreeDay, User, VideoService
from conversations import busy_calendars
from conversations.actions import appointments, booking
from conversations.models import Appointment, BookingRules, BusyCalendar, BusyTime, Conversation, OfferedTime
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .people import make_companion, person
from .test_appointments import BERLIN, booked, sent
from .test_appointments import typed as by_hand
from .test_offered_times import coming, offered

Make = Callable[..., Engagement]
ClientOf = Callable[[User], Client]
HOUR = timedelta(hours=1)


@pytest.fixture
def active(engagement_in: Make, ben: User) -> Engagement:
    """Ben offers Tuesdays from nine to twelve."""
    offered(ben, (1, 9, 12))
    return engagement_in(State.ACTIVE)


def url_of(engagement: Engagement, **query: object) -> str:
    address = reverse("conversations:book", args=[engagement.pk])
    return address + "?" * bool(query) + "&".join(f"{name}={value}" for name, value in query.items())


def at(day: date, hour: int, minute: int = 0, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)


def times_on(page: str) -> list[str]:
    """The beginnings offered on a page, in order."""
    return re.findall(r'<a class="slot"[^>]*>(\d\d:\d\d)<', page)


def form_of(starts_at: datetime, minutes: int = 60, **also: object) -> dict[str, str]:
    values = {"id": uuid.uuid4(), "beginn": starts_at.isoformat(), "laenge": minutes, "kind": "conversation"} | also
    return {name: str(value) for name, value in values.items()}


def talk_at(engagement: Engagement, starts_at: datetime, length: timedelta = HOUR) -> Appointment:
    """An appointment that stands already."""
    pair = {"learner": engagement.learner, "companion": engagement.companion}
    with as_owner(), rls.acting_as(engagement.learner_id):
        row = Appointment.objects.create(
            engagement=engagement, starts_at=starts_at, ends_at=starts_at + length, format="video", **pair
        )
        Conversation.objects.create(engagement=engagement, appointment=row)
    return row


# ── three clicks ───────────────────────────────────────────────────────────


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["anna", "ben"])
def test_three_clicks_book_a_talk_and_both_are_told(
    who: str, world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    client = client_of(getattr(world, who))
    page = client.get(reverse("conversations:engagement", args=[active.pk])).content.decode()
    assert f'href="{url_of(active)}"' in page
    page = client.get(url_of(active)).content.decode()  # the first click
    assert times_on(page)[:5] == ["09:00", "09:30", "10:00", "10:30", "11:00"] and "11:30" not in times_on(page)
    link = re.findall(r'<a class="slot" href="([^"]+)"', page)[2].replace("&amp;", "&")
    page = client.get(link).content.decode()  # the second
    assert "10:00 bis 11:00 Uhr" in page and "Termin buchen" in page
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    form = {"id": hidden["id"], "beginn": hidden["beginn"], "laenge": hidden["laenge"], "kind": "conversation"}
    assert booked() == []
    response = client.post(url_of(active), form)  # the third
    (appointment,) = booked()
    assert response["Location"] == f"/termine/{appointment.pk}/"
    assert f"{appointment.starts_at.astimezone(BERLIN):%H:%M}" == "10:00" and appointment.duration() == HOUR
    assert (appointment.format, appointment.made_by_id) == ("video", getattr(world, who).pk)
    mails = sent("appointment_new")
    assert {mail.recipient.email for mail in mails} == {"anna@example.org", "ben@example.org"}
    assert all("METHOD:REQUEST" in mail.attachment for mail in mails)
    assert client.post(url_of(active), form)["Location"] == response["Location"], "a double click is one click"
    assert len(booked()) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("minutes", "last"), [(30, "11:30"), (45, "11:00"), (60, "11:00"), (90, "10:30")])
def test_the_length_decides_what_fits(
    minutes: int, last: str, client_of: ClientOf, anna: User, active: Engagement
) -> None:
    page = client_of(anna).get(url_of(active, laenge=minutes)).content.decode()
    assert max(times_on(page)) == last
    query = parse_qs(urlsplit(re.findall(r'<a class="slot" href="([^"]+)"', page)[0].replace("&amp;", "&")).query)
    assert query["laenge"] == [str(minutes)]


@pytest.mark.django_db
def test_the_first_talk_is_for_getting_to_know_each_other_and_rest_has_none(
    client_of: ClientOf, anna: User, ben: User, engagement_in: Make
) -> None:
    offered(ben, (1, 9, 12))
    engagement = engagement_in(State.INTRODUCTION)
    client_of(anna).post(url_of(engagement), form_of(at(coming(1), 9), kind="closing"))
    assert [row.kind for row in booked()] == ["introduction"]
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(state=State.PAUSED, paused_at=clock.now())
    assert client_of(anna).get(url_of(engagement)).status_code == 302
    client_of(anna).post(url_of(engagement), form_of(at(coming(1), 10)))
    assert len(booked()) == 1


@pytest.mark.django_db
def test_the_way_of_meeting_is_chosen_where_there_is_a_choice_and_brings_its_place(
    client_of: ClientOf, anna: User, ben: User, engagement_in: Make
) -> None:
    offered(ben, (1, 9, 12), formats=("on_site", "phone"), place="Raum 114")
    engagement, client, day = engagement_in(State.ACTIVE), client_of(anna), coming(1)
    link = url_of(engagement, laenge=60, beginn=at(day, 9).isoformat().replace("+", "%2B"))
    page = client.get(link).content.decode()
    assert 'value="on_site"' in page and 'value="phone"' in page and 'value="video"' not in page
    wrong = client.post(url_of(engagement), form_of(at(day, 9), format="video"))
    assert wrong.status_code == 422 and booked() == []
    client.post(url_of(engagement), form_of(at(day, 9), format="on_site"))
    client.post(url_of(engagement), form_of(at(day, 11), format="phone"))
    assert [(row.format, row.place) for row in booked()] == [("on_site", "Raum 114"), ("phone", "")]


@pytest.mark.django_db
def test_a_talk_by_video_gets_a_fresh_room_of_the_agencys_service(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    with as_owner():
        VideoService.objects.create(agency=world.ben.agency, base="https://video.example.org/")
    for hour in (9, 10):
        client_of(world.anna).post(url_of(active), form_of(at(coming(1), hour), format="video"))
    places = [row.place for row in booked()]
    assert len(set(places)) == 2 and all(place.startswith("https://video.example.org/") for place in places)


# ── what is left out ───────────────────────────────────────────────────────


@pytest.mark.django_db
def test_what_is_busy_by_ones_own_calendar_is_left_out_as_well(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    with as_owner():
        for person, hour in ((world.ben, 9), (world.anna, 11)):
            with rls.acting_as(person.pk):
                busy_calendars.keep(owner=person, address="https://geheim.example.org/k.ics")
            calendar = BusyCalendar.objects.get(owner=person)
            start = at(coming(1), hour)
            BusyTime.objects.create(calendar=calendar, starts_at=start, ends_at=start + timedelta(minutes=30))
        BookingRules.objects.filter(companion=world.ben).update(buffer_minutes=0)
    page = client_of(world.anna).get(url_of(active, laenge=30)).content.decode()
    first_day = times_on(page)[: times_on(page).index("11:30") + 1]
    assert "09:00" not in first_day and "11:00" not in first_day and "09:30" in first_day


@pytest.mark.django_db
def test_talks_of_both_with_others_are_left_out_without_a_word(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement, engagement_in: Make
) -> None:
    day = coming(1)
    with as_owner():
        make_companion(world.stranger)
        BookingRules.objects.filter(companion=world.ben).update(buffer_minutes=15)
    olgas = engagement_in(State.ACTIVE, learner=world.carla, companion=world.ben)
    annas = engagement_in(State.ACTIVE, learner=world.mia, companion=world.anna)
    talk_at(olgas, at(day, 9))  # Ben's: the buffer counts
    talk_at(annas, at(day, 11, 30), timedelta(minutes=30))  # Anna's own: the time alone
    page = client_of(world.anna).get(url_of(active)).content.decode()
    assert times_on(page)[: times_on(page).index("10:30") + 1] == ["10:30"]
    assert "Carla" not in page and "Mia" not in page and "belegt" not in page
    page = client_of(world.ben).get(url_of(active)).content.decode()
    assert times_on(page)[0] == "10:30"


@pytest.mark.django_db
def test_free_days_of_either_are_left_out(world: SimpleNamespace, client_of: ClientOf, active: Engagement) -> None:
    day = coming(1)
    client, name = client_of(world.anna), f"Dienstag, {day.day}."

    def stands() -> bool:
        return name in client.get(url_of(active)).content.decode()

    assert stands()
    for agency in (world.augsburg, world.ulm):
        with as_owner():
            free = FreeDay.objects.create(day=day, agency=agency, name_de="Betriebsausflug")
        assert not stands()
        with as_owner():
            free.delete()
    for user in (world.anna, world.ben):
        with as_owner():
            User.objects.filter(pk=user.pk).update(absent_from=day, absent_until=day)
        assert not stands()
        refused = client.post(url_of(active), form_of(at(day, 9)))
        assert refused.status_code == 422 and booked() == []
        with as_owner():
            User.objects.filter(pk=user.pk).update(absent_from=None, absent_until=None)
    assert stands()


@pytest.mark.django_db
def test_what_nobody_offers_cannot_be_booked(client_of: ClientOf, anna: User, active: Engagement) -> None:
    day = coming(1)
    client = client_of(anna)
    for starts_at, minutes in ((at(day, 14), 60), (at(day, 9, 10), 60), (at(day, 11, 30), 60), (at(day + timedelta(days=1), 9), 60), (at(day - timedelta(days=70), 9), 60)):  # fmt: skip
        response = client.post(url_of(active), form_of(starts_at, minutes))
        assert response.status_code == 422, starts_at
    for beginn in ("", "x", "9999-12-31T23:59:59+00:00", "2027-01-01", "\x00"):
        assert client.get(url_of(active), {"beginn": beginn, "laenge": "²", "ab": beginn}).status_code == 200
        assert client.post(url_of(active), {"beginn": beginn, "laenge": "10000"}).status_code == 200
    assert booked() == []


@pytest.mark.django_db
def test_without_offers_the_page_shows_the_other_ways(client_of: ClientOf, anna: User, engagement_in: Make) -> None:
    page = client_of(anna).get(url_of(engagement_in(State.ACTIVE))).content.decode()
    assert "Hier ist gerade keine Zeit frei" in page and "Tag und Uhrzeit selbst eintragen" in page


@pytest.mark.django_db
def test_times_are_ones_own_and_the_other_clock_is_told(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(time_zone="Atlantic/Azores")
    client, day = client_of(world.anna), coming(1)
    page = client.get(url_of(active)).content.decode()
    hour = at(day, 9).astimezone(ZoneInfo("Atlantic/Azores")).hour
    assert times_on(page)[0] == f"{hour:02d}:00" and "Azores" in page and "anderen Zeitzone" in page
    page = client.get(url_of(active, beginn=at(day, 9).isoformat().replace("+", "%2B"))).content.decode()
    assert f"{hour:02d}:00 bis {hour + 1:02d}:00 Uhr" in page and "Bei Ben Beispiel: 09:00 bis 10:00 Uhr." in page
    client.post(url_of(active), form_of(at(day, 9)))
    assert booked()[0].starts_at == at(day, 9)
    assert (
        "Zeitzone"
        not in client_of(world.ben).get(url_of(active, ab="2030-01-01")).content.decode().partition("<main")[0]
    )


@pytest.mark.django_db
def test_the_page_asks_as_often_with_three_talks_as_with_one(
    client_of: ClientOf, anna: User, active: Engagement, assert_same_queries: Callable[..., None]
) -> None:
    client, day = client_of(anna), coming(1)
    page = reverse("conversations:book", args=[active.pk])
    assert_same_queries(lambda: client.get(page), lambda number: talk_at(active, at(day, 9 + number)))


@pytest.mark.django_db
def test_later_days_are_one_click_away(client_of: ClientOf, anna: User, ben: User, engagement_in: Make) -> None:
    offered(ben, *((weekday, 9, 10) for weekday in range(5)))
    engagement, client = engagement_in(State.ACTIVE), client_of(anna)
    first = client.get(url_of(engagement)).content.decode()
    assert len(times_on(first)) == 8
    link = re.search(r'href="(\?laenge=60&amp;ab=[-\d]+)">.*?Spätere Tage', first)
    assert link
    later = client.get(url_of(engagement) + link[1].replace("&amp;", "&")).content.decode()
    days = [re.findall(r"<h3>([^<]+)</h3>", page) for page in (first, later)]
    assert days[0] and days[1] and not set(days[0]) & set(days[1])


# ── once only ──────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_who_is_late_gets_the_next_free_times_right_there(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement, engagement_in: Make
) -> None:
    day, other = coming(1), engagement_in(State.ACTIVE, learner=world.stranger)
    annas, fritz = client_of(world.anna), client_of(world.stranger)
    link = url_of(other, beginn=at(day, 9).isoformat().replace("+", "%2B"))
    assert fritz.get(link).status_code == 200
    annas.post(url_of(active), form_of(at(day, 9)))
    response = fritz.post(url_of(other), form_of(at(day, 9)))
    page = response.content.decode()
    assert response.status_code == 422 and "Schon vergeben:" in page and "die nächsten freien Zeiten" in page
    assert times_on(page)[:3] == ["10:00", "10:30", "11:00"]
    assert "Anna" not in page
    assert fritz.get(link).status_code == 422  # the link of a minute ago says the same
    assert len(booked()) == 1


@pytest.mark.django_db
def test_who_enters_a_taken_time_by_hand_gets_the_next_free_ones_too(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement, engagement_in: Make
) -> None:
    day = coming(1)
    talk_at(engagement_in(State.ACTIVE, learner=world.stranger), at(day, 9))
    form = by_hand(day=day.isoformat(), time="09:30")
    response = client_of(world.anna).post(reverse("conversations:appointment_create", args=[active.pk]), form)
    page = response.content.decode()
    assert response.status_code == 422 and "Zu dieser Zeit" in page
    assert times_on(page)[:3] == ["10:00", "10:30", "11:00"] and f'href="{url_of(active)}?laenge=60' in page


@pytest.mark.django_db
def test_the_database_has_the_last_word_and_its_answer_is_the_same(
    world: SimpleNamespace, active: Engagement, engagement_in: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the look before, the exclusion constraint still lets only one through, as TimeTaken."""
    day, other = coming(1), engagement_in(State.ACTIVE, learner=world.stranger)
    talk_at(active, at(day, 9))
    monkeypatch.setattr(appointments, "clash", lambda *_args, **_also: False)
    monkeypatch.setattr(booking, "slot_at", lambda e, starts_at, length: booking_slot(starts_at, length))
    with rls.acting_as(world.stranger.pk), pytest.raises(appointments.TimeTaken) as taken:
        booking.book(
            engagement=other, pk=ids.new_id(), kind="conversation", starts_at=at(day, 9), length=HOUR, format="video",
            by=world.stranger,
        )  # fmt: skip
    assert getattr(taken.value.__cause__.__cause__, "sqlstate", "") == "23P01"
    assert len(booked()) == 1


def booking_slot(starts_at: datetime, length: timedelta) -> object:
    from conversations.slots import Slot

    return Slot(starts_at, starts_at + length, ("video",))


@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_who_book_the_same_time_one_gets_it_and_the_others_the_next_ones(
    transactional_db: None, world: SimpleNamespace, engagement_in: Make, client_of: ClientOf
) -> None:
    """A hundred requests at once, through the page and the action; as many connections as the server has to give."""
    offered(world.ben, (1, 9, 12))
    with as_owner():
        learners = [person(f"Nora{number}", world.augsburg) for number in range(100)]
    engagements = [engagement_in(State.ACTIVE, learner=learner) for learner in learners]
    day = coming(1)
    clients = [client_of(learner) for learner in learners]
    outcomes: Counter[str] = Counter()
    together, places = threading.Barrier(len(engagements)), threading.BoundedSemaphore(60)
    deadlocks = deadlocks_so_far()

    def reach(client: Client, engagement: Engagement) -> None:
        together.wait(timeout=60)
        with places:
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SET ROLE lern_app")
                response = client.post(url_of(engagement), form_of(at(day, 9)))
                page = response.content.decode()
                if response.status_code == 302:
                    outcomes["booked" if "/termine/" in response["Location"] else "lost"] += 1
                else:
                    friendly = "Schon vergeben:" in page and times_on(page)[:3] == ["10:00", "10:30", "11:00"]
                    outcomes["told what is free" if friendly else f"{response.status_code}"] += 1
            except Exception as error:
                outcomes[repr(error)] += 1
            finally:
                connection.close()

    threads = [threading.Thread(target=reach, args=pair) for pair in zip(clients, engagements, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert outcomes == {"booked": 1, "told what is free": 99}
    assert deadlocks_so_far() == deadlocks
    assert [row.starts_at for row in booked()] == [at(day, 9)]


def deadlocks_so_far() -> int:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_the_offer_is_read_again_when_it_is_booked(client_of: ClientOf, anna: User, active: Engagement) -> None:
    client, day = client_of(anna), coming(1)
    assert client.get(url_of(active, beginn=at(day, 9).isoformat().replace("+", "%2B"))).status_code == 200
    with as_owner():
        OfferedTime.objects.update(removed_at=clock.now())
    response = client.post(url_of(active), form_of(at(day, 9)))
    assert response.status_code == 422 and "Schon vergeben" in response.content.decode() and booked() == []
