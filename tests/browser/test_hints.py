"""A hint when a text looks like a customer number, an account, a telephone or health; in the browser only, stopping nobody."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import House
from .looking import assert_well

pytestmark = pytest.mark.browser
EXAMPLES = {
    "DE89 3704 0044 0532 0130 00": "Kontonummer",
    "DE89370400440532013000": "Kontonummer",
    "Es ging um 815A123456 und den Bescheid.": "Kunden- oder Versicherungsnummer",
    "BG 35502//0012345": "Kunden- oder Versicherungsnummer",
    "65 170839 J 003": "Kunden- oder Versicherungsnummer",
    "Ich schreibe an max.muster@web.de": "E-Mail-Adresse",
    "Rückruf unter 0821 / 4567 123": "Telefonnummer",
    "mobil 01701234567": "Telefonnummer",
    "+49 821 4567123": "Telefonnummer",
    "Seit der Diagnose ist alles anders.": "Gesundheit",
    "Sie war krankgeschrieben.": "Gesundheit",
    "My colleague is on sick leave.": "Gesundheit",
}
HARMLESS = [
    "Am 25.11.2026 um 10:00 Uhr, Raum 0.123, drei von 10 Fragen.",
    "Vierte ist auch früh. 2026/2027, Paragraf 16 Abs. 1 SGB II",
    "Der Krebsgang der Verhandlungen, §§ 44 ff., 100 % von 1.000 Euro",
    "In 3 Tagen spreche ich mit 2 Kolleginnen über Plan A, Schritt 12345.",
]


def test_what_should_stay_out_is_noticed_and_nothing_else(house: House, sign_in: Callable[..., Page]) -> None:
    page = sign_in("greta")
    page.goto("/lerntagebuch/")
    area = page.get_by_label("Was ist mir aufgefallen?")
    hint = page.locator("[data-hint]").first
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    for text, word in EXAMPLES.items():
        area.fill(text)
        expect(hint).to_contain_text(word)
    assert_well(page)
    for text in HARMLESS:
        area.fill(text)
        expect(hint).to_be_empty()
    asked = {url.removeprefix(house.base) for url in sent if "/static/" not in url}
    assert asked <= {"/entwuerfe/sichern/"}, "looked at here only"
    area.fill("Rückruf unter 0821 4567123")
    page.get_by_role("button", name="Eintrag sichern").click()
    expect(page.get_by_text("Der Eintrag ist gesichert.")).to_be_visible()
