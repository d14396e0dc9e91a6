"""Documenting a talk: offers, ideas, steps, the next date, versions and additions, and what each keeps afterwards."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from datetime import timedelta
from difflib import SequenceMatcher
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Opening, OutgoingMail, User
from conversations.actions import ideas, offers
from conversations.differences import pieces
from conversations.merging import changes, merged
from conversations.models import (
    Addition,
    Appointment,
    ChangeIdea,
    Conversation,
    ConversationPart,
    Feedback,
    Observation,
    RecordVersion,
    TalkCheck,
)
from engagements.models import Engagement, LearningStep
from engagements.states import NotPossible, State
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .people import make_companion
from .test_audiences import fill

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def talk(engagement_in: Callable[..., Engagement]) -> Conversation:
    """A talk that began an hour ago, with nothing in it but the empty parts."""
    engagement = engagement_in(State.ACTIVE)
    starts = clock.now() - timedelta(hours=1)
    with as_owner(), rls.acting_as(engagement.learner_id):
        appointment = Appointment.objects.create(
            engagement=engagement, learner=engagement.learner, companion=engagement.companion,
            starts_at=starts, ends_at=starts + timedelta(minutes=90), format="video",
        )  # fmt: skip
        found = Conversation.objects.create(engagement=engagement, appointment=appointment)
        ConversationPart.objects.bulk_create(ConversationPart(conversation=found, part=n) for n in range(1, 5))
        return found


def post(client: Client, name: str, talk: Conversation, *args: Any, expect: int = 302, **data: Any) -> str:
    answer = client.post(reverse(f"conversations:{name}", args=[talk.pk, *args]), data)
    assert answer.status_code == expect, (name, answer.status_code, answer.content.decode()[:3000])
    return answer.content.decode()


def page(client: Client, name: str, talk: Conversation, *args: Any) -> str:
    answer = client.get(reverse(f"conversations:{name}", args=[talk.pk, *args]))
    assert answer.status_code == 200, (name, answer.status_code)
    return answer.content.decode()


def without_tokens(body: str) -> str:
    return re.sub(r'value="[^"]{20,}"', "", body)


def read(model: Any, reader: User, name: str = "text", **which: Any) -> list[str]:
    with rls.acting_as(reader.pk):
        return [getattr(row, name) for row in model.objects.filter(**which)]


def offer(client: Client, talk: Conversation, *, what: str = "observation", part: int = 2, **texts: str) -> Observation:
    pk = ids.new_id()
    post(client, "observation_offer", talk, id=pk, part=part, what=what, **texts)
    with as_owner():
        return Observation.objects.get(pk=pk)


def agree(client: Client, talk: Conversation) -> None:
    with as_owner():
        talk.refresh_from_db()
    post(client, "agree", talk, version=talk.version)


# ── what the companion offers ──────────────────────────────────────────────


def test_an_observation_is_taken_without_what_the_companion_makes_of_it(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    one = offer(ben, talk, text="Sie haben gelächelt.", meaning="Vielleicht Erleichterung?")
    desk = page(anna, "desk", talk)
    assert "Sie haben gelächelt." in desk and "Vielleicht Erleichterung?" in desk and "fragt, getrennt davon" in desk
    post(anna, "observation_answer", talk, one.pk, answer="take")
    post(anna, "observation_answer", talk, one.pk, answer="take")
    assert read(ConversationPart, world.anna, conversation=talk, part=2) == ["Sie haben gelächelt."], "twice is once"
    for name in ("protocol", "desk"):
        assert ("Erleichterung" in page(anna, name, talk)) is (name == "desk")


@pytest.mark.parametrize(
    ("answer", "text", "stored", "words", "ideas"),
    [
        ("take", None, "taken", "Die Pause nutzen", []),
        ("take", "Ich nutze die Pause.", "changed", "Ich nutze die Pause.", []),
        ("idea", None, "idea", "", ["Die Pause nutzen"]),
        ("drop", None, "dropped", "", []),
    ],
)
def test_a_suggestion_is_taken_changed_made_an_idea_or_dropped(
    answer: str, text: str | None, stored: str, words: str, ideas: list[str],
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf,
) -> None:  # fmt: skip
    one = offer(client_of(world.ben), talk, what="suggestion", text="Die Pause nutzen")
    post(client_of(world.anna), "observation_answer", talk, one.pk, answer=answer, **({"text": text} if text else {}))
    assert read(Observation, world.anna, "answer") == [stored] and read(Observation, world.anna, "meaning") == [""]
    assert read(ConversationPart, world.anna, conversation=talk, part=2) == [words]
    assert read(ChangeIdea, world.anna) == ideas


def test_an_offer_changed_to_nothing_is_not_taken_and_what_was_typed_stays(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna = client_of(world.anna)
    one = offer(client_of(world.ben), talk, text="Sie haben gelächelt.")
    body = post(anna, "observation_answer", talk, one.pk, answer="take", text="  ", expect=422)
    assert "oder wählen Sie „Nicht übernehmen“" in body
    body = post(anna, "observation_answer", talk, one.pk, answer="take", text="x" * 2001, expect=422)
    assert "x" * 2001 in body
    assert read(Observation, world.anna, "answer") == ["offered"]


def test_who_may_offer_and_who_may_answer(talk: Conversation, world: SimpleNamespace, client_of: ClientOf) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    post(anna, "observation_offer", talk, id=ids.new_id(), part=1, what="observation", text="Ich", expect=403)
    one = offer(ben, talk, text="Sie haben gelächelt.")
    post(ben, "observation_answer", talk, one.pk, answer="take")
    assert read(Observation, world.ben) == [], "from the companion, an answer is taking it back"


# ── ideas, steps, the next date ────────────────────────────────────────────


def test_ideas_are_collected_marked_changed_and_deleted_by_the_learner(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    pk = ids.new_id()
    for _ in range(2):
        post(anna, "idea_collect", talk, id=pk, text="Als Dritte sprechen")
    assert read(ChangeIdea, world.ben) == ["Als Dritte sprechen"], "twice is once, and the companion reads along"
    for state in ("chosen", "parked", "tried"):
        post(anna, "idea_mark", talk, pk, state=state)
        assert read(ChangeIdea, world.anna, "state") == [state]
    post(anna, "idea_mark", talk, pk, state="nonsense")
    assert read(ChangeIdea, world.anna, "state") == ["tried"]
    post(anna, "idea_edit", talk, pk, version=1, text="Als Vierte sprechen")
    body = post(anna, "idea_edit", talk, pk, version=1, text="Als Fünfte sprechen", expect=412)
    assert "Als Vierte sprechen" in body and "Als Fünfte sprechen" in body
    for name in ("idea_collect",):
        post(ben, name, talk, id=ids.new_id(), text="Von Ben", expect=403)
    for name in ("idea_mark", "idea_edit", "idea_delete"):
        post(ben, name, talk, pk, state="parked", text="Von Ben", expect=403)
    assert "Als Vierte sprechen" in page(ben, "protocol", talk)
    post(anna, "idea_delete", talk, pk)
    assert read(ChangeIdea, world.anna) == []


def test_a_parked_idea_waits_for_the_next_talk_and_stays_as_it_was_agreed_to(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna = client_of(world.anna)
    pk = ids.new_id()
    post(anna, "idea_collect", talk, id=pk, text="Später einmal vorlesen")
    post(anna, "idea_mark", talk, pk, state="parked")
    starts = clock.now() + timedelta(days=7)
    with as_owner(), rls.acting_as(world.anna.pk):
        later = Conversation.objects.create(
            engagement=talk.engagement,
            appointment=Appointment.objects.create(
                engagement=talk.engagement, learner=world.anna, companion=world.ben, starts_at=starts,
                ends_at=starts + timedelta(hours=1), format="phone",
            ),
        )  # fmt: skip
        ConversationPart.objects.bulk_create(ConversationPart(conversation=later, part=n) for n in range(1, 5))
    assert "Eine geparkte Idee von früher" in page(anna, "desk", later)
    assert "geparkte Idee" not in page(client_of(world.ben), "desk", later)
    with as_owner():
        assert not Opening.objects.filter(item=pk).exists(), "what the companion is not shown is not opened"
    for _ in range(2):
        post(anna, "idea_mark", later, pk)
    assert read(ChangeIdea, world.anna, "state", conversation=talk) == ["parked"]
    assert read(ChangeIdea, world.anna, conversation=later) == ["Später einmal vorlesen"]


def test_a_step_planned_here_is_the_learners_step_and_belongs_to_this_talk(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    body = post(anna, "step_plan", talk, what="", due_on="gestern", cue="Wenn es still wird", expect=422)
    assert "Schreiben Sie kurz, was Sie ausprobieren möchten." in body and "Wenn es still wird" in body
    with as_owner():
        assert not LearningStep.objects.filter(engagement=talk.engagement).exists()
    pk, day = ids.new_id(), f"{clock.today() + timedelta(days=3)}"
    for _ in range(2):
        post(anna, "step_plan", talk, id=pk, what="Einmal nachfragen", due_on=day, remind="on", shared="on")
    post(anna, "step_plan", talk, id=ids.new_id(), what="Ganz allein üben", due_on=day)
    post(ben, "step_plan", talk, id=ids.new_id(), what="Von Ben", due_on=day, expect=403)
    with as_owner():
        steps = LearningStep.objects.filter(engagement=talk.engagement)
        assert steps.count() == 2 and OutgoingMail.objects.filter(kind="digest", recipient=world.anna).exists()
    for client, private in ((anna, True), (ben, False)):
        desk, record = page(client, "desk", talk), page(client, "protocol", talk)
        assert "Einmal nachfragen" in desk and "Einmal nachfragen" in record
        assert ("Ganz allein üben</a>" in desk) is private and "Ganz allein üben</b>" not in record
    agree(anna, talk)
    agree(ben, talk)
    post(anna, "step_plan", talk, id=ids.new_id(), what="Zu spät", due_on=day, expect=403)
    assert "Zu spät" not in page(anna, "protocol", talk), "what both agreed to does not grow"


def test_the_next_date_or_open(talk: Conversation, world: SimpleNamespace, client_of: ClientOf) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    post(anna, "leave_open", talk, open="1")
    assert "Das bleibt erst einmal offen." in page(ben, "desk", talk)
    assert "Das bleibt erst einmal offen." in page(ben, "protocol", talk)
    post(ben, "leave_open", talk, open="0", expect=403)
    starts = clock.now() + timedelta(days=9)
    with as_owner():
        Appointment.objects.create(
            engagement=talk.engagement, learner=world.anna, companion=world.ben, starts_at=starts,
            ends_at=starts + timedelta(hours=1), format="phone",
        )  # fmt: skip
    record = page(anna, "protocol", talk)
    assert "Nächstes Gespräch:" in record and "erst einmal offen" not in record, "a date speaks for itself"


# ── both agree; versions; additions ────────────────────────────────────────


def write(client: Client, talk: Conversation, text: str, part: int = 1) -> None:
    with as_owner():
        version = ConversationPart.objects.get(conversation=talk, part=part).version
    post(client, "save_part", talk, part, text=text, version=version)


def test_every_change_of_the_record_asks_both_again_and_says_what_has_changed(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    pk = ids.new_id()
    write(anna, talk, "Ich warte auf den perfekten Satz.")
    changes: list[Callable[[], Any]] = [
        lambda: write(anna, talk, "Ich warte auf den richtigen Satz."),
        lambda: post(anna, "idea_collect", talk, id=pk, text="Als Dritte sprechen"),
        lambda: post(anna, "idea_mark", talk, pk, state="chosen"),
        lambda: post(anna, "save_closing", talk, text="Ein Satz."),
        lambda: post(anna, "leave_open", talk, open="1"),
        lambda: post(anna, "idea_delete", talk, pk),
    ]
    for change in changes:
        agree(ben, talk)
        assert page(ben, "desk", talk).count("Sie haben zugestimmt.") == 1
        change()
        desk = page(ben, "desk", talk)
        assert "Sie haben zugestimmt." not in desk and "Seit jemand zugestimmt hat" in desk
    text = page(ben, "versions", talk)
    for words in ("perfekten", "richtigen", "Als Dritte sprechen (gesammelt)", "Ein Satz.", "erst einmal offen"):
        assert words in text
    assert (
        "<del>" in text
        and "<ins>" in text
        and text.index("Seither geändert") < text.index("Davor steht keine Fassung.")
    )
    agree(anna, talk)
    agree(ben, talk)
    assert "Diese Fassung gilt" in page(anna, "versions", talk)
    with as_owner():
        assert RecordVersion.objects.count() == len(changes) + 1, "the second one to agree adds no version"


def test_the_learner_deletes_earlier_versions_and_nobody_the_record(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    write(anna, talk, "Das nehme ich zurück.")
    agree(ben, talk)
    write(anna, talk, "Das bleibt.")
    agree(anna, talk)
    agree(ben, talk)
    with as_owner():
        first, last = RecordVersion.objects.order_by("number")
    post(ben, "version_delete", talk, first.pk, expect=403)
    assert "Das nehme ich" in "".join(read(RecordVersion, world.ben, "content"))
    post(anna, "version_delete", talk, last.pk)
    post(anna, "version_delete", talk, first.pk)
    assert "Das nehme ich" not in "".join(read(RecordVersion, world.anna, "content"))
    with rls.acting_as(world.anna.pk):
        assert RecordVersion.objects.filter(pk=last.pk).delete()[0] == 0, "not in the database either"
    assert "Das bleibt." in page(ben, "protocol", talk)


def test_no_version_keeps_a_step_whose_release_was_taken_back(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    pk, day = ids.new_id(), f"{clock.today() + timedelta(days=3)}"
    post(anna, "step_plan", talk, id=pk, what="Einmal nachfragen", due_on=day, shared="on")
    agree(anna, talk)
    agree(ben, talk)
    assert "Einmal nachfragen" in page(ben, "protocol", talk)
    with as_owner():
        LearningStep.objects.filter(pk=pk).update(shared_at=None)
    for name in ("protocol", "versions", "desk"):
        assert "Einmal nachfragen" not in page(ben, name, talk)


def test_after_both_agreed_nothing_changes_and_either_adds(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    one, idea = offer(ben, talk, text="Sie haben gelächelt."), ids.new_id()
    post(anna, "idea_collect", talk, id=idea, text="Als Dritte sprechen")
    post(anna, "protocol", talk, id=ids.new_id(), text="Zu früh")
    assert read(Addition, world.anna) == [], "while it is open, it is written, not added to"
    agree(anna, talk)
    agree(ben, talk)
    page(ben, "protocol", talk)  # with the messages of what was done before
    before = without_tokens(page(ben, "protocol", talk))
    for name, args, data in [
        ("idea_collect", [], {"id": ids.new_id(), "text": "Mehr"}), ("idea_mark", [idea], {"state": "parked"}),
        ("idea_edit", [idea], {"text": "Anders"}), ("idea_delete", [idea], {}), ("leave_open", [], {"open": "1"}),
        ("save_part", [1], {"text": "Anders", "version": 1}), ("save_closing", [], {"text": "Anders"}),
    ]:  # fmt: skip
        post(anna, name, talk, *args, expect=403, **data)
    post(anna, "observation_answer", talk, one.pk, answer="take")
    assert without_tokens(page(ben, "protocol", talk)) == before
    with rls.acting_as(world.anna.pk):
        assert ChangeIdea.objects.filter(pk=idea).update(state="parked") == 0, "not in the database either"
    pk = ids.new_id()
    assert "Schreiben Sie, was Sie nachtragen möchten." in post(ben, "protocol", talk, id=pk, text=" ", expect=422)
    for _ in range(2):
        post(ben, "protocol", talk, id=pk, text="Es war Dienstag, nicht Montag.")
    record = page(anna, "protocol", talk)
    assert record.count("Es war Dienstag") == 1 and world.ben.name in record
    with as_owner():
        mail = OutgoingMail.objects.get(kind="record_addition")
    assert mail.recipient_id == world.anna.pk and "Dienstag" not in json.dumps(mail.facts)


def test_an_addition_is_taken_back_only_while_it_is_unread_and_never_rewritten(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    agree(anna, talk)
    agree(ben, talk)
    first, second = ids.new_id(), ids.new_id()
    for pk in (first, second):
        post(anna, "protocol", talk, id=pk, text=f"Nachtrag {pk}")
    post(anna, "addition_answer", talk, first)
    assert len(read(Addition, world.anna)) == 1
    post(ben, "addition_answer", talk, second)
    assert "von beiden gelesen" in page(anna, "protocol", talk)
    post(anna, "addition_answer", talk, second)
    with rls.acting_as(world.anna.pk), pytest.raises(DatabaseError), transaction.atomic():
        Addition.objects.filter(pk=second).update(text_sealed=b"x")
    assert len(read(Addition, world.anna)) == 1


@given(st.text(max_size=60), st.text(max_size=60))
def test_differences_lose_no_sign(before: str, after: str) -> None:
    found = pieces(before, after)
    assert "".join(piece.text for piece in found if piece.kind != "new") == before
    assert "".join(piece.text for piece in found if piece.kind != "gone") == after


# ── afterwards ─────────────────────────────────────────────────────────────


def test_the_own_look_is_opened_by_its_author_only_and_no_number_is_made_of_it(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben, carla = client_of(world.anna), client_of(world.ben), client_of(world.carla)
    assert "Ist unser Ziel klar?" in page(anna, "after", talk) and "gefragt" not in page(anna, "after", talk)
    assert "Ich habe gefragt" in page(ben, "after", talk) and "Ziel klar" not in page(ben, "after", talk)
    post(anna, "after", talk, goal_clear="n", way_helps="y", note="Beim nächsten Mal früher sagen.")
    post(ben, "after", talk, asked="p", listened="", mirrored="y", note="Weniger reden.")
    assert carla.get(reverse("conversations:after", args=[talk.pk])).status_code == 404
    assert "früher sagen" in page(anna, "after", talk) and "früher sagen" not in page(ben, "after", talk)
    with rls.acting_as(world.ben.pk):
        assert [check.owner_id for check in TalkCheck.objects.all()] == [world.ben.pk]
    with as_owner():
        for check in TalkCheck.objects.all():
            cells = [getattr(check, f.attname) for f in TalkCheck._meta.fields if f.attname.endswith("_sealed")]
            assert all(bytes(cell) == b"" or len(bytes(cell)) > 20 for cell in cells), "answers are sealed, too"
    post(anna, "after", talk, goal_clear="", way_helps="", note="")
    with as_owner():
        assert TalkCheck.objects.filter(owner=world.anna).count() == 0, "nothing said, nothing kept"
    assert "anderes" not in post(anna, "after", talk, goal_clear="anderes", expect=422).split("<form")[0]


def test_what_one_wanted_to_watch_is_there_when_preparing_the_next_talk(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    post(anna, "after", talk, goal_clear="n", way_helps="y", note="Früher sagen, was ich brauche.")
    starts = clock.now() + timedelta(days=7)
    with as_owner(), rls.acting_as(world.anna.pk):
        later = Conversation.objects.create(
            engagement=talk.engagement,
            appointment=Appointment.objects.create(
                engagement=talk.engagement, learner=world.anna, companion=world.ben, starts_at=starts,
                ends_at=starts + timedelta(hours=1), format="phone",
            ),
        )  # fmt: skip
        ConversationPart.objects.bulk_create(ConversationPart(conversation=later, part=n) for n in range(1, 5))
    mine = page(anna, "prepare", later)
    assert "Früher sagen, was ich brauche." in mine and "Unser Ziel ist noch nicht klar" in mine
    assert "Früher sagen" not in page(ben, "prepare", later)


def test_feedback_is_there_only_if_it_is_given_and_can_be_taken_back(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben, carla = client_of(world.anna), client_of(world.ben), client_of(world.carla)
    pk = ids.new_id()
    assert "Schreiben Sie Ihre Rückmeldung" in post(anna, "feedback_give", talk, id=pk, text="", expect=422)
    for _ in range(2):
        post(anna, "feedback_give", talk, id=pk, text="Ihre Pausen haben mir geholfen.")
    assert "Ihre Pausen" in page(ben, "after", talk) and "Ihre Pausen" not in page(ben, "protocol", talk)
    assert carla.get(reverse("conversations:after", args=[talk.pk])).status_code == 404
    with as_owner():
        mail = OutgoingMail.objects.get(kind="feedback_given")
    assert mail.recipient_id == world.ben.pk and "Pausen" not in json.dumps(mail.facts)
    post(ben, "feedback_delete", talk, pk, expect=404)
    post(anna, "feedback_delete", talk, pk)
    assert "Ihre Pausen" not in page(ben, "after", talk)
    assert read(Feedback, world.anna) == []


def test_before_the_talk_there_is_nothing_to_look_back_at(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    with as_owner():
        Appointment.objects.filter(pk=talk.appointment_id).update(
            starts_at=clock.now() + timedelta(hours=1), ends_at=clock.now() + timedelta(hours=2)
        )
    anna = client_of(world.anna)
    answer = anna.get(reverse("conversations:after", args=[talk.pk]), follow=True)
    assert "Dieses Gespräch steht noch bevor." in answer.content.decode()
    post(anna, "feedback_give", talk, id=ids.new_id(), text="Zu früh")
    post(anna, "after", talk, note="Zu früh")
    assert read(Feedback, world.anna) == read(TalkCheck, world.anna, "note") == []
    assert "Nach dem Gespräch" not in page(anna, "desk", talk)


def test_what_was_written_about_a_talk_goes_by_its_rules(
    engagement_in: Callable[..., Engagement], world: SimpleNamespace
) -> None:
    from django.db import connection

    engagement = engagement_in(State.ACTIVE)
    fill(engagement, shared=True)
    tables = (ChangeIdea, RecordVersion, Addition, Feedback, TalkCheck)
    kept: dict[int, list[bool]] = {}
    for days in (random.randint(1, 29), 31, 91):
        with as_owner():
            Engagement.objects.filter(pk=engagement.pk).update(
                state=State.CLOSED, closed_at=clock.now() - timedelta(days=days)
            )
            with connection.cursor() as cursor:
                cursor.execute("SELECT * FROM erase_due()")
            kept[days] = [model.objects.exists() for model in tables]  # type: ignore[attr-defined]
    first, *_ = kept
    assert kept == {first: [True] * 5, 31: [True] * 4 + [False], 91: [False] * 5}


# ── what a second pair of eyes found ───────────────────────────────────────


def changed_companion(talk: Conversation, world: SimpleNamespace) -> None:
    """After a change of companion Fritz accompanies; the talk was with Ben."""
    with as_owner():
        make_companion(world.stranger)
        Engagement.objects.filter(pk=talk.engagement_id).update(companion=world.stranger)


def test_a_talk_with_a_former_companion_names_and_tells_nobody_else(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    post(anna, "save_part", talk, 1, text="Etwas", version=1)
    agree(anna, talk)
    agree(ben, talk)
    changed_companion(talk, world)
    for name in ("after", "protocol"):
        assert world.stranger.name not in page(anna, name, talk), name
    assert f"Begleitung mit {world.ben.name}" in page(anna, "desk", talk)
    assert world.ben.name in page(anna, "protocol", talk)
    with as_owner():
        OutgoingMail.objects.all().delete()
    post(anna, "protocol", talk, id=ids.new_id(), text="Nachtrag")
    post(anna, "feedback_give", talk, id=ids.new_id(), text="Danke")
    with as_owner():
        assert not OutgoingMail.objects.exists() and not Feedback.objects.exists()


def test_an_open_record_of_a_former_pair_says_that_it_stays_open(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    changed_companion(talk, world)
    desk = page(client_of(world.anna), "desk", talk)
    assert "Das Protokoll bleibt offen" in desk and "So stimmt es" not in desk


@pytest.mark.parametrize(
    ("who", "values"),
    [
        ("ben", {"next_is_open": True}),
        ("ben", {"closing_sentence_sealed": b"x"}),
        ("ben", {"version": 9}),
        ("ben", {"learner_agreed_at": "now"}),
        ("anna", {"companion_agreed_at": "now"}),
        ("anna", {"version": 0}),
        ("anna", {"agreed_version": 9}),
        ("locked", {"locked_at": None}),
        ("locked", {"version": 9}),
        ("locked", {"next_is_open": True}),
    ],
)
def test_the_database_keeps_the_record(
    who: str, values: dict[str, Any], talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    if who == "locked":
        agree(client_of(world.anna), talk)
        agree(client_of(world.ben), talk)
    person = world.ben if who == "ben" else world.anna
    values = {name: clock.now() if value == "now" else value for name, value in values.items()}
    with rls.acting_as(person.pk), pytest.raises(DatabaseError, match="agree|learner|same talk"), transaction.atomic():
        Conversation.objects.filter(pk=talk.pk).update(**values)


def test_an_offer_stays_as_it_was_offered(talk: Conversation, world: SimpleNamespace, client_of: ClientOf) -> None:
    one = offer(client_of(world.ben), talk, text="Sie haben gelächelt.")
    for values in ({"text_sealed": b"x"}, {"meaning_sealed": b"x"}, {"author_id": world.anna.pk}, {"part": 3}):
        with rls.acting_as(world.anna.pk), pytest.raises(DatabaseError), transaction.atomic():
            Observation.objects.filter(pk=one.pk).update(**values)
    with rls.acting_as(world.ben.pk), pytest.raises(DatabaseError), transaction.atomic():
        Observation.objects.create(conversation=talk, author=world.ben, part=1, answer="taken")
    agree(client_of(world.anna), talk)
    agree(client_of(world.ben), talk)
    with rls.acting_as(world.ben.pk):
        assert Observation.objects.filter(pk=one.pk).delete()[0] == 0


def test_an_offer_that_does_not_fit_stays_offered(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna = client_of(world.anna)
    one = offer(client_of(world.ben), talk, text="Sie haben gelächelt.")
    post(anna, "save_part", talk, 2, text="x" * 19_990, version=1)
    post(anna, "observation_answer", talk, one.pk, answer="take")
    assert read(Observation, world.anna, "answer") == ["offered"]
    answer = anna.post(
        reverse("conversations:observation_answer", args=[talk.pk, one.pk]), {"answer": "take"},
        headers={"HX-Request": "true", "X-Background": "true"},
    )  # fmt: skip
    assert answer.status_code == 409 and "passt nicht" in answer.content.decode()


def test_line_ends_of_an_offer_are_those_of_the_page(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    anna = client_of(world.anna)
    one = offer(client_of(world.ben), talk, text="Zeile eins\r\nZeile zwei")
    post(anna, "observation_answer", talk, one.pk, answer="take")
    base = "Zeile eins\r\nZeile zwei"
    post(anna, "save_part", talk, 2, text="Zeile eins und mehr\r\nZeile zwei", version=2, base=base)
    assert read(ConversationPart, world.anna, conversation=talk, part=2) == ["Zeile eins und mehr\nZeile zwei"]


def test_a_cancelled_talk_is_not_documented(talk: Conversation, world: SimpleNamespace, client_of: ClientOf) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    one = offer(ben, talk, text="Vorher")
    with as_owner():
        Appointment.objects.filter(pk=talk.appointment_id).update(cancelled_at=clock.now())
    before = read(ConversationPart, world.anna)
    post(anna, "idea_collect", talk, id=ids.new_id(), text="Idee")
    post(anna, "save_part", talk, 1, text="Etwas", version=1)
    post(anna, "observation_answer", talk, one.pk, answer="take")
    post(ben, "observation_offer", talk, id=ids.new_id(), part=1, what="observation", text="Danach")
    agree(anna, talk)
    for client in (anna, ben):
        assert (
            "hat nicht stattgefunden"
            in client.get(reverse("conversations:after", args=[talk.pk]), follow=True).content.decode()
        )
    with as_owner():
        talk.refresh_from_db()
        assert not talk.learner_agreed_at and not ChangeIdea.objects.exists() and Observation.objects.count() == 1
    assert read(ConversationPart, world.anna) == before


def test_search_finds_ones_own_words_only(talk: Conversation, world: SimpleNamespace, client_of: ClientOf) -> None:
    anna, ben = client_of(world.anna), client_of(world.ben)
    for client in (anna, ben):
        agree(client, talk)
    for client, name in ((anna, "Anna"), (ben, "Ben")):
        post(client, "protocol", talk, id=ids.new_id(), text=f"Regenbogen von {name}")
        post(client, "feedback_give", talk, id=ids.new_id(), text=f"Regenbogen für {name}")
    found = anna.post(reverse("conversations:search"), {"q": "Regenbogen"}).content.decode()
    found += anna.get(reverse("conversations:search"), {"q": "Regenbogen"}).content.decode()
    assert "von Ben" not in found and "für Ben" not in found


def test_what_is_gone_meanwhile_is_said_kindly(talk: Conversation, world: SimpleNamespace, client_of: ClientOf) -> None:
    pk = ids.new_id()
    post(client_of(world.anna), "idea_collect", talk, id=pk, text="Idee")
    one = offer(client_of(world.ben), talk, text="Etwas")
    with rls.acting_as(world.anna.pk):
        idea = ChangeIdea.objects.select_related("conversation__engagement").get(pk=pk)
        seen = Observation.objects.select_related("conversation__engagement").get(pk=one.pk)
        ChangeIdea.objects.filter(pk=pk).delete()
        with pytest.raises(NotPossible):
            ideas.rewrite(idea=idea, version=1, text="Anders", by=world.anna)
    with rls.acting_as(world.ben.pk):
        Observation.objects.filter(pk=one.pk).delete()
    with rls.acting_as(world.anna.pk), pytest.raises(NotPossible):
        offers.answer(observation=seen, chosen="taken", by=world.anna)


def test_a_meaning_does_not_go_with_a_suggestion(
    talk: Conversation, world: SimpleNamespace, client_of: ClientOf
) -> None:
    body = post(
        client_of(world.ben), "observation_offer", talk, expect=422,
        id=ids.new_id(), part=1, what="suggestion", text="Ein Satz", meaning="Vielleicht?",
    )  # fmt: skip
    assert "gehört keine Deutung" in body and "Vielleicht?" in body and "Ein Satz" in body


@pytest.mark.parametrize("number", [500, 5_000, 20_000])
def test_differences_of_texts_that_repeat_themselves_cost_little(number: int) -> None:
    before, after = ". " * (number // 2), ", " * (number // 2)
    looked = 0
    real = SequenceMatcher.find_longest_match

    def counted(self: SequenceMatcher[Any], *args: Any) -> Any:
        nonlocal looked
        looked += 1
        return real(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SequenceMatcher, "find_longest_match", counted)
        found = pieces(before, after)
        assert merged("", before, after) is not None
    assert "".join(piece.text for piece in found if piece.kind != "new") == before
    assert looked <= 2_000, "blocks looked for, whatever the length"


@given(st.lists(st.sampled_from(["a", "b", " ", ".", "\n", "wort"]), max_size=300),
       st.lists(st.sampled_from(["a", "b", " ", ".", "\n", "wort"]), max_size=300))  # fmt: skip
def test_changes_of_any_length_turn_the_one_into_the_other(before: list[str], after: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("conversations.merging.MOST_MEETINGS", 200)  # so that every way of looking is taken
        made, at = [], 0
        for i1, i2, j1, j2 in changes(before, after):
            made += [*before[at:i1], *after[j1:j2]]
            at = i2
        assert [*made, *before[at:]] == after
