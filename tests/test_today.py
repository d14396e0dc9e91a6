"""Heute: for every state of the way a fitting first block; the companion's part from shared facts only."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from conversations.models import (
    Appointment,
    Conversation,
    ConversationPart,
    Observation,
    QuestionProposal,
    TopicWish,
)
from engagements.models import Agreement, CompanionProposal, Engagement, JournalEntry, LearningConcern, LearningStep
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, make_role, person

Make = Callable[..., Engagement]
ClientOf = Callable[[User], Client]
SAME = Callable[..., None]


def html(client: Client) -> str:
    response = client.get("/heute/")
    assert response.status_code == 200
    return response.content.decode()


def talk_of(engagement: Engagement, *, days: float = 7, **also: Any) -> Conversation:
    """A talk so many days from now, with its four empty parts."""
    starts = clock.now() + timedelta(days=days)
    with as_owner(), rls.acting_as(engagement.learner_id):
        values = {
            "kind": "conversation",
            "format": "video",
            "place": "Raum 3",
            "starts_at": starts,
            "ends_at": starts + timedelta(hours=1),
        }
        pair = {"engagement": engagement, "learner_id": engagement.learner_id, "companion_id": engagement.companion_id}
        appointment = Appointment.objects.create(**pair, **values)
        conversation = Conversation.objects.create(engagement=engagement, appointment=appointment, **also)
        ConversationPart.objects.bulk_create(ConversationPart(conversation=conversation, part=n) for n in (1, 2, 3, 4))
    return conversation


def step_of(engagement: Engagement, what: str = "Eine Pause aushalten", **also: Any) -> LearningStep:
    with as_owner(), rls.acting_as(engagement.learner_id):
        step = LearningStep(engagement=engagement, **{"due_on": clock.today() + timedelta(days=3), **also})
        step.what = what
        step.save()
    return step


def entry_of(engagement: Engagement, text: str = "Heute ist etwas gelungen.", **also: Any) -> JournalEntry:
    with as_owner(), rls.acting_as(engagement.learner_id):
        entry = JournalEntry(engagement=engagement, **also)
        entry.text = text
        entry.save()
    return entry


# ── the first block, state by state ────────────────────────────────────────


def test_who_has_nothing_yet_learns_what_it_is_and_where_to_begin(client_of: ClientOf, stranger: User) -> None:
    page = html(client_of(stranger))
    assert "Fritz Beispiel" in page and "/anfragen/" in page and "Freiwillig und vertraulich" in page


@pytest.mark.parametrize(
    ("state", "words", "link"),
    [
        (State.DRAFT, "noch nicht abgeschickt", "warum/"),
        (State.REQUESTED, "Ihre Worte sieht sie nicht", "zurueckziehen/"),
        (State.MATCHING, "Vorschläge warten auf Sie", "vorschlaege/"),
        (State.OFFERED, "hat Ihre Anfrage", "zurueckziehen/"),
        (State.INTRODUCTION, "Ersten Termin vereinbaren", "termine/buchen/"),
        (State.ACTIVE, "Noch kein Termin vereinbart", "termine/buchen/"),
        (State.PAUSED, "Ihre Lernbegleitung ruht", "fortsetzen/"),
    ],
)
def test_each_state_has_its_own_first_block(
    client_of: ClientOf, anna: User, engagement_in: Make, state: State, words: str, link: str
) -> None:
    engagement = engagement_in(state)
    page = html(client_of(anna))
    assert words in page and f"/begleitungen/{engagement.pk}/{link}" in page
    assert "„Ich möchte Rückmeldungen ruhig ansprechen.“" in page
    assert page.count("field-dark") == 1 and page.count("<h1") == 1 and "Ihr Weg" in page


def test_after_closing_everything_stays_and_a_new_one_may_begin(
    client_of: ClientOf, anna: User, engagement_in: Make
) -> None:
    engagement_in(State.CLOSED)
    page = html(client_of(anna))
    assert "Neue Begleitung anfragen" in page and "kann noch bis" in page and "Ich möchte Rückmeldungen" in page


def test_a_new_draft_stands_before_the_closed_one(client_of: ClientOf, anna: User, engagement_in: Make) -> None:
    engagement_in(State.CLOSED)
    engagement_in(State.DRAFT)
    assert "noch nicht abgeschickt" in html(client_of(anna))


def test_proposals_are_counted(client_of: ClientOf, anna: User, ben: User, carla: User, engagement_in: Make) -> None:
    engagement = engagement_in(State.MATCHING)
    with as_owner():
        CompanionProposal.objects.create(engagement=engagement, companion=ben, proposed_by=carla)
    assert "1 Vorschlag wartet auf Sie" in html(client_of(anna))


@pytest.mark.parametrize(("hour", "words"), [(5, "Guten Morgen"), (12, "Guten Tag"), (18, "Guten Abend")])
def test_the_greeting_follows_the_persons_clock(
    client_of: ClientOf, anna: User, monkeypatch: pytest.MonkeyPatch, hour: int, words: str
) -> None:
    now = datetime.now(UTC).replace(hour=hour, minute=0)
    monkeypatch.setattr(clock, "now", lambda: now)
    assert f"{words}, Anna Beispiel" in html(client_of(anna))


# ── the learner's part ─────────────────────────────────────────────────────


def test_the_next_talk_stands_on_the_dark_field(client_of: ClientOf, anna: User, engagement_in: Make) -> None:
    conversation = talk_of(engagement_in(State.ACTIVE), days=7)
    page = html(client_of(anna))
    assert "in 7 Tagen" in page and f"/gespraeche/{conversation.pk}/vorbereiten/" in page
    assert f"/termine/{conversation.appointment_id}/verschieben/" in page and "Raum 3" in page


def test_steps_can_be_ticked_off_and_done_ones_are_folded_away(
    client_of: ClientOf, anna: User, engagement_in: Make
) -> None:
    engagement = engagement_in(State.ACTIVE)
    late = step_of(engagement, "Nachfragen", due_on=clock.today() - timedelta(days=2))
    step_of(engagement, "Gelungen", state="done", answered_at=clock.now())
    page = html(client_of(anna))
    assert f'action="/lernschritte/{late.pk}/antwort/"' in page and "gedacht" in page and "Zuletzt beantwortet" in page
    assert "überfällig" not in page.lower()


def test_what_waits_is_named_with_a_link_each(client_of: ClientOf, anna: User, ben: User, engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    to_agree = talk_of(engagement, days=-2, companion_agreed_at=clock.now())
    to_document = talk_of(engagement, days=-9)
    coming = talk_of(engagement, days=5)
    with as_owner(), rls.acting_as(anna.pk):
        wish = TopicWish(conversation=coming)
        wish.text = "Der Moment davor"
        wish.save()
        Agreement.objects.create(
            engagement=engagement,
            companion=engagement.companion,
            version=2,
            written_by=ben,
            companion_accepted_at=clock.now(),
        )
    with as_owner(), rls.acting_as(ben.pk):
        Observation.objects.create(conversation=to_document, author=ben)
    page = html(client_of(anna))
    for words in (
        "Das wartet auf Sie",
        "Lesen und annehmen",
        "noch nicht gesendet",
        "Beobachtungen",
        "noch nicht dokumentiert",
        f"/gespraeche/{to_agree.pk}/protokoll/",
    ):
        assert words in page
    assert "Der Moment davor" not in page


def test_nothing_waits_nothing_is_said(client_of: ClientOf, anna: User, engagement_in: Make) -> None:
    engagement_in(State.ACTIVE)
    assert "Das wartet auf Sie" not in html(client_of(anna))


def test_the_last_documented_talk_is_quoted(client_of: ClientOf, anna: User, engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    now = clock.now()
    locked = {"learner_agreed_at": now, "companion_agreed_at": now, "locked_at": now}
    conversation = talk_of(engagement, days=-3)
    with as_owner(), rls.acting_as(anna.pk):
        part = conversation.parts.get(part=2)
        part.text = "Eine Pause hilft mir mehr als ein guter Satz."
        part.save()
        Conversation.objects.filter(pk=conversation.pk).update(**locked)
    page = html(client_of(anna))
    assert "Aus dem letzten Gespräch" in page and "Eine Pause hilft mir" in page


def test_the_journal_box_writes_an_entry(client_of: ClientOf, anna: User, engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    entry_of(engagement, "Ganz für mich.")
    client = client_of(anna)
    page = html(client)
    assert (
        "Ganz für mich." in page and 'action="/lerntagebuch/"' in page and 'name="audience" value="me" checked' in page
    )
    new_id = page.split('name="id" value="')[1].split('"')[0]
    assert client.post("/lerntagebuch/", {"id": new_id, "text": "Neu.", "audience": "me"}).status_code == 302
    with as_owner():
        assert JournalEntry.objects.filter(pk=uuid.UUID(new_id), shared_at=None).exists()


def test_texts_are_escaped(client_of: ClientOf, anna: User, engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    step_of(engagement, "<script>alert(1)</script>")
    page = html(client_of(anna))
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page


# ── the companion's part, coordination, administration ─────────────────────


def test_requests_to_answer_come_first_for_a_companion(
    client_of: ClientOf, world: SimpleNamespace, engagement_in: Make
) -> None:
    asked = engagement_in(State.OFFERED)
    engagement_in(State.ACTIVE, learner=world.stranger)
    page = html(client_of(world.ben))
    assert f"/begleitungen/{asked.pk}/antwort/" in page
    assert (
        page.index("Jemand möchte mit Ihnen lernen") < page.index("Hier begleite ich") < page.index("Und Sie selbst?")
    )


def test_the_companions_part_holds_shared_facts_and_no_content(
    client_of: ClientOf, ben: User, anna: User, engagement_in: Make
) -> None:
    engagement = engagement_in(State.ACTIVE)
    step_of(engagement, "Eine Pause aushalten")
    entry_of(engagement, "Heute ist etwas gelungen.", shared_at=clock.now())
    page = html(client_of(ben))
    assert "Kein nächster Termin vereinbart. Schreiben?" in page and "mailto:anna@example.org" in page
    for content in ("Rückmeldungen", "Pause aushalten", "gelungen"):
        assert content not in page


def test_a_companion_sees_the_next_talk_and_only_a_topic_that_was_sent(
    client_of: ClientOf, ben: User, anna: User, engagement_in: Make
) -> None:
    conversation = talk_of(engagement_in(State.ACTIVE))
    with as_owner(), rls.acting_as(anna.pk):
        wish = TopicWish(conversation=conversation)
        wish.text = "Der Moment davor"
        wish.save()
    page = html(client_of(ben))
    assert f"/gespraeche/{conversation.pk}/vorbereiten/" in page and "Ein Thema ist da" not in page
    with as_owner():
        TopicWish.objects.update(shared_at=clock.now())
    assert "Ein Thema ist da" in html(client_of(ben))


def test_what_waits_for_the_companion(client_of: ClientOf, ben: User, engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    talk_of(engagement, days=-2, learner_agreed_at=clock.now())
    with as_owner():
        Agreement.objects.create(
            engagement=engagement, companion=engagement.companion, version=2, learner_accepted_at=clock.now()
        )
    page = html(client_of(ben))
    assert "wartet auf Ihre Zustimmung" in page and "Fassung der Vereinbarung wartet" in page


def test_a_companion_without_anybody_is_told_so(client_of: ClientOf, ben: User) -> None:
    assert "Gerade begleiten Sie niemanden" in html(client_of(ben))


def test_coordinators_see_how_many_wait_in_their_agencies(
    client_of: ClientOf, carla: User, eva: User, engagement_in: Make
) -> None:
    engagement_in(State.REQUESTED)
    page = html(client_of(carla))
    assert "<strong>1 Anfrage</strong> wartet" in page and "/zuordnung/" in page and "Rückmeldungen" not in page
    assert "Keine Anfrage wartet" in html(client_of(eva))


def test_administrators_find_their_pages(client_of: ClientOf, dirk: User) -> None:
    page = html(client_of(dirk))
    assert "/personen/" in page and "/dienststellen/" in page


def test_strangers_see_nothing_of_it(client_of: ClientOf, world: SimpleNamespace, engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    talk_of(engagement)
    for who in (world.stranger, world.carla, world.dirk, world.eva):
        page = html(client_of(who))
        assert str(engagement.pk) not in page and "Rückmeldungen" not in page


# ── queries ────────────────────────────────────────────────────────────────


def test_a_learners_page_asks_the_same_with_more_rows(
    client_of: ClientOf, anna: User, engagement_in: Make, assert_same_queries: SAME
) -> None:
    engagement = engagement_in(State.ACTIVE)
    now = clock.now()
    locked = {"learner_agreed_at": now, "companion_agreed_at": now, "locked_at": now}
    client = client_of(anna)

    def add(number: int) -> None:
        talk_of(engagement, days=number + 2)
        talk_of(engagement, days=-number - 2, **locked)
        talk_of(engagement, days=-number - 12)
        step_of(engagement)
        step_of(engagement, state="done", answered_at=now)
        entry_of(engagement)

    assert_same_queries(lambda: client.get(reverse("conversations:today")), add)


def test_a_companions_page_asks_the_same_with_more_engagements(
    client_of: ClientOf, world: SimpleNamespace, engagement_in: Make, assert_same_queries: SAME
) -> None:
    client = client_of(world.ben)

    def add(number: int) -> None:
        with as_owner():
            learner = person(f"Nora{number}", world.augsburg)
        engagement = engagement_in(State.ACTIVE, learner=learner)
        talk_of(engagement, days=number + 2)
        talk_of(engagement, days=-number - 2, learner_agreed_at=clock.now())

    assert_same_queries(lambda: client.get(reverse("conversations:today")), add, most=7)


def test_who_does_everything_still_gets_a_lean_page(
    client_of: ClientOf, world: SimpleNamespace, engagement_in: Make, assert_same_queries: SAME
) -> None:
    with as_owner():
        for role in (Role.COORDINATOR, Role.ADMINISTRATOR, Role.METHOD_OWNER):
            make_role(world.ben, role)
        make_companion(world.stranger, capacity=5)
    own = engagement_in(State.ACTIVE, learner=world.ben, companion=world.stranger)
    theirs = engagement_in(State.ACTIVE)
    client = client_of(world.ben)
    page = html(client)
    assert "Keine Anfrage wartet." in page and "Kein Vorschlag wartet." in page and "Administration" in page

    def add(number: int) -> None:
        talk_of(own, days=number + 2)
        talk_of(theirs, days=number + 12)
        step_of(own)
        with as_owner():
            learner = person(f"Nora{number}", world.ulm)
            QuestionProposal.objects.create(owner=world.anna, part="1", text_de="Woran merken Sie das?")
        engagement_in(State.REQUESTED, learner=learner, coordinating_agency=world.ulm)

    assert_same_queries(lambda: client.get("/heute/"), add)
    page = html(client)
    assert "<strong>3 Anfragen</strong>" in page and "<strong>3 Fragen</strong>" in page


def test_an_own_concern_is_shown_to_nobody_elses_page(
    client_of: ClientOf, world: SimpleNamespace, engagement_in: Make
) -> None:
    engagement_in(State.ACTIVE)
    with as_owner():
        assert LearningConcern.objects.count() == 1
    assert "Rückmeldungen" not in html(client_of(world.ben))
