"""What is due is erased, key first; what is not due stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from accounts.models import DataKey
from conversations.tasks import erase_due
from engagements.models import Engagement, LearningConcern
from engagements.states import State
from lernbegleitung import clock

from .conftest import as_owner


def run_as_worker() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
    try:
        return erase_due()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_app")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "days", "stays"),
    [
        (State.CLOSED, 89, True),
        (State.CLOSED, 91, False),
        (State.ACTIVE, 400, True),
        (State.WITHDRAWN, 29, True),
        (State.WITHDRAWN, 31, False),
    ],
)
def test_a_finished_engagement_is_erased_when_its_time_has_come(
    engagement_in: Callable[..., Engagement], state: State, days: int, *, stays: bool
) -> None:
    engagement = engagement_in(state)
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(closed_at=clock.now() - timedelta(days=days))
    run_as_worker()
    with as_owner():
        assert Engagement.objects.filter(pk=engagement.pk).exists() is stays
        assert DataKey.objects.filter(pk=engagement.pk).exists() is stays
        assert LearningConcern.objects.filter(engagement=engagement.pk).exists() is stays


@pytest.mark.django_db
def test_an_idle_draft_goes_after_sixty_days(engagement_in: Callable[..., Engagement]) -> None:
    engagement = engagement_in(State.DRAFT)
    run_as_worker()
    with as_owner():
        assert Engagement.objects.count() == 1
        long_ago = clock.now() - timedelta(days=61)
        Engagement.objects.update(created_at=long_ago)
        LearningConcern.objects.filter(engagement=engagement).update(changed_at=long_ago)
    assert run_as_worker()["engagements"] == 1


@pytest.mark.django_db
def test_nobody_but_the_worker_erases(world: object) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM erase_due()")
