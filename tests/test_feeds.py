"""The calendar to subscribe to: secret, shown once, renewable, neutral, a window of time, "nothing new"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import vobject
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import AuditEvent, User
from conversations.feeds import AHEAD, BACK, Feed
from conversations.models import Appointment, CalendarFeed
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, rls
from lernbegleitung.logs import TICKETS

from .conftest import as_owner
from .test_appointments import booked, typed, url_of

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def active(engagement_in: Callable[..., Engagement]) -> Engagement:
    return engagement_in(State.ACTIVE)


def open_feed(client: Client, **values: str) -> str:
    """The path of a fresh address."""
    page = client.post("/kalender/abo/", {"naming": "neutral", "open": "1", **values}).content.decode()
    found = re.search(r'value="http://localhost:8000(/kalender/abo/[\w-]{43}\.ics)"', page)
    assert found
    return found[1]


def events(response: Any) -> list[Any]:
    assert response.status_code == 200
    return list(vobject.readOne(response.content.decode()).contents.get("vevent", []))


def talk(engagement: Engagement, days: float, **also: Any) -> Appointment:
    starts = clock.now() + timedelta(days=days)
    values = {"format": "video", "place": "https://video.example.org/raum", "starts_at": starts, **also}
    with as_owner():
        return Appointment.objects.create(
            engagement=engagement, learner=engagement.learner, companion=engagement.companion,
            ends_at=starts + timedelta(hours=1), **values,
        )  # fmt: skip


def test_who_has_the_address_reads_neutral_times_without_signing_in(
    client_of: ClientOf, anna: User, active: Engagement
) -> None:
    talk(active, 3)
    address = open_feed(client_of(anna))
    response = Client().get(address)
    (event,) = events(response)
    assert event.summary.value == "Termin" and event.location.value == "https://video.example.org/raum"
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    text = response.content.decode()
    for word in ("Anna", "Ben", "anna@", "ben@", "ATTENDEE", "Lerngespr"):
        assert word not in text, word


def test_the_address_is_shown_once_and_only_its_hash_is_kept(client_of: ClientOf, anna: User) -> None:
    client = client_of(anna)
    token = open_feed(client).removeprefix("/kalender/abo/").removesuffix(".ics")
    assert token not in client.get("/kalender/").content.decode()
    with as_owner(), connection.cursor() as cursor:
        for model in (CalendarFeed, AuditEvent):
            cursor.execute(f"SELECT count(*) FROM {model._meta.db_table} t WHERE t::text LIKE %s", [f"%{token}%"])
            assert cursor.fetchone() == (0,)
    assert token not in TICKETS.sub(r"\1…", f"Not Found: /kalender/abo/{token}.ics")


def test_a_new_address_ends_the_old_one_and_switching_off_ends_both(client_of: ClientOf, anna: User) -> None:
    client = client_of(anna)
    old = open_feed(client)
    new = open_feed(client, renew="1")
    assert (Client().get(old).status_code, Client().get(new).status_code) == (404, 200)
    for _twice in range(2):
        assert client.post("/kalender/abo/", {"stop": "1"}).status_code == 302
    assert Client().get(new).status_code == 404
    with as_owner():
        kinds = list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["calendar.feed_opened", "calendar.feed_opened", "calendar.feed_closed"]


def test_a_deactivated_person_has_no_feed(client_of: ClientOf, anna: User) -> None:
    address = open_feed(client_of(anna))
    with as_owner():
        User.objects.filter(pk=anna.pk).update(is_active=False)
    assert Client().get(address).status_code == 404


@pytest.mark.parametrize("token", ["x", "A" * 43, "..%2f..", "' OR 1=1 --", "%00", "ä" * 43])
def test_other_addresses_are_none(db: None, token: str) -> None:
    assert Client().get(f"/kalender/abo/{token}.ics").status_code == 404


def test_everybody_sees_the_own_talks_only(
    client_of: ClientOf, world: SimpleNamespace, engagement_in: Callable[..., Engagement], active: Engagement
) -> None:
    other = engagement_in(State.ACTIVE, learner=world.stranger)
    talk(active, 3)
    talk(other, 4)
    found = {who: len(events(Client().get(open_feed(client_of(getattr(world, who)))))) for who in
             ("anna", "ben", "stranger", "carla", "dirk")}  # fmt: skip
    assert found == {"anna": 1, "ben": 2, "stranger": 1, "carla": 0, "dirk": 0}
    with rls.acting_as(world.ben.pk):
        assert CalendarFeed.objects.count() == 1


def test_a_window_of_time_and_cancelled_ones_for_a_while(client_of: ClientOf, anna: User, active: Engagement) -> None:
    talk(active, -BACK.days - 1)
    talk(active, AHEAD.days + 1)
    talk(active, -BACK.days + 1)
    lately = talk(active, 5, cancelled_at=clock.now() - timedelta(days=2), sequence=1)
    talk(active, 6, cancelled_at=clock.now() - timedelta(days=40))
    found = events(Client().get(open_feed(client_of(anna))))
    assert [(event.status.value, event.sequence.value) for event in found] == [("CONFIRMED", "0"), ("CANCELLED", "1")]
    assert found[1].uid.value.startswith(str(lately.pk)) and not hasattr(found[1], "valarm")


def test_nothing_new_costs_nothing_until_something_changes(
    client_of: ClientOf, anna: User, active: Engagement, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_of(anna).post(url_of(active), typed())
    address = open_feed(client_of(anna))
    first = Client().get(address)
    with monkeypatch.context() as patched:
        patched.setattr(Feed, "text", lambda _feed: pytest.fail("written although nobody needs it"))
        again = Client().get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and again.content == b"" and again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"
    (made,) = booked()
    client_of(anna).post(f"/termine/{made.pk}/verschieben/", typed(time="15:00", sequence=0))
    later = Client().get(address, headers={"If-None-Match": first.headers["ETag"]})
    (before,), (after,) = events(first), events(later)
    assert before.uid.value == after.uid.value and (before.sequence.value, after.sequence.value) == ("0", "1")


def test_whatever_the_text_is_made_of_changes_the_fingerprint(
    client_of: ClientOf, anna: User, active: Engagement, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk(active, 3)
    address, known = open_feed(client_of(anna)), {""}

    def asked() -> int:
        answer = Client().get(address, headers={"If-None-Match": ", ".join(known - {""}) or '"nothing"'})
        known.add(answer.headers["ETag"])
        return int(answer.status_code)

    assert (asked(), asked()) == (200, 304)
    for field, value in (("place", "Raum 7"), ("kind", "closing"), ("zone", "Europe/Lisbon"), ("sequence", 4)):
        with as_owner():
            Appointment.objects.update(**{field: value})
        assert (asked(), asked()) == (200, 304), field
    for changes in ({"naming": "kind"}, {"language": "en"}):
        with as_owner():
            model = CalendarFeed if "naming" in changes else User
            model.objects.filter(pk=anna.pk).update(**changes)
        assert (asked(), asked()) == (200, 304), changes
    monkeypatch.setattr(settings, "CLOCK_OFFSET", 86_400)
    assert asked() == 200, "once a day at least, since a release may use other words"


def test_the_title_is_ones_own_choice_and_never_names_the_other(
    client_of: ClientOf, anna: User, active: Engagement
) -> None:
    talk(active, 3, kind="closing")
    client = client_of(anna)
    address = open_feed(client)
    client.post("/kalender/abo/", {"naming": "kind", "keep": "1"})
    (event,) = events(Client().get(address))
    assert event.summary.value == "Abschlussgespräch"
    client.post("/kalender/abo/", {"naming": "with everybody's name", "keep": "1"})
    (event,) = events(Client().get(address))
    assert event.summary.value == "Termin"


def test_who_asks_too_often_waits(client_of: ClientOf, anna: User) -> None:
    address, other = open_feed(client_of(anna)), "/kalender/abo/x.ics"
    answers = [Client().get(address).status_code for _number in range(125)]
    assert answers[:120] == [200] * 120 and answers[-1] == 429
    assert Client().get(other).status_code == 404


def test_reading_changes_nothing_and_posting_is_not_possible(client_of: ClientOf, anna: User) -> None:
    address = open_feed(client_of(anna))
    assert Client().head(address).status_code == 200 and Client().post(address).status_code == 405


def test_a_calendar_of_three_asks_as_often_as_one_of_one(
    client_of: ClientOf, anna: User, active: Engagement, assert_same_queries: Callable[..., None]
) -> None:
    address, client = open_feed(client_of(anna)), Client()
    assert_same_queries(lambda: client.get(address), lambda number: talk(active, 3 + number) and None)
