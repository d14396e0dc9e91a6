"""The hard exclusions: shown in words, enforced by the action and by the database; a silent no shows to nobody."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, ProgrammingError
from django.test import Client
from django.urls import reverse

from accounts.models import RoleGrant, User
from engagements.actions import assigning, choice
from engagements.candidates import rules_by_companion
from engagements.models import CompanionLoad, CompanionProfile, CompanionProposal, ConflictDeclaration, Engagement, Veto
from engagements.states import NotPossible, State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, person

pytestmark = pytest.mark.django_db
YESTERDAY = timedelta(days=1)


def arrange(world: SimpleNamespace, engagement: Engagement, rule: str) -> None:
    """Make one rule speak against Ben."""
    ben = world.ben
    if rule in ("H1", "H2", "H4"):
        ConflictDeclaration.objects.create(declared_by=ben, other=world.anna, rule=rule)
    elif rule == "H3":
        User.objects.filter(pk__in=[ben.pk, world.anna.pk]).update(team="U25", agency=world.augsburg)
        Engagement.objects.update(wish="no_matter")
    elif rule == "H5":
        CompanionProfile.objects.filter(pk=ben.pk).update(qualified_until=clock.today() - YESTERDAY)
    elif rule == "H6":
        CompanionLoad.objects.filter(pk=ben.pk).update(capacity=0)
    elif rule == "H7":
        Veto.objects.create(owner=world.anna, other=ben)
    elif rule == "H8":
        other = Engagement(learner=ben, companion=world.anna, state=State.ACTIVE)
        make_companion(world.anna)
        other.save()
    elif rule == "H9":
        User.objects.filter(pk=ben.pk).update(agency=world.augsburg)
        Engagement.objects.filter(pk=engagement.pk).update(wish="elsewhere")
    elif rule == "H10":
        Engagement.objects.filter(pk=engagement.pk).update(spoken="en")


RULES = ["H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8", "H9", "H10"]


@pytest.mark.parametrize("rule", RULES)
def test_an_excluded_companion_cannot_be_proposed(
    rule: str, world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.REQUESTED)
    with as_owner():
        arrange(world, engagement, rule)
    with rls.acting_as(world.carla.pk):
        found = rules_by_companion(engagement.pk, [world.ben.pk]).get(world.ben.pk)
        assert found is None if rule == "H7" else found and rule in found[0]
        with pytest.raises(NotPossible):
            assigning.propose(engagement=engagement, companion_ids=[world.ben.pk], by=world.carla)


@pytest.mark.parametrize("rule", RULES)
def test_the_database_refuses_even_what_our_code_would_allow(
    rule: str, world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.REQUESTED)
    with as_owner():
        arrange(world, engagement, rule)
    with rls.acting_as(world.carla.pk), pytest.raises(IntegrityError), transaction.atomic():
        CompanionProposal.objects.create(engagement=engagement, companion=world.ben, proposed_by=world.carla)


@pytest.mark.parametrize("state", [State.ACTIVE, State.PAUSED, State.CLOSED])
def test_an_excluded_companion_cannot_be_slipped_into_a_running_companionship(
    state: State, world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> None:
    """Not by asking nor accepting, but by a change of the name in the row: whoever stands there reads everything."""
    engagement = engagement_in(state)
    with as_owner():
        other = make_companion(world.stranger, capacity=3)
        Veto.objects.create(owner=other, other=world.anna)
    with rls.acting_as(world.anna.pk), pytest.raises(IntegrityError), transaction.atomic():
        Engagement.objects.filter(pk=engagement.pk).update(companion=other)
    with as_owner():
        Veto.objects.all().delete()
    with rls.acting_as(world.anna.pk):
        assert Engagement.objects.filter(pk=engagement.pk).update(companion=other) == 1, "it could have"


@pytest.mark.parametrize("rule", RULES)
def test_what_came_up_since_the_proposal_counts_when_asking_and_when_accepting(
    rule: str, world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.OFFERED)
    with as_owner():
        arrange(world, engagement, rule)
    with rls.acting_as(world.ben.pk), pytest.raises(NotPossible) as refusal:
        choice.accept(engagement=engagement, by=world.ben)
    assert "Bitte wählen Sie eine andere" in str(refusal.value)  # the rule does not show


def test_a_role_that_has_ended_excludes(world: SimpleNamespace, engagement_in: Callable[..., Engagement]) -> None:
    engagement = engagement_in(State.REQUESTED)
    with as_owner():
        RoleGrant.objects.filter(user=world.ben).update(ends_on=clock.today() - YESTERDAY)
    with rls.acting_as(world.carla.pk):
        assert rules_by_companion(engagement.pk, [world.ben.pk])[world.ben.pk][0] == ("H5",)


def test_the_rule_is_shown_in_words_and_cannot_be_overridden(
    world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.REQUESTED)
    with as_owner():
        arrange(world, engagement, "H3")
    carla = client_of(world.carla)
    address = reverse("engagements:assignment_request", args=[engagement.pk])
    page = carla.get(address, {"alle": ""}).content.decode()
    assert "Arbeitet im selben Team." in page
    assert f'value="{world.ben.pk}"' not in page + carla.get(address).content.decode()
    forged = {"companion": world.ben.pk, "confirmed": 1}
    carla.post(reverse("engagements:propose", args=[engagement.pk]), forged)
    with as_owner():
        assert CompanionProposal.objects.count() == 0


def test_a_silent_no_leaves_no_trace_but_the_missing_candidate(
    world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.REQUESTED)
    with as_owner():
        gone = make_companion(person("Gonzo", world.kiel))
    carla = client_of(world.carla)
    address = reverse("engagements:assignment_request", args=[engagement.pk])

    def page() -> str:
        return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", carla.get(address).content.decode())

    with as_owner():
        Veto.objects.create(owner=world.anna, other=gone)
    with_veto = page()
    with as_owner():
        Veto.objects.all().delete()
        CompanionLoad.objects.filter(pk=gone.pk).delete()  # as if this companion did not exist at all
        CompanionProfile.objects.filter(pk=gone.pk).delete()
    assert with_veto == page()
    assert "Gonzo" not in with_veto


@pytest.mark.parametrize("rule", ["H1", "H2", "H4", "H8"])
def test_who_stands_in_no_list_may_have_said_no_or_be_out_for_another_reason_of_the_two(
    rule: str, world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    """Comparing the lists with the pool, or the directory with and without an own draft, tells nothing."""
    engagement = engagement_in(State.REQUESTED)
    carla = client_of(world.carla)

    def page() -> str:
        text = carla.get(reverse("engagements:assignment_request", args=[engagement.pk]), {"alle": ""}).content.decode()
        return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text)

    with as_owner():
        veto = Veto.objects.create(owner=world.ben, other=world.anna)
    said_no = page()
    with as_owner():
        veto.delete()
        arrange(world, engagement, rule)
    assert said_no == page()
    assert world.ben.name not in said_no


def test_in_the_directory_a_silent_no_looks_like_any_other_reason(
    world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    engagement_in(State.DRAFT)
    anna, pages = client_of(world.anna), []
    for model, values in (
        (Veto, {"owner": world.ben, "other": world.anna}),
        (ConflictDeclaration, {"declared_by": world.ben, "other": world.anna, "rule": "H1"}),
    ):
        with as_owner():
            row = model.objects.create(**values)
        text = anna.get("/begleitende/", {"engagement": ""}).content.decode()
        pages.append(re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text))
        with as_owner():
            row.delete()
    assert pages[0] == pages[1] and world.ben.name in pages[0]


def test_own_vetoes_and_declarations_are_nobody_elses(world: SimpleNamespace) -> None:
    with as_owner():
        Veto.objects.create(owner=world.anna, other=world.ben)
        ConflictDeclaration.objects.create(declared_by=world.anna, other=world.ben, rule="H1")
    for who in ("ben", "carla", "dirk", "stranger"):
        with rls.acting_as(getattr(world, who).pk):
            assert (Veto.objects.count(), ConflictDeclaration.objects.count()) == (0, 0)


def test_the_learner_sees_no_places_and_strangers_no_candidates(
    world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.REQUESTED)
    with rls.acting_as(world.anna.pk):
        assert rules_by_companion(engagement.pk, [world.ben.pk]) == {world.ben.pk: ((), (0, 0, 0))}
        assert CompanionLoad.objects.count() == 0
    for who in ("stranger", "eva", "dirk"):
        with rls.acting_as(getattr(world, who).pk):
            assert rules_by_companion(engagement.pk, [world.ben.pk]) == {}


@pytest.mark.django_db(transaction=True)
def test_the_last_place_is_taken_once(world: SimpleNamespace, engagement_in: Callable[..., Engagement]) -> None:
    engagements = []
    with as_owner():
        CompanionLoad.objects.filter(pk=world.ben.pk).update(capacity=2)
        learners = [person(f"Lernt{number}", world.augsburg) for number in range(8)]
    for learner in learners:
        engagements.append(engagement_in(State.DRAFT, learner=learner))
    results: list[Any] = []

    def ask(engagement: Engagement, learner: User) -> None:
        try:
            with rls.acting_as(learner.pk):
                choice.ask(engagement=engagement, companion=world.ben, by=learner)
            results.append("asked")
        except NotPossible:
            results.append("not possible")
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=pair) for pair in zip(engagements, learners, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["asked"] * 2 + ["not possible"] * 6
    with as_owner():
        assert CompanionLoad.objects.get(pk=world.ben.pk).held == 2


def test_exclusions_are_declared_and_lifted_on_their_page(
    world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    anna, address = client_of(world.anna), reverse("engagements:exclusions")
    assert anna.post(address, {"rule-email": "ben@example.org", "rule-rule": "H1"}).status_code == 302
    assert anna.post(address, {"kind": "veto", "veto-email": "BEN@example.org"}).status_code == 302
    assert anna.post(address, {"kind": "veto", "veto-email": "niemand@example.org"}).status_code == 422
    assert anna.post(address, {"rule-email": "ben@example.org"}).status_code == 422
    with as_owner():
        assert (ConflictDeclaration.objects.count(), Veto.objects.count()) == (1, 1)
        conflict, veto = ConflictDeclaration.objects.get(), Veto.objects.get()
    remove = reverse("engagements:exclusion_remove")
    assert client_of(world.ben).post(remove, {"pk": conflict.pk}).status_code == 404
    assert anna.post(remove, {"pk": conflict.pk}).status_code == 302
    assert anna.post(remove, {"kind": "veto", "pk": veto.pk}).status_code == 302
    with as_owner():
        assert (ConflictDeclaration.objects.count(), Veto.objects.count()) == (0, 0)


def test_who_learns_never_changes(world: SimpleNamespace, engagement_in: Callable[..., Engagement]) -> None:
    engagement_in(State.ACTIVE)
    with rls.acting_as(world.ben.pk), pytest.raises(ProgrammingError), transaction.atomic():
        Engagement.objects.update(learner=world.stranger)


def test_a_companion_sets_places_and_pauses(world: SimpleNamespace, client_of: Callable[[User], Client]) -> None:
    ben, address = client_of(world.ben), reverse("engagements:own_profile")
    values = {
        "about": "Neu",
        "occasions": [world.occasion.pk],
        "formats": ["video"],
        "languages": ["de", "en"],
        "capacity": "1",
        "is_paused": "on",
        "absent_from": "",
        "absent_until": "",
    }
    assert ben.post(address, {**values, "capacity": "99"}).status_code == 422
    assert ben.post(address, {**values, "absent_until": "2020-01-01"}).status_code == 422
    assert ben.post(address, values).status_code == 302
    with as_owner():
        profile = CompanionProfile.objects.get(pk=world.ben.pk)
        assert (profile.about, profile.is_paused, profile.languages) == ("Neu", True, ["de", "en"])
        assert CompanionLoad.objects.get(pk=world.ben.pk).capacity == 1


def test_the_directory_asks_a_companion_directly(
    world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.DRAFT)
    anna = client_of(world.anna)
    page = anna.get(reverse("engagements:directory") + f"?engagement={engagement.pk}").content.decode()
    link = reverse("engagements:choose", args=[engagement.pk, world.ben.pk])
    assert link in page
    assert anna.post(link, {}).status_code == 422
    assert anna.post(link, {"no_conflict": "on"}).status_code == 302
    with as_owner():
        asked = Engagement.objects.get()
        assert (asked.state, asked.companion_id, asked.coordinating_agency_id) == (State.OFFERED, world.ben.pk, None)
    client_of(world.ben).post(reverse("engagements:answer", args=[engagement.pk]), {"answer": "decline"})
    with as_owner():
        assert Engagement.objects.get().state == State.DRAFT
