"""How long it may take: from the last quarter, of enough people, or an honest "cannot be said"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Agency, User
from engagements.models import Engagement, WaitingFigure
from engagements.states import State
from engagements.tasks import freeze_waiting_figures
from engagements.waiting import last_quarter
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, person

pytestmark = pytest.mark.django_db


def ring() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
    try:
        return freeze_waiting_figures()["figures"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_app")


@pytest.fixture
def took(world: SimpleNamespace) -> Callable[..., None]:
    """Requests of the last quarter, each by somebody else: how many weeks each took, and how many companions share them."""
    numbers = iter(range(1000))

    def make(agency: Agency, weeks: list[float], *, companions: int) -> None:
        first = clock.today().replace(month=(clock.today().month - 1) // 3 * 3 + 1, day=1)
        introduced = clock.now() - timedelta(days=(clock.today() - first).days + 20)
        with as_owner():
            people = [make_companion(person(f"B{next(numbers)}", world.kiel), capacity=12) for _n in range(companions)]
            for place, number in enumerate(weeks):
                Engagement.objects.bulk_create([Engagement(
                    learner=person(f"L{next(numbers)}", agency), companion=people[place % companions], state="active",
                    coordinating_agency=world.south, introduced_at=introduced,
                    requested_at=introduced - timedelta(weeks=number),
                )])  # fmt: skip

    return make


def figures() -> list[tuple[str | None, int | None, int | None]]:
    with as_owner():
        rows = WaitingFigure.objects.order_by("area__code").values_list("area__code", "weeks_from", "weeks_to")
        assert {row.quarter for row in WaitingFigure.objects.all()} <= {last_quarter()}
        return list(rows)


def test_of_enough_people_and_frozen(world: SimpleNamespace, took: Callable[..., None]) -> None:
    took(world.augsburg, [1, 1, 2, 2, 3, 3, 4.5, 20], companions=4)
    took(world.kiel, [9] * 6, companions=3)  # six are too few for the north, and count for all
    assert ring() == 2
    assert figures() == [("bayern", 1, 4), (None, 2, 9)]
    took(world.augsburg, [30] * 20, companions=4)
    assert ring() == 2
    assert figures() == [("bayern", 1, 4), (None, 2, 9)], "what was told stays as it was told"


@pytest.mark.parametrize(("weeks", "companions"), [([2] * 6, 3), ([2] * 9, 2)], ids=["six learners", "two companions"])
def test_of_too_few_nothing_is_said(
    weeks: list[float], companions: int, world: SimpleNamespace, took: Callable[..., None]
) -> None:
    took(world.augsburg, weeks, companions=companions)
    assert ring() == 1
    assert figures() == [(None, None, None)]


def test_nor_where_one_companion_had_more_than_half(world: SimpleNamespace, took: Callable[..., None]) -> None:
    took(world.augsburg, [2] * 2, companions=2)
    took(world.augsburg, [2] * 6, companions=1)
    ring()
    assert figures() == [(None, None, None)]


def test_only_the_job_writes_and_it_names_nobody(world: SimpleNamespace) -> None:
    assert {field.name for field in WaitingFigure._meta.fields} == {"id", "area", "quarter", "weeks_from", "weeks_to"}
    with rls.acting_as(world.dirk.pk), pytest.raises(ProgrammingError), transaction.atomic():
        WaitingFigure.objects.create(quarter=last_quarter())


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [("south", 1, 3), (None, 2, 9)],
            "In Ihrer Region dauerte es im letzten Quartal meist zwischen 1 und 3 Wochen",
        ),
        ([("north", 1, 3), (None, 2, 9)], "Insgesamt dauerte es im letzten Quartal meist zwischen 2 und 9 Wochen"),
        ([("south", 0, 1), (None, 2, 9)], "In Ihrer Region dauerte es im letzten Quartal meist höchstens 1 Woche"),
        ([(None, None, None)], "lässt sich gerade nicht sagen"),
        ([], "lässt sich gerade nicht sagen"),
    ],
)
def test_whoever_waits_reads_an_honest_estimate_and_what_can_be_done(
    rows: list[tuple[str | None, int | None, int | None]],
    said: str,
    world: SimpleNamespace,
    client_of: Callable[[User], Client],
    engagement_in: Callable[..., Engagement],
) -> None:
    engagement = engagement_in(State.REQUESTED)
    with as_owner():
        for area, least, most in rows:
            where = getattr(world, area) if area else None
            WaitingFigure.objects.create(area=where, quarter=last_quarter(), weeks_from=least, weeks_to=most)
        WaitingFigure.objects.create(area=world.south, quarter="2020-Q1", weeks_from=40, weeks_to=50)
    address = reverse("conversations:engagement", args=[engagement.pk])
    page = client_of(world.anna).get(address).content.decode()
    assert said in " ".join(page.split()) and "zwischen 40" not in page
    for name in ("forward", "withdraw"):
        assert reverse(f"engagements:{name}", args=[engagement.pk]) in page
    assert reverse("engagements:direct_line") in page.split("wartet-titel")[-1]
