"""The generator: as many of everything as it says, nothing the application could not have made, the same for a seed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from fractions import Fraction
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from conversations.models import Appointment, Conversation, ConversationPart
from demo.generating import COUNT_PLACES, WORDS, generate
from engagements.models import CompanionLoad, Engagement, LearningStep, Occasion
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner

pytestmark = pytest.mark.django_db
PART = "1/1000"  # a hundred learners


@pytest.fixture
def occasion(db: None) -> None:
    """One at least, also when a test before has emptied the tables that migrations fill."""
    with as_owner():
        Occasion.objects.get_or_create(code="own_topic", defaults={"name_de": "Eigenes Thema", "name_en": "Own topic"})


@pytest.fixture
def people(occasion: None) -> None:
    with as_owner():
        call_command("generate", "--scale", PART, "--seed", "7", stdout=StringIO())


def test_as_many_as_the_whole_would_have(people: None) -> None:
    with as_owner():
        assert (User.objects.count(), Engagement.objects.count()) == (100 + 5 + 2, 200)
        assert Appointment.objects.count() == pytest.approx(1000, rel=0.02)
        assert LearningStep.objects.count() == pytest.approx(3000, rel=0.02)
        states = set(Engagement.objects.values_list("state", flat=True))
        assert {State.ACTIVE, State.PAUSED, State.INTRODUCTION, State.CLOSED, State.REQUESTED, State.DRAFT} == states


def test_every_place_is_counted_and_nobody_has_too_many(people: None) -> None:
    with as_owner():
        loads = {load.pk: load.taken for load in CompanionLoad.objects.all()}
        assert all(0 < taken <= 12 for taken in loads.values())
        Engagement.objects.filter(state=State.ACTIVE).first().save(
            update_fields=["companion"]
        )  # the trigger counts anew
        with connection.cursor() as cursor:
            cursor.execute(COUNT_PLACES)
        assert loads == {load.pk: load.taken for load in CompanionLoad.objects.all()}


def test_a_learner_finds_the_own_texts_and_the_companion_what_is_shared(
    people: None, client_of: Callable[[User], Client]
) -> None:
    with as_owner():
        engagement = Engagement.objects.select_related("learner", "companion").filter(state=State.ACTIVE).first()
        talk = engagement.conversations.order_by("appointment__starts_at").first()
    for person in (engagement.learner, engagement.companion):
        client = client_of(person)
        assert client.get("/heute/").status_code == 200
        page = client.get(f"/begleitungen/{engagement.pk}/")
        assert client.get(f"/gespraeche/{talk.pk}/").status_code == 200
        assert page.status_code == 200 and any(step in page.content.decode() for step in WORDS["steps"])
    with rls.acting_as(engagement.learner_id):
        texts = [part.text for part in ConversationPart.objects.filter(conversation=talk)]
    assert len(texts) == 4 and len([text for text in texts if len(text) > 20]) == 2


def test_the_talks_of_a_companion_come_page_after_page_each_once(
    people: None, client_of: Callable[[User], Client]
) -> None:
    with as_owner():
        companion = User.objects.get(email="begleitung0@example.org")
    with rls.acting_as(companion.pk):  # whose thirty days with former learners are over
        mine = Conversation.objects.filter(appointment__ends_at__lt=clock.now())
        expected = [str(pk) for pk in mine.order_by("-appointment__starts_at").values_list("pk", flat=True)]
    client, address, shown = client_of(companion), "/gespraeche/", []
    while address:
        page = client.get(address).content.decode()
        main = page[page.index("<main") : page.index("</main")]
        shown += list(dict.fromkeys(re.findall(r"/gespraeche/([0-9a-f-]{36})/", main)))
        more = re.search(r"\?vor=[0-9a-f-]{36}", main)
        address = "/gespraeche/" + more[0] if more else ""
    assert len(expected) > 60 and shown == expected


def fingerprint() -> str:
    """Everything that a seed decides: not keys and nonces."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT string_agg(name || email, ',' ORDER BY id) FROM accounts_user)"
            " || (SELECT string_agg(id::text || state || wish || format, ',' ORDER BY id) FROM engagements_engagement)"
            " || (SELECT string_agg(id::text || due_on || state, ',' ORDER BY id) FROM engagements_learningstep)"
            " || (SELECT string_agg(id::text || starts_at, ',' ORDER BY id) FROM conversations_appointment)"
        )
        (text,) = cursor.fetchone()
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_same_seed_gives_the_same(occasion: None) -> None:
    found: list[Any] = []
    with as_owner():
        for seed in (1, 1, 2):
            with transaction.atomic():
                generate(Fraction(1, 2000), seed, lambda line: None)
                found.append(fingerprint())
                transaction.set_rollback(True)
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("scale", ["2", "0", "-1/2", "viel", "1/0"])
def test_a_scale_that_is_none_is_refused(db: None, scale: str) -> None:
    with as_owner(), pytest.raises(CommandError, match="1/10"):
        call_command("generate", scale=scale)


def test_it_never_touches_people_who_are_there(people: None) -> None:
    with as_owner(), pytest.raises(CommandError, match="already"):
        call_command("generate", "--scale", PART)
