"""Goals: the learner's own, private until released, with a scale, how they feel over time, and what they said before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from engagements.models import Engagement, FormerWords, Goal, GoalRating, LearningConcern
from engagements.states import State
from engagements.views.goals import chart_of
from lernbegleitung import clock, ids, rls

from .conftest import as_owner

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
LEVELS = {f"level_{number}": f"Stufe {number}" for number in range(1, 6)}


@pytest.fixture
def engagement(engagement_in: Callable[..., Engagement]) -> Engagement:
    return engagement_in(State.ACTIVE)


def write(client: Client, engagement: Engagement, **also: Any) -> Goal:
    pk = also.pop("id", None) or ids.new_id()
    sent = {"id": str(pk), "title": "Früh etwas sagen", "target_on": "", **also}
    response = client.post(reverse("engagements:goal_create", args=[engagement.pk]), sent)
    assert response.status_code == 302, response.content.decode()
    with as_owner():
        return Goal.objects.select_related("engagement").get(pk=pk)


def at(name: str, goal: Goal) -> str:
    return reverse(f"engagements:{name}", args=[goal.pk])


def page(client: Client, goal: Goal) -> str:
    return client.get(at("goal", goal)).content.decode()


def test_one_sentence_is_a_goal_and_twice_is_once(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client, pk = client_of(world.anna), ids.new_id()
    assert "Kein offenes Ziel" in client.get("/ziele/").content.decode()
    for _twice in range(2):
        write(client, engagement, id=pk)
    with as_owner():
        assert Goal.objects.count() == 1 and Goal.objects.get().shared_at is None, "private by default"
        assert "Früh" not in str(list(Goal.objects.values()))
    body = client.get("/ziele/").content.decode()
    assert "Früh etwas sagen" in body and "nur Sie" in body
    empty = client.post(
        reverse("engagements:goal_create", args=[engagement.pk]), {"id": str(ids.new_id()), "title": " "}
    )
    assert empty.status_code == 422
    past = {"id": str(ids.new_id()), "title": "x", "target_on": f"{clock.today() - timedelta(days=1)}"}
    assert client.post(reverse("engagements:goal_create", args=[engagement.pk]), past).status_code == 422


def test_the_companion_sees_a_goal_when_it_is_released_and_writes_nothing(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    goal = write(anna, engagement, **LEVELS)
    anna.post(at("goal", goal), {"importance": "7", "confidence": "4", "level": "-1"})
    together = reverse("conversations:engagement", args=[engagement.pk])
    assert ben.get(at("goal", goal)).status_code == 404 and "Früh" not in ben.get(together).content.decode()
    with rls.acting_as(world.ben.pk):
        assert not Goal.objects.exists() and not GoalRating.objects.exists() and not FormerWords.objects.exists()
    anna.post(at("goal_share", goal), {"shared": "1"})
    body = page(ben, goal)
    assert "Früh etwas sagen" in body and "Stufe 5" in body and ">7<" in body and "Ändern" not in body
    assert "Früh etwas sagen" in ben.get(together).content.decode()
    for name, sent in (
        ("goal", {"importance": "1"}),
        ("goal_edit", {"title": "x"}),
        ("goal_answer", {"answer": "reached"}),
        ("goal_share", {}),
    ):
        assert ben.post(at(name, goal), sent).status_code == 403, name
    anna.post(at("goal_share", goal), {"shared": "0"})
    assert ben.get(at("goal", goal)).status_code == 404
    with rls.acting_as(world.ben.pk):
        assert not GoalRating.objects.exists(), "the numbers go with the goal"
    for user in (world.carla, world.dirk, world.stranger):
        assert client_of(user).get(at("goal", goal)).status_code == 404


def test_how_it_feels_is_kept_by_day_sealed_and_drawn(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(world.anna)
    goal = write(client, engagement)
    client.post(at("goal", goal), {"importance": "8", "confidence": ""})
    client.post(at("goal", goal), {"importance": "9", "confidence": "3"})
    client.post(at("goal", goal), {"importance": "", "confidence": ""})
    with as_owner():
        assert GoalRating.objects.count() == 1, "on one day the latest counts, and nothing said is nothing kept"
        assert bytes(GoalRating.objects.get().importance_sealed) != b"9"
        GoalRating.objects.update(at=clock.now() - timedelta(days=10))
    assert "<polyline" not in page(client, goal), "one day is no line"
    client.post(at("goal", goal), {"importance": "9", "confidence": "6"})
    body = page(client, goal)
    assert 'points="0.0,10 100.0,10"' in body and 'points="0.0,70 100.0,40"' in body
    assert 'role="img"' in body and "<table" in body, "the table says the same"
    for wrong in ({"importance": "11"}, {"confidence": "x"}, {"importance": "-1"}):
        assert client.post(at("goal", goal), wrong).status_code == 422
    assert client.post(at("goal", goal), {"level": "2"}).status_code == 302, "no scale, no level"
    assert chart_of([]) is None


def test_what_it_said_before_stays_with_the_learner(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    goal = write(client, engagement, signs="Ich melde mich.", shared="on")
    sent = {"title": "Jede Woche einmal", "signs": "Ich melde mich.", "version": 1, "target_on": "", "shared": "on"}
    assert client.post(at("goal_edit", goal), sent).status_code == 302
    stale = client.post(at("goal_edit", goal), {**sent, "title": "Aus dem zweiten Fenster"})
    assert stale.status_code == 412
    assert "Jede Woche einmal" in stale.content.decode() and "Aus dem zweiten Fenster" in stale.content.decode()
    body = page(client, goal)
    assert "Was hier vorher stand" in body and "Früh etwas sagen" in body
    with as_owner():
        assert FormerWords.objects.count() == 1, "only what changed"
    shown = page(client_of(world.ben), goal)
    assert "Jede Woche einmal" in shown and "Früh etwas sagen" not in shown and "vorher stand" not in shown


def test_a_day_that_is_over_does_not_stand_in_the_way_of_other_words(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    goal = write(client, engagement, target_on=f"{clock.today() + timedelta(days=5)}")
    past = clock.today() - timedelta(days=3)
    with as_owner():
        Goal.objects.update(target_on=past)
    sent = {"title": "Anders", "version": 1, "target_on": f"{past}"}
    assert client.post(at("goal_edit", goal), sent).status_code == 302
    other = {**sent, "version": 2, "target_on": f"{past - timedelta(days=1)}"}
    assert client.post(at("goal_edit", goal), other).status_code == 422


def test_the_concern_remembers_what_it_said_once_it_has_been_sent(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf, engagement_in: Callable[..., Engagement]
) -> None:
    client, address = client_of(world.anna), reverse("engagements:concern", args=[engagement.pk])
    client.post(address, {"version": 1, "ability": "Klarer sprechen.", "situation": "", "signs": ""})
    body = client.get(address).content.decode()
    assert "Was hier vorher stand" in body and "Ich möchte Rückmeldungen ruhig ansprechen." in body
    with as_owner(), rls.acting_as(world.stranger.pk):
        draft = engagement_in(State.DRAFT, learner=world.stranger)
        concern = LearningConcern.objects.get(engagement=draft)
    client_of(world.stranger).post(
        reverse("engagements:concern", args=[draft.pk]),
        {"version": 1, "ability": "Anders.", "situation": "", "signs": ""},
    )
    with as_owner():
        assert not FormerWords.objects.filter(item=concern.pk).exists()


def test_reached_let_go_and_open_again(engagement: Engagement, world: SimpleNamespace, client_of: ClientOf) -> None:
    client = client_of(world.anna)
    goal = write(client, engagement)
    for answer, words in (("reached", "Erreicht."), ("let_go", "Losgelassen."), ("open", "wieder offen")):
        response = client.post(at("goal_answer", goal), {"answer": answer}, follow=True)
        assert words in response.content.decode()
        with as_owner():
            stored = Goal.objects.get()
            assert stored.state == answer and bool(stored.answered_at) is (answer != "open")
    client.post(at("goal_answer", goal), {"answer": "nonsense"})
    client.post(at("goal_answer", goal), {"answer": "reached"})
    assert "Erreicht oder losgelassen" in client.get("/ziele/").content.decode()


def test_two_open_goals_are_a_hint_not_a_wall(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    new = reverse("engagements:goal_create", args=[engagement.pk])
    for _number in range(2):
        assert "Zwei auf einmal" not in client.get(new).content.decode()
        write(client, engagement)
    assert "Zwei auf einmal" in client.get(new).content.decode()
    write(client, engagement)


def test_a_later_companion_sees_nothing_that_was_released_to_the_former_one(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    goal = write(client, engagement, shared="on")
    client.post(at("goal", goal), {"importance": "5"})
    client.post(reverse("engagements:change_companion", args=[engagement.pk]))
    with as_owner():
        assert Goal.objects.get().shared_at is None and GoalRating.objects.get().shared_at is None
