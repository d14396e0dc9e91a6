"""The pool as a file: what the filters leave, in CSV and in a workbook; no learner, no address, no formula."""

from __future__ import annotations

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, RoleGrant, User
from engagements.models import CompanionLoad, CompanionProfile, Engagement
from engagements.states import State
from lernbegleitung import clock
from lernbegleitung.spreadsheets import csv_of, harmless, revived, xlsx_of

from .conftest import as_owner, confirm
from .people import make_companion, person

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def taken(client: Client, **filters: str) -> Any:
    return client.post(reverse("engagements:pool_export"), {"als": "csv", **filters})


def rows_in(response: Any) -> list[list[str]]:
    assert response.status_code == 200 and response.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig")), delimiter=";"))


def cells_in(book: bytes) -> list[list[Any]]:
    """The cells of a workbook's sheet: texts as they are, numbers as (number, is it a day)."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        strings = ["".join(node.itertext()) for node in ElementTree.fromstring(parts.read("xl/sharedStrings.xml"))]
        sheet = ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{SHEET}f")), "no formula"
    return [
        [
            strings[int(cell[0].text or 0)]
            if cell.get("t") == "s"
            else (float(cell[0].text or 0), cell.get("s") == "2")
            for cell in row
            if len(cell)
        ]
        for row in sheet.iter(f"{SHEET}row")
    ]


@pytest.fixture
def pool(world: SimpleNamespace) -> None:
    with as_owner():
        CompanionLoad.objects.filter(pk=world.ben.pk).update(taken=1, held=1)
        CompanionProfile.objects.filter(pk=world.ben.pk).update(qualified_until=date(2099, 5, 31), teaches=True)
        CompanionProfile.objects.get(pk=world.ben.pk).occasions.set([world.occasion])
        away = {"absent_from": clock.today() - timedelta(days=1), "absent_until": clock.today()}
        make_companion(
            person("=Carl", world.kiel, **away), languages=["de", "en"], in_training=True, qualified_until=None
        )


def test_a_row_says_what_the_page_says(world: SimpleNamespace, client_of: ClientOf, pool: None) -> None:
    response = taken(client_of(world.carla))
    assert rows_in(response) == [
        ["Name", "Dienststelle", "Region", "Anlässe", "Treffen", "Sprachen", "Plätze", "Belegt", "Vorgemerkt", "Frei",
         "Pausiert", "Abwesend", "Qualifiziert bis", "In Ausbildung", "Lehrkraft"],
        ["'=Carl Beispiel", "Kiel", "Nord", "", "Vor Ort, Per Video, Am Telefon", "Deutsch, Englisch", "3", "0", "0", "3",
         "nein", "ja", "", "ja", "nein"],
        ["Ben Beispiel", "Ulm", "Bayern", "Eigenes Thema", "Vor Ort, Per Video, Am Telefon", "Deutsch", "3", "1", "1", "1",
         "nein", "nein", "31.05.2099", "nein", "ja"],
    ]  # fmt: skip
    assert response["Content-Disposition"] == f'attachment; filename="lernbegleitende-{clock.today()}.csv"'
    assert response["Cache-Control"] == "no-store"


def test_a_workbook_has_numbers_and_days_and_no_formula(
    world: SimpleNamespace, client_of: ClientOf, pool: None
) -> None:
    with as_owner():
        User.objects.filter(pk=world.carla.pk).update(language="en")
    response = taken(client_of(world.carla), als="xlsx", q="Ulm")
    headings, row = cells_in(response.content)
    assert (headings[0], headings[6], headings[12]) == ("Name", "Places", "Qualified until")
    assert row == [
        "Ben Beispiel", "Ulm", "Bayern", "Own topic", "On site, By video, By phone", "German",
        (3.0, False), (1.0, False), (1.0, False), (1.0, False), "no", "no",
        (float((date(2099, 5, 31) - date(1899, 12, 30)).days), True), "no", "yes",
    ]  # fmt: skip
    assert cells_in(taken(client_of(world.carla), als="xlsx", q="Kiel").content)[1][0] == "=Carl Beispiel"


def test_the_file_has_whom_the_page_has(world: SimpleNamespace, client_of: ClientOf, pool: None) -> None:
    client = client_of(world.carla)
    for filters in (
        {},
        {"q": "ulm"},
        {"region": "nord"},
        {"sprache": "en"},
        {"anlass": "own_topic"},
        {"treffen": "phone"},
    ):
        page = client.get(reverse("engagements:pool"), filters).content.decode()
        names = {row[0].lstrip("'") for row in rows_in(taken(client, **filters))[1:]}
        assert names == {name for name in ("Ben Beispiel", "=Carl Beispiel") if f">{name}<" in page}, filters
        assert all(f'name="{name}" value="{value}"' in page for name, value in filters.items())


def test_there_is_no_learner_and_no_address_in_it(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Callable[..., Engagement]
) -> None:
    engagement_in(State.ACTIVE)
    with as_owner():
        addresses = list(User.objects.values_list("email", flat=True))
    page = taken(client_of(world.carla)).content.decode()
    assert "Ben Beispiel" in page and "Anna" not in page
    assert [address for address in addresses if address in page] == []


def test_who_asks_shows_who_it_is_and_leaves_an_audit_line(world: SimpleNamespace, client_of: ClientOf) -> None:
    client = client_of(world.carla)
    confirm(client, ago=600)
    response = taken(client)
    assert response.status_code == 302 and "/reauthenticate/" in response["Location"]
    confirm(client)
    taken(client)
    with as_owner():
        assert list(AuditEvent.objects.values_list("kind", "actor", "subject")) == [
            ("pool.exported", world.carla.pk, None)
        ]
    assert client_of(world.dirk).post(reverse("engagements:pool_export")).status_code == 403
    assert client.get(reverse("engagements:pool_export")).status_code == 405


def test_only_so_many_files_an_hour(world: SimpleNamespace, client_of: ClientOf) -> None:
    client = client_of(world.carla)
    assert [taken(client).status_code for _file in range(31)] == [200] * 30 + [429]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_thousand_companions_are_few_questions_and_little_memory(
    kind: str, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.carla)
    counts, peaks = [], []
    for number in (0, 1000):
        with as_owner():
            people = User.objects.bulk_create(
                User(email=f"b{n}@example.org", name=f"B {n}", agency=world.kiel) for n in range(number)
            )
            RoleGrant.objects.bulk_create(RoleGrant(user=p, role="companion", agency=world.kiel) for p in people)
            CompanionProfile.objects.bulk_create(
                CompanionProfile(user=p, formats=["phone"], languages=["de"]) for p in people
            )
            CompanionLoad.objects.bulk_create(CompanionLoad(companion=p) for p in people)
        tracemalloc.start()
        with CaptureQueriesContext(connection) as asked:
            assert len(taken(client, als=kind).content) > 100
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        counts.append(len(asked))
    assert counts[1] - counts[0] <= 2, "one more for each five hundred"
    assert peaks[1] < 20_000_000


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", " =1", "\r=1", "=HYPERLINK(1)"])
def test_no_cell_begins_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}" and revived(harmless(text)) == text
    body = csv_of([text], [[text, 1, None, date(2027, 12, 31)]])
    rows = list(csv.reader(io.StringIO(body.lstrip("\ufeff"), newline=""), delimiter=";"))
    assert rows == [[f"'{text}"], [f"'{text}", "1", "", "31.12.2027"]]
    assert cells_in(xlsx_of("x", ["h"], [[text]], day_format="yyyy-mm-dd"))[1] == [text.replace("\r", "_x000D_")]


@pytest.mark.parametrize("text", ["", "Anna", "'Anna", "a=b", "1-2", "ä", "'"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert harmless(text) == revived(text) == text
