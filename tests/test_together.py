"""Rows of unlike tables that are asked for in one statement are the same things as those asked for one by one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.models import Draft, JobRun, OutgoingMail, User
from engagements.models import Agreement, Engagement, JournalEntry, LearningConcern, LearningStep
from engagements.states import State
from lernbegleitung import clock, kept, rls
from lernbegleitung.together import together

from .conftest import as_owner
from .test_today import entry_of, step_of

Make = Callable[..., Engagement]
pytestmark = pytest.mark.django_db


def of(engagement_id: uuid.UUID, by: Any) -> tuple[QuerySet[Any], ...]:
    steps = LearningStep.objects.filter(engagement=engagement_id, due_on__gte=by).order_by("-due_on", "-pk")
    entries = JournalEntry.objects.filter(engagement=engagement_id).order_by("created_at")[:2]
    concerns, none = LearningConcern.objects.filter(engagement=engagement_id), Agreement.objects.filter(version=9)
    return steps, none, entries, concerns


texts_of = together(of)


def values(thing: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(thing, field.attname) for field in thing._meta.concrete_fields}


def test_each_list_has_its_rows_in_its_order_with_all_they_hold(anna: User, engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    for days in (4, -9, 2, 7, -3):
        step_of(engagement, f"In {days} Tagen", due_on=clock.today() + timedelta(days=days))
        entry_of(engagement, f"Vor {days} Tagen", created_at=clock.now() - timedelta(days=days))
    for asking in (anna.pk, engagement.companion_id):  # who is shown less, gets less
        with rls.acting_as(asking):
            for by in (clock.today(), clock.today() + timedelta(days=3)):
                expected = [list(rows) for rows in of(engagement.pk, by)]
                assert len(expected[0]) == (3 if by == clock.today() else 2) and len(expected[3]) == 1
                with CaptureQueriesContext(connection) as asked:
                    found = texts_of(engagement.pk, by)
                    told = [[values(thing) for thing in things] for things in found]
                assert len(asked) == 1 and found == expected
                assert told == [[values(thing) for thing in things] for things in expected]
                assert all(thing._state.db and not thing._state.adding for things in found for thing in things)


def test_the_statement_is_made_anew_when_forgotten(engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    with as_owner():
        before = texts_of(engagement.pk, clock.today())
        kept.forget()
        assert texts_of(engagement.pk, clock.today()) == before


def test_one_list_alone(engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    alone = together(lambda pk: (LearningConcern.objects.filter(engagement=pk),))
    with as_owner():
        assert [[thing.engagement_id for thing in things] for things in alone(engagement.pk)] == [[engagement.pk]]


def test_what_django_reads_in_a_way_of_its_own_comes_as_it_would_alone(world: SimpleNamespace) -> None:
    with as_owner():
        for number in range(2):
            OutgoingMail.objects.create(key=f"k{number}", kind="push", recipient=world.anna, facts={"day": number})
        JobRun.objects.create(name="rest", started_at=clock.now(), result={"rested": 3})
    mails, runs = OutgoingMail.objects.filter(kind="push").order_by("key"), JobRun.objects.filter(name="rest")
    drafts = Draft.objects.all()
    with as_owner():
        for asked, querysets in (
            (together(lambda: (drafts, mails, runs)), (drafts, mails, runs)),
            (together(lambda: (runs, drafts, mails)), (runs, drafts, mails)),
        ):
            found = asked()
            assert [[values(thing) for thing in things] for things in found] == [
                [values(thing) for thing in queryset] for queryset in querysets
            ]
    assert found[0][0].result == {"rested": 3} and [mail.facts for mail in found[2]] == [{"day": 0}, {"day": 1}]


def test_what_is_not_asked_for_is_not_read(world: SimpleNamespace) -> None:
    with as_owner():
        OutgoingMail.objects.create(key="k", kind="push", recipient=world.anna, facts={"day": 1})
        mails = OutgoingMail.objects.filter(kind="push")
        (part,), (nothing_else,), (rest,) = together(
            lambda: (mails.only("facts", "kind"), mails.only("pk"), mails.defer("facts"))
        )()
    assert set(part.__dict__) == {"_state", "id", "facts", "kind"}
    assert (part.facts, part.kind) == ({"day": 1}, "push") and nothing_else.pk == part.pk
    assert set(nothing_else.__dict__) == {"_state", "id"} and rest.get_deferred_fields() == {"facts"}
