"""The second wall: what the database shows to whom, whatever our own code asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError

from accounts.keys import own_key
from accounts.models import AuditEvent, DataKey, Invitation, User
from conversations.models import Appointment, Conversation, ConversationPart, Preparation, TopicWish
from engagements.models import CompanionProposal, Engagement, JournalEntry, LearningConcern, LearningStep
from engagements.states import State
from lernbegleitung import clock, rls
from lernbegleitung.vault import CannotOpen

from .conftest import as_owner

CONTENT = ("engagements_learningconcern", "engagements_agreement", "engagements_learningstep", "engagements_insight",
           "engagements_journalentry", "conversations_appointment", "conversations_conversation",
           "conversations_conversationpart", "conversations_observation", "conversations_preparation",
           "conversations_topicwish")  # fmt: skip


@pytest.fixture
def full(world: SimpleNamespace, engagement_in: Callable[..., Engagement]) -> Engagement:
    """An active engagement of Anna and Ben with one row in every table, some shared, some not."""
    engagement = engagement_in(State.ACTIVE)
    with as_owner(), rls.acting_as(world.anna.pk):
        starts = clock.now() + timedelta(days=3)
        appointment = Appointment.objects.create(
            engagement=engagement,
            learner=world.anna,
            companion=world.ben,
            starts_at=starts,
            ends_at=starts + timedelta(hours=1),
            format="video",
        )
        conversation = Conversation.objects.create(engagement=engagement, appointment=appointment)
        ConversationPart.objects.create(conversation=conversation, part=1)
        for shared in (None, clock.now()):
            step = LearningStep(engagement=engagement, due_on=clock.today(), shared_at=shared)
            step.what = "Eine Pause aushalten"
            step.save()
            entry = JournalEntry(engagement=engagement, shared_at=shared)
            entry.text = "Heute ist etwas gelungen."
            entry.save()
        wish = TopicWish(conversation=conversation)
        wish.text = "Der Moment davor"
        wish.save()
    with as_owner(), rls.acting_as(world.ben.pk):
        sheet = Preparation(conversation=conversation, owner=world.ben)
        sheet.before = "Langsamer sprechen"
        sheet.save()
    return engagement


def rows(table: str) -> int:
    """How many rows of a table the actor sees when nothing filters."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def seen_by(user: User | None) -> dict[str, int]:
    """Row counts of all content tables, as this person."""
    with rls.acting_as(user.pk if user else None):
        return {table: rows(table) for table in CONTENT}


def test_the_learner_sees_everything_but_the_companions_sheet(full: Engagement, anna: User) -> None:
    assert seen_by(anna) == {
        "engagements_learningconcern": 1, "engagements_agreement": 1, "engagements_learningstep": 2,
        "engagements_insight": 0, "engagements_journalentry": 2, "conversations_appointment": 1,
        "conversations_conversation": 1, "conversations_conversationpart": 1, "conversations_observation": 0,
        "conversations_preparation": 0, "conversations_topicwish": 1,
    }  # fmt: skip


def test_the_companion_sees_what_is_shared_and_the_own_sheet(full: Engagement, ben: User) -> None:
    assert seen_by(ben) == {
        "engagements_learningconcern": 1, "engagements_agreement": 1, "engagements_learningstep": 1,
        "engagements_insight": 0, "engagements_journalentry": 1, "conversations_appointment": 1,
        "conversations_conversation": 1, "conversations_conversationpart": 1, "conversations_observation": 0,
        "conversations_preparation": 1, "conversations_topicwish": 0,
    }  # fmt: skip


@pytest.mark.parametrize("who", ["carla", "dirk", "eva", "stranger", None])
def test_nobody_else_sees_a_single_row(full: Engagement, world: SimpleNamespace, who: str | None) -> None:
    assert seen_by(getattr(world, who) if who else None) == dict.fromkeys(CONTENT, 0)


@pytest.mark.parametrize("who", ["carla", "dirk", "stranger", None])
def test_nobody_else_gets_the_key(full: Engagement, world: SimpleNamespace, who: str | None) -> None:
    with rls.acting_as(getattr(world, who).pk if who else None):
        assert DataKey.objects.count() == 0
        with pytest.raises(CannotOpen):
            full.data_key()


