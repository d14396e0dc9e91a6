"""Insights in one place, rules of thumb for years, journal entries with what they are about, and finding it all again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from conversations.models import Appointment, Conversation
from conversations.search import folded
from engagements.models import Engagement, Insight, JournalEntry, LearningStep, RuleOfThumb
from engagements.states import State
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .test_audiences import fill
from .test_retention import run_as_worker

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]
INSIGHTS = "/erkenntnisse/"


@pytest.fixture
def learning(world: SimpleNamespace, engagement_in: Make) -> Engagement:
    """A step with an insight."""
    engagement = engagement_in(State.ACTIVE)
    add_insight(engagement, "Vierte ist auch früh.")
    return engagement


def add_insight(engagement: Engagement, keep: str) -> Insight:
    with as_owner(), rls.acting_as(engagement.learner_id):
        step = LearningStep(engagement=engagement, due_on=clock.today())
        step.what = "Früh etwas sagen"
        step.save()
        insight = Insight(engagement=engagement, step=step)
        insight.keep, insight.happened = keep, "Ich war Vierte."
        insight.save()
    return insight


def add_talk(engagement: Engagement) -> Conversation:
    starts = clock.now() - timedelta(days=1)
    with as_owner():
        return Conversation.objects.create(
            engagement=engagement,
            appointment=Appointment.objects.create(
                engagement=engagement, learner=engagement.learner, companion=engagement.companion,
                starts_at=starts, ends_at=starts + timedelta(hours=1), format="video",
            ),
        )  # fmt: skip


def rules_of(user: User) -> list[str]:
    with as_owner(), rls.acting_as(user.pk):
        return [rule.text for rule in RuleOfThumb.objects.filter(owner=user)]


def page(client: Client, address: str = INSIGHTS) -> str:
    return client.get(address).content.decode()


# ── insights and rules of thumb ────────────────────────────────────────────


def test_an_insight_is_kept_once_and_outlives_the_companionship(
    learning: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    insight = Insight.objects.none()
    with as_owner():
        insight = Insight.objects.get(engagement=learning)
    assert "Vierte ist auch früh." in page(client) and "Als Faustregel behalten" in page(client)
    for _twice in range(2):
        assert client.post("/erkenntnisse/behalten/", {"insight": str(insight.pk)})["Location"] == INSIGHTS
    assert rules_of(world.anna) == ["Vierte ist auch früh."]
    assert "als Faustregel behalten" in page(client)
    with as_owner():
        Engagement.objects.filter(pk=learning.pk).update(state="closed", closed_at=clock.now() - timedelta(days=91))
    run_as_worker()
    with as_owner():
        assert not Engagement.objects.filter(pk=learning.pk).exists()
    assert "Vierte ist auch früh." in page(client), "years later"


def test_all_are_kept_at_once(learning: Engagement, world: SimpleNamespace, client_of: ClientOf) -> None:
    others = [add_insight(learning, f"Regel {number}") for number in range(2)]
    add_insight(learning, "")
    client = client_of(world.anna)
    assert "Alle diese als Faustregeln behalten" in page(client)
    with as_owner():
        every = [str(pk) for pk in Insight.objects.values_list("pk", flat=True)]
    client.post("/erkenntnisse/behalten/", {"insight": [*every, "nonsense", str(ids.new_id())]})
    assert sorted(rules_of(world.anna)) == ["Regel 0", "Regel 1", "Vierte ist auch früh."] and len(others) == 2
    assert "Alle diese" not in page(client)


def test_a_rule_is_written_changed_and_deleted(world: SimpleNamespace, client_of: ClientOf) -> None:
    client, pk = client_of(world.anna), str(ids.new_id())
    assert "Noch keine Erkenntnis" in page(client)
    for _twice in range(2):
        assert client.post(INSIGHTS, {"id": pk, "text": "Erst fragen."}).status_code == 302
    assert client.post(INSIGHTS, {"id": str(ids.new_id()), "text": " "}).status_code == 422
    assert rules_of(world.anna) == ["Erst fragen."]
    edit, delete = reverse("engagements:rule_edit", args=[pk]), reverse("engagements:rule_delete", args=[pk])
    assert client.post(edit, {"version": 1, "text": "Erst zuhören."}).status_code == 302
    stale = client.post(edit, {"version": 1, "text": "Aus dem zweiten Fenster."})
    assert stale.status_code == 412
    body = stale.content.decode()
    assert "Erst zuhören." in body and "Aus dem zweiten Fenster." in body and 'name="version" value="2"' in body
    assert client.post(edit, {"version": 2, "text": ""}).status_code == 422
    assert rules_of(world.anna) == ["Erst zuhören."]
    assert "nicht rückgängig" in page(client, delete)
    assert rules_of(world.anna) == ["Erst zuhören."], "looking deletes nothing"
    client.post(delete)
    assert rules_of(world.anna) == []


def test_rules_are_nobody_elses_and_no_one_else_can_open_them(
    learning: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    pk = ids.new_id()
    client_of(world.anna).post(INSIGHTS, {"id": str(pk), "text": "GEHEIM"})
    for user in (world.ben, world.carla, world.dirk, world.stranger):
        with rls.acting_as(user.pk):
            assert not RuleOfThumb.objects.exists()
            assert not RuleOfThumb.objects.filter(pk=pk).update(version=9)
        for name in ("rule_edit", "rule_delete"):
            assert client_of(user).get(reverse(f"engagements:{name}", args=[pk])).status_code == 404
        assert "GEHEIM" not in page(client_of(user))
    assert "Das lesen nur Sie" in page(client_of(world.anna)) or "nur Sie" in page(client_of(world.anna))


def test_an_insight_is_released_and_taken_back(
    learning: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    with as_owner():
        insight = Insight.objects.get(engagement=learning)
    anna, ben = client_of(world.anna), client_of(world.ben)
    share = reverse("engagements:insight_share", args=[insight.pk])
    together = reverse("conversations:engagement", args=[learning.pk])
    assert "Vierte" not in page(ben, together)
    anna.post(share, {"shared": "1"})
    assert "Vierte ist auch früh." in page(ben, together) and "Sie und Ben Beispiel" in page(anna)
    anna.post(share, {"shared": "0"})
    assert "Vierte" not in page(ben, together)
    for user in (world.ben, world.stranger):
        assert client_of(user).post(share, {"shared": "1"}).status_code == 404


def test_older_insights_are_on_the_next_page(learning: Engagement, world: SimpleNamespace, client_of: ClientOf) -> None:
    for number in range(21):
        add_insight(learning, f"Nummer {number:02}.")
    client = client_of(world.anna)
    first = page(client)
    assert "Nummer 20." in first and "Nummer 00." not in first
    older = page(client, INSIGHTS + "?vor=" + first.split("?vor=")[1].split('"')[0])
    assert "Nummer 00." in older and "Vierte ist auch früh." in older and "Nummer 20." not in older
    assert client.get(INSIGHTS + "?vor=x").status_code == 200


# ── the journal ────────────────────────────────────────────────────────────


def test_an_entry_has_a_mood_and_says_what_it_is_about(
    learning: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    talk, client = add_talk(learning), client_of(world.anna)
    with as_owner():
        step = LearningStep.objects.get(engagement=learning)
    new = {"id": str(ids.new_id()), "audience": "me", "text": "Es ging.", "mood": "tough", "about": f"step:{step.pk}"}
    assert client.post("/lerntagebuch/", new).status_code == 302
    body = page(client, "/lerntagebuch/")
    assert "zäh" in body and "zu einem Lernschritt" in body
    with as_owner():
        entry = JournalEntry.objects.get()
        assert b"tough" not in bytes(entry.mood_sealed) and entry.step_id == step.pk
    edit = reverse("engagements:journal_edit", args=[entry.pk])
    assert "Es ging." in page(client, edit)
    changed = {"version": 1, "audience": "pair", "text": "Es ging besser.", "mood": "", "about": f"talk:{talk.pk}"}
    assert client.post(edit, changed).status_code == 302
    body = page(client, "/lerntagebuch/")
    assert "zu einem Gespräch" in body and "Es ging besser." in body and "zäh," not in body
    stale = client.post(edit, {**changed, "text": "Aus dem anderen Fenster."})
    assert stale.status_code == 412
    assert "Es ging besser." in stale.content.decode() and "Aus dem anderen Fenster." in stale.content.decode()
    for wrong in ({"mood": "x"}, {"about": f"talk:{ids.new_id()}"}, {"about": "step:x"}, {"text": ""}):
        assert client.post(edit, {**changed, "version": 2, **wrong}).status_code == 422
    assert client_of(world.ben).get(edit).status_code == 404


def test_an_entry_stays_when_its_step_is_erased_with_the_rest(
    learning: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    with as_owner():
        step = LearningStep.objects.get(engagement=learning)
    new = {"id": str(ids.new_id()), "audience": "me", "text": "Es ging.", "about": f"step:{step.pk}", "mood": ""}
    client_of(world.anna).post("/lerntagebuch/", new)
    with as_owner():
        Engagement.objects.filter(pk=learning.pk).update(state="closed", closed_at=clock.now() - timedelta(days=91))
    assert run_as_worker()["engagements"] == 1


# ── search ─────────────────────────────────────────────────────────────────


def find(client: Client, words: str) -> str:
    response = client.post("/suchen/", {"words": words})
    assert response.status_code == 200
    return response.content.decode()


def test_everything_one_has_written_is_found_whatever_its_capitals_and_accents(
    learning: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    client.post(INSIGHTS, {"id": str(ids.new_id()), "text": "Ärger ist ein Bote."})
    assert "<mark>Ärger</mark>" in find(client, "arger") and "<mark>Bote</mark>" in find(client, "BOTE")
    assert "Faustregel" in find(client, "bote ärger")
    assert "Dazu steht nichts" in find(client, "bote katze")
    assert "<mark>Vierte</mark>" in find(client, "vierte")
    assert "<mark>Rückmeldungen</mark>" in find(client, "ruckmeldungen"), "the concern, too"
    assert client.post("/suchen/", {"words": " "}).status_code == 422
    assert "?" not in "".join(a for a in find(client, "vierte").split('"') if a.startswith("/suchen/"))


def test_every_kind_of_text_is_looked_through(world: SimpleNamespace, engagement_in: Make, client_of: ClientOf) -> None:
    fill(engagement_in(State.ACTIVE), shared=False)
    body = find(client_of(world.anna), "geheim")
    for kind in ("Lernschritt", "Erkenntnis", "Lerntagebuch", "Gespräch", "Anliegen klären", "Thema für ein Gespräch"):
        assert f">{kind}</a>" in body, kind
    assert "&lt;" not in body


def test_nobody_finds_the_words_of_another(learning: Engagement, world: SimpleNamespace, client_of: ClientOf) -> None:
    fill(learning, shared=True)
    for user in (world.ben, world.carla, world.dirk, world.stranger):
        assert "Dazu steht nichts" in find(client_of(user), "geheim")
        assert "Dazu steht nichts" in find(client_of(user), "vierte")


def test_what_is_found_stays_text_and_long_texts_are_cut(
    world: SimpleNamespace, engagement_in: Make, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    client.post(INSIGHTS, {"id": str(ids.new_id()), "text": "x " * 200 + "<b>Nadel</b> " + "y " * 200})
    body = find(client, "nadel")
    assert "&lt;b&gt;<mark>Nadel</mark>&lt;/b&gt;" in body and body.count("x ") < 60 and "… " in body


@pytest.mark.parametrize("text", ["Ärger", "ﬁx", "ŒUVRE", "İstanbul", "👩🏽‍💻 straße", "e\u0301"])
def test_folding_keeps_every_sign_in_its_place(text: str) -> None:
    assert len(folded(text)) == len(text)


def test_searching_asks_as_often_for_much_as_for_little_and_has_a_limit(
    learning: Engagement, world: SimpleNamespace, client_of: ClientOf, settings: Any
) -> None:
    client, counts = client_of(world.anna), []
    find(client, "vierte")
    for number in range(2):
        with CaptureQueriesContext(connection) as queries:
            find(client, "vierte")
        counts.append(len(queries))
        for extra in range(3):
            add_insight(learning, f"Vierte {number} {extra}")
    assert counts[0] == counts[1] <= 28, counts
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "search": "1/m/key"}
    assert [client.post("/suchen/", {"words": "x"}).status_code for _ in range(2)] == [200, 429]
