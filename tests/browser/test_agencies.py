"""An agency is made, moved and merged on a phone; a learner finds whom by place, needs and free places, without a script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORD
from .looking import assert_well
from .test_own_space import PHONE

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]


def show_it_is_me(page: Page) -> None:
    """Where the page asks for the password once more."""
    if page.locator("input[type=password]").count():
        page.locator("input[type=password]").fill(PASSWORD)
        page.locator("main button").first.click()


def test_an_agency_is_moved_and_then_goes_up_into_another(sign_in: SignIn) -> None:
    page = sign_in("dirk", viewport=PHONE)
    page.goto("/dienststellen/neu/")
    page.get_by_label("Name").fill("Agentur für Arbeit Neustadt")
    page.get_by_label("Kürzel").fill("neustadt")
    page.get_by_label("Art").select_option("agency")
    page.get_by_label("Gehört zu").select_option(label="– Regionaldirektion Nord")
    page.get_by_role("button", name="Speichern").click()
    page.locator("summary", has_text=re.compile(r"^\s*Regionaldirektion Nord \d")).click()
    page.get_by_role("link", name="Agentur für Arbeit Neustadt").click()
    page.get_by_role("link", name="Verschieben").click()
    show_it_is_me(page)
    page.get_by_label("Wozu soll sie künftig gehören?").select_option(label="– Regionaldirektion Bayern")
    page.get_by_role("button", name="Ansehen, was sich ändert").click()
    expect(page.get_by_role("heading", name="Das ändert sich")).to_be_visible()
    expect(page.get_by_text("video.example.org")).to_be_visible()
    assert_well(page)
    page.get_by_role("button", name="Verschieben").click()
    expect(page.get_by_text("gehört jetzt zu: Regionaldirektion Bayern")).to_be_visible()

    page.get_by_label("Name, Ort oder Kürzel").fill("NEUSTADT")
    page.get_by_role("button", name="Suchen").click()
    expect(page.get_by_role("status").filter(has_text="1 Dienststelle gefunden")).to_be_visible()
    page.get_by_role("link", name="Agentur für Arbeit Neustadt").click()
    page.get_by_role("link", name="In eine andere aufgehen lassen").click()
    page.get_by_label("In welche Dienststelle soll sie aufgehen?").select_option(
        label="– – Agentur für Arbeit Regensburg"
    )
    page.get_by_role("button", name="Ansehen, was sich ändert").click()
    expect(page.get_by_text("Das lässt sich nicht rückgängig machen")).to_be_visible()
    assert_well(page)
    page.get_by_role("button", name="Aufgehen lassen").click()
    expect(page.get_by_text("ist aufgegangen in: Agentur für Arbeit Regensburg")).to_be_visible()
    page.get_by_text("Aufgegangene Dienststellen").click()
    page.get_by_role("link", name="Agentur für Arbeit Neustadt").click()
    expect(page.get_by_text("aufgegangen in: Agentur für Arbeit Regensburg")).to_be_visible()
    assert_well(page)


def test_the_directory_is_filtered_on_a_phone_without_a_script(sign_in: SignIn) -> None:
    page = sign_in("anna", viewport=PHONE, java_script_enabled=False)
    page.goto("/begleitende/")
    page.get_by_label("Vor Ort in").fill("augsburg")
    page.get_by_label("Die Treffen brauchen").select_option(label="Schriftmittlung oder Untertitel")
    page.get_by_label("nur mit freiem Platz").check()
    page.get_by_role("button", name="Filtern").click()
    names = page.locator("article b").all_inner_texts()
    assert names == ["Lena Fuchs"]
    expect(page.get_by_text("Augsburg, Friedberg")).to_be_visible()
    page.get_by_label("Vor Ort in").fill("nirgendwo")
    page.get_by_role("button", name="Filtern").click()
    expect(page.get_by_role("heading", name="Dazu passt niemand")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Filter zurücksetzen$")).first.click()
    expect(page.get_by_role("link", name=re.compile("^Mehr"))).not_to_have_count(0)


def test_the_absent_companions_learner_finds_the_substitute(sign_in: SignIn) -> None:
    page = sign_in("julia.seidel", viewport=PHONE)
    page.goto("/begleitungen/")
    page.get_by_role("link", name=re.compile("Yusuf Demir")).first.click()
    expect(page.get_by_text("können Sie sich an Ruth Berger")).to_be_visible()
    assert_well(page)
