"""The access log: whoever opens somebody else's text is written down, whichever way it was opened."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError
from django.test import Client
from django.urls import reverse

from accounts.models import Opening, User
from accounts.views.own_data import WORDS
from engagements.models import Engagement, JournalEntry
from engagements.states import State
from lernbegleitung import rls
from lernbegleitung.audience import AUDIENCES
from lernbegleitung.vault import sealed_columns

from .conftest import as_owner
from .test_audiences import fill

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def engagement(engagement_in: Callable[..., Engagement]) -> Engagement:
    made = engagement_in(State.ACTIVE)
    fill(made, shared=True)
    with as_owner():
        Opening.objects.all().delete()
    return made


def lines() -> set[tuple[str, str, str]]:
    with as_owner():
        return {(o.kind, o.owner.name, o.reader.name) for o in Opening.objects.select_related("owner", "reader")}


def test_what_the_companion_opens_the_learner_reads(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client_of(world.ben).get(reverse("conversations:engagement", args=[engagement.pk]))
    assert {line[0] for line in lines()} == {
        "learningconcern", "agreement", "learningstep", "insight", "journalentry", "conversation", "goal",
    }  # fmt: skip
    assert {line[1:] for line in lines()} == {("Anna Beispiel", "Ben Beispiel")}
    page = client_of(world.anna).get(reverse("accounts:own_data")).content.decode()
    assert page.count("<td>Ben Beispiel</td>") == 7
    assert "Eintrag im Lerntagebuch" in page
    for nobody in (world.ben, world.carla, world.dirk, world.stranger):
        page = client_of(nobody).get(reverse("accounts:own_data")).content.decode()
        assert "Bisher hat niemand etwas von Ihnen geöffnet." in page


def test_reading_ones_own_is_not_kept(engagement: Engagement, world: SimpleNamespace, client_of: ClientOf) -> None:
    for name in ("conversations:today", "engagements:journal", "engagements:steps", "engagements:index"):
        client_of(world.anna).get(reverse(name))
    client_of(world.anna).get(reverse("conversations:engagement", args=[engagement.pk]))
    assert lines() == set()


def test_an_observation_is_the_companions_own(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    with as_owner():
        talk = engagement.conversations.get()
    client_of(world.anna).get(reverse("conversations:desk", args=[talk.pk]))
    assert lines() == {("observation", "Ben Beispiel", "Anna Beispiel")}
    assert "Angebotene Beobachtung" in client_of(world.ben).get(reverse("accounts:own_data")).content.decode()


def test_the_same_within_the_hour_is_one_line(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    for _time in range(3):
        client_of(world.ben).get(reverse("engagements:index"))
    with as_owner():
        assert Opening.objects.count() == 1


def every_text(model: Any) -> list[str]:
    return [getattr(item, name) for item in model._base_manager.all() for name in sealed_columns(model)]


@pytest.mark.parametrize("model", [m for m in AUDIENCES if sealed_columns(m)], ids=lambda m: m.__name__)
@pytest.mark.parametrize("who", ["anna", "ben"])
def test_no_way_to_a_text_goes_past_the_log(
    who: str, model: Any, engagement: Engagement, world: SimpleNamespace
) -> None:
    """Without a view, by the ORM alone: whoever sees somebody else's text leaves a line; whose it is, both agree."""
    person = getattr(world, who)
    with rls.acting_as(person.pk):
        seen = [text for text in every_text(model) if text]
    with as_owner():
        item = model._base_manager.first()
        foreign = AUDIENCES[model].owner(item) != person.pk
    assert (len(lines()) > 0) is (bool(seen) and foreign)
    assert all(line == (model._meta.model_name, *line[1:]) and line[2] == person.name for line in lines())


def test_when_the_log_cannot_be_written_the_page_is_not_shown(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(items: list[Any], reader_id: int) -> None:
        raise DatabaseError("no room")

    monkeypatch.setattr(rls, "opening_logs", [broken])
    client = client_of(world.ben)
    client.raise_request_exception = False
    response = client.get(reverse("conversations:engagement", args=[engagement.pk]))
    assert response.status_code == 500
    assert "GEHEIM" not in response.content.decode()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE accounts_opening SET reader_id = NULL",
        "DELETE FROM accounts_opening",
        "INSERT INTO accounts_opening (kind, item, engagement, owner_id, reader_id, at, hour)"
        " SELECT kind, item, engagement, owner_id, reader_id, at, hour FROM accounts_opening",
        "TRUNCATE accounts_opening",
    ],
)
def test_the_web_role_changes_no_line(sql: str, engagement: Engagement, world: SimpleNamespace) -> None:
    with rls.acting_as(world.ben.pk):
        assert every_text(JournalEntry)
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert len(lines()) == 1


def test_the_page_asks_the_same_with_more_lines(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf, assert_same_queries: Callable[..., None]
) -> None:
    from lernbegleitung import clock, ids

    def add(number: int) -> None:
        with as_owner():
            Opening.objects.create(
                kind="insight", item=ids.new_id(), engagement=engagement.pk, owner=world.anna, reader=world.ben,
                at=clock.now(), hour=clock.now(),
            )  # fmt: skip

    client = client_of(world.anna)
    assert_same_queries(lambda: client.get(reverse("accounts:own_data")), add)


def test_older_lines_are_on_the_next_page(engagement: Engagement, world: SimpleNamespace, client_of: ClientOf) -> None:
    import re

    from lernbegleitung import clock, ids

    with as_owner():
        Opening.objects.bulk_create(
            Opening(kind="insight", item=ids.new_id(), engagement=engagement.pk, owner=world.anna, reader=world.ben,
                    at=clock.now(), hour=clock.now()) for _n in range(45)
        )  # fmt: skip
    client, address = client_of(world.anna), reverse("accounts:own_data")
    page = client.get(address).content.decode()
    assert page.count("<td>Ben Beispiel</td>") == 40
    query = re.search(r'href="(\?vor=[^"]+)"', page)
    assert query and client.get(address + query[1]).content.decode().count("<td>Ben Beispiel</td>") == 5
    for nonsense in ("?vor=x", "?vor=2026-01-01~1", "?vor=2026-01-01T00:00:00%2B00:00~" + "9" * 40, "?vor=%00"):
        assert client.get(address + nonsense).status_code == 200


def test_whatever_can_be_opened_has_words_for_the_person_it_belongs_to() -> None:
    function = (settings.BASE_DIR / "conversations" / "policies.sql").read_text().split("FUNCTION log_openings", 1)[1]
    kinds = set(re.findall(r"(?:WHEN|o\.kind =) '(\w+)'", function.split("$$;", 1)[0]))
    assert len(kinds) > 12 and kinds == set(WORDS)
