"""The main job, end to end: from a wish to a closed engagement, through the pages, with every mail really delivered."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, OutgoingMail, User
from conversations.models import Appointment, Conversation
from engagements.models import Engagement, LearningStep
from engagements.states import State
from lernbegleitung import clock, ids, rls

from .conftest import as_owner


def state_of(engagement: Engagement) -> str:
    with as_owner():
        return Engagement.objects.get(pk=engagement.pk).state


def mails_to(user: User) -> list[str]:
    with as_owner():
        return list(
            OutgoingMail.objects.filter(recipient=user).order_by("created_at", "pk").values_list("kind", flat=True)
        )


def post(client: Client, name: str, *args: object, **data: object) -> str:
    """Post a form and follow it to a page that is well."""
    response = client.post(reverse(name, args=args), data)
    assert response.status_code == 302, (
        name,
        response.status_code,
        response.context and response.context.get("form") and response.context["form"].errors,
    )
    assert client.get(response["Location"]).status_code == 200
    return response["Location"]


@pytest.mark.django_db
def test_from_a_wish_to_a_closed_engagement(world: SimpleNamespace, client_of: Callable[[User], Client]) -> None:
    anna, ben, carla = client_of(world.anna), client_of(world.ben), client_of(world.carla)

    # Anna writes her concern and sends a request.
    pk = ids.new_id()
    post(
        anna,
        "engagements:begin",
        id=pk,
        version=0,
        ability="Ich möchte <b>ruhig</b> bleiben 🌱",
        situation="Im Jour fixe",
        signs="",
    )
    with as_owner():
        engagement = Engagement.objects.get()
    assert engagement.pk == pk
    occasion = world.occasion.pk
    post(anna, "engagements:why", pk, version=1, why_now="Neues Team", occasion=occasion)
    wishes = {
        "wish": "elsewhere",
        "format": "video",
        "spoken": "de",
        "search": "coordination",
        "agency": world.south.pk,
        "consent": "on",
    }
    post(anna, "engagements:wishes", pk, **wishes)
    assert state_of(engagement) == State.REQUESTED
    assert mails_to(world.carla) == ["request_arrived"]

    # Carla sees the request with reasons, not the words, and proposes Ben.
    page = carla.get(reverse("engagements:assignment")).content.decode()
    assert "Anna Beispiel" in page
    assert "Ben Beispiel" in page
    assert "ruhig" not in page
    assert carla.post(reverse("engagements:propose", args=[pk]), {"companion": world.ben.pk}).status_code == 200
    post(carla, "engagements:propose", pk, companion=world.ben.pk, confirmed=1)
    assert mails_to(world.anna) == ["proposals_ready"]

    # Anna chooses, Ben reads her words and accepts; Carla loses sight of it.
    assert "Ben Beispiel" in anna.get(reverse("engagements:proposals", args=[pk])).content.decode()
    post(anna, "engagements:choose", pk, world.ben.pk, no_conflict="on")
    page = ben.get(reverse("engagements:answer", args=[pk])).content.decode()
    assert "&lt;b&gt;ruhig&lt;/b&gt; bleiben 🌱" in page
    post(ben, "engagements:answer", pk, answer="accept", no_conflict="on")
    assert state_of(engagement) == State.INTRODUCTION
    assert carla.get(reverse("engagements:assignment_request", args=[pk])).status_code == 404

    # Both accept the agreement.
    post(
        ben,
        "engagements:agreement",
        pk,
        id=ids.new_id(),
        version=0,
        purpose="Rückmeldungen üben",
        rhythm="alle drei Wochen",
        additions="",
    )
    post(anna, "engagements:agreement_accept", pk, version=1)
    assert state_of(engagement) == State.ACTIVE

    # An appointment, with its calendar entry in both mails.
    appointment_pk = ids.new_id()
    day = clock.today() + timedelta(days=3)
    values = {
        "kind": "conversation",
        "day": f"{day:%d.%m.%Y}",
        "time": "10:00",
        "duration": 60,
        "format": "video",
        "place": "https://video.example.org/raum",
    }
    post(ben, "conversations:appointment_create", pk, id=appointment_pk, **values)
    with as_owner():
        assert [m.attachment.count("BEGIN:VEVENT") for m in OutgoingMail.objects.filter(kind="appointment_new")] == [
            1,
            1,
        ]
        conversation = Conversation.objects.get()
    assert anna.get(reverse("conversations:appointment_ics", args=[appointment_pk])).content.startswith(
        b"BEGIN:VCALENDAR"
    )

    # Both prepare; the topic is sent, the sheets stay apart.
    post(anna, "conversations:prepare", conversation.pk, before="Ich bin aufgeregt", questions="")
    post(anna, "conversations:topic", conversation.pk, text="Der Moment davor", shared="on")
    post(ben, "conversations:prepare", conversation.pk, before="Langsamer werden", questions="")
    page = ben.get(reverse("conversations:desk", args=[conversation.pk])).content.decode()
    assert "Der Moment davor" in page
    assert "aufgeregt" not in page
    page = anna.get(reverse("conversations:desk", args=[conversation.pk])).content.decode()
    assert "Langsamer werden" not in page

    # The talk: Anna writes, Ben offers an observation, she takes it; a step is planned.
    post(anna, "conversations:save_part", conversation.pk, 1, version=1, text="Es geht um den Moment davor.")
    post(
        ben,
        "conversations:observation_offer",
        conversation.pk,
        id=ids.new_id(),
        part=2,
        what="observation",
        text="Sie haben gelächelt, als Sie von der Pause sprachen.",
    )
    with as_owner():
        observation = conversation.observations.get()
    post(anna, "conversations:observation_answer", conversation.pk, observation.pk, answer="take")
    step_pk = ids.new_id()
    step = {
        "what": "Eine Pause aushalten",
        "cue": "Wenn es still wird",
        "action": "dann zähle ich bis drei",
        "due_on": f"{day}",
        "remind": "on",
        "shared": "on",
    }
    post(anna, "engagements:step_create", pk, id=step_pk, **step)
    assert "digest" in mails_to(world.anna)
    assert "Eine Pause aushalten" in ben.get(reverse("conversations:engagement", args=[pk])).content.decode()

    # Both agree: locked.
    with as_owner():
        version = Conversation.objects.get().version
    post(ben, "conversations:agree", conversation.pk, version=version)
    post(anna, "conversations:agree", conversation.pk, version=version)
    assert (
        anna.post(
            reverse("conversations:save_part", args=[conversation.pk, 1]), {"version": 2, "text": "anders"}
        ).status_code
        == 403
    )
    page = ben.get(reverse("conversations:protocol", args=[conversation.pk])).content.decode()
    assert "Moment davor" in page
    assert "gelächelt" in page
    assert "Langsamer" not in page

    # Anna reviews the step and closes.
    review = {
        "state": "tried",
        "happened": "Ich habe doch geredet.",
        "surprised": "",
        "keep": "Vorher atmen.",
        "next": "",
        "shared": "on",
    }
    post(anna, "engagements:step_review", step_pk, **review)
    with as_owner():
        assert LearningStep.objects.get().state == "tried"
    post(anna, "engagements:close", pk, keep="Pausen tragen.")
    assert state_of(engagement) == State.CLOSED
    assert "Pausen tragen" not in ben.get(reverse("conversations:engagement", args=[pk])).content.decode()

    # Every transition left a line that both can read; no line holds a word of content.
    for user in (world.anna, world.ben):
        with rls.acting_as(user.pk):
            kinds = set(AuditEvent.objects.filter(subject=pk).values_list("kind", flat=True))
        assert {"engagement.requested", "engagement.proposed", "engagement.chosen", "engagement.accepted", "agreement.written",
                "agreement.accepted", "engagement.started", "appointment.made", "conversation.agreed",
                "conversation.documented", "engagement.closed"} <= kinds  # fmt: skip
    assert Appointment.objects.count() == 0  # nobody asks: nothing is shown
    assert isinstance(pk, uuid.UUID)


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["stranger", "carla", "eva", "dirk"])
def test_others_get_404_everywhere(
    world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement], who: str
) -> None:
    engagement = engagement_in(State.ACTIVE)
    client = client_of(getattr(world, who))
    names = [
        "concern",
        "why",
        "wishes",
        "discard",
        "proposals",
        "ask_for_others",
        "answer",
        "not_a_fit",
        "withdraw",
        "pause",
        "resume",
        "change_companion",
        "close",
        "agreement",
        "step_create",
    ]
    for name in [f"engagements:{n}" for n in names] + ["conversations:engagement", "conversations:appointment_create"]:
        for method in (client.get, client.post):
            assert method(reverse(name, args=[engagement.pk])).status_code in (404, 405), name
    if who != "stranger":
        return
    assert client.get(reverse("engagements:assignment")).status_code == 403
    assert client.get(reverse("accounts:people")).status_code == 403
