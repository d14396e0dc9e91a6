"""A draft for all open requests: asked for, computed by the worker, edited, published, taken back. Never a place twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from accounts.models import AuditEvent, OutgoingMail, RoleGrant, User
from engagements import assignment_work
from engagements.actions import assigning, assigning_all, choice, lifecycle
from engagements.models import AssignmentDraft, CompanionLoad, CompanionProposal, DraftLine, Engagement
from engagements.states import NotPossible
from engagements.tasks import assign_all
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .people import make_companion, make_role, person
from .test_pairing import as_worker

Make = Callable[..., Engagement]
pytestmark = pytest.mark.django_db
State = AssignmentDraft.State


def ring() -> dict[str, int]:
    return as_worker(assign_all)


def asked(user: User, agency: Any = None) -> AssignmentDraft:
    pk = ids.new_id()
    with rls.acting_as(user.pk):
        assigning_all.ask(pk=pk, agency=agency, by=user)
    return fresh(AssignmentDraft(pk=pk))


def fresh(draft: AssignmentDraft) -> AssignmentDraft:
    with as_owner():
        return AssignmentDraft.objects.get(pk=draft.pk)


def lines_of(draft: AssignmentDraft) -> list[DraftLine]:
    with as_owner():
        return list(draft.lines.select_related("companion"))


def computed(user: User, agency: Any = None) -> AssignmentDraft:
    draft = asked(user, agency)
    ring()
    return fresh(draft)


def published(user: User) -> AssignmentDraft:
    draft = computed(user)
    with rls.acting_as(user.pk):
        assigning_all.publish(draft=draft)
    ring()
    return fresh(draft)


@pytest.fixture
def two(world: SimpleNamespace, engagement_in: Make) -> list[Engagement]:
    """Two open requests; Anna waits longer. Ben has three places."""
    with as_owner():
        learner = person("Lukas", world.kiel)
    longer = clock.now() - timedelta(days=30)
    return [engagement_in("requested", requested_at=longer), engagement_in("requested", learner=learner)]


def test_a_draft_is_asked_for_once_and_computed_by_the_worker(world: SimpleNamespace, two: list[Engagement]) -> None:
    draft = asked(world.carla)
    with rls.acting_as(world.carla.pk):
        assigning_all.ask(pk=draft.pk, agency=None, by=world.carla)
    assert (fresh(draft).state, ring()) == (State.ASKED, {"solved": 1, "proposed": 0, "taken_back": 0})
    assert ring() == {}, "there is nothing more to do"
    draft, found = fresh(draft), lines_of(draft)
    assert (draft.state, draft.attempts, draft.claimed_until) == (State.READY, 0, None)
    assert [(line.engagement_id, line.companion_id, line.reasons) for line in found] == [
        (two[0].pk, world.ben.pk, ["same_region", "free_places"]),
        (two[1].pk, world.ben.pk, ["elsewhere", "free_places"]),
    ]
    with as_owner():
        assert CompanionProposal.objects.count() == OutgoingMail.objects.count() == 0, "a draft tells nobody"


def test_a_region_holds_the_learners_below_it_that_the_maker_coordinates(
    world: SimpleNamespace, two: list[Engagement], engagement_in: Make
) -> None:
    engagement_in("requested", learner=world.stranger, coordinating_agency=world.north)
    assert [line.engagement_id for line in lines_of(computed(world.carla, world.augsburg))] == [two[0].pk]
    assert [line.engagement_id for line in lines_of(computed(world.carla))] == [two[0].pk, two[1].pk]
    with pytest.raises(ProgrammingError), rls.acting_as(world.carla.pk):
        assigning_all.ask(pk=ids.new_id(), agency=world.north, by=world.carla)


@transaction.atomic
def look(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608


def test_nobody_but_the_maker_sees_a_draft_and_only_while_coordinating(
    world: SimpleNamespace, two: list[Engagement]
) -> None:
    computed(world.carla)
    with as_owner():
        make_role(world.dirk, "coordinator", world.south)
    for who in ("anna", "ben", "eva", "dirk", "mia"):
        with rls.acting_as(getattr(world, who).pk):
            assert (AssignmentDraft.objects.count(), DraftLine.objects.count()) == (0, 0), who
    with rls.acting_as(world.carla.pk):
        assert (AssignmentDraft.objects.count(), DraftLine.objects.count()) == (1, 2)
    with as_owner():
        RoleGrant.objects.filter(user=world.carla).update(ends_on=clock.today() - timedelta(days=1))
    with rls.acting_as(world.carla.pk):
        assert (AssignmentDraft.objects.count(), DraftLine.objects.count()) == (0, 0)
    for table in ("engagements_assignmentdraft", "engagements_draftline"):
        with pytest.raises(ProgrammingError):
            as_worker(look, table)


def test_a_line_vanishes_with_the_request_when_the_pair_has_found_each_other(
    world: SimpleNamespace, two: list[Engagement]
) -> None:
    published(world.carla)
    with rls.acting_as(world.anna.pk):
        choice.ask(engagement=two[0], companion=world.ben, by=world.anna)
    with rls.acting_as(world.carla.pk):
        assert DraftLine.objects.count() == 2
    with rls.acting_as(world.ben.pk):
        choice.accept(engagement=two[0], by=world.ben)
    with rls.acting_as(world.carla.pk):
        assert [line.engagement_id for line in DraftLine.objects.all()] == [two[1].pk]


def test_published_is_as_if_proposed_by_hand(world: SimpleNamespace, two: list[Engagement]) -> None:
    draft = published(world.carla)
    assert (draft.state, draft.done, draft.total) == (State.PUBLISHED, 2, 2)
    with as_owner():
        proposals = CompanionProposal.objects.order_by("engagement__requested_at")
        assert list(proposals.values_list("engagement", "companion", "proposed_by", "answer")) == [
            (two[0].pk, world.ben.pk, world.carla.pk, "open"),
            (two[1].pk, world.ben.pk, world.carla.pk, "open"),
        ]
        assert proposals[0].reasons == ["same_region", "free_places"]
        assert set(Engagement.objects.values_list("state", flat=True)) == {"matching"}
        assert list(AuditEvent.objects.values_list("kind", "actor")) == [("engagement.proposed", world.carla.pk)] * 2
        mails = OutgoingMail.objects.order_by("recipient")
        assert [(mail.kind, mail.recipient_id, mail.facts["path"]) for mail in mails] == [
            ("proposals_ready", e.learner_id, f"/begleitungen/{e.pk}/vorschlaege/") for e in two
        ]
    with rls.acting_as(world.carla.pk):
        assigning_all.publish(draft=draft)
    ring()
    with as_owner():
        assert CompanionProposal.objects.count() == 2, "twice is once"


def test_what_is_no_longer_possible_is_said_and_the_rest_goes_on(
    world: SimpleNamespace, two: list[Engagement], engagement_in: Make
) -> None:
    with as_owner():
        third = person("Tim", world.ulm)
        CompanionLoad.objects.filter(pk=world.ben.pk).update(capacity=9)
    engagement_in("requested", learner=third)
    draft = computed(world.carla)
    with rls.acting_as(world.anna.pk):
        lifecycle.withdraw(engagement=two[0], by=world.anna)
    with rls.acting_as(two[1].learner_id):
        choice.declare_conflict(other_id=world.ben.pk, rule="H1", by=two[1].learner)
    with rls.acting_as(world.carla.pk):
        assigning_all.publish(draft=draft)
    ring()
    assert [line.outcome for line in lines_of(draft)] == ["gone", "impossible", "proposed"]
    assert fresh(draft).state == State.PUBLISHED


def test_who_coordinates_no_longer_publishes_nothing(world: SimpleNamespace, two: list[Engagement]) -> None:
    draft = computed(world.carla)
    with rls.acting_as(world.carla.pk):
        assigning_all.publish(draft=draft)
    with as_owner():
        RoleGrant.objects.filter(user=world.carla).update(ends_on=clock.today() - timedelta(days=1))
    ring()
    assert [line.outcome for line in lines_of(draft)] == ["gone", "gone"]


def test_taken_back_is_what_no_learner_has_decided_on(world: SimpleNamespace, two: list[Engagement]) -> None:
    draft = published(world.carla)
    with rls.acting_as(world.anna.pk):
        choice.ask(engagement=two[0], companion=world.ben, by=world.anna)
    with rls.acting_as(world.carla.pk):
        assigning_all.take_back(draft=draft)
        assigning_all.take_back(draft=draft)
    assert ring()["taken_back"] == 1
    assert (fresh(draft).state, [line.outcome for line in lines_of(draft)]) == (
        State.TAKEN_BACK,
        ["kept", "taken_back"],
    )
    with as_owner():
        assert dict(Engagement.objects.values_list("pk", "state")) == {two[0].pk: "offered", two[1].pk: "requested"}
        assert AuditEvent.objects.filter(kind="engagement.proposal_taken_back").count() == 1


def test_a_draft_is_put_away_before_and_never_after_it_was_published(
    world: SimpleNamespace, two: list[Engagement]
) -> None:
    draft, other = computed(world.carla), published(world.carla)
    with rls.acting_as(world.carla.pk):
        assigning_all.discard(draft=draft)
        assigning_all.discard(draft=draft)
        with pytest.raises(NotPossible):
            assigning_all.publish(draft=draft)
        with pytest.raises(NotPossible):
            assigning_all.discard(draft=other)
    assert (fresh(draft).state, fresh(other).state) == (State.DISCARDED, State.PUBLISHED)


def test_edited_lines_and_what_becomes_of_them_when_computed_anew(
    world: SimpleNamespace, two: list[Engagement], engagement_in: Make
) -> None:
    with as_owner():
        gonzo = make_companion(person("Gonzo", world.kiel))
        third = person("Tim", world.ulm)
    engagement_in("requested", learner=third, requested_at=clock.now())
    draft = computed(world.carla)
    first, second, last = lines_of(draft)
    with rls.acting_as(world.carla.pk):
        assigning_all.not_this_person(draft=draft, line_id=first.pk, companion_id=first.companion_id)
        assigning_all.not_this_person(draft=draft, line_id=first.pk, companion_id=first.companion_id)
        assigning_all.keep(draft=draft, line_id=second.pk, kept=True)
        assigning_all.leave_out(draft=draft, line_id=last.pk, out=True)
        new = ids.new_id()
        assigning_all.compute_anew(draft=draft, pk=new)
        assigning_all.compute_anew(draft=draft, pk=new)
    assert lines_of(draft)[0].unwanted == [first.companion_id]
    ring()
    after = fresh(AssignmentDraft(pk=new))
    assert (after.state, after.seed, after.based_on_id) == (State.READY, draft.seed, draft.pk)
    changed, kept, out = lines_of(after)
    other = {world.ben.pk: gonzo.pk, gonzo.pk: world.ben.pk}[first.companion_id]
    assert (changed.companion_id, changed.before_id, changed.unwanted) == (
        other,
        first.companion_id,
        [first.companion_id],
    )
    assert (kept.companion_id, kept.before_id, kept.pinned) == (second.companion_id, second.companion_id, True)
    assert (out.companion_id, out.left_out) == (None, True)
    assert [line.pk for line in lines_of(draft)] == [first.pk, second.pk, last.pk], "the former draft is still there"


def test_an_alternative_is_chosen_and_stays(world: SimpleNamespace, two: list[Engagement]) -> None:
    with as_owner():
        make_companion(person("Gonzo", world.kiel))
    draft = computed(world.carla)
    line = lines_of(draft)[0]
    former, other = line.companion_id, line.alternatives[0][0]
    with rls.acting_as(world.carla.pk):
        assigning_all.choose(draft=draft, line_id=line.pk, companion_id=other)
        with pytest.raises(NotPossible):
            assigning_all.choose(draft=draft, line_id=line.pk, companion_id=world.dirk.pk)
    line = lines_of(draft)[0]
    assert (line.companion_id, line.pinned, line.alternatives[0][0]) == (other, True, former)


def test_a_published_draft_is_edited_no_more(world: SimpleNamespace, two: list[Engagement]) -> None:
    draft = published(world.carla)
    with rls.acting_as(world.carla.pk), pytest.raises(NotPossible):
        assigning_all.keep(draft=draft, line_id=lines_of(draft)[0].pk, kept=True)
    with rls.acting_as(world.carla.pk):
        assert DraftLine.objects.update(pinned=True) == 0, "nor does the database allow it"


# ── what breaks ────────────────────────────────────────────────────────────


def test_a_task_that_died_is_taken_up_by_the_next_ring_after_its_lease(
    world: SimpleNamespace, two: list[Engagement], monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = asked(world.carla)

    def die(*_args: Any) -> Any:
        raise KeyboardInterrupt  # as a kill: nothing is written down any more

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(assignment_work, "assign", die)
        ring()
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_app")
    left = fresh(draft)
    assert (left.state, left.attempts, left.done, left.total) == (State.WORKING, 1, 1, 3)
    assert ring() == {}, "as long as the lease runs, nobody else is at it"
    with as_owner():
        AssignmentDraft.objects.update(claimed_until=clock.now() - timedelta(seconds=1))
    ring()
    assert (fresh(draft).state, len(lines_of(draft))) == (State.READY, 2)


def test_after_three_failures_a_person_decides(
    world: SimpleNamespace, two: list[Engagement], monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = asked(world.carla)

    def fail(*_args: Any) -> Any:
        raise ArithmeticError("no optimum")

    with monkeypatch.context() as patch:
        patch.setattr(assignment_work, "assign", fail)
        for _try in range(3):
            with pytest.raises(ArithmeticError):
                ring()
        assert ring() == {}
    assert fresh(draft).has_stopped()
    with rls.acting_as(world.carla.pk):
        assigning_all.start_again(draft=draft)
    ring()
    assert fresh(draft).state == State.READY


def test_a_slower_worker_saves_nothing_over_what_another_has_saved(
    world: SimpleNamespace, two: list[Engagement]
) -> None:
    draft = computed(world.carla)
    with rls.acting_as(world.carla.pk):
        assigning_all.keep(draft=draft, line_id=lines_of(draft)[0].pk, kept=True)
    assert as_worker(assignment_work.solve_draft, draft.pk, draft.seed) == 0
    assert lines_of(draft)[0].pinned


def erase() -> None:
    as_worker(lambda: connection.cursor().execute("SELECT * FROM erase_due()"))


def test_a_line_goes_with_its_request(world: SimpleNamespace, two: list[Engagement]) -> None:
    computed(world.carla)
    with as_owner():
        Engagement.objects.filter(pk=two[0].pk).update(state="withdrawn", closed_at=clock.now() - timedelta(days=31))
    erase()
    with as_owner():
        assert [line.engagement_id for line in DraftLine.objects.all()] == [two[1].pk]


def test_drafts_are_erased_after_thirty_days(world: SimpleNamespace, two: list[Engagement]) -> None:
    draft = computed(world.carla)
    with rls.acting_as(world.carla.pk):
        assigning_all.compute_anew(draft=draft, pk=ids.new_id())
    ring()
    erase()
    with as_owner():
        assert (AssignmentDraft.objects.count(), DraftLine.objects.count()) == (2, 4)
        AssignmentDraft.objects.filter(pk=draft.pk).update(changed_at=clock.now() - timedelta(days=31))
    erase()
    with as_owner():
        assert [d.based_on_id for d in AssignmentDraft.objects.all()] == [None]
        assert DraftLine.objects.count() == 2
        AssignmentDraft.objects.update(changed_at=clock.now() - timedelta(days=31))
    erase()
    with as_owner():
        assert (AssignmentDraft.objects.count(), DraftLine.objects.count()) == (0, 0)


# ── at once ────────────────────────────────────────────────────────────────


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run each in a thread with a connection of its own, let go together; an answer or an error of each."""
    gate, answers = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(number: int, job: Callable[[], Any]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE lern_app")
            gate.wait()
            answers[number] = job()
        except NotPossible as error:
            answers[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_two_drafts_of_two_coordinators_never_promise_a_place_twice(
    world: SimpleNamespace, engagement_in: Make
) -> None:
    with as_owner():
        CompanionLoad.objects.filter(pk=world.ben.pk).update(capacity=2)
        learners = [person(f"Lernt{number}", world.augsburg if number % 2 else world.kiel) for number in range(8)]
    for number, learner in enumerate(learners):
        engagement_in("requested", learner=learner, coordinating_agency=world.south if number % 2 else world.north)
    drafts = [computed(world.carla), computed(world.eva)]
    assert [sum(line.companion_id is not None for line in lines_of(draft)) for draft in drafts] == [2, 2]
    for draft, who in zip(drafts, (world.carla, world.eva), strict=True):
        with rls.acting_as(who.pk):
            assigning_all.publish(draft=draft)

    def publish(draft: AssignmentDraft) -> Callable[[], Any]:
        def job() -> None:
            while as_worker(assignment_work.publish_line, draft.pk):
                pass

        return job

    at_once(*(publish(draft) for draft in drafts for _worker in range(2)))
    with as_owner():
        assert CompanionProposal.objects.filter(answer="open").count() == 2
        outcomes = [line.outcome for draft in drafts for line in lines_of(draft) if line.companion_id]
        assert sorted(outcomes) == ["impossible"] * 2 + ["proposed"] * 2
        assert {fresh(draft).state for draft in drafts} == {State.PUBLISHED}


@pytest.mark.django_db(transaction=True)
def test_a_draft_and_a_hand_at_once_propose_and_the_place_is_taken_once(
    world: SimpleNamespace, engagement_in: Make
) -> None:
    with as_owner():
        CompanionLoad.objects.filter(pk=world.ben.pk).update(capacity=1)
        lukas = person("Lukas", world.kiel)
    first, second = (
        engagement_in("requested", requested_at=clock.now() - timedelta(days=9)),
        engagement_in("requested", learner=lukas),
    )
    draft = computed(world.carla)
    with rls.acting_as(world.carla.pk):
        assigning_all.publish(draft=draft)

    def by_hand() -> int:
        with rls.acting_as(world.carla.pk):
            return assigning.propose(engagement=second, companion_ids=[world.ben.pk], by=world.carla)

    def choose(engagement: Engagement, learner: User) -> Callable[[], Any]:
        def job() -> str:
            with rls.acting_as(learner.pk):
                choice.ask(engagement=engagement, companion=world.ben, by=learner)
            return "asked"

        return job

    at_once(by_hand, lambda: as_worker(assignment_work.publish_line, draft.pk))
    found = at_once(choose(first, world.anna), choose(second, lukas))
    assert sum(answer == "asked" for answer in found) == 1
    with as_owner():
        load = CompanionLoad.objects.get(pk=world.ben.pk)
        assert (load.taken + load.held, load.capacity) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_the_same_request_proposed_by_hand_meanwhile_is_left_alone(world: SimpleNamespace, engagement_in: Make) -> None:
    engagement = engagement_in("requested")
    draft = computed(world.carla)
    with rls.acting_as(world.carla.pk):
        assigning_all.publish(draft=draft)

    def by_hand() -> int:
        with rls.acting_as(world.carla.pk):
            return assigning.propose(engagement=engagement, companion_ids=[world.ben.pk], by=world.carla)

    at_once(by_hand, lambda: as_worker(assignment_work.publish_line, draft.pk))
    with as_owner():
        assert CompanionProposal.objects.filter(answer="open").count() == 1