def test_a_coordinator_sees_the_request_but_no_word_of_it(
    engagement_in: Callable[..., Engagement], carla: User, eva: User
) -> None:
    engagement_in(State.REQUESTED)
    with rls.acting_as(carla.pk):
        assert Engagement.objects.count() == 1
        assert LearningConcern.objects.count() == 0
        assert DataKey.objects.count() == 0
    with rls.acting_as(eva.pk):
        assert Engagement.objects.count() == 0


def test_after_acceptance_the_coordinator_sees_nothing_more(
    engagement_in: Callable[..., Engagement], carla: User
) -> None:
    engagement_in(State.INTRODUCTION)
    with rls.acting_as(carla.pk):
        assert Engagement.objects.count() == 0


@pytest.mark.parametrize("state", ["draft", "requested", "matching", "offered", "active", "closed", "withdrawn"])
def test_a_learner_from_elsewhere_is_seen_by_who_coordinates_the_open_request(
    state: str, world: SimpleNamespace, carla: User, engagement_in: Callable[..., Engagement]
) -> None:
    """Sent on to Carla's region by another one: the person as long as the request is open, nothing before and after."""
    assert not world.stranger.agency.path.startswith(world.south.path)
    engagement_in(state, learner=world.stranger, companion=world.ben, coordinating_agency=world.south)
    is_open = state in ("requested", "matching", "offered")
    for person, sees in ((carla, is_open), (world.mia, False)):
        with rls.acting_as(person.pk):
            assert User.objects.filter(pk=world.stranger.pk).exists() is sees


def test_only_who_coordinates_a_request_is_told_that_proposals_lie_unanswered(
    world: SimpleNamespace, carla: User, engagement_in: Callable[..., Engagement]
) -> None:
    asked = engagement_in(State.MATCHING)
    with as_owner():
        CompanionProposal.objects.filter(engagement=asked).delete()
        CompanionProposal.objects.create(engagement=asked, companion=world.ben, proposed_by=carla)
    for person, told in ((carla, [(asked.pk,)]), (world.anna, []), (world.ben, []), (world.mia, [])):
        with rls.acting_as(person.pk), connection.cursor() as cursor:
            cursor.execute("SELECT app_unanswered(%s)", [clock.now() + timedelta(minutes=1)])
            assert cursor.fetchall() == told
            cursor.execute("SELECT app_unanswered(%s)", [clock.now() - timedelta(days=99)])
            assert cursor.fetchall() == []


def test_the_companion_cannot_change_the_learners_words(full: Engagement, ben: User) -> None:
    with rls.acting_as(ben.pk):
        assert LearningConcern.objects.update(version=9) == 0
        assert LearningStep.objects.update(version=9) == 0
        assert JournalEntry.objects.all().delete()[0] == 0
        assert ConversationPart.objects.update(version=9) == 0


def test_one_actor_does_not_leak_into_the_next(full: Engagement, anna: User, stranger: User) -> None:
    with rls.acting_as(anna.pk):
        with rls.acting_as(stranger.pk):
            assert rows("engagements_journalentry") == 0
        assert rows("engagements_journalentry") == 2
        with pytest.raises(ZeroDivisionError), rls.acting_as(stranger.pk):
            raise ZeroDivisionError
        assert rows("engagements_journalentry") == 2
    assert rows("engagements_journalentry") == 0


def test_audit_lines_can_be_added_but_not_changed(full: Engagement, anna: User) -> None:
    from accounts.audit import write

    with rls.acting_as(anna.pk):
        write("engagement.paused", by=anna.pk, subject=full.pk)
        assert AuditEvent.objects.count() == 1
        for change in (lambda: AuditEvent.objects.update(kind="x"), lambda: AuditEvent.objects.all().delete()):
            with pytest.raises(ProgrammingError), transaction.atomic():
                change()
        with pytest.raises(DatabaseError), transaction.atomic():
            write("engagement.paused", by=full.companion_id, subject=full.pk)


