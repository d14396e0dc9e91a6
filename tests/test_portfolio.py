"""What a person takes along: complete, as its schema says, tagged, and nobody else's."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from jsonschema import Draft202012Validator
from pypdf import PdfReader

from accounts.models import AuditEvent, Draft, User
from conversations.models import Conversation, OwnQuestion, Preparation, RecordVersion, TalkCheck
from engagements.models import Engagement, Insight, JournalEntry, LearningStep, RuleOfThumb
from engagements.states import State
from lernbegleitung import checks, clock, pdf, rls
from lernbegleitung.vault import sealed_columns

from .conftest import as_owner, confirm
from .test_audiences import fill
from .test_bad_input import NASTY

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]


def schema() -> dict[str, Any]:
    return json.loads(Client().get("/schema/lernportfolio-1.json").content)


def taken(client: Client) -> dict[str, Any]:
    response = client.post(reverse("conversations:portfolio_data"))
    assert response.status_code == 200 and response["Content-Disposition"].startswith("attachment; filename=")
    return json.loads(response.content)


def paper(client: Client, engagement: Engagement, name: str = "conversations:portfolio_paper") -> PdfReader:
    response = client.post(reverse(name, args=[engagement.pk]))
    assert response.status_code == 200 and response["Content-Type"] == "application/pdf"
    assert response["Cache-Control"] == "no-store"
    return PdfReader(io.BytesIO(response.content))


def text_of(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


# Answered with one letter, not with a word.
LETTERS = {f"Wort TalkCheck {name}" for name in (*TalkCheck.LEARNER, *TalkCheck.COMPANION)}


@pytest.fixture
def story(world: SimpleNamespace, engagement_in: Make) -> Engagement:
    """A companionship with a word of its own in every sealed field."""
    engagement = engagement_in(State.ACTIVE)
    fill(engagement, shared=False)
    with as_owner(), rls.acting_as(world.anna.pk):
        step = LearningStep.objects.get(engagement=engagement)
        review = Insight(engagement=engagement, step=step)
        review.happened = "Ich war Vierte."
        review.save()
        talk = Conversation.objects.get(engagement=engagement)
        sheet = Preparation(conversation=talk, owner=world.anna)
        sheet.before = "Nur meins."
        sheet.save()
        for model in checks.own_models():
            if model in (OwnQuestion, Preparation, RuleOfThumb, TalkCheck):
                continue
            for row in model._base_manager.all() if sealed_columns(model) else ():
                for name in sealed_columns(model):
                    word = f"Wort {model.__name__} {name}"
                    setattr(
                        row,
                        name,
                        {Draft: json.dumps({"text": [word]}), RecordVersion: json.dumps({"sentence": word})}.get(
                            model, word
                        ),
                    )
                row.save()
        OwnQuestion.objects.filter(owner=world.anna).delete()
        own = OwnQuestion(owner=world.anna)
        own.text = "Wort OwnQuestion text"
        own.save()
        rule = RuleOfThumb(owner=world.anna)
        rule.text = "Wort RuleOfThumb text"
        rule.save()
        for name in sealed_columns(Preparation):
            setattr(sheet, name, f"Wort Preparation {name}")
        sheet.save()
        look = TalkCheck(conversation=talk, owner=world.anna)
        look.goal_clear, look.way_helps, look.note = "y", "n", "Wort TalkCheck note"
        look.save()
    return engagement


def test_every_word_of_the_learner_is_in_the_file_and_it_is_as_its_schema_says(
    story: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    Draft202012Validator.check_schema(schema())
    for user in (world.ben, world.carla):
        Draft202012Validator(schema()).validate(taken(client_of(user)))
    mine = taken(client_of(world.anna))
    for entry in mine["learning"][0]["journal"]:
        entry["mood"] = ""  # not one of the words here, see the fixture
    Draft202012Validator(schema()).validate(mine)
    body = json.dumps(taken(client_of(world.anna)), ensure_ascii=False)
    words = {f"Wort {m.__name__} {name}" for m in checks.own_models() for name in sealed_columns(m)} - LETTERS
    assert mine["learning"][0]["talks"][0]["own_look"] == {
        "goal_clear": "y",
        "way_helps": "n",
        "note": "Wort TalkCheck note",
    }
    assert {word for word in words if word not in body} == set()
    with as_owner():
        assert AuditEvent.objects.filter(kind="portfolio.taken", actor=world.anna).exists()


def test_the_companion_takes_the_own_sheets_and_observations_along_and_no_word_of_the_learner(
    story: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    found = taken(client_of(world.ben))
    assert found["learning"] == []
    assert [talk["with"] for talk in found["accompanying"]] == [world.anna.name]
    assert found["accompanying"][0]["observations"][0]["text"] == "Wort Observation text"
    body = json.dumps(found)
    assert "Wort Journal" not in body and "Wort LearningConcern" not in body and "Wort ConversationPart" not in body
    assert "GEHEIM" in json.dumps(found["accompanying"][0]["own_sheet"]), "the own sheet, with the own key"


def test_the_paper_is_tagged_has_a_language_and_holds_every_word(
    story: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    reader = paper(client_of(world.anna), story)
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/StructTreeRoot"] and root["/Lang"] == "de"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] and reader.metadata.title == "Mein Lernportfolio"
    assert b"pdfuaid:part" in root["/Metadata"].get_data(), "PDF/UA"
    assert [entry.title for entry in reader.outline if not isinstance(entry, list)] == ["Mein Lernportfolio"]
    words = text_of(reader)
    wanted = {
        f"Wort {m.__name__} {name}" for m in checks.own_models() for name in sealed_columns(m)
        if m.__name__ != "Observation"
    }  # fmt: skip
    assert "Ist unser Ziel klar?" in words and "Noch nicht" in words
    wanted -= LETTERS | {
        "Wort RecordVersion content",
        "Wort Draft values",
        "Wort BusyCalendar address",
        "Wort OwnQuestion text",
        "Wort FormerWords text",
        "Wort LearningStep cue",
        "Wort LearningStep action",
        "Wort LineMessage text",  # written to the coordination: in the file, not in the paper about the learning
    }
    assert {word for word in wanted if word not in words} == set()
    assert "Wenn Wort LearningStep cue, dann Wort LearningStep action." in words
    assert world.ben.name in words


def test_in_english(story: Engagement, world: SimpleNamespace, client_of: ClientOf) -> None:
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(language="en")
    reader = paper(client_of(world.anna), story)
    assert reader.trailer["/Root"]["/Lang"] == "en" and "My learning portfolio" in text_of(reader)


def test_the_confirmation_says_that_and_when_and_nothing_else(
    story: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    with as_owner():
        Engagement.objects.filter(pk=story.pk).update(started_at=clock.now() - timedelta(days=40))
    words = text_of(paper(client_of(world.anna), story, "conversations:confirmation"))
    assert world.anna.name in words and "Lerngespräche" in words and "0 Gespräche" in words
    assert "Wort" not in words and world.ben.name not in words


@pytest.mark.parametrize("name", ["conversations:portfolio_paper", "conversations:confirmation"])
def test_nobody_takes_the_papers_of_another(
    name: str, story: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    expected = {"ben": 403, "carla": 404, "dirk": 404, "stranger": 404}
    for who, status in expected.items():
        assert client_of(getattr(world, who)).post(reverse(name, args=[story.pk])).status_code == status
    client = client_of(world.anna)
    confirm(client, ago=400)
    for address in (reverse(name, args=[story.pk]), reverse("conversations:portfolio_data")):
        assert client.post(address)["Location"].startswith("/accounts/reauthenticate/")
    assert client.get(reverse("conversations:take_along")).status_code == 302
    assert client_of(world.anna).get(reverse(name, args=[story.pk])).status_code == 405


@pytest.mark.parametrize("what", NASTY)
def test_nothing_written_breaks_the_paper_or_is_taken_for_markup(what: str) -> None:
    text = NASTY[what][:4000] + " #panic() *fett* $x$ @ref <x> // \\ `c` = Titel"
    made = pdf.render(
        pdf.Paper(title=text[:80], author=text[:40], language="de", subtitle=text[:80], facts=[(text[:20], text[:90])],
                  sections=[pdf.Section(text[:60], [pdf.Entry(text[:60], text[:60], [(text[:40], text)])])], closing=text)
    )  # fmt: skip
    words = text_of(PdfReader(io.BytesIO(made)))
    assert "#panic() *fett* $x$ @ref <x> //" in words


def test_signs_without_a_picture_become_a_box_and_invisible_ones_go() -> None:
    assert pdf.shown("ja 👩🏽‍💻 nein") == "ja □□ nein"
    assert pdf.shown("a\u200bb\x00c\td\r\ne 漢") == "abc    d\ne □"
    every = "".join(chr(n) for first, last in pdf.SHOWN for n in range(first, last + 1))
    pdf.render(pdf.Paper(title="x", author="x", language="de", closing=every))


def test_an_empty_companionship_is_a_paper_too(
    world: SimpleNamespace, engagement_in: Make, client_of: ClientOf
) -> None:
    engagement = engagement_in(State.DRAFT)
    assert "Rückmeldungen ruhig" in text_of(paper(client_of(world.anna), engagement))


def test_the_page_offers_what_there_is(story: Engagement, world: SimpleNamespace, client_of: ClientOf) -> None:
    page = client_of(world.anna).get(reverse("conversations:take_along")).content.decode()
    assert "Lernportfolio (PDF)" in page and "Bestätigung (PDF)" in page and "Alles als Datei" in page
    empty = client_of(world.stranger).get(reverse("conversations:take_along")).content.decode()
    assert "Noch gibt es nichts auf Papier" in empty and "Bestätigung (PDF)" not in empty
    assert reverse("conversations:take_along") in client_of(world.anna).get("/meine-daten/").content.decode()


def test_taking_along_asks_as_often_for_much_as_for_little(
    story: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client, counts = client_of(world.anna), []
    taken(client)  # the first time, observations opened are written down
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            taken(client)
        counts.append(len([q for q in queries.captured_queries if "django_cache" not in q["sql"]]))
        with as_owner(), rls.acting_as(world.anna.pk):
            for number in range(3):
                entry = JournalEntry(engagement=story)
                entry.text = f"Noch einer {number}"
                entry.save()
    assert counts[0] == counts[1] <= 60, counts


def test_exports_have_a_limit(world: SimpleNamespace, client_of: ClientOf, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "export": "2/h/user"}
    client = client_of(world.anna)
    address = reverse("conversations:portfolio_data")
    assert [client.post(address).status_code for _ in range(3)] == [200, 200, 429]
