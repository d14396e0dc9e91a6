"""A draft that its learner discards is gone, with everything that was tied to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import DataKey, User
from engagements.models import CompanionProposal, Engagement
from engagements.states import State

from .conftest import as_owner

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("was_proposed", [False, True])
def test_a_draft_is_discarded_by_its_learner(
    client_of: Callable[[User], Client],
    engagement_in: Callable[..., Engagement],
    anna: User,
    ben: User,
    was_proposed: bool,
) -> None:
    engagement = engagement_in(State.DRAFT)
    if was_proposed:
        with as_owner():
            CompanionProposal.objects.create(engagement=engagement, companion=ben, answer="passed")
    client = client_of(anna)
    page = client.get(f"/begleitungen/{engagement.pk}/verwerfen/")
    assert page.status_code == 200
    answer = client.post(f"/begleitungen/{engagement.pk}/verwerfen/", {"confirmed": "1"})
    assert answer.status_code == 302, answer.content.decode()[-500:]
    with as_owner():
        assert not Engagement.objects.filter(pk=engagement.pk).exists()
        assert not DataKey.objects.filter(pk=engagement.pk).exists()
