"""What the desk answers when a text is written in two places, and how it tells that something has changed."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from conversations.models import Conversation, ConversationPart, Preparation
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import ids, rls

from .conftest import as_owner
from .test_audiences import fill

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def talk(engagement_in: Callable[..., Engagement]) -> Conversation:
    engagement = engagement_in(State.ACTIVE)
    fill(engagement, shared=True)
    with as_owner():
        return Conversation.objects.get(engagement=engagement)


def save(client: Client, talk: Conversation, text: str, *, name: str = "save_part", **also: Any) -> Any:
    address = reverse(f"conversations:{name}", args=[talk.pk, *([2] if name == "save_part" else [])])
    return client.post(address, {"text": text, "version": 1, **also}, headers={"HX-Request": "true"})


def stored(talk: Conversation, reader: User) -> str:
    with rls.acting_as(reader.pk):
        return ConversationPart.objects.get(conversation=talk, part=2).text


def test_two_pages_that_write_in_different_places_are_merged(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    save(client, talk, "Ich war still.", base="GEHEIM")
    save(client, talk, "Gestern: Ich war still.", base="Ich war still.")
    answer = save(client, talk, "Ich war still. Heute nicht.\r\n", base="Ich war still.")
    body = answer.content.decode()
    assert answer.status_code == 200 and "Gestern: Ich war still. Heute nicht.\n</textarea>" in body
    assert stored(talk, world.anna) == "Gestern: Ich war still. Heute nicht.\n", (
        "spaces at the end are still being typed"
    )
    assert "Ich war" not in str(answer.headers)


def test_where_both_changed_the_same_words_nothing_is_overwritten(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    save(client, talk, "Ich war still.", base="GEHEIM")
    save(client, talk, "Ich war laut.", base="Ich war still.")
    answer = save(client, talk, "Ich war leise.", base="Ich war still.")
    body = answer.content.decode()
    assert answer.status_code == 412 and "Ich war laut." in body and "Ich war leise." in body and "data-take" in body
    assert stored(talk, world.anna) == "Ich war laut."
    assert save(client, talk, "Ich war leise.", base="Ich war laut.").status_code == 200, "chosen, knowing the other"
    without_script = client.post(
        reverse("conversations:save_part", args=[talk.pk, 2]), {"text": "Aus einem alten Fenster", "version": 1}
    )
    assert without_script.status_code == 412 and "So speichern" in without_script.content.decode()


def test_the_closing_sentence_is_merged_or_shown_twice_as_well(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    save(client, talk, "Ein Anfang.", name="save_closing", base="GEHEIM")
    save(client, talk, "Ein guter Anfang.", name="save_closing", base="Ein Anfang.")
    both = save(client, talk, "Ein Anfang. Weiter so.", name="save_closing", base="Ein Anfang.")
    assert "Ein guter Anfang. Weiter so." in both.content.decode()
    against = save(client, talk, "Ein Ende. Weiter so.", name="save_closing", base="Ein alter Anfang. Weiter so.")
    assert against.status_code == 412
    with rls.acting_as(world.anna.pk):
        assert Conversation.objects.get().closing_sentence == "Ein guter Anfang. Weiter so."


def test_merged_texts_stay_within_their_length(talk: Conversation, world: SimpleNamespace, client_of: ClientOf) -> None:
    client = client_of(world.anna)
    save(client, talk, "a " * 9_000, base="GEHEIM")
    answer = save(client, talk, "b " * 9_000, base="")
    assert answer.status_code == 412, "together they would be too long, so a person decides"


def test_the_state_changes_with_what_the_other_sees_and_says_no_word(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    address = reverse("conversations:state", args=[talk.pk])

    def state(client: Client) -> str:
        answer = client.get(address)
        assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
        return answer.content.decode()

    seen = [state(ben)]
    assert state(ben) == seen[0] == state(anna)
    assert save(anna, talk, "Neues", base="GEHEIM").headers["X-State"] == state(ben)
    seen.append(state(ben))
    for part in (1, 2, 1):
        ben.post(
            reverse("conversations:observation_offer", args=[talk.pk]),
            {"id": str(ids.new_id()), "part": part, "what": "observation", "text": "Wahrgenommen"},
        )
    seen.append(state(anna))
    with as_owner():
        version = Conversation.objects.get().version
    anna.post(reverse("conversations:agree", args=[talk.pk]), {"version": version})
    seen.append(state(ben))
    assert len(set(seen)) == 4
    assert not any(word in text for text in seen for word in ("Neues", "Wahrgenommen", "GEHEIM"))
    assert f'data-state="{seen[-1]}"' in ben.get(reverse("conversations:desk", args=[talk.pk])).content.decode()
    for user in (world.carla, world.dirk, world.stranger):
        assert client_of(user).get(address).status_code == 404


def test_the_own_column_of_two_devices_loses_nothing(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    ben = client_of(world.ben)
    address = reverse("conversations:desk", args=[talk.pk])

    def note(text: str, base: str | None) -> str:
        known = {"base-observations": base, "base-reflection": ""} if base is not None else {}
        answer = ben.post(address, {"observations": text, "reflection": "", **known}, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        with rls.acting_as(world.ben.pk):
            return Preparation.objects.get(conversation=talk, owner=world.ben).observations

    assert note("Sie lacht. ", "") == "Sie lacht. ", "a space at the end is still being typed"
    assert note("Sie lacht. Dann still.", "Sie lacht. ") == "Sie lacht. Dann still."
    assert note("Am Anfang: Sie lacht. ", "Sie lacht. ") == "Am Anfang: Sie lacht. Dann still."
    both = note("Etwas ganz anderes", "Am Anfang: Sie lacht. Dann still.")
    assert both == "Etwas ganz anderes"
    assert note("Noch etwas", "Am Anfang: Sie lacht. Dann still.") == "Etwas ganz anderes\n\nNoch etwas"
    assert note("Ohne JavaScript", None) == "Ohne JavaScript"