def test_what_is_stored_is_unreadable_and_bound_to_its_place(full: Engagement, anna: User) -> None:
    with rls.acting_as(anna.pk):
        shared, private = JournalEntry.objects.order_by("shared_at")
        assert b"gelungen" not in bytes(shared.text_sealed)
        assert shared.text == "Heute ist etwas gelungen."
        private.text_sealed = shared.text_sealed
        with pytest.raises(CannotOpen):
            assert private.text


def test_destroying_the_key_ends_the_texts(full: Engagement, anna: User) -> None:
    with rls.acting_as(anna.pk):
        assert DataKey.objects.filter(pk=full.pk).delete()[0] == 1
    with rls.acting_as(anna.pk), pytest.raises(CannotOpen):
        assert LearningConcern.objects.get().ability


def test_own_keys_are_for_their_owners_alone(world: SimpleNamespace) -> None:
    with rls.acting_as(world.ben.pk):
        own_key(world.ben.pk)
        assert DataKey.objects.filter(owner=world.ben).count() == 1
    with rls.acting_as(world.anna.pk):
        assert DataKey.objects.filter(owner=world.ben).count() == 0


def test_no_text_of_the_work_together_lies_in_clear_anywhere(full: Engagement) -> None:
    with as_owner(), connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(
                f"SELECT count(*) FROM {model._meta.db_table} t WHERE t::text ~ 'etwas gelungen|Pause aushalten|Langsamer sprechen|Moment davor|Rückmeldungen ruhig'"
            )
            assert (model._meta.db_table, cursor.fetchone()[0]) == (model._meta.db_table, 0)


def test_the_worker_cannot_read_one_word(full: Engagement) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
        for table in (*CONTENT, "accounts_datakey", "engagements_veto", "engagements_companionload"):
            with pytest.raises(ProgrammingError), transaction.atomic():
                cursor.execute(f"SELECT * FROM {table}")
        cursor.execute("SET ROLE lern_app")


def test_worker_and_keys_cannot_ask_as_somebody_who_does_what(full: Engagement, anna: User) -> None:
    """Any role may set the actor; so what looks past the policies on the actor's word is for the web role alone."""
    asking = "app_learning()", "app_accompanying()", "app_has_role('administrator')", "person_with_address('a@b.c')"
    with connection.cursor() as cursor:
        for role in ("lern_worker", "lern_keys"):
            cursor.execute(f"SET ROLE {role}")
            cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(anna.pk)])
            for call in (*asking, f"app_is_pair('{full.pk}')", "arrange_digest(current_date, now())"):
                with pytest.raises(ProgrammingError, match="permission denied for function"), transaction.atomic():
                    cursor.execute(f"SELECT {call}")
        cursor.execute("SET ROLE lern_app")


def test_a_former_companion_cannot_give_back_the_thirty_days(full: Engagement, ben: User) -> None:
    with as_owner():
        Engagement.objects.update(state=State.CLOSED, closed_at=clock.now() - timedelta(days=31))
    with rls.acting_as(ben.pk), connection.cursor() as cursor:
        for change in ("closed_at = now()", "closed_at = NULL, state = 'active'", "companion_id = companion_id"):
            cursor.execute(f"UPDATE engagements_engagement SET {change}")
            assert cursor.rowcount == 0
    assert {table: n for table, n in seen_by(ben).items() if n} == {"conversations_preparation": 1}, "the own sheet"


def test_whom_an_invitation_is_for_never_changes(world: SimpleNamespace) -> None:
    with as_owner():
        Invitation.objects.create(
            email="neu@example.org", name="Neu", agency=world.augsburg, token_hash="x" * 64,
            invited_by=world.carla, expires_at=clock.now() + timedelta(days=3),
        )  # fmt: skip
    for column in ("role = 'administrator'", "email = 'x@example.org'", "agency_id = 1", "expires_at = 'infinity'"):
        with (
            rls.acting_as(None, at_the_door=True),
            pytest.raises(ProgrammingError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE accounts_invitation SET accepted_at = now(), {column}")
