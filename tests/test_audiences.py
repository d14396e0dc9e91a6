"""The sentence beside an item and the policy in the database say the same, in every state and for every person."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Draft, PushDevice, TalkSettings, User
from conversations import busy_calendars
from conversations.models import (
    Addition,
    Appointment,
    BusyCalendar,
    BusyTime,
    CalendarFeed,
    ChangeIdea,
    Conversation,
    ConversationPart,
    DateProposal,
    Favourite,
    Feedback,
    GuidingQuestion,
    Observation,
    OwnQuestion,
    Preparation,
    QuestionUse,
    RecordVersion,
    TalkCheck,
    TopicWish,
)
from engagements.actions import direct_line, lifecycle
from engagements.models import (
    Agreement,
    Engagement,
    FormerWords,
    Goal,
    GoalRating,
    Insight,
    JournalEntry,
    LearningStep,
    LineMessage,
    RuleOfThumb,
    SentReminder,
    TransferCheck,
)
from engagements.states import State
from lernbegleitung import clock, ids, rls
from lernbegleitung.audience import AUDIENCES, readers_of
from lernbegleitung.checks import own_models
from lernbegleitung.vault import sealed_columns

from .conftest import as_owner
from .people import make_companion

pytestmark = pytest.mark.django_db
Make = Callable[..., Engagement]


def fill(engagement: Engagement, *, shared: bool, hour: int = 9) -> None:
    """One row in every table of content."""
    at = clock.now() if shared else None
    with as_owner(), rls.acting_as(engagement.learner_id):
        for model, name in ((LearningStep, "what"), (Insight, "keep"), (JournalEntry, "text")):
            row: Any = model(
                engagement=engagement, shared_at=at, **({"due_on": clock.today()} if name == "what" else {})
            )
            setattr(row, name, "GEHEIM")
            row.save()
        goal = Goal(engagement=engagement, shared_at=at)
        goal.title = "GEHEIM"
        goal.save()
        rating = GoalRating(engagement=engagement, goal=goal, shared_at=at)
        rating.importance = "7"
        rating.save()
        former = FormerWords(engagement=engagement, item=goal.pk, field="title")
        former.text = "GEHEIM"
        former.save()
        rule = RuleOfThumb(owner=engagement.learner)
        rule.text = "GEHEIM"
        rule.save()
        own = OwnQuestion(owner=engagement.learner)
        own.text = "GEHEIM"
        own.save()
        question = GuidingQuestion.objects.get(code="c01")
        Favourite.objects.get_or_create(owner=engagement.learner, question=question)
        QuestionUse.objects.get_or_create(owner=engagement.learner, engagement=engagement, question=question)
        draft = Draft(owner=engagement.learner, place="/lerntagebuch/")
        draft.values = '{"text": ["GEHEIM"]}'
        draft.save()
        PushDevice.objects.create(
            owner=engagement.learner, endpoint="https://p.example/", endpoint_hash=ids.new_id().hex
        )
        TalkSettings.objects.get_or_create(
            owner=engagement.learner, defaults={"own_link": "https://geheim.example.org"}
        )
        CalendarFeed.objects.get_or_create(owner=engagement.learner, defaults={"token_hash": f"{engagement.pk}"})
        if not BusyCalendar.objects.filter(owner=engagement.learner).exists():
            busy_calendars.keep(owner=engagement.learner, address="https://geheim.example.org/GEHEIM.ics")
            (busy,) = BusyCalendar.objects.filter(owner=engagement.learner)
            BusyTime.objects.create(calendar=busy, starts_at=clock.now(), ends_at=clock.now() + timedelta(hours=1))
        check = TransferCheck(owner=engagement.learner, engagement=ids.new_id(), months=3, due_on=clock.today())
        check.sentence = "GEHEIM"
        check.save()
        SentReminder.objects.create(
            owner=engagement.learner, what="look_back", subject=check.pk, meant_for=check.due_on, sent_on=clock.today()
        )
        if not LineMessage.objects.exists() and direct_line.responsible_for(engagement.learner):
            direct_line.write(pk=ids.new_id(), text="An die Koordination", by=engagement.learner)
        if not engagement.companion_id:
            return
        if not Agreement.objects.filter(engagement=engagement).exists():
            agreement = Agreement(engagement=engagement, companion=engagement.companion)
            agreement.purpose = "GEHEIM"
            agreement.save()
        starts = clock.now() + timedelta(days=1, hours=hour)
        DateProposal.objects.create(
            engagement=engagement, companion=engagement.companion, proposed_by=engagement.learner, dates=[starts],
            until=starts, minutes=30, format="video", answer="none_fits",
        )  # fmt: skip
        talk = Conversation(
            engagement=engagement,
            appointment=Appointment.objects.create(
                engagement=engagement, learner=engagement.learner, companion=engagement.companion,
                starts_at=starts, ends_at=starts + timedelta(minutes=30), format="video",
            ),
        )  # fmt: skip
        talk.closing_sentence = "GEHEIM"
        talk.save()
        for row in (
            *(ConversationPart(conversation=talk, part=part) for part in range(1, 5)),
            TopicWish(conversation=talk, shared_at=at),
            Observation(conversation=talk, author=engagement.companion),
            ChangeIdea(conversation=talk),
            Addition(conversation=talk, author=engagement.companion),
            Feedback(conversation=talk, author=engagement.companion),
        ):
            row.text = "GEHEIM"
            row.save()
        version = RecordVersion(conversation=talk, number=1, agreed_by=engagement.learner)
        version.content = '{"sentence": "GEHEIM"}'
        version.save()
    with as_owner(), rls.acting_as(engagement.companion_id):
        look = TalkCheck(conversation=talk, owner=engagement.companion)
        look.note = "GEHEIM"
        look.save()
        sheet = Preparation(conversation=talk, owner=engagement.companion)
        sheet.before = "GEHEIM"
        sheet.save()


def everybody(world: SimpleNamespace) -> list[User]:
    return [person for person in vars(world).values() if isinstance(person, User)]


def disagreements(people: list[User]) -> list[str]:
    """Rows whose sentence names other people than the database shows the row to, over all tables of content."""
    found = []
    for model in AUDIENCES:
        with as_owner():
            items = list(model._base_manager.all())
            said = {item.pk: {person.pk for person in readers_of(item).now} for item in items}
        shown: dict[Any, set[int]] = {pk: set() for pk in said}
        for person in people:
            with rls.acting_as(person.pk):
                for pk in model._base_manager.values_list("pk", flat=True):
                    shown[pk].add(person.pk)
        found += [
            f"{model.__name__} {pk}: said {said[pk]}, shown to {shown[pk]}" for pk in said if said[pk] != shown[pk]
        ]
    return found


def test_every_model_with_sealed_texts_has_an_audience() -> None:
    assert {model for model in own_models() if sealed_columns(model)} <= set(AUDIENCES)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    "state", ["draft", "requested", "matching", "offered", "introduction", "active", "paused", "closed"]
)
def test_the_sentence_and_the_database_agree(
    state: str, shared: bool, world: SimpleNamespace, engagement_in: Make
) -> None:
    fill(engagement_in(state), shared=shared)
    assert disagreements(everybody(world)) == []


@pytest.mark.parametrize(("days", "reads"), [(29, True), (31, False)])
def test_the_companion_reads_along_for_thirty_days(
    days: int, reads: bool, world: SimpleNamespace, engagement_in: Make
) -> None:
    engagement = engagement_in(State.CLOSED)
    fill(engagement, shared=True)
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(closed_at=clock.now() - timedelta(days=days))
    assert disagreements(everybody(world)) == []
    with rls.acting_as(world.ben.pk):
        assert JournalEntry.objects.exists() is reads


@pytest.mark.parametrize("seed", range(12))
def test_in_random_worlds_nobody_sees_a_row_that_the_sentence_does_not_name(
    seed: int, world: SimpleNamespace, engagement_in: Make
) -> None:
    dice = random.Random(seed)
    with as_owner():
        make_companion(world.stranger, capacity=12)
        make_companion(world.anna, capacity=12)
    states = ["draft", "requested", "offered", "introduction", "active", "paused", "closed"]
    learners = [world.anna, world.ben, world.carla, world.stranger, world.dirk]
    for hour, learner in enumerate(dice.sample(learners, 3)):
        companion = dice.choice([p for p in (world.anna, world.ben, world.stranger) if p != learner])
        engagement = engagement_in(dice.choice(states), learner=learner, companion=companion)
        fill(engagement, shared=dice.random() < 0.5, hour=hour)
        if engagement.state == State.CLOSED and dice.random() < 0.5:
            with as_owner():
                Engagement.objects.filter(pk=engagement.pk).update(closed_at=clock.now() - timedelta(days=40))
    assert disagreements(everybody(world)) == []


@pytest.mark.parametrize("model", list(AUDIENCES), ids=lambda model: model.__name__)
def test_a_policy_that_is_too_generous_is_found(model: Any, world: SimpleNamespace, engagement_in: Make) -> None:
    fill(engagement_in(State.ACTIVE), shared=False)
    app, table = model._meta.app_label, model._meta.db_table
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f'ALTER POLICY "{app}: {table} readers" ON {table} USING (true)')
    assert disagreements(everybody(world)) != [], "when nothing may leak, make sure something could"


def test_reading_is_allowed_by_the_audience_and_by_nothing_else() -> None:
    tables = [model._meta.db_table for model in AUDIENCES]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename, policyname FROM pg_policies WHERE cmd IN ('SELECT', 'ALL')"
            " AND (roles && '{lern_app,public}'::name[]) AND tablename = ANY (%s) ORDER BY 1",
            [tables],
        )
        found = cursor.fetchall()
    assert sorted(table for table, _name in found) == sorted(tables)
    assert all(name.endswith(f"{table} readers") for table, name in found)


def test_who_comes_later_reads_nothing_that_was_released_to_the_former_companion(
    world: SimpleNamespace, engagement_in: Make
) -> None:
    engagement = engagement_in(State.ACTIVE)
    fill(engagement, shared=True)
    with as_owner():
        later = make_companion(world.stranger)
    with rls.acting_as(world.anna.pk):
        lifecycle.change_companion(engagement=engagement, by=world.anna)
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(state=State.INTRODUCTION, companion=later)
    with rls.acting_as(later.pk):
        assert [m.__name__ for m in AUDIENCES if m._base_manager.exists()] == ["LearningConcern"]
    with rls.acting_as(world.ben.pk):
        assert [m.__name__ for m in AUDIENCES if m._base_manager.exists()] == ["TalkCheck", "Preparation"]
    assert disagreements(everybody(world)) == []


def test_the_new_pair_makes_its_own_agreement(
    world: SimpleNamespace, engagement_in: Make, client_of: Callable[[User], Client]
) -> None:
    engagement = engagement_in(State.ACTIVE)
    with as_owner():
        later = make_companion(world.stranger)
        Engagement.objects.filter(pk=engagement.pk).update(state=State.INTRODUCTION, companion=later)
    address = reverse("engagements:agreement", args=[engagement.pk])
    for person in (world.anna, later):
        page = client_of(person).get(address).content.decode()
        assert "Rückmeldungen üben" not in page and 'name="purpose"' in page


# ── on the page ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("shared", [True, False])
def test_every_item_on_a_page_says_who_reads_it(
    shared: bool, world: SimpleNamespace, engagement_in: Make, client_of: Callable[[User], Client]
) -> None:
    engagement = engagement_in(State.ACTIVE)
    fill(engagement, shared=shared)
    page = client_of(world.anna).get(reverse("conversations:engagement", args=[engagement.pk])).content.decode()
    both = page.count("Sie und Ben Beispiel")
    assert both == (7 if shared else 3)  # talk, agreement, concern; and step, insight, entry, goal
    assert page.count("nur Sie") >= (0 if shared else 3)
    step = LearningStep._base_manager
    with as_owner():
        pk = step.get(engagement=engagement).pk
    page = client_of(world.anna).get(reverse("engagements:step", args=[pk])).content.decode()
    assert ("Das lesen Sie und Ben Beispiel, sonst niemand." in page) is shared
    assert ("Ben Beispiel liest es erst, wenn Sie es freigeben." in page) is not shared


def test_every_content_field_says_who_will_read_it(
    world: SimpleNamespace, engagement_in: Make, client_of: Callable[[User], Client]
) -> None:
    engagement = engagement_in(State.ACTIVE)
    fill(engagement, shared=False)
    with as_owner():
        talk, step = Conversation._base_manager.get(), LearningStep._base_manager.get()
    pages = [
        reverse("engagements:concern", args=[engagement.pk]), reverse("engagements:step_create", args=[engagement.pk]),
        reverse("engagements:step_edit", args=[step.pk]), reverse("engagements:step_review", args=[step.pk]),
        reverse("engagements:journal"), reverse("engagements:close", args=[engagement.pk]),
        reverse("engagements:agreement", args=[engagement.pk]) + "?schreiben", reverse("conversations:today"),
        reverse("conversations:prepare", args=[talk.pk]), reverse("conversations:desk", args=[talk.pk]),
    ]  # fmt: skip
    for person, address in itertools.product((world.anna, world.ben), pages):
        response = client_of(person).get(address)
        if response.status_code == 200:
            page = response.content.decode()
            assert page.count("<textarea") == page.count('<p class="fine readers'), (person.name, address)


def test_no_page_says_by_hand_who_reads_an_item() -> None:
    from django.conf import settings

    uses = {
        f"{file.parent.name}/{file.name}"
        for file in (settings.BASE_DIR / "templates").rglob("*.html")
        if "{% who_sees " in file.read_text()
    }
    assert uses == {
        "accounts/import.html",  # what an administrator has brought in
        "accounts/imports.html",
        "engagements/assign_all.html",  # what a coordinator has drafted, no item of a companionship
        "engagements/substitute.html",  # what two companions arrange between themselves
        "engagements/assignment.html",
        "engagements/assignment_draft.html",
        "engagements/own_profile.html",
        "conversations/appointment_form.html",
        "conversations/series_form.html",
    }
