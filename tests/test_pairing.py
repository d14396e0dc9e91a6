"""Who is possible for whom, for all at once: the same as the one function that guards every pair, in random worlds."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from accounts.models import RoleGrant, User
from engagements.assignment import AssignmentDraft
from engagements.assignment_work import read
from engagements.draft_lines import lines
from engagements.matching import Candidate, Wishes, soft_cost
from engagements.models import CompanionLoad, CompanionProfile, ConflictDeclaration, Engagement, Occasion, Veto
from engagements.pairing import Asking, Offering, Pairs, assign
from engagements.solving import WORST, value
from lernbegleitung import clock

from .conftest import as_owner
from .people import make_companion, person
from .soft_order import rank
from .test_programmes import programme_of
from .test_solving import independent

Make = Callable[..., Engagement]


def random_world(world: SimpleNamespace, make: Make, dice: random.Random) -> None:
    """People of few agencies and teams, half of them companions in every condition, half of them asking."""
    agencies, teams = [world.augsburg, world.ulm, world.kiel, world.south], ["", "", "A", "B"]
    occasions = [world.occasion, *Occasion.objects.exclude(pk=world.occasion.pk)[:2]]
    formats = ["on_site", "video", "phone"]
    settings = ["step_free", "quiet", "captions"]
    with as_owner():
        companions, learners = [world.ben], []
        for number in range(8):
            user = person(f"Zufall{number}", dice.choice(agencies), team=dice.choice(teams))
            if dice.random() < 0.8:
                companions.append(user)
                make_companion(
                    user, capacity=dice.randint(0, 3), formats=dice.sample(formats, dice.randint(1, 3)),
                    languages=dice.choice([["de"], ["en"], ["de", "en"]]),
                    settings=dice.sample(settings, dice.randint(1, 3)), places=dice.choice([[], ["Augsburg"], ["kiel ", "Ulm"]]), in_training=dice.random() < 0.3,
                    is_paused=dice.random() < 0.1, qualified_until=clock.today() + timedelta(days=dice.choice([-1, 0, 9])),
                )  # fmt: skip
                user.companion_profile.occasions.set(dice.sample(occasions, dice.randint(0, 2)))
                CompanionLoad.objects.filter(pk=user.pk).update(taken=dice.randint(0, 2))
            learners.append(user)
        for user in dice.sample(companions, 3):
            User.objects.filter(pk=user.pk).update(
                is_active=dice.random() < 0.7,
                absent_from=clock.today() + timedelta(days=dice.choice([-2, 0, 1])),
                absent_until=dice.choice([None, clock.today() - timedelta(days=1), clock.today(), clock.today() + timedelta(days=5)]),
            )  # fmt: skip
        RoleGrant.objects.filter(user=dice.choice(companions), role="companion").update(
            ends_on=clock.today() - timedelta(days=1)
        )
    programmes = [None, None, *(programme_of(world, places=places, agency=world.centre) for places in (1, 2))]
    for user in learners:
        make(
            "requested", learner=user, wish=dice.choice(["own_agency", "elsewhere", "no_matter"]),
            format=dice.choice(["any", *formats]), spoken=dice.choice(["de", "en"]), occasion=dice.choice(occasions),
            programme=dice.choice(programmes), trainee_welcome=dice.random() < 0.5,
            needs=dice.sample(settings, dice.choice([0, 0, 1, 2])), coordinating_agency=world.south,
        )  # fmt: skip
    with as_owner():
        # Ben learns with one of those who ask: he may not accompany that person in turn, unless it is over.
        state = dice.choice(["offered", "introduction", "active", "paused", "closed"])
        Engagement.objects.bulk_create([Engagement(learner=world.ben, companion=dice.choice(learners), state=state)])
        everybody = [*learners, world.ben]
        for _pair in range(5):
            one, other = dice.sample(everybody, 2)
            Veto.objects.get_or_create(owner=one, other=other)
            one, other = dice.sample(everybody, 2)
            ConflictDeclaration.objects.get_or_create(
                declared_by=one, other=other, rule=dice.choice(["H1", "H2", "H3", "H4"])
            )


def possible_for_the_guard() -> set[tuple[Any, int]]:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id, r.companion_id FROM engagements_engagement e, companion_rules(e.id) r"
            " WHERE e.state = 'requested' AND r.rules = '{}'"
        )
        return set(cursor.fetchall())


def draft_of(user: User) -> AssignmentDraft:
    with as_owner():
        return AssignmentDraft.objects.create(made_by=user, seed=1, state="working")


def as_worker(job: Callable[..., Any], *args: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
    try:
        return job(*args)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_app")


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(25))
def test_the_solver_may_pair_exactly_whom_the_guard_lets_pass(
    seed: int, world: SimpleNamespace, engagement_in: Make
) -> None:
    random_world(world, engagement_in, random.Random(seed))
    pairs = Pairs(*as_worker(read, draft_of(world.carla).pk))
    assert len(pairs.asking) == 8
    found = {
        (one.engagement, offer.person)
        for request, one in enumerate(pairs.asking) for offer in pairs.offering if pairs.is_possible(request, offer.person)
    }  # fmt: skip
    guard = possible_for_the_guard()
    assert found == guard
    if seed == 0:
        assert 0 < len(guard) < 8 * len(pairs.offering), "some are possible, some are not"
    answer = assign(pairs, 1)
    everybody = pairs.problem(range(8), {})
    assert value(everybody, answer) == value(everybody, independent(everybody)), "scipy finds nothing better"
    assert {
        (pairs.asking[r].engagement, pairs.offering[c].person) for r, c in enumerate(answer) if c is not None
    } <= guard
    assert answer == assign(pairs, 1)


def offer(pk: int, **also: Any) -> Offering:
    values: dict[str, Any] = {
        "person": pk, "agency": pk, "path": f"/1/2/{pk}/", "formats": ("video",), "languages": ("de",), "occasions": (),
        "in_training": False, "present": True, "back_on": None, "capacity": 1, "used": 0, "promised": 0,
    }  # fmt: skip
    return Offering(**{**values, **also})


def ask(pk: int, **also: Any) -> Asking:
    values: dict[str, Any] = {
        "engagement": pk, "learner": 100 + pk, "agency": 50, "path": "/1/3/50/", "wish": "no_matter", "format": "any",
        "spoken": "de", "trainee_welcome": False, "occasion": None, "weeks": 0,
    }  # fmt: skip
    return Asking(**{**values, **also})


def solved(asking: list[Asking], offering: list[Offering], seed: int = 1) -> list[dict[str, Any]]:
    pairs = Pairs(asking, offering, {})
    return lines(pairs, assign(pairs, seed))


def test_what_is_kept_stays_and_what_is_not_wanted_goes() -> None:
    people = [offer(1), offer(2)]
    kept = solved([ask(1), ask(2, kept=1)], people)
    assert [(line["companion"], line["pinned"]) for line in kept] == [(2, False), (1, True)]
    other = solved([ask(1, unwanted=(1,)), ask(2, unwanted=(2,))], people)
    assert [line["companion"] for line in other] == [2, 1]
    out = solved([ask(1, left_out=True), ask(2)], [offer(1)])
    assert [(line["companion"], line["why"]) for line in out] == [(None, []), (1, [])]


def test_whoever_cannot_be_kept_any_more_is_said_to_be_lost_and_somebody_else_found() -> None:
    (line,) = solved([ask(1, kept=1)], [offer(1, capacity=1, used=1), offer(2)])
    assert (line["companion"], line["pinned"], line["why"]) == (2, False, [["lost"]])
    two = solved([ask(1, kept=1), ask(2, kept=1)], [offer(1)])
    assert [line["why"] for line in two] == [[], [["lost"], ["taken", 1]]]


@pytest.mark.parametrize("seed", range(20))
def test_who_can_stay_without_loss_stays(seed: int) -> None:
    people = [offer(pk, capacity=3) for pk in range(1, 7)]
    before = {pk: 1 + (pk + seed) % 6 for pk in range(1, 13)}
    asking = [ask(pk, before=before[pk], unwanted=(before[pk],) if pk == 1 else ()) for pk in range(1, 13)]
    moved = [line["engagement"] for line in solved(asking, people, seed) if line["companion"] != line["before"]]
    assert "1" in moved and len(moved) <= 2, "the one who must, and at most one who makes room"


def test_a_place_that_a_proposal_elsewhere_has_promised_is_not_promised_again() -> None:
    (line,) = solved([ask(1)], [offer(1, promised=1)])
    assert (line["companion"], line["why"]) == (None, [["taken", 1]])


@pytest.mark.parametrize(
    ("wishes", "offers", "why"),
    [
        ({"format": "on_site"}, [offer(1), offer(2)], [["format", 2]]),
        ({"spoken": "en"}, [offer(1), offer(2, used=1)], [["language", 1]]),
        ({"wish": "elsewhere"}, [offer(1, agency=50)], [["agency", 1]]),
        ({}, [offer(1, in_training=True)], [["trainee", 1]]),
        ({"needs": ["quiet", "captions"]}, [offer(1, settings=["quiet"]), offer(2)], [["settings", 2]]),
        ({"needs": ["quiet"]}, [offer(1, settings=["quiet"], used=1), offer(2)], [["full", 1], ["settings", 1]]),
        ({}, [offer(1, used=1), offer(2, used=1)], [["full", 2]]),
        ({}, [offer(1, present=False)], [["none"]]),
        ({"format": "phone", "spoken": "en"}, [offer(1)], [["none"]]),
        ({"unwanted": (1,)}, [offer(1)], [["none"]]),
    ],
)
def test_why_there_is_nobody_is_told_in_codes(wishes: dict[str, Any], offers: list[Offering], why: list[Any]) -> None:
    (line,) = solved([ask(1, **wishes)], offers)
    assert (line["companion"], line["why"]) == (None, why)


def test_whoever_comes_back_first_is_told() -> None:
    today = clock.today()
    away = [
        offer(1, present=False, back_on=today + timedelta(days=9)),
        offer(2, present=False, back_on=today + timedelta(days=3)),
    ]
    (line,) = solved([ask(1)], [*away, offer(3, present=False, back_on=today, used=1)])
    assert line["why"] == [["back", (today + timedelta(days=3)).isoformat()]]


def test_alternatives_are_possible_and_still_have_a_place() -> None:
    first, second = solved([ask(1), ask(2)], [offer(1), offer(2), offer(3), offer(4, formats=(), used=1)])
    free = {1, 2, 3} - {first["companion"], second["companion"]}
    assert {person for person, _why in first["alternatives"]} == free
    assert first["alternatives"][0][1] == ["elsewhere", "last_place"]


@pytest.mark.django_db
def test_the_soft_cost_orders_as_the_list_of_one_request_does() -> None:
    """For equal loads; so the draft and the page of one request never contradict each other."""
    people = [
        Candidate(pk, path, (), 3, 0, 0, ("video",), ("de",), frozenset(knows), False)
        for pk, (path, knows) in enumerate([(p, k) for p in ("/1/2/5/", "/1/2/6/", "/1/3/7/") for k in ((), (9,))])
    ]  # fmt: skip
    for wish in ("own_agency", "elsewhere", "no_matter"):
        wishes = Wishes(wish, "any", "de", 9, "/1/2/5/")
        costs = []
        for candidate in rank(people, wishes, "x"):
            own, region = candidate.agency_path == "/1/2/5/", candidate.agency_path.startswith("/1/2/")
            costs.append(
                soft_cost(
                    unwished=wish == "own_agency" and not own or wish == "elsewhere" and own,
                    unknown=9 not in candidate.occasion_ids,
                    elsewhere=not region, other_town=False,
                )
            )  # fmt: skip
        assert costs == sorted(costs)
    assert soft_cost(unwished=1, unknown=1, elsewhere=1, other_town=1) <= WORST


def test_a_silent_no_leaves_the_same_lines_as_if_the_companion_did_not_exist() -> None:
    people, asking = [offer(1), offer(2, formats=("phone",)), offer(3, used=1)], [ask(1, format="video")]
    for vetoed in (1, 2, 3):
        pairs = Pairs(asking, people, {101: frozenset({vetoed})})
        assert lines(pairs, assign(pairs, 4)) == solved(asking, [o for o in people if o.person != vetoed], 4)


@pytest.mark.django_db
def test_the_worker_reads_no_name_and_only_a_draft_it_works_on(world: SimpleNamespace, engagement_in: Make) -> None:
    engagement_in("requested", learner=world.stranger)
    draft = draft_of(world.carla)
    assert len(as_worker(read, draft.pk)[0]) == 1
    with as_owner():
        AssignmentDraft.objects.filter(pk=draft.pk).update(state="ready")
    assert as_worker(read, draft.pk) == ([], [], {})
    with as_owner():
        RoleGrant.objects.filter(user=world.carla).update(ends_on=clock.today() - timedelta(days=1))
        AssignmentDraft.objects.filter(pk=draft.pk).update(state="working")
        assert CompanionProfile.objects.exists()
    assert as_worker(read, draft.pk)[0] == [], "who coordinates no longer gets nothing"


def test_the_reasons_are_those_of_the_own_request_even_where_it_shares_a_row() -> None:
    near, far = solved([ask(1, agency=7, path="/1/2/7/"), ask(2, agency=8, path="/1/2/8/")], [offer(7, capacity=9)])
    assert (near["reasons"][0], far["reasons"][0]) == ("own_agency_neutral", "same_region")
    assert len(Pairs([ask(1, agency=7, path="/1/2/7/"), ask(2, agency=8, path="/1/2/8/")], [], {}).first) == 1
