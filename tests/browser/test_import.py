"""Dirk brings in a file with a refused line: preview, taking over by the real worker, the refused lines, and once more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, House
from .looking import assert_well

pytestmark = pytest.mark.browser
SOON = 30_000  # milliseconds: the worker hears a ring every two seconds, and may be sending mail
LIST = (
    "E-Mail-Adresse;Name;Dienststelle;Tätigkeit;Rolle;Zimmer\r\n"
    "ines.import@example.org;Ines Import;regensburg;Beratung;;12\r\n"
    "ingo.import@example.org;Ingo Import;nirgendwo;;;13\r\n"
)


def bring_in(page: Page, text: str, kind: str = "Personen", *, button: str = "Hochladen und ansehen") -> None:
    page.goto("/importe/")
    page.get_by_role("radio", name=kind).check()
    page.locator("input[type=file]").set_input_files(
        {"name": "liste.csv", "mimeType": "text/csv", "buffer": text.encode("cp1252")}
    )
    page.get_by_role("button", name=button).click()


def show_again_who_it_is(page: Page) -> None:
    """As before every change of roles; what was sent goes on by itself afterwards."""
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main button").first.click()


def test_a_file_is_looked_over_taken_over_and_unchanged_the_second_time(
    house: House, sign_in: Callable[..., Page], tmp_path: Path
) -> None:
    dirk = sign_in("dirk")
    dirk.goto("/personen/")
    dirk.get_by_role("link", name="Importieren").click()
    expect(dirk.get_by_role("radio", name="Personen")).to_be_checked()
    assert_well(dirk)
    with dirk.expect_download() as download:
        dirk.get_by_role("link", name="Vorlage herunterladen: Personen").click()
    assert download.value.path().read_bytes().startswith(b"\xef\xbb\xbfE-Mail-Adresse;Name;")

    bring_in(dirk, LIST)
    expect(dirk.get_by_role("heading", name="1 von 2 Zeilen würde etwas ändern.")).to_be_visible()
    expect(dirk.get_by_text("Eine Dienststelle mit dem Kürzel „nirgendwo“ gibt es nicht.")).to_be_visible()
    expect(dirk.get_by_text("unbekannt und werden übergangen: Zimmer")).to_be_visible()
    assert_well(dirk)

    dirk.get_by_role("button", name="Übernehmen …").click()
    show_again_who_it_is(dirk)
    dirk.get_by_role("checkbox", name="Die Einladung gleich senden (1)").check()
    assert_well(dirk)
    dirk.get_by_role("button", name="Übernehmen", exact=True).click()
    expect(dirk.get_by_role("heading", name="1 Zeile ist übernommen.")).to_be_visible(timeout=SOON)
    expect(dirk.locator("#meldung")).to_have_text("Fertig. Die Seite zeigt das Ergebnis.")
    assert_well(dirk)
    house.wait_for_mail("ines.import@example.org", "Einladung")

    with dirk.expect_download() as download:
        dirk.get_by_role("link", name="Abgelehnte Zeilen als CSV").click()
    assert download.value.suggested_filename == "abgelehnt.csv"
    refused = download.value.path().read_text("utf-8-sig").splitlines()
    assert refused[1].startswith(
        "3;Eine Dienststelle mit dem Kürzel „nirgendwo“ gibt es nicht.;ingo.import@example.org;"
    )

    bring_in(dirk, LIST.replace("nirgendwo", "regensburg").replace("ingo.", "ines.").replace("Ingo", "Ines"))
    expect(dirk.get_by_role("heading", name="Alles ist schon so, wie es in der Datei steht.")).to_be_visible()
    expect(dirk.get_by_role("button", name="Übernehmen …")).to_have_count(0)
    dirk.get_by_role("button", name="Verwerfen").click()
    expect(dirk.get_by_text("Die Datei und ihre Vorschau sind gelöscht.")).to_be_visible()


def test_the_pool_is_taken_along_as_the_filters_leave_it(sign_in: Callable[..., Page]) -> None:
    carla = sign_in("carla")
    carla.goto("/begleitende/plaetze/?region=rd-bayern")
    assert_well(carla)
    carla.get_by_role("button", name="Als CSV").click()
    with carla.expect_download() as download:
        show_again_who_it_is(carla)
    rows = download.value.path().read_text("utf-8-sig").splitlines()
    assert rows[0].startswith("Name;Dienststelle;Region;") and len(rows) > 1
    assert all(";Regionaldirektion Bayern;" in row for row in rows[1:])
    carla.goto("/begleitende/plaetze/")
    with carla.expect_download() as download:
        carla.get_by_role("button", name="Als Excel-Datei").click()
    assert download.value.path().read_bytes().startswith(b"PK")


def test_on_a_phone_in_the_dark_without_javascript(sign_in: Callable[..., Page]) -> None:
    dirk = sign_in("dirk", java_script_enabled=False, viewport={"width": 390, "height": 844}, color_scheme="dark")
    bring_in(dirk, "Name;Mail\r\nX;x@example.org\r\n")
    expect(dirk.get_by_text("In der ersten Zeile fehlt: Dienststelle.")).to_have_count(2)  # above, and beside the field
    agencies = "Kürzel;Name;Art;Gehört zu;Bundesland\r\naa-import-2;Zwei;Jobcenter;aa-import-1;BY\r\naa-import-1;Eins;agency;zentrale;BY\r\n"
    bring_in(dirk, agencies, "Dienststellen")
    dirk.get_by_role("button", name="Übernehmen …").click()
    show_again_who_it_is(dirk)
    dirk.get_by_role("button", name="Übernehmen", exact=True).click()
    for _try in range(120):
        if dirk.get_by_role("link", name="Stand aktualisieren").count() == 0:
            break
        dirk.wait_for_timeout(1000)
        dirk.get_by_role("link", name="Stand aktualisieren").click()
    expect(dirk.get_by_role("heading", name="2 Zeilen sind übernommen.")).to_be_visible()
