"""Whatever is typed is answered properly: beside the field, nothing lost, nothing half saved, never a 500."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.utils import InternalError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from conversations.models import Appointment, Conversation, ConversationPart
from engagements.models import Engagement, JournalEntry, LearningConcern, LearningStep
from engagements.states import State
from lernbegleitung import clock, ids, rls

from .conftest import as_owner

pytestmark = pytest.mark.django_db
NASTY = {
    "a hundred thousand characters": "ä" * 100_000,
    "NUL": "vorher\x00nachher",
    "HTML": "<script>alert(1)</script><b>fett</b>",
    "emoji and signs": "👩🏽‍💻 ½ Ω \u202e rtl ' \" \\ %s {{ x }} {% y %}",
    "line breaks": "eins\r\n\r\nzwei\tdrei",
}


def talk_of(engagement: Engagement) -> Conversation:
    starts = clock.now() + timedelta(days=2)
    with as_owner(), rls.acting_as(engagement.learner_id):
        appointment = Appointment.objects.create(
            engagement=engagement,
            learner=engagement.learner,
            companion=engagement.companion,
            starts_at=starts,
            ends_at=starts + timedelta(hours=1),
            format="video",
        )
        conversation = Conversation.objects.create(engagement=engagement, appointment=appointment)
        for part in range(1, 5):
            ConversationPart.objects.create(conversation=conversation, part=part)
    return conversation


def step_of(engagement: Engagement) -> LearningStep:
    with as_owner(), rls.acting_as(engagement.learner_id):
        step = LearningStep(engagement=engagement, due_on=clock.today())
        step.what = "Etwas"
        step.save()
    return step


def forms(world: SimpleNamespace, engagement: Engagement) -> dict[str, tuple[str, str, dict[str, Any], str]]:
    """Every form with free text: (who, address, the rest of a good input, the field)."""
    conversation, step = talk_of(engagement), step_of(engagement)
    plan = {"id": ids.new_id(), "due_on": f"{clock.today()}", "remind": "on"}
    return {
        "concern": ("anna", reverse("engagements:concern", args=[engagement.pk]), {"version": 1}, "ability"),
        "agreement": ("ben", reverse("engagements:agreement", args=[engagement.pk]), {"id": ids.new_id(), "version": 1}, "purpose"),
        "step": ("anna", reverse("engagements:step_create", args=[engagement.pk]), plan, "what"),
        "step changed": ("anna", reverse("engagements:step_edit", args=[step.pk]), {**plan, "version": 1}, "what"),
        "review": ("anna", reverse("engagements:step_review", args=[step.pk]), {"state": "done", "next": ""}, "happened"),
        "journal": ("anna", reverse("engagements:journal"), {"id": ids.new_id(), "audience": "me"}, "text"),
        "topic": ("anna", reverse("conversations:topic", args=[conversation.pk]), {}, "text"),
        "sheet": ("ben", reverse("conversations:prepare", args=[conversation.pk]), {}, "before"),
        "own column": ("ben", reverse("conversations:desk", args=[conversation.pk]), {}, "observations"),
        "part": ("anna", reverse("conversations:save_part", args=[conversation.pk, 1]), {"version": 1}, "text"),
        "closing sentence": ("anna", reverse("conversations:save_closing", args=[conversation.pk]), {}, "text"),
        "meaning": ("ben", reverse("conversations:observation_offer", args=[conversation.pk]), {"id": ids.new_id(), "part": 1, "what": "observation", "text": "Etwas"}, "meaning"),
        "idea": ("anna", reverse("conversations:idea_collect", args=[conversation.pk]), {"id": ids.new_id()}, "text"),
        "step of a talk": ("anna", reverse("conversations:step_plan", args=[conversation.pk]), {"id": ids.new_id(), "due_on": f"{clock.today()}"}, "what"),
        "observation": ("ben", reverse("conversations:observation_offer", args=[conversation.pk]), {"id": ids.new_id(), "part": 2, "what": "observation"}, "text"),
        "place": ("ben", reverse("conversations:appointment_create", args=[engagement.pk]), {"id": ids.new_id(), "kind": "conversation", "day": f"{clock.today() + timedelta(days=5)}", "time": "10:00", "duration": 60, "format": "video"}, "place"),
        "closing": ("anna", reverse("engagements:close", args=[engagement.pk]), {}, "keep"),
        "profile": ("anna", reverse("accounts:profile"), {"job": "", "team": "", "language": "de"}, "name"),
    }  # fmt: skip


FORMS = [
    "concern",
    "agreement",
    "step",
    "step changed",
    "review",
    "journal",
    "topic",
    "sheet",
    "own column",
    "part",
    "closing sentence",
    "observation",
    "meaning",
    "idea",
    "step of a talk",
    "place",
    "closing",
    "profile",
]


@pytest.mark.parametrize("what", NASTY)
@pytest.mark.parametrize("name", FORMS)
def test_nothing_typed_breaks_a_form(
    name: str,
    what: str,
    world: SimpleNamespace,
    client_of: Callable[[User], Client],
    engagement_in: Callable[..., Engagement],
) -> None:
    who, address, rest, field = forms(world, engagement_in(State.ACTIVE))[name]
    client, text = client_of(getattr(world, who)), NASTY[what]
    response = client.post(address, {**rest, field: text})
    assert response.status_code in (302, 422), (name, what, response.status_code)
    if what in ("NUL", "a hundred thousand characters"):
        assert response.status_code == 422, "too much, or not a text, is refused rather than cut"
    if response.status_code == 302:
        page = client.get(response["Location"], follow=True)
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
    else:
        page = response.content.decode()
        assert "<script>alert" not in page
        if what != "NUL":  # a NUL cannot stand in a page; what surrounds it does
            assert html.escape(text[:50]) in page, f"{name}: what was typed is lost"


GOOD = "Ein guter Satz."


@pytest.mark.parametrize("name", [n for n in FORMS if n not in ("own column", "profile")])
def test_a_good_sentence_passes_every_one_of_these_forms(
    name: str, world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    who, address, rest, field = forms(world, engagement_in(State.ACTIVE))[name]
    assert client_of(getattr(world, who)).post(address, {**rest, field: GOOD}).status_code == 302


@pytest.mark.parametrize("due", ["2020-01-01", "31.02.2027", "morgen", "", "9999-12-31", "1.1.0001"])
def test_a_wrong_day_is_answered_beside_the_field(
    due: str, world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.ACTIVE)
    response = client_of(world.anna).post(
        reverse("engagements:step_create", args=[engagement.pk]),
        {"id": ids.new_id(), "what": "Etwas versuchen", "due_on": due},
    )
    assert response.status_code == 422
    page = response.content.decode()
    assert 'id="id_due_on_error"' in page
    assert 'aria-invalid="true"' in page
    assert "Etwas versuchen" in page
    with as_owner():
        assert LearningStep.objects.count() == 0


@pytest.mark.parametrize(
    "query",
    [
        "?nach=x",
        "?nach=0~9~9",
        "?nach=%00",
        "?vor=x",
        "?vor=%00",
        "?ab=-1",
        "?ab=999999999999",
        "?q=%00",
        "?q=" + "x" * 5000,
        "?dienststelle=%00",
        "?nur=x",
        "?anlass='",
        "?engagement=x",
    ],
)
def test_strange_addresses_are_answered_with_a_page(
    query: str, world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.ACTIVE)
    pages = {
        "anna": [
            "engagements:index",
            "engagements:steps",
            "engagements:journal",
            "conversations:index",
            "conversations:today",
            "engagements:directory",
        ],
        "carla": ["engagements:assignment", "engagements:pool", "accounts:invitations"],
        "dirk": ["accounts:people"],
    }
    for who, names in pages.items():
        client = client_of(getattr(world, who))
        for name in names:
            assert client.get(reverse(name) + query).status_code == 200, (name, query)
    assert client_of(world.anna).get(reverse("conversations:engagement", args=[engagement.pk]) + query).status_code in (
        200,
        404,
    )


def test_a_double_click_does_a_thing_once(
    world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    anna = client_of(world.anna)
    pk = ids.new_id()
    for _click in range(2):
        assert anna.post(reverse("engagements:begin"), {"id": pk, "version": 0, "ability": GOOD}).status_code == 302
    with as_owner():
        assert [e.pk for e in Engagement.objects.all()] == [pk]
        assert LearningConcern.objects.count() == 1
    entry = {"id": ids.new_id(), "text": GOOD, "audience": "me"}
    for _click in range(2):
        assert anna.post(reverse("engagements:journal"), entry).status_code == 302
    with as_owner():
        assert JournalEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("state", "who", "name", "data", "after"),
    [
        (State.ACTIVE, "anna", "pause", {}, State.PAUSED),
        (State.PAUSED, "ben", "resume", {}, State.ACTIVE),
        (State.ACTIVE, "anna", "close", {"keep": ""}, State.CLOSED),
        (State.PAUSED, "ben", "close", {"told": "on"}, State.CLOSED),
        (State.ACTIVE, "anna", "change_companion", {}, State.REQUESTED),
        (State.REQUESTED, "anna", "withdraw", {}, State.WITHDRAWN),
        (State.INTRODUCTION, "anna", "withdraw", {}, State.WITHDRAWN),
        (State.INTRODUCTION, "anna", "not_a_fit", {}, State.REQUESTED),
        (State.INTRODUCTION, "ben", "not_a_fit", {}, State.REQUESTED),
        (State.OFFERED, "ben", "answer", {"answer": "decline"}, State.REQUESTED),
        (State.OFFERED, "ben", "answer", {"answer": "conflict", "rule": "H1"}, State.REQUESTED),
        (State.OFFERED, "ben", "answer", {"answer": "accept", "no_conflict": "on"}, State.INTRODUCTION),
        (State.MATCHING, "anna", "ask_for_others", {}, State.REQUESTED),
    ],
)
def test_every_move_works_once_and_a_second_click_harms_nothing(
    state: State,
    who: str,
    name: str,
    data: dict[str, Any],
    after: State,
    world: SimpleNamespace,
    client_of: Callable[[User], Client],
    engagement_in: Callable[..., Engagement],
) -> None:
    engagement = engagement_in(state)
    client, address = client_of(getattr(world, who)), reverse(f"engagements:{name}", args=[engagement.pk])
    before = client.get(address)
    assert before.status_code == 200
    assert client.post(address, data).status_code == 302
    again = client.post(address, data)
    assert again.status_code in (302, 404)
    with as_owner():
        changed = Engagement.objects.get(pk=engagement.pk)
        assert changed.state == after
        assert changed.companion_id == (None if after in (State.REQUESTED, State.WITHDRAWN) else world.ben.pk)


@pytest.mark.parametrize(
    "name", ["concern", "withdraw", "change_companion", "proposals", "ask_for_others", "step_create"]
)
def test_the_companion_reads_but_does_not_write(
    name: str, world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.ACTIVE)
    assert client_of(world.ben).get(reverse(f"engagements:{name}", args=[engagement.pk])).status_code == 403


def test_two_tabs_keep_both_versions(
    world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.ACTIVE)
    anna, address = client_of(world.anna), reverse("engagements:concern", args=[engagement.pk])
    assert anna.post(address, {"version": 1, "ability": "Erster Satz"}).status_code == 302
    response = anna.post(address, {"version": 1, "ability": "Zweiter Satz"})
    assert response.status_code == 412
    page = response.content.decode()
    assert "Erster Satz" in page
    assert "Zweiter Satz" in page
    assert anna.post(address, {"version": 2, "ability": "Zweiter Satz"}).status_code == 302
    conversation = talk_of(engagement)
    address = reverse("conversations:save_part", args=[conversation.pk, 1])
    assert (
        anna.post(address, {"version": 1, "text": "Eins"}, headers={"HX-Request": "true"}).headers["X-Version"] == "2"
    )
    response = anna.post(address, {"version": 1, "text": "Zwei"}, headers={"HX-Request": "true"})
    assert response.status_code == 412
    page = response.content.decode()
    assert "Eins" in page
    assert "Zwei" in page
    with as_owner(), rls.acting_as(world.anna.pk):
        assert ConversationPart.objects.get(conversation=conversation, part=1).text == "Eins"


def test_a_background_save_without_a_session_is_told_so(
    world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> None:
    conversation = talk_of(engagement_in(State.ACTIVE))
    response = Client().post(
        reverse("conversations:save_part", args=[conversation.pk, 1]),
        {"version": 1, "text": "x"},
        headers={"HX-Request": "true"},
    )
    assert response.status_code == 401


def test_get_cannot_write(world: SimpleNamespace) -> None:
    with rls.acting_as(world.anna.pk, reading=True), pytest.raises(InternalError):
        User.objects.filter(pk=world.anna.pk).update(job="x")


def test_every_page_is_read_in_a_read_only_transaction(
    world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    client = client_of(world.anna)
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/heute/").status_code == 200
    assert any("'transaction_read_only', 'on'" in query["sql"] for query in queries)
