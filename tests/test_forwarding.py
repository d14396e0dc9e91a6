"""A request goes to another agency's coordination: only with the learner's yes, and then seen there and no longer here."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, OutgoingMail, User
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import rls

from .conftest import as_owner

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]


def now(engagement: Engagement) -> tuple[str, int | None, int | None]:
    """State, whose coordination looks, and which one is asked about."""
    with as_owner():
        found = Engagement.objects.get(pk=engagement.pk)
    return found.state, found.coordinating_agency_id, found.forward_to_id


def sees(user: User) -> bool:
    with rls.acting_as(user.pk):
        return Engagement.objects.exists()


def ask(client_of: ClientOf, world: SimpleNamespace, engagement: Engagement) -> None:
    address = reverse("engagements:forward_ask", args=[engagement.pk])
    for _twice in range(2):
        assert client_of(world.carla).post(address, {"agency": world.north.pk}).status_code == 302


@pytest.mark.parametrize("state", [State.REQUESTED, State.MATCHING])
def test_only_the_learners_yes_moves_it(
    state: State, world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    engagement, anna = engagement_in(state), client_of(world.anna)
    ask(client_of, world, engagement)
    assert now(engagement) == (state, world.south.pk, world.north.pk)
    assert (sees(world.carla), sees(world.eva)) == (True, False), "asking alone shows nothing to anybody"
    page = anna.get(reverse("conversations:engagement", args=[engagement.pk])).content.decode()
    assert "Frage Ihrer Koordination beantworten" in page
    address = reverse("engagements:forward", args=[engagement.pk])
    assert "Darf Ihre Anfrage zur Koordination „Nord“?" in anna.get(address).content.decode()
    assert [anna.post(address, {"answer": "yes", "asked": world.north.pk}).status_code for _twice in range(2)] == [
        302,
        302,
    ]
    assert now(engagement) == (state, world.north.pk, None)
    assert (sees(world.carla), sees(world.eva)) == (False, True)
    with as_owner():
        kinds = list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True))
        mails = list(OutgoingMail.objects.order_by("created_at").values_list("kind", "recipient_id"))
        assert "Nord" not in str(list(OutgoingMail.objects.values("facts", "key")))
    assert kinds == ["engagement.forward_asked", "engagement.sent_on"]
    assert mails == [("may_it_go", world.anna.pk), ("request_arrived", world.eva.pk)]


def test_a_no_changes_nothing_and_leaves_no_line(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    engagement, anna = engagement_in(State.REQUESTED), client_of(world.anna)
    ask(client_of, world, engagement)
    address = reverse("engagements:forward", args=[engagement.pk])
    assert [anna.post(address, {"answer": "no", "asked": world.north.pk}).status_code for _twice in range(2)] == [
        302,
        302,
    ]
    assert now(engagement) == (State.REQUESTED, world.south.pk, None)
    assert sees(world.carla) and not sees(world.eva)
    with as_owner():
        assert list(AuditEvent.objects.values_list("kind", flat=True)) == ["engagement.forward_asked"]
        assert OutgoingMail.objects.exclude(kind="may_it_go").count() == 0


def test_the_learner_sends_it_elsewhere_unasked(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    engagement, anna = engagement_in(State.REQUESTED), client_of(world.anna)
    address = reverse("engagements:forward", args=[engagement.pk])
    for nonsense in ("", world.kiel.pk, world.south.pk, "x"):  # none, without a coordination, the present one, nothing
        assert anna.post(address, {"agency": nonsense}).status_code == 422
    assert now(engagement) == (State.REQUESTED, world.south.pk, None)
    assert anna.post(address, {"agency": world.north.pk}).status_code == 302
    assert now(engagement) == (State.REQUESTED, world.north.pk, None)


def test_the_coordination_takes_its_question_back(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    engagement, address = engagement_in(State.REQUESTED), ""
    ask(client_of, world, engagement)
    address = reverse("engagements:forward_ask", args=[engagement.pk])
    assert "Gefragt ist schon" in client_of(world.carla).get(address).content.decode()
    assert client_of(world.carla).post(address, {"back": "1"}).status_code == 302
    assert now(engagement) == (State.REQUESTED, world.south.pk, None)
    assert (
        client_of(world.anna)
        .post(reverse("engagements:forward", args=[engagement.pk]), {"answer": "yes", "asked": world.north.pk})
        .status_code
        == 302
    )
    assert now(engagement) == (State.REQUESTED, world.south.pk, None)


@pytest.mark.parametrize("state", [State.OFFERED, State.ACTIVE])
def test_where_nobody_is_looked_for_there_is_nothing_to_pass_on(
    state: State, world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    engagement = engagement_in(state)
    client_of(world.anna).post(reverse("engagements:forward", args=[engagement.pk]), {"agency": world.north.pk})
    assert client_of(world.ben).get(reverse("engagements:forward", args=[engagement.pk])).status_code == 403
    ask_address = reverse("engagements:forward_ask", args=[engagement.pk])
    assert client_of(world.carla).post(ask_address, {"agency": world.north.pk}).status_code == 404
    assert now(engagement) == (state, world.south.pk, None)
