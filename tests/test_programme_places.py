"""The places of a programme in a draft for all: honoured by the solver exactly, by publishing, and by everybody at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from engagements import assignment_work
from engagements.actions import assigning, assigning_all, choice
from engagements.explaining import why_in_words
from engagements.models import CompanionLoad, Engagement, Programme
from engagements.pairing import Pairs, assign
from engagements.solving import Place, Problem, solve, value
from engagements.states import NotPossible
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, person
from .test_assign_all import at_once, computed, fresh, lines_of, ring
from .test_pairing import as_worker, ask, offer, solved
from .test_programmes import programme_of
from .test_solving import independent, problems

Make = Callable[..., Engagement]


@st.composite
def limited(draw: st.DrawFn) -> Problem:
    """A small problem in which some requests count against limits."""
    problem = draw(problems())
    limits = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    which = st.sampled_from([None, *range(len(limits))])
    limit_of = draw(st.lists(which, min_size=len(problem.groups), max_size=len(problem.groups)))
    return Problem(
        problem.groups, problem.weeks, problem.places, problem.edge_group, problem.edge_companion, problem.edge_cost, limits, limit_of
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(limited(), st.integers(0, 2**31))
def test_no_other_answer_within_the_limits_is_better(problem: Problem, seed: int) -> None:
    answer = solve(problem, seed)
    assert value(problem, answer) == value(problem, independent(problem))
    assert solve(problem, seed) == answer, "the same for the same seed"


def test_an_answer_beyond_a_limit_is_noticed() -> None:
    problem = Problem([0, 0], [0, 0], [Place(2, 0)], [0], [0], [0], [1], [0, 0])
    assert Counter(solve(problem, 1)) == {0: 1, None: 1}
    with pytest.raises(ValueError, match="more requests than a limit"):
        value(problem, [0, 0])


def test_a_programme_with_one_place_left_serves_who_waits_longest_and_self_chosen_requests_go_on() -> None:
    quota = {"quota": "p:1/3", "room": 1}
    asking = [ask(1, weeks=5, **quota), ask(2, weeks=3, **quota), ask(3, weeks=1), ask(4, weeks=0)]
    lines = solved(asking, [offer(1, capacity=9)])
    assert [line["companion"] for line in lines] == [1, None, 1, 1]
    assert (lines[1]["why"], lines[1]["alternatives"]) == ([["quota"]], [])
    assert why_in_words(Engagement(), lines[1]["why"], somebody=False) == [
        "Das Programm hat in dieser Region gerade alle seine Plätze vergeben. Die Anfrage wartet, bis einer frei wird."
    ]


def test_what_is_kept_uses_up_the_places_too_and_never_more() -> None:
    quota = {"quota": "p:1/3", "room": 1}
    people = [offer(1, capacity=9), offer(2, capacity=9)]
    kept = solved([ask(1, weeks=8, **quota), ask(2, kept=2, **quota), ask(3, kept=1, **quota)], people)
    assert [line["companion"] for line in kept] == [None, 2, None]
    assert kept[2]["why"] == [["lost"], ["quota"]]
    before = solved([ask(1, **quota), ask(2, before=2, **quota)], people)
    assert [line["companion"] for line in before] == [None, 2], "who stood there stays, where it is worth as much"
    pairs = Pairs([ask(1, before=1, **quota), ask(2, before=2, **quota)], people, {})
    assert sum(column is not None for column in assign(pairs, 3)) == 1


def test_who_would_not_fit_anyway_reads_both() -> None:
    (line,) = solved([ask(1, quota="p:1/3", room=0)], [offer(1, capacity=1, used=1)])
    assert line["why"] == [["quota"], ["full", 1]]


@pytest.fixture
def three(world: SimpleNamespace, engagement_in: Make) -> list[Engagement]:
    """Two requests of a programme with one place, and a self-chosen one that came last. Ben has nine places."""
    programme = programme_of(world, places=1, agency=world.centre)
    with as_owner():
        CompanionLoad.objects.update(capacity=9)
        people = [person(f"Lernt{number}", world.augsburg) for number in range(3)]
    made = []
    for days, learner, chosen in zip((30, 20, 1), people, (programme, programme, None), strict=True):
        asked_at = clock.now() - timedelta(days=days)
        made.append(engagement_in("requested", learner=learner, programme=chosen, requested_at=asked_at))
    return made


def published_by(user: User, draft: Any) -> list[str]:
    with rls.acting_as(user.pk):
        assigning_all.publish(draft=draft)
    ring()
    return [line.outcome for line in lines_of(draft)]


@pytest.mark.django_db
def test_a_draft_gives_a_programme_the_places_that_are_left(world: SimpleNamespace, three: list[Engagement]) -> None:
    draft = computed(world.carla)
    assert [bool(line.companion_id) for line in lines_of(draft)] == [True, False, True]
    assert published_by(world.carla, draft) == ["proposed", "", "proposed"]
    again = computed(world.carla)
    assert [(line.companion_id, line.why) for line in lines_of(again)] == [(None, [["quota"]])]


@pytest.mark.django_db
def test_a_place_taken_while_the_draft_lay_there_is_not_given_twice(
    world: SimpleNamespace, three: list[Engagement], client_of: Callable[..., Any]
) -> None:
    draft = computed(world.carla)
    with rls.acting_as(world.carla.pk):
        assigning.propose(engagement=three[1], companion_ids=[world.ben.pk], by=world.carla)
    assert published_by(world.carla, draft) == ["quota", "", "proposed"]
    page = client_of(world.carla).get(f"/zuordnung/alle/{draft.pk}/").content.decode()
    assert "Im Programm sind inzwischen alle Plätze vergeben. Die Anfrage wartet." in page


@pytest.mark.django_db(transaction=True)
def test_by_hand_by_a_draft_and_by_choosing_at_once_the_places_are_never_exceeded(
    world: SimpleNamespace, three: list[Engagement], engagement_in: Make
) -> None:
    with as_owner():
        Programme.objects.update(places=2)
        others = [make_companion(person(f"Begleitet{number}", world.kiel), capacity=9) for number in range(4)]
        dora = person("Dora", world.ulm)
        programme = Programme.objects.get()
    chosen = engagement_in("draft", learner=dora, programme=programme, occasion=world.occasion)
    more = engagement_in("requested", learner=world.anna, programme=programme)
    draft = computed(world.carla)
    with rls.acting_as(world.carla.pk):
        assigning_all.publish(draft=draft)

    def by_hand(engagement: Engagement, companion: User) -> Callable[[], Any]:
        def job() -> int:
            with rls.acting_as(world.carla.pk):
                return assigning.propose(engagement=engagement, companion_ids=[companion.pk], by=world.carla)

        return job

    def directly() -> str:
        with rls.acting_as(dora.pk):
            choice.ask(engagement=chosen, companion=others[3], by=dora)
        return "asked"

    def publish() -> None:
        while as_worker(assignment_work.publish_line, draft.pk):
            pass

    answers = at_once(*map(by_hand, (three[0], three[1], more), others), directly, publish)
    assert all(not isinstance(answer, Exception) or isinstance(answer, NotPossible) for answer in answers)
    with as_owner():
        taken = Engagement.objects.filter(programme=programme, state__in=["matching", "offered"]).count()
        assert (taken, fresh(draft).state) == (2, "published")


@pytest.mark.django_db(transaction=True)
def test_who_comes_while_the_last_place_is_being_given_waits_and_is_refused(
    world: SimpleNamespace, three: list[Engagement]
) -> None:
    with as_owner():
        otto = make_companion(person("Otto", world.kiel), capacity=9)
    given, decided = threading.Event(), threading.Event()

    def first() -> int:
        with rls.acting_as(world.carla.pk):
            number = assigning.propose(engagement=three[0], companion_ids=[world.ben.pk], by=world.carla)
            given.set()
            while not decided.wait(0.02) and not somebody_waits():
                pass
        return number

    def second() -> int:
        given.wait()
        try:
            with rls.acting_as(world.carla.pk):
                return assigning.propose(engagement=three[1], companion_ids=[otto.pk], by=world.carla)
        finally:
            decided.set()

    one, other = at_once(first, second)
    assert (one, isinstance(other, NotPossible)) == (1, True)


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
