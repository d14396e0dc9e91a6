"""`any_of`: as `in`, in one parameter."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import PausedAddress, User
from engagements.models import Engagement, LearningStep
from lernbegleitung.lookups import array

from .conftest import as_owner

pytestmark = pytest.mark.django_db


def test_it_finds_what_in_finds_with_one_statement_for_any_number(world: SimpleNamespace) -> None:
    everybody = [world.anna.pk, world.ben.pk, world.carla.pk, 10**12]
    with (
        as_owner(),
        CaptureQueriesContext(
            connection,
        ) as asked,
    ):
        for some in (everybody, everybody[:1], []):
            found = set(User.objects.filter(pk__any_of=some).values_list("pk", flat=True))
            assert found == set(User.objects.filter(pk__in=some).values_list("pk", flat=True))
    assert sum("ANY (" in query["sql"] for query in asked.captured_queries) == 3


def test_an_array_is_written_as_postgresql_reads_it() -> None:
    with connection.cursor() as cursor:
        for values in ([1, -2, 10**12], [], [uuid.UUID(int=7)], ['a "quoted", {one}\\', "%"]):
            kind = "uuid" if values and isinstance(values[0], uuid.UUID) else "text" if "%" in values else "bigint"
            cursor.execute(f"SELECT %s::{kind}[]", [array(values)])
            assert cursor.fetchone() == (values,)


def test_it_knows_relations_texts_and_identifiers(world: SimpleNamespace) -> None:
    assert list(Engagement.objects.filter(learner__any_of=[world.anna.pk])) == []
    assert list(LearningStep.objects.filter(engagement__learner__any_of=[1], pk__any_of=[uuid.uuid4()])) == []
    with as_owner():
        PausedAddress.objects.create(address="a@example.org", reason="refused", status="", since="2026-11-27T00:00Z")
        assert PausedAddress.objects.filter(pk__any_of=["a@example.org", "%"]).count() == 1
