"""Pause, change, close, withdraw: at any time, said plainly, and taken back where nothing irrevocable has followed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import OutgoingMail, User
from conversations.models import Appointment
from engagements.models import CompanionLoad, CompanionProposal, Engagement, Parting
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, person
from .test_audiences import fill
from .test_retention import run_as_worker

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]


def do(client: Client, name: str, engagement: Engagement, **sent: Any) -> str:
    """Post one of the ways to leave, or to come back, and read the page it leads to."""
    answer = client.post(reverse(f"engagements:{name}", args=[engagement.pk]), sent, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def now_of(engagement: Engagement) -> Engagement:
    with as_owner():
        return Engagement.objects.get(pk=engagement.pk)


def told(user: User, kind: str) -> int:
    with as_owner():
        return OutgoingMail.objects.filter(recipient=user, key__contains=kind).count()


def test_a_change_of_companion_is_taken_back_with_everything_that_was_released(
    world: SimpleNamespace, engagement_in: Make, client_of: ClientOf
) -> None:
    engagement = engagement_in(State.ACTIVE)
    fill(engagement, shared=True)
    anna, ben = client_of(world.anna), client_of(world.ben)
    with rls.acting_as(world.ben.pk):
        before = [list(engagement.steps.values_list("pk", "shared_at")), list(engagement.journal.values_list("pk", "shared_at")),
                  list(engagement.insights.values_list("pk", "shared_at")), list(engagement.goals.values_list("pk", "shared_at"))]  # fmt: skip
    assert all(before)
    page = anna.get(reverse("engagements:change_companion", args=[engagement.pk])).content.decode()
    assert "Ben Beispiel kann ab sofort nichts mehr lesen" in page and "Eine Woche lang" in page
    body = do(anna, "change_companion", engagement)
    assert (
        "Doch bei Ben Beispiel bleiben" in body
        and "Doch bei Ben Beispiel bleiben" in anna.get("/heute/").content.decode()
    )
    with rls.acting_as(world.ben.pk):
        assert not Engagement.objects.exists() and not Parting.objects.exists()
    for user in (world.carla, world.dirk):
        with rls.acting_as(user.pk):
            assert not Parting.objects.exists(), "whom the learner had is not the coordination's to know"
    assert ben.post(reverse("engagements:undo", args=[engagement.pk])).status_code == 404
    body = do(anna, "undo", engagement)
    assert "Es bleibt, wie es war" in body and now_of(engagement).state == State.ACTIVE
    with rls.acting_as(world.ben.pk):
        after = [list(engagement.steps.values_list("pk", "shared_at")), list(engagement.journal.values_list("pk", "shared_at")),
                 list(engagement.insights.values_list("pk", "shared_at")), list(engagement.goals.values_list("pk", "shared_at"))]  # fmt: skip
    assert after == before
    assert told(world.ben, "engagement.stayed") == 1
    assert "nicht mehr möglich" in do(anna, "undo", engagement), "twice is once"
    with as_owner():
        assert not Parting.objects.exists()


def test_a_change_stays_once_somebody_is_proposed_the_place_is_taken_or_a_week_is_over(
    world: SimpleNamespace, engagement_in: Make, client_of: ClientOf
) -> None:
    engagement, anna = engagement_in(State.ACTIVE), client_of(world.anna)
    do(anna, "change_companion", engagement)
    with as_owner():
        CompanionLoad.objects.filter(companion=world.ben).update(capacity=0)
    assert "gerade nicht möglich" in do(anna, "undo", engagement)
    assert now_of(engagement).state == State.REQUESTED
    with as_owner():
        CompanionLoad.objects.filter(companion=world.ben).update(capacity=3)
        proposal = CompanionProposal(
            engagement=engagement, companion=world.ben, proposed_by=world.carla, answer="passed"
        )
        CompanionProposal.objects.bulk_create([proposal])
    assert "Doch bei" not in anna.get("/heute/").content.decode()
    assert "nicht mehr möglich" in do(anna, "undo", engagement)
    with as_owner():
        CompanionProposal.objects.all().delete()
        Parting.objects.update(at=clock.now() - timedelta(days=8))
    assert "nicht mehr möglich" in do(anna, "undo", engagement)
    run_as_worker()
    with as_owner():
        assert not Parting.objects.exists(), "kept for a week, no longer"


def test_a_closing_is_taken_back_by_whoever_closed(
    world: SimpleNamespace, engagement_in: Make, client_of: ClientOf
) -> None:
    engagement, anna, ben = engagement_in(State.ACTIVE), client_of(world.anna), client_of(world.ben)
    do(ben, "close", engagement, told="on")
    assert "Doch weitermachen" not in anna.get("/heute/").content.decode()
    assert "nicht mehr möglich" in do(anna, "undo", engagement), (
        "it was not hers to close, so it is not hers to take back"
    )
    page = ben.get(reverse("conversations:engagement", args=[engagement.pk])).content.decode()
    assert "Doch weitermachen" in page
    assert "zurückgenommen" in do(ben, "undo", engagement)
    found = now_of(engagement)
    assert (found.state, found.closed_at) == (State.ACTIVE, None) and told(world.anna, "engagement.reopened") == 1
    do(anna, "pause", engagement)
    do(anna, "close", engagement)
    assert now_of(engagement).state == State.CLOSED
    do(anna, "undo", engagement)
    assert now_of(engagement).state == State.PAUSED, "it rested before, so it rests again"
    do(anna, "close", engagement)
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(closed_at=clock.now() - timedelta(days=8))
    assert "nicht mehr möglich" in do(anna, "undo", engagement)


def test_a_closing_stays_when_the_place_is_taken_or_something_new_has_begun(
    world: SimpleNamespace, engagement_in: Make, client_of: ClientOf
) -> None:
    engagement, anna = engagement_in(State.ACTIVE), client_of(world.anna)
    do(anna, "close", engagement)
    with as_owner():
        CompanionLoad.objects.filter(companion=world.ben).update(capacity=0)
    assert "gerade nicht möglich" in do(anna, "undo", engagement)
    with as_owner():
        CompanionLoad.objects.filter(companion=world.ben).update(capacity=3)
    engagement_in(State.DRAFT)
    assert "andere Begleitung begonnen" in do(anna, "undo", engagement)
    assert now_of(engagement).state == State.CLOSED


def test_a_withdrawn_request_comes_back_as_a_draft(
    world: SimpleNamespace, engagement_in: Make, client_of: ClientOf
) -> None:
    engagement, anna = engagement_in(State.OFFERED), client_of(world.anna)
    body = do(anna, "withdraw", engagement)
    assert "Als Entwurf zurückholen" in body
    body = do(anna, "undo", engagement)
    assert "wieder ein Entwurf" in body and "Anfrage weiterschreiben" in body
    found = now_of(engagement)
    assert (found.state, found.companion_id, found.closed_at, found.requested_at) == (State.DRAFT, None, None, None)
    with rls.acting_as(world.carla.pk):
        assert not Engagement.objects.exists()
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(
            state="withdrawn", closed_at=clock.now() - timedelta(days=31)
        )
    assert "nicht mehr möglich" in do(anna, "undo", engagement)


def test_the_database_lets_nobody_slip_past_the_places(world: SimpleNamespace, engagement_in: Make) -> None:
    """A forged way from a request, or from a closing, to an active companionship is refused like a proposal."""
    with as_owner():
        olga = make_companion(person("Olga", world.kiel), capacity=0)
    for state in (State.REQUESTED, State.CLOSED):
        engagement = engagement_in(state)
        with rls.acting_as(world.anna.pk), pytest.raises(IntegrityError), transaction.atomic():
            Engagement.objects.filter(pk=engagement.pk).update(state="active", companion=olga, closed_at=None)
        with as_owner():
            Engagement.objects.all().delete()


def test_appointments_that_were_cancelled_stay_cancelled(
    world: SimpleNamespace, engagement_in: Make, client_of: ClientOf
) -> None:
    engagement, anna = engagement_in(State.ACTIVE), client_of(world.anna)
    fill(engagement, shared=True)
    with as_owner():
        Appointment.objects.update(
            starts_at=clock.now() + timedelta(days=3), ends_at=clock.now() + timedelta(days=3, hours=1)
        )
    do(anna, "close", engagement)
    assert "bleiben abgesagt" in do(anna, "undo", engagement)
    with as_owner():
        assert not Appointment.objects.filter(cancelled_at=None).exists()


def test_reminders_that_were_dropped_in_between_are_wanted_again(
    world: SimpleNamespace, engagement_in: Make, client_of: ClientOf
) -> None:
    engagement, anna = engagement_in(State.ACTIVE), client_of(world.anna)
    day = clock.today() + timedelta(days=5)
    sent = {"what": "Früh etwas sagen", "due_on": f"{day:%Y-%m-%d}", "remind": "on"}
    anna.post(reverse("engagements:step_create", args=[engagement.pk]), sent)
    do(anna, "close", engagement)
    with as_owner():
        mails = OutgoingMail.objects.filter(kind="digest")
        assert mails.update(dropped_at=clock.now()) == 1, "the worker drops what belongs to a closed companionship"
    do(anna, "undo", engagement)
    with as_owner():
        assert list(mails.values_list("dropped_at", flat=True)) == [None]
