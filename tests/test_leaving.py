"""A companion stops or is gone: the learner is told, chooses, and nothing moves before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import OutgoingMail, RoleGrant, User
from engagements.models import CompanionProfile, Engagement
from engagements.states import State
from engagements.tasks import rest_left_alone
from lernbegleitung import clock

from .conftest import as_owner
from .test_agencies import page

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
Make = Callable[..., Engagement]
URL = "/begleitende/aufhoeren/"


def letters(kind: str) -> list[int]:
    with as_owner():
        return list(OutgoingMail.objects.filter(kind=kind).order_by("pk").values_list("recipient", flat=True))


def night() -> int:
    """The nightly job, as the worker."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
        try:
            return rest_left_alone()["rested"]
        finally:
            cursor.execute("SET ROLE lern_app")


def now_of(engagement: Engagement) -> Engagement:
    with as_owner():
        return Engagement.objects.get(pk=engagement.pk)


def leave(client: Client, days: int) -> Any:
    return client.post(URL, {"leaves_on": clock.today() + timedelta(days=days)})


def ways(client: Client, engagement: Engagement) -> str:
    return page(client.get(reverse("engagements:ways_on", args=[engagement.pk])))


def later(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many days from now, for the database, too."""
    moment = clock.now() + timedelta(days=days)
    monkeypatch.setattr(clock, "now", lambda: moment)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.clock_offset', %s, true)", [str(days * 86400)])


def test_whoever_stops_says_so_once_and_the_learner_is_told(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in(State.ACTIVE)
    ben, anna = client_of(world.ben), client_of(world.anna)
    for _click in range(2):
        assert leave(ben, 20).status_code == 302
    assert letters("companion_leaves") == [world.anna.pk]
    assert "Ihr letzter Tag ist der" in page(ben.get(URL)) and "Ihr letzter Tag als Begleitung" in page(
        ben.get("/begleitende/mein-profil/")
    )
    url = reverse("conversations:engagement", args=[engagement.pk])
    assert "begleitet noch bis" in page(anna.get(url)) and "begleitet noch bis" not in page(ben.get(url))
    assert "Andere Begleitung suchen" in ways(anna, engagement) and "Termin vorschlagen" in ways(anna, engagement)
    assert night() == 0 and now_of(engagement).state == State.ACTIVE, "until then everything goes on"


def test_nobody_new_comes_from_then_on(world: SimpleNamespace, client_of: Browser) -> None:
    ben = client_of(world.ben)
    leave(ben, 20)
    with as_owner():
        assert CompanionProfile.objects.get(pk=world.ben.pk).is_paused
    form = {"formats": ["video"], "languages": ["de"], "capacity": 3, "about": "", "places": ""}
    answer = ben.post("/begleitende/mein-profil/", form)
    assert answer.status_code == 422 and "Nehmen Sie das zuerst" in page(answer)


def test_it_can_be_taken_back(world: SimpleNamespace, client_of: Browser, engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    ben = client_of(world.ben)
    leave(ben, 0)
    for _click in range(2):
        assert ben.post(URL, {"what": "stay"}).status_code == 302
    assert letters("changed") == [world.anna.pk]
    assert "begleitet noch" not in ways(client_of(world.anna), engagement)


@pytest.mark.parametrize("days", [-1, 731])
def test_a_day_that_is_over_or_far_away_is_said_beside_the_field(
    days: int, world: SimpleNamespace, client_of: Browser
) -> None:
    answer = leave(client_of(world.ben), days)
    assert answer.status_code == 422 and ("schon vorbei" in page(answer) or "weit weg" in page(answer))
    assert letters("companion_leaves") == []


@pytest.mark.parametrize("how", ["last day", "role", "account"])
def test_what_has_lost_its_companion_rests_and_nothing_moves(
    how: str, world: SimpleNamespace, client_of: Browser, engagement_in: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    engagement = engagement_in(State.ACTIVE)
    anna = client_of(world.anna)
    if how == "last day":
        leave(client_of(world.ben), 1)
        later(2, monkeypatch)
    with as_owner():
        if how == "role":
            RoleGrant.objects.filter(user=world.ben, role="companion").update(ends_on=clock.today() - timedelta(days=1))
        elif how == "account":
            User.objects.filter(pk=world.ben.pk).update(is_active=False)
    assert night() == 1 and night() == 0, "once"
    found = now_of(engagement)
    assert (found.state, found.companion_id) == (State.PAUSED, world.ben.pk), "nothing moves without the learner"
    assert letters("companion_gone") == [world.anna.pk]
    text = ways(anna, engagement)
    assert "begleitet nicht mehr" in text and "Fortsetzen" not in text and "Sichern und abschließen" in text
    anna.post(reverse("engagements:resume", args=[engagement.pk]))
    assert now_of(engagement).state == State.PAUSED, "with nobody there is nothing to go on with"


def test_the_learner_looks_for_somebody_else_and_nobody_is_gone_any_more(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in(State.ACTIVE)
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(is_active=False)
    night()
    assert now_of(engagement).companion_gone_on == clock.today()
    answer = client_of(world.anna).post(
        reverse("engagements:change_companion", args=[engagement.pk]), {"confirmed": "1"}
    )
    assert answer.status_code == 302
    found = now_of(engagement)
    assert (found.state, found.companion_id, found.companion_gone_on) == (State.REQUESTED, None, None)


def test_a_long_absence_rests_once_and_may_be_gone_on_with(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    engagement = engagement_in(State.ACTIVE)
    today = clock.today()
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(absent_from=today, absent_until=today + timedelta(days=56))
    assert night() == 0, "eight weeks are a long holiday"
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(absent_until=None)
    assert night() == 1 and now_of(engagement).state == State.PAUSED
    later(1, monkeypatch)
    client_of(world.anna).post(reverse("engagements:resume", args=[engagement.pk]))
    assert now_of(engagement).state == State.ACTIVE and night() == 0, "the two have decided"


def test_before_an_agreement_the_learner_is_told_and_nothing_rests(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in(State.INTRODUCTION)
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(is_active=False)
    assert night() == 1
    assert now_of(engagement).state == State.INTRODUCTION and letters("companion_gone") == [world.anna.pk]


def test_nobody_else_learns_of_it(world: SimpleNamespace, client_of: Browser, engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    leave(client_of(world.ben), 20)
    for person in (world.carla, world.dirk, world.stranger):
        assert client_of(person).get(reverse("engagements:ways_on", args=[engagement.pk])).status_code == 404
        with connection.cursor() as cursor:
            cursor.execute("SELECT companion_leaves_here(%s)", [engagement.pk])
            assert cursor.fetchone() == (None,)
    assert client_of(world.anna).get(URL).status_code == 403
