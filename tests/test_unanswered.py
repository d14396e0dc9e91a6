"""A request without an answer: one friendly nudge, then it goes back. Done by the worker, who sees states and dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.db import connection

from accounts.models import AuditEvent, OutgoingMail
from engagements.models import Engagement
from engagements.states import State
from engagements.tasks import return_unanswered_offers
from lernbegleitung import clock

from .conftest import as_owner

pytestmark = pytest.mark.django_db
ASKED = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)  # a Monday


def ring() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
    try:
        return return_unanswered_offers()["returned"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_app")


@pytest.mark.parametrize(
    ("day", "returned", "kinds", "state"),
    [
        (4, 0, [], State.OFFERED),  # two working days later
        (5, 0, ["asked_again"], State.OFFERED),
        (6, 0, ["asked_again"], State.OFFERED),
        (9, 1, ["changed", "others_wished"], State.REQUESTED),  # five working days, a weekend between
    ],
)
def test_three_working_days_nudge_five_return(
    day: int,
    returned: int,
    kinds: list[str],
    state: State,
    world: SimpleNamespace,
    engagement_in: Callable[..., Engagement],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engagement = engagement_in(State.OFFERED, offered_at=ASKED)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, day, 12, 0, tzinfo=UTC))
    with connection.cursor() as cursor:  # the database's clock follows
        offset = int((clock.now() - datetime.now(UTC)).total_seconds())
        cursor.execute("SELECT set_config('app.clock_offset', %s, false)", [str(offset)])
    assert (ring(), ring()) == (returned, 0)
    with as_owner():
        assert Engagement.objects.get(pk=engagement.pk).state == state
        assert list(OutgoingMail.objects.order_by("kind").values_list("kind", flat=True)) == kinds
        assert AuditEvent.objects.filter(kind="engagement.unanswered").count() == returned
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.clock_offset', '', false)")


def test_the_worker_can_return_only_what_has_waited(
    engagement_in: Callable[..., Engagement], world: SimpleNamespace
) -> None:
    engagement = engagement_in(State.ACTIVE)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
        cursor.execute("SELECT engagement_return_unanswered(%s)", [engagement.pk])
        assert cursor.fetchone() in ((None,), None)
        cursor.execute("SET ROLE lern_app")
