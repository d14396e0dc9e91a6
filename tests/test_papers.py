"""A talk on paper: the record for the two, the guide on one page, tagged, in the language asked for."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from accounts.models import Opening, User
from conversations.models import Conversation, GuidingQuestion
from conversations.questions import load
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock

from .conftest import as_owner
from .test_audiences import fill

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def talk(engagement_in: Callable[..., Engagement]) -> Conversation:
    engagement = engagement_in(State.ACTIVE)
    fill(engagement, shared=False)
    with as_owner():
        load(GuidingQuestion)
        return Conversation.objects.get(engagement=engagement)


def paper(client: Client, talk: Conversation, name: str, query: str = "") -> tuple[PdfReader, str]:
    answer = client.get(reverse(f"conversations:{name}", args=[talk.pk]) + query)
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    assert answer["Cache-Control"] == "no-store" and "GEHEIM" not in answer["Content-Disposition"]
    reader = PdfReader(io.BytesIO(answer.content))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/StructTreeRoot"]
    assert b"pdfuaid:part" in root["/Metadata"].get_data(), "PDF/UA"
    return reader, " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def test_the_record_is_the_same_for_both_and_says_where_it_stands(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    reader, words = paper(client_of(world.anna), talk, "protocol_pdf")
    assert words.count("GEHEIM") == 7, "four parts, the sentence, an idea, an addition; the private step is not on it"
    assert "Noch nicht abgeschlossen." in words and world.ben.name in words and reader.trailer["/Root"]["/Lang"] == "de"
    assert paper(client_of(world.ben), talk, "protocol_pdf")[1] == words
    with as_owner():
        assert Opening.objects.filter(reader=world.ben, kind="conversationpart").count() == 4, (
            "opened, and written down"
        )
        now = clock.now()
        Conversation.objects.update(learner_agreed_at=now, companion_agreed_at=now, locked_at=now)
    reader, words = paper(client_of(world.anna), talk, "protocol_pdf", "?sprache=en")
    assert reader.trailer["/Root"]["/Lang"] == "en" and "Agreed by both on" in words and "Record" in words
    assert paper(client_of(world.anna), talk, "protocol_pdf", "?sprache=xx")[0].trailer["/Root"]["/Lang"] == "de"


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_guide_is_one_page_with_room_to_write_and_no_word_of_anybody(
    language: str, talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    reader, words = paper(client_of(world.ben), talk, "guide_pdf", f"?sprache={language}")
    assert len(reader.pages) == 1 and "GEHEIM" not in words
    assert all(f"{number}. " in words for number in (1, 2, 3, 4)) and words.count("?") >= 12
    with as_owner():
        assert not Opening.objects.exists()


def test_strangers_find_neither(talk: Conversation, world: SimpleNamespace, client_of: ClientOf) -> None:
    for user in (world.carla, world.dirk, world.eva, world.stranger):
        for name in ("protocol_pdf", "guide_pdf"):
            assert client_of(user).get(reverse(f"conversations:{name}", args=[talk.pk])).status_code == 404
