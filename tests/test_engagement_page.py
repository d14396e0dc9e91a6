"""Begleitung: one timeline for the two; the companion sees what is shared, others nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Opening, User
from conversations import timeline as lines
from conversations.models import DateProposal
from conversations.timeline import END
from engagements.models import (
    CompanionProfile,
    ConflictDeclaration,
    Engagement,
    Goal,
    Insight,
    JournalEntry,
    LearningStep,
    Parting,
    Substitution,
)
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion
from .test_today import entry_of, step_of, talk_of

Make = Callable[..., Engagement]
ClientOf = Callable[[User], Client]


def url_of(engagement: Engagement) -> str:
    return f"/begleitungen/{engagement.pk}/"


def html(client: Client, engagement: Engagement, query: str = "") -> str:
    response = client.get(url_of(engagement) + query)
    assert response.status_code == 200
    return response.content.decode()


def insight_of(engagement: Engagement, keep: str, **also: Any) -> Insight:
    with as_owner(), rls.acting_as(engagement.learner_id):
        insight = Insight(engagement=engagement, **also)
        insight.keep = keep
        insight.save()
    return insight


def goal_of(engagement: Engagement, title: str, **also: Any) -> Goal:
    with as_owner(), rls.acting_as(engagement.learner_id):
        goal = Goal(engagement=engagement, **also)
        goal.title = title
        goal.save()
    return goal


@pytest.fixture
def full(engagement_in: Make, anna: User) -> Engagement:
    """One thing of every kind, private and shared."""
    engagement = engagement_in(State.ACTIVE)
    talk_of(engagement, days=4)
    for shared_at, word in ((None, "heimlich"), (clock.now(), "gemeinsam")):
        step_of(engagement, f"Schritt {word}", shared_at=shared_at)
        entry_of(engagement, f"Eintrag {word}", shared_at=shared_at)
        insight_of(engagement, f"Erkenntnis {word}", shared_at=shared_at)
        goal_of(engagement, f"Ziel {word}", shared_at=shared_at)
    with as_owner():
        AuditEvent.objects.create(kind="engagement.started", actor=anna, subject=engagement.pk)
    return engagement


def test_the_learner_sees_everything_on_one_timeline(client_of: ClientOf, anna: User, full: Engagement) -> None:
    page = html(client_of(anna), full)
    for words in (
        "Schritt heimlich",
        "Eintrag heimlich",
        "Erkenntnis gemeinsam",
        "Ziel heimlich",
        "Rückmeldungen üben",
        "ruhig ansprechen",
        "Lerngespräch",
        "die Lernbegleitung beginnt",
        "Lernvereinbarung, Fassung 1",
    ):
        assert words in page
    assert page.count("<h1") == 1 and "Sie und Ben Beispiel" in page and "nur Sie" in page


def test_the_companion_sees_only_what_is_shared(client_of: ClientOf, ben: User, full: Engagement) -> None:
    page = html(client_of(ben), full)
    assert "heimlich" not in page and "nur für mich" not in page
    for words in (
        "Schritt gemeinsam",
        "Eintrag gemeinsam",
        "Erkenntnis gemeinsam",
        "Ziel gemeinsam",
        "Begleitung von Anna Beispiel",
    ):
        assert words in page


def test_the_database_alone_keeps_unshared_things_from_the_companion(ben: User, full: Engagement) -> None:
    with rls.acting_as(ben.pk):
        for model in (LearningStep, JournalEntry, Insight, Goal):
            assert [bool(row.shared_at) for row in model.objects.filter(engagement=full)] == [True]


@pytest.mark.parametrize("who", ["stranger", "carla", "dirk", "eva"])
def test_others_get_404(world: SimpleNamespace, client_of: ClientOf, full: Engagement, who: str) -> None:
    assert client_of(getattr(world, who)).get(url_of(full)).status_code == 404


def test_a_coordinator_of_an_open_request_does_not_open_its_page(
    client_of: ClientOf, carla: User, engagement_in: Make
) -> None:
    assert client_of(carla).get(url_of(engagement_in(State.REQUESTED))).status_code == 404


@pytest.mark.parametrize("kind", list(lines.KINDS))
def test_the_filter_shows_one_kind(client_of: ClientOf, anna: User, full: Engagement, kind: str) -> None:
    response = client_of(anna).get(url_of(full), {"art": kind})
    items = response.context["page"].items
    assert items and {item.kind for item in items} == {kind}
    assert f'value="{kind}" selected' in response.content.decode()


@pytest.mark.parametrize(
    "query", ["?art=quatsch", "?vor=quatsch", "?vor=2026-01-01~x", "?vor=%00", "?art=%00&vor=9999"]
)
def test_a_wrong_address_shows_the_whole(client_of: ClientOf, anna: User, full: Engagement, query: str) -> None:
    assert "Schritt gemeinsam" in html(client_of(anna), full, query)


def test_pages_follow_each_other_without_gaps_and_doubles(anna: User, full: Engagement) -> None:
    moment = clock.now()
    with as_owner():
        AuditEvent.objects.bulk_create(
            AuditEvent(kind="appointment.made", actor=anna, subject=full.pk, at=moment) for _n in range(7)
        )
    for number in range(5):
        entry_of(full, f"Eintrag {number}", created_at=moment)
    with rls.acting_as(anna.pk):
        whole = lines.timeline(full, anna, size=500)
        seen, before = [], None
        while True:
            page = lines.timeline(full, anna, before=before, size=3)
            seen += page.items
            before = page.older and lines.Mark.read(str(page.older))
            if not before:
                break
    assert [item.mark for item in seen] == [item.mark for item in whole.items]
    assert len({item.mark for item in seen}) == len(seen) > 20


def test_what_stands_on_a_later_page_is_not_opened(ben: User, full: Engagement) -> None:
    for number in range(4):
        entry_of(full, f"Eintrag {number}", shared_at=clock.now())
    with rls.acting_as(ben.pk):
        shown = lines.timeline(full, ben, size=3).items
    with as_owner():
        opened = set(Opening.objects.values_list("item", flat=True))
    assert opened == {item.thing.pk for item in shown if item.kind != "talk"} and opened


def test_older_things_are_a_link_away(client_of: ClientOf, anna: User, full: Engagement) -> None:
    with as_owner():
        old = clock.now() - timedelta(days=9)
        AuditEvent.objects.bulk_create(
            AuditEvent(kind="appointment.moved", actor=anna, subject=full.pk, at=old) for _n in range(60)
        )
    client = client_of(anna)
    response = client.get(url_of(full))
    assert len(response.context["page"].items) == lines.PAGE and "Ältere anzeigen" in response.content.decode()
    older = client.get(url_of(full), {"vor": str(response.context["page"].older)})
    assert older.status_code == 200 and "Zu den neuesten" in older.content.decode() and older.context["page"].items


@pytest.mark.parametrize("state", [s for s in State if s not in (State.WITHDRAWN, State.ERASED)])
def test_every_state_says_where_it_stands_and_what_can_be_done(
    client_of: ClientOf, anna: User, engagement_in: Make, state: State
) -> None:
    engagement = engagement_in(state)
    page = html(client_of(anna), engagement)
    assert str(state.label) in page and ("zurueckziehen/" in page) == (
        state in (State.REQUESTED, State.MATCHING, State.OFFERED, State.INTRODUCTION)
    )
    assert ("termine/buchen/" in page) == (state in (State.INTRODUCTION, State.ACTIVE))
    assert ("pause/" in page) == (state == State.ACTIVE)


def test_the_companion_who_is_asked_is_led_to_the_answer(client_of: ClientOf, ben: User, engagement_in: Make) -> None:
    engagement = engagement_in(State.OFFERED)
    page = html(client_of(ben), engagement)
    assert f"/begleitungen/{engagement.pk}/antwort/" in page and "anna@example.org" not in page


def test_texts_are_escaped(client_of: ClientOf, anna: User, full: Engagement) -> None:
    entry_of(full, "<img src=x onerror=alert(1)> 🌲")
    page = html(client_of(anna), full)
    assert "<img src=x" not in page and "&lt;img" in page and "🌲" in page


@pytest.mark.parametrize("who", ["anna", "ben"])
def test_the_page_asks_the_same_with_more_rows(
    client_of: ClientOf,
    world: SimpleNamespace,
    anna: User,
    engagement_in: Make,
    assert_same_queries: Callable[..., None],
    who: str,
) -> None:
    engagement = engagement_in(State.ACTIVE)
    client = client_of(getattr(world, who))

    def add(number: int) -> None:
        talk_of(engagement, days=number + 2)
        step_of(engagement)
        entry_of(engagement, shared_at=clock.now())
        insight_of(engagement, "Pausen helfen", shared_at=clock.now())
        goal_of(engagement, "Ruhig bleiben", shared_at=clock.now())
        with as_owner():
            AuditEvent.objects.create(kind="appointment.made", actor=anna, subject=engagement.pk)

    assert_same_queries(lambda: client.get(reverse("conversations:engagement", args=[engagement.pk])), add)


@pytest.mark.parametrize("part", [("", ""), ("art", "talk"), ("vor", str(END))], ids=["whole", "talks", "further"])
def test_a_companion_who_is_absent_and_leaves_and_a_substitute_cost_one_statement_more(
    client_of: ClientOf,
    world: SimpleNamespace,
    engagement_in: Make,
    assert_same_queries: Callable[..., None],
    part: tuple[str, str],
) -> None:
    """The page with all there can be, whole, filtered and further down: its next talk, proposed dates, who is away."""
    today, now = clock.today(), clock.now()
    engagement, client = engagement_in(State.ACTIVE), client_of(world.anna)
    with as_owner():
        make_companion(world.stranger)
        User.objects.filter(pk=world.ben.pk).update(absent_from=today)
        CompanionProfile.objects.filter(pk=world.ben.pk).update(leaves_on=today + timedelta(days=9))
        Substitution.objects.create(companion=world.ben, substitute=world.stranger, starts_on=today, agreed_at=now)
        DateProposal.objects.create(
            engagement=engagement, companion=world.ben, proposed_by=world.ben, dates=[now + timedelta(days=2)],
            until=now + timedelta(days=2), minutes=60, format="video",
        )  # fmt: skip
    next_talk = talk_of(engagement, days=1)

    def get() -> Any:
        return client.get(url_of(engagement), {name: value for name, value in [part] if name})

    assert_same_queries(get, lambda number: (talk_of(engagement, days=number + 3), entry_of(engagement)))
    page = get().content.decode()
    assert ("Ältere Einträge" in page) is (part[0] == "vor")
    assert world.stranger.email in page and "begleitet noch bis" in page
    assert reverse("conversations:dates", args=[engagement.pk]) in page
    assert reverse("conversations:appointment", args=[next_talk.appointment_id]) in page
    assert reverse("conversations:prepare", args=[next_talk.pk]) in page
    with as_owner():
        conflict = ConflictDeclaration.objects.create(declared_by=world.anna, other=world.stranger, rule="H1")
    assert world.stranger.email not in get().content.decode()
    with as_owner():
        conflict.delete()
        Substitution.objects.update(agreed_at=None)
    assert world.stranger.email not in get().content.decode()


def test_a_request_after_a_change_of_companion_and_agency_asks_at_most_ten(
    client_of: ClientOf, world: SimpleNamespace, engagement_in: Make, assert_same_queries: Callable[..., None]
) -> None:
    engagement, client = engagement_in(State.REQUESTED, coordinating_agency=world.north), client_of(world.anna)
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(agency_since=clock.now())
        Parting.objects.create(engagement=engagement, companion=world.ben)
    page = html(client, engagement)
    for way in ("undo", "send_on"):
        assert reverse(f"engagements:{way}", args=[engagement.pk]) in page
    assert world.north.name in page and world.south.name in page
    assert_same_queries(lambda: client.get(url_of(engagement)), lambda _n: entry_of(engagement))
