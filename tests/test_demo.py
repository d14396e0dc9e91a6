"""The demo is believable: same files, same data; every state of the way; whoever is shown may really be shown."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Agency, RoleGrant, User
from conversations.models import GuidingQuestion
from engagements.models import CompanionLoad, Engagement
from engagements.states import State

from .conftest import as_owner

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(db: None) -> None:
    with as_owner():
        call_command("load_demo")


def test_everybody_and_every_state_is_there(demo: None) -> None:
    with as_owner():
        assert set(Engagement.objects.values_list("state", flat=True)) == set(State.values) - {State.ERASED}
        assert RoleGrant.objects.filter(role="companion").count() >= 12
        assert Engagement.objects.values("learner").distinct().count() >= 30
        assert Agency.objects.count() >= 40
        logins = {f"{name}@example.org" for name in ("anna", "ben", "carla", "dirk", "eva")}
        assert set(User.objects.filter(email__in=logins).values_list("email", flat=True)) == logins
        assert all(load.taken + load.held <= load.capacity for load in CompanionLoad.objects.all())


def test_anna_is_a_newcomer(demo: None) -> None:
    with as_owner():
        assert not Engagement.objects.filter(learner__email="anna@example.org").exists()


def test_it_is_loaded_once(demo: None) -> None:
    with as_owner(), pytest.raises(CommandError):
        call_command("load_demo")


def test_the_question_bank_is_rich_in_both_languages(db: None) -> None:
    with as_owner():
        from conversations.questions import load

        load(GuidingQuestion)  # nothing to do, unless a test before has emptied the tables
        for part in "1234":
            questions = GuidingQuestion.objects.filter(part=part)
            assert questions.count() >= 15
            assert all(q.text_de and q.text_en and q.text_de != q.text_en for q in questions)
