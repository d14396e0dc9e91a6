"""How the database finds what a page shows, in an organisation of a thousand learners: by an index, never by reading a
table that grows from end to end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.models import User
from conversations.models import Appointment
from engagements.models import Engagement, LearningStep
from engagements.states import State
from lernbegleitung import rls

from .conftest import as_owner
from .test_generate import occasion

__all__ = ["occasion"]  # a fixture

pytestmark = pytest.mark.django_db
GROWING = 500  # rows from which on a table is read by an index only


@pytest.fixture
def people(occasion: None) -> None:
    with as_owner():
        call_command("generate", scale="1/100", stdout=StringIO())


@contextmanager
def plans() -> Iterator[list[tuple[str, Any]]]:
    """The plan of every statement that is asked meanwhile, as the one who asks it."""
    found: list[tuple[str, Any]] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if re.match(r"\s*(SELECT|UPDATE|DELETE|WITH)\b", sql) and not many and "set_config" not in sql:
            with context["connection"].connection.cursor() as cursor:
                cursor.execute("EXPLAIN (FORMAT JSON) " + sql, params)
                found.append((sql, cursor.fetchone()[0][0]["Plan"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield found


def read_whole(plan: dict[str, Any], big: set[str]) -> Iterator[str]:
    """The growing tables that a plan reads from end to end."""
    if plan["Node Type"] in ("Seq Scan", "Parallel Seq Scan") and plan["Relation Name"] in big:
        yield plan["Relation Name"]
    for part in plan.get("Plans", []):
        yield from read_whole(part, big)


def test_no_page_reads_a_growing_table_from_end_to_end(people: None, client_of: Callable[[User], Client]) -> None:
    with as_owner():
        with connection.cursor() as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [GROWING])
            big = {row[0] for row in cursor.fetchall()}
        engagement = Engagement.objects.select_related("learner", "companion").filter(state=State.ACTIVE).first()
        talk = engagement.conversations.order_by("appointment__starts_at").first()
        step = LearningStep.objects.filter(engagement=engagement, state="open").first()
        appointment = Appointment.objects.filter(engagement=engagement).order_by("-starts_at").first()
        coordinator = User.objects.get(email="koordination0@example.org")
        waiting = Engagement.objects.filter(state=State.REQUESTED, coordinating_agency=coordinator.agency).first()
    both = ["/heute/", "/begleitungen/", f"/begleitungen/{engagement.pk}/", f"/gespraeche/{talk.pk}/",
            f"/gespraeche/{talk.pk}/vorbereiten/", f"/termine/{appointment.pk}/", "/suchen/?q=Hand", "/gespraeche/", "/erinnerungen/", "/begleitende/", "/meine-daten/"]  # fmt: skip
    pages = {
        engagement.learner: [*both, "/lernschritte/", f"/lernschritte/{step.pk}/antwort/", "/lerntagebuch/", "/erkenntnisse/",
                             ],
        engagement.companion: both,
        coordinator: ["/zuordnung/", f"/zuordnung/{waiting.pk}/", "/begleitende/plaetze/"],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL random_page_cost = 1.1")  # as ops/roles.sql has it
    wrong = []
    for person, addresses in pages.items():
        client = client_of(person)
        for address in addresses:
            with plans() as found:
                status = client.get(address).status_code
            assert status == 200 and found, address
            for sql, plan in found:
                words = re.sub("SELECT .*? FROM", "SELECT … FROM", sql)[:300]
                wrong += [f"{address}: {table} in {words}" for table in set(read_whole(plan, big))]
    assert not wrong, "\n".join(wrong)
    with plans() as found, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM engagements_learningstep")
    assert list(read_whole(found[0][1], big)), "this test sees it where one does"


def rows_read(plan: dict[str, Any]) -> float:
    """How many rows all steps of a plan looked at, those thrown away included."""
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return own + sum(rows_read(part) for part in plan.get("Plans", []))


@pytest.mark.parametrize("function", ["app_partners", "app_requesters"])
def test_whom_one_may_see_is_found_without_reading_the_requests_of_others(people: None, function: str) -> None:
    """Asked of the database with every person on every page: what it reads may not grow with the organisation."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [function])
        (body,) = cursor.fetchone()
        waiting = Engagement.objects.filter(state=State.REQUESTED)
        assert waiting.count() == 50
        looked = {}
        for login in ("lernen0", "begleitung1", "koordination0"):
            person = User.objects.get(email=f"{login}@example.org")
            cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(person.pk)])
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + body)
            looked[login] = rows_read(cursor.fetchone()[0][0]["Plan"])
    assert looked["lernen0"] < 50 and looked["begleitung1"] < 200, looked  # a companion has forty companionships
    assert looked["koordination0"] < 200, looked


def test_whose_request_one_coordinates_is_found_by_index(people: None) -> None:
    """For ten people, half of them strangers: read are the requests of the own agencies, not all engagements there are."""
    with as_owner():
        coordinator = User.objects.get(email="koordination0@example.org")
        waiting = Engagement.objects.filter(state=State.REQUESTED).order_by("pk").values_list("learner", flat=True)
        theirs = list(waiting.filter(coordinating_agency=coordinator.agency)[:5])
        others = list(waiting.exclude(coordinating_agency=coordinator.agency)[:5])
    with rls.acting_as(coordinator.pk), connection.cursor() as cursor:
        cursor.execute("SET LOCAL random_page_cost = 1.1")  # as ops/roles.sql has it
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT name FROM accounts_user WHERE id = ANY(%s)", [theirs + others]
        )
        plan = cursor.fetchone()[0][0]["Plan"]
    assert (plan["Actual Rows"], len(theirs), len(others)) == (5, 5, 5)
    assert rows_read(plan) < 150, rows_read(plan)
