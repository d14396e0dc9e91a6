"""Every list asks the database as often for three rows as for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from accounts.models import Agency, Invitation, User
from accounts.roles import Role
from conversations.models import (
    Appointment,
    ChangeIdea,
    Conversation,
    ConversationPart,
    Observation,
    Preparation,
    TopicWish,
)
from engagements.models import (
    AssignmentDraft,
    DraftLine,
    Engagement,
    FormerWords,
    Goal,
    GoalRating,
    Insight,
    JournalEntry,
    LearningStep,
    Occasion,
    Programme,
    ProgrammeVersion,
    RuleOfThumb,
    SentReminder,
    Substitution,
)
from engagements.reminders import STEP_DUE
from engagements.states import State
from engagements.views import assignment
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .people import make_companion, make_role, person
from .test_today import step_of, talk_of

Same = Callable[..., None]
pytestmark = pytest.mark.django_db


def getter(client: Client, name: str, *args: Any) -> Callable[[], Any]:
    return lambda: client.get(reverse(name, args=args))


@pytest.fixture
def add_person(world: SimpleNamespace) -> Callable[[int], User]:
    def add(number: int) -> User:
        with as_owner():
            return person(f"Weitere{number}", world.augsburg)

    return add


@pytest.fixture
def add_talk(world: SimpleNamespace) -> Callable[[Engagement, int], None]:
    """A talk with its four parts, an open step and a journal entry."""

    def add(engagement: Engagement, number: int) -> None:
        starts = clock.now() + timedelta(days=3 + number)
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
                row = ConversationPart(conversation=conversation, part=part)
                row.text = "Etwas"
                row.save()
            step = LearningStep(engagement=engagement, due_on=clock.today())
            step.what = "Ausprobieren"
            step.save()
            entry = JournalEntry(engagement=engagement, shared_at=clock.now())
            entry.text = "Notiert"
            entry.save()

    return add


def test_people(
    client_of: Callable[[User], Client], dirk: User, add_person: Callable[[int], User], assert_same_queries: Same
) -> None:
    assert_same_queries(getter(client_of(dirk), "accounts:people"), add_person)


def test_agencies(
    world: SimpleNamespace, client_of: Callable[[User], Client], dirk: User, assert_same_queries: Same
) -> None:
    def add(number: int) -> None:
        with as_owner():
            Agency.objects.create(code=f"neu{number}", name="Neu", kind="agency", parent=world.south, state="BY")

    assert_same_queries(getter(client_of(dirk), "accounts:agencies"), add)


def test_invitations(
    world: SimpleNamespace, client_of: Callable[[User], Client], carla: User, assert_same_queries: Same
) -> None:
    def add(number: int) -> None:
        with as_owner():
            Invitation.objects.create(
                email=f"neu{number}@example.org",
                name="Neu",
                agency=world.ulm,
                token_hash=str(number),
                invited_by=carla,
                expires_at=clock.now() + timedelta(days=1),
            )

    assert_same_queries(getter(client_of(carla), "accounts:invitations"), add)


@pytest.mark.parametrize("name", ["engagements:index", "conversations:today"])
def test_companionships(
    name: str,
    client_of: Callable[[User], Client],
    ben: User,
    add_person: Callable[[int], User],
    engagement_in: Callable[..., Engagement],
    assert_same_queries: Same,
) -> None:
    assert_same_queries(
        getter(client_of(ben), name), lambda number: engagement_in(State.ACTIVE, learner=add_person(number))
    )


@pytest.mark.parametrize(
    "name", ["engagements:steps", "engagements:journal", "conversations:index", "conversations:today"]
)
def test_own_lists(
    name: str,
    client_of: Callable[[User], Client],
    anna: User,
    engagement_in: Callable[..., Engagement],
    add_talk: Callable[[Engagement, int], None],
    assert_same_queries: Same,
) -> None:
    engagement = engagement_in(State.ACTIVE)
    assert_same_queries(getter(client_of(anna), name), lambda number: add_talk(engagement, number))


@pytest.mark.parametrize("who", ["anna", "ben"])
def test_the_engagements_own_page(
    who: str,
    world: SimpleNamespace,
    client_of: Callable[[User], Client],
    engagement_in: Callable[..., Engagement],
    add_talk: Callable[[Engagement, int], None],
    assert_same_queries: Same,
) -> None:
    engagement = engagement_in(State.ACTIVE)
    client = client_of(getattr(world, who))
    assert_same_queries(
        getter(client, "conversations:engagement", engagement.pk), lambda number: add_talk(engagement, number), most=10
    )


@pytest.mark.parametrize("name", ["engagements:goals", "engagements:goal"])
def test_goals(
    name: str,
    client_of: Callable[[User], Client],
    anna: User,
    engagement_in: Callable[..., Engagement],
    assert_same_queries: Same,
) -> None:
    assert name in {"engagements:goals", "engagements:goal"}
    engagement = engagement_in(State.ACTIVE)
    with as_owner(), rls.acting_as(anna.pk):
        first = Goal(engagement=engagement)
        first.title = "Etwas"
        first.save()

    def add(number: int) -> None:
        with as_owner(), rls.acting_as(anna.pk):
            goal = Goal(engagement=engagement)
            goal.title = f"Etwas {number}"
            goal.save()
            rating = GoalRating(engagement=engagement, goal=first, at=clock.now() - timedelta(days=number))
            rating.importance = "3"
            rating.save()
            former = FormerWords(engagement=engagement, item=first.pk, field="title")
            former.text = "Etwas"
            former.save()

    args = [first.pk] if name == "engagements:goal" else []
    assert_same_queries(getter(client_of(anna), name, *args), add)


def test_insights_and_rules(
    client_of: Callable[[User], Client], anna: User, engagement_in: Callable[..., Engagement], assert_same_queries: Same
) -> None:
    engagement = engagement_in(State.ACTIVE)

    def add(number: int) -> None:
        with as_owner(), rls.acting_as(anna.pk):
            insight = Insight(engagement=engagement)
            insight.keep = f"Etwas {number}"
            insight.save()
            rule = RuleOfThumb(owner=anna)
            rule.text = f"Etwas {number}"
            rule.save()

    assert_same_queries(getter(client_of(anna), "engagements:insights"), add)


@pytest.mark.parametrize("who", ["anna", "ben"])
def test_the_desk_of_a_talk(
    who: str,
    world: SimpleNamespace,
    client_of: Callable[[User], Client],
    engagement_in: Callable[..., Engagement],
    add_talk: Callable[[Engagement, int], None],
    assert_same_queries: Same,
) -> None:
    engagement, now = engagement_in(State.ACTIVE), clock.now()
    somebody, (earlier, talk) = getattr(world, who), (talk_of(engagement, days=days) for days in (-9, 9))
    with as_owner(), rls.acting_as(world.anna.pk):
        wish = TopicWish(conversation=talk, shared_at=now)
        wish.text = "Etwas"
        wish.save()
        earlier.closing_sentence = "Etwas"
        earlier.learner_agreed_at = earlier.companion_agreed_at = earlier.locked_at = now
        earlier.save()
    with as_owner(), rls.acting_as(somebody.pk):
        sheet = Preparation(conversation=talk, owner=somebody)
        sheet.before = "Nur für mich"
        sheet.save()

    def add(number: int) -> None:
        add_talk(engagement, 10 + number)
        step_of(engagement, talk=talk.pk)
        with as_owner(), rls.acting_as(world.ben.pk):
            observation = Observation(conversation=talk, author=world.ben, part=1 + number)
            observation.text = f"Etwas {number}"
            observation.save()
            for where, state in ((earlier, "parked"), (talk, "chosen")):
                idea = ChangeIdea(conversation=where, state=state)
                idea.text = f"Etwas {number}"
                idea.save()

    assert_same_queries(getter(client_of(somebody), "conversations:desk", talk.pk), add)


def test_open_sessions_and_passkeys(client_of: Callable[[User], Client], anna: User, assert_same_queries: Same) -> None:
    client = client_of(anna)

    def add(number: int) -> None:
        client_of(anna)
        with as_owner():
            Authenticator.objects.create(user=anna, type="webauthn", data={"name": f"Gerät {number}", "credential": {}})

    assert_same_queries(getter(client, "accounts:security"), add)


def test_assignment(
    client_of: Callable[[User], Client],
    carla: User,
    add_person: Callable[[int], User],
    engagement_in: Callable[..., Engagement],
    assert_same_queries: Same,
) -> None:
    assert_same_queries(
        getter(client_of(carla), "engagements:assignment"),
        lambda number: engagement_in(State.REQUESTED, learner=add_person(number)),
    )


def test_candidates_of_a_request(
    world: SimpleNamespace,
    client_of: Callable[[User], Client],
    carla: User,
    engagement_in: Callable[..., Engagement],
    assert_same_queries: Same,
) -> None:
    engagement = engagement_in(State.REQUESTED)

    def add(number: int) -> None:
        with as_owner():
            make_companion(person(f"Begleitung{number}", world.kiel))

    assert_same_queries(getter(client_of(carla), "engagements:assignment_request", engagement.pk), add)


def test_of_thousands_of_candidates_a_page_shows_some(
    world: SimpleNamespace,
    client_of: Callable[[User], Client],
    carla: User,
    engagement_in: Callable[..., Engagement],
    monkeypatch: pytest.MonkeyPatch,
    assert_same_queries: Same,
) -> None:
    monkeypatch.setattr(assignment, "FIRST", 2)
    monkeypatch.setattr(assignment, "MORE", 2)
    engagement, client = engagement_in(State.REQUESTED), client_of(carla)

    def add(number: int) -> None:
        with as_owner():
            make_companion(person(f"Begleitung{number}", world.kiel))

    address = reverse("engagements:assignment_request", args=[engagement.pk])
    add(0)
    for start, mode in ((10, "?ab=1"), (20, "?alle")):
        page = address + mode
        assert_same_queries(lambda page=page: client.get(page), lambda number, start=start: add(start + number))
        assert client.get(page).content.decode().count("data-person=") == 2


@pytest.mark.parametrize(("name", "who"), [("engagements:pool", "carla"), ("engagements:directory", "anna")])
def test_companions(
    name: str, who: str, world: SimpleNamespace, client_of: Callable[[User], Client], assert_same_queries: Same
) -> None:
    assert {"engagements:pool", "engagements:directory"}

    def add(number: int) -> None:
        with as_owner():
            make_companion(person(f"Begleitung{number}", world.kiel))

    assert_same_queries(getter(client_of(getattr(world, who)), name), add)


def test_drafts_for_all(
    world: SimpleNamespace,
    client_of: Callable[[User], Client],
    carla: User,
    add_person: Callable[[int], User],
    engagement_in: Callable[..., Engagement],
    assert_same_queries: Same,
) -> None:
    with as_owner():
        draft = AssignmentDraft.objects.create(made_by=carla, seed=1, state="ready")
        other = make_companion(person("Gonzo", world.kiel))

    def add(number: int) -> None:
        engagement = engagement_in(State.REQUESTED, learner=add_person(number))
        with as_owner():
            AssignmentDraft.objects.create(made_by=carla, seed=number, agency=world.south)
            DraftLine.objects.create(
                draft=draft, position=number, engagement=engagement, companion=world.ben, before=other,
                alternatives=[[other.pk, ["elsewhere"]]],
            )  # fmt: skip

    assert_same_queries(getter(client_of(carla), "engagements:assignment_draft", draft.pk), add)
    assert_same_queries(getter(client_of(carla), "engagements:assign_all"), lambda number: add(number + 5))


def test_programmes_and_occasions(
    world: SimpleNamespace, client_of: Callable[[User], Client], dirk: User, assert_same_queries: Same
) -> None:
    def add(number: int) -> None:
        with as_owner():
            occasion = Occasion.objects.create(code=f"n{number}", name_de="Neu", name_en="New")
            programme = Programme.objects.create(name_de="Neu", name_en="New", agency=world.south)
            ProgrammeVersion.objects.create(programme=programme, occasion=occasion, about_de="Neu", about_en="New")

    assert_same_queries(getter(client_of(dirk), "engagements:programmes"), add)


def test_substitutes(
    client_of: Callable[[User], Client], ben: User, add_person: Callable[[int], User], assert_same_queries: Same
) -> None:
    def add(number: int) -> None:
        with as_owner():
            away = make_companion(add_person(number))
            Substitution.objects.create(companion=away, substitute=ben, starts_on=clock.today(), ends_on=clock.today())

    assert_same_queries(getter(client_of(ben), "engagements:substitute"), add)


def test_the_tree_with_its_coordination(
    world: SimpleNamespace, client_of: Callable[[User], Client], dirk: User, assert_same_queries: Same
) -> None:
    def add(number: int) -> None:
        with as_owner():
            below = Agency.objects.create(
                code=f"neu{number}", name="Neu", kind="agency", parent=world.south, state="BY"
            )
            make_role(person(f"Neu{number}", below), Role.COORDINATOR)
            old = Agency.objects.create(code=f"alt{number}", name="Alt", kind="agency", parent=below, state="BY")
            Agency.objects.filter(pk=old.pk).update(merged_on=clock.today())

    client = client_of(dirk)
    assert_same_queries(getter(client, "accounts:agencies"), add)
    assert_same_queries(lambda: client.get(reverse("accounts:agencies"), {"q": "alt"}), lambda number: add(number + 9))
    form = {"other": world.north.pk}
    url = reverse("accounts:agency_merge", args=[world.ulm.pk])
    assert_same_queries(lambda: client.post(url, form), lambda number: add(number + 19), most=30)


def test_reminders(
    client_of: Callable[[User], Client],
    anna: User,
    engagement_in: Callable[..., Engagement],
    assert_same_queries: Same,
) -> None:
    engagement, client, today = engagement_in(State.ACTIVE), client_of(anna), clock.today()

    def add(number: int) -> None:
        talk_of(engagement, days=number + 3)
        for days in (number + 4, number + 90):  # in the mails of the next thirty days, and after them
            step_of(engagement, f"In {days} Tagen", due_on=today + timedelta(days=days))

    def sent(number: int) -> None:
        with as_owner():
            SentReminder.objects.create(owner=anna, what=STEP_DUE, subject=ids.new_id(), meant_for=today, sent_on=today)

    page = getter(client, "engagements:reminders")
    assert_same_queries(page, add)
    assert all(f"In {days} Tagen" in page().content.decode() for days in (4, 90))
    assert_same_queries(page, sent)
