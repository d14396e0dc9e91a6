"""Carla assigns everybody at once: the real worker computes, she edits by keyboard, publishes, and takes it back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import House
from .looking import assert_well

pytestmark = pytest.mark.browser
SOON = 30_000  # milliseconds: the worker hears a ring every two seconds, and may be sending mail


def ask(page: Page, which: str, *, button: str = "Entwurf berechnen") -> None:
    page.goto("/zuordnung/alle/")
    page.locator("select[name=dienststelle]").select_option(which)
    page.get_by_role("button", name=button).click()


def test_a_draft_is_edited_by_keyboard_published_and_taken_back(house: House, sign_in: Callable[..., Page]) -> None:
    carla = sign_in("carla")
    earlier = len(house.mails_to("korbinian.huber@example.org"))
    carla.goto("/zuordnung/")
    carla.get_by_role("link", name="Alle zuordnen").click()
    assert_well(carla)
    ask(carla, "regensburg")

    # The page follows by itself.
    expect(carla.get_by_role("heading", name="1 von 1 Anfrage bekommt einen Vorschlag.")).to_be_visible(timeout=SOON)
    expect(carla.locator("#meldung")).to_have_text("Fertig. Die Seite zeigt das Ergebnis.")
    expect(carla.get_by_role("heading", name="Korbinian Huber")).to_be_visible()
    assert "zweiten Bildschirm" not in carla.content()
    assert_well(carla)
    first = carla.locator(".drafted .person b").first.inner_text()

    # Not this person, by keyboard: the place on the page is kept.
    carla.get_by_role("button", name="Nicht diese Person").focus()
    carla.keyboard.press("Enter")
    expect(carla.get_by_text("Noch nicht besetzt.")).to_be_visible()
    expect(carla.locator(".drafted-line:target")).to_have_count(1)
    carla.get_by_role("button", name="Neu berechnen").focus()
    carla.keyboard.press("Space")
    expect(carla.get_by_text("1 Anfrage bekommt jemand anderen.")).to_be_visible(timeout=SOON)
    second = carla.locator(".drafted .person b").first.inner_text()
    assert second != first
    assert_well(carla)
    carla.get_by_text("Andere Möglichkeiten").click()
    carla.get_by_role("button", name="Stattdessen").first.click()
    expect(carla.get_by_role("button", name="Nicht mehr behalten")).to_be_visible()
    chosen = carla.locator(".drafted .person b").first.inner_text()
    assert chosen not in (first, second)

    # Published with a question before; the learner has mail, and the proposal is there.
    carla.get_by_role("button", name="Veröffentlichen …").click()
    expect(carla.get_by_role("heading", name="1 Vorschlag veröffentlichen?")).to_be_visible()
    assert_well(carla)
    carla.get_by_role("button", name="Veröffentlichen", exact=True).click()
    expect(carla.get_by_role("heading", name="1 Vorschlag liegt bei der lernenden Person.")).to_be_visible(timeout=SOON)
    assert_well(carla)
    mail = house.wait_for_mail("korbinian.huber@example.org", "Vorschläge für Sie", beyond=earlier)
    assert chosen not in str(mail)
    learner = sign_in("korbinian.huber")
    learner.goto(re.search(r"https?://\S+", mail.get_body(("plain",)).get_content())[0])  # type: ignore[index]
    expect(learner.get_by_text(chosen, exact=True)).to_be_visible()

    # And back.
    carla.get_by_role("button", name="Alle zurücknehmen …").click()
    carla.get_by_role("button", name="Zurücknehmen", exact=True).click()
    expect(carla.get_by_text("1 Vorschlag ist zurückgenommen.")).to_be_visible(timeout=SOON)
    learner.reload()
    expect(learner.get_by_text(chosen, exact=True)).to_have_count(0)


def speak(page: Page, language: str) -> None:
    page.get_by_role("button", name=re.compile("^Konto: |^Account: ")).click()
    page.get_by_role("button", name=language).click()


def test_on_a_phone_in_english_in_the_dark(sign_in: Callable[..., Page]) -> None:
    phone = sign_in("carla", viewport={"width": 390, "height": 844}, color_scheme="dark")
    speak(phone, "English")
    ask(phone, "jc-muenchen", button="Compute a draft")
    expect(phone.get_by_role("heading", name="1 of 1 request gets a proposal.")).to_be_visible(timeout=SOON)
    assert_well(phone)
    phone.get_by_role("button", name="Leave out").click()
    expect(phone.get_by_text("1 request is left out.")).to_be_visible()
    phone.get_by_role("button", name="Take in again").click()
    phone.get_by_text("Other possibilities").click()
    assert_well(phone)
    phone.set_viewport_size({"width": 320, "height": 640})
    assert_well(phone)
    phone.get_by_role("button", name="Discard …").click()
    assert_well(phone)
    phone.get_by_role("button", name="Discard", exact=True).click()
    expect(phone.get_by_text("The draft is discarded.")).to_be_visible()
    assert_well(phone)
    speak(phone, "Deutsch")


def test_without_javascript_the_state_is_a_link_away(house: House, sign_in: Callable[..., Page]) -> None:
    plain = sign_in("carla", java_script_enabled=False)
    ask(plain, "jc-muenchen")
    for _try in range(120):
        if plain.get_by_role("link", name="Stand aktualisieren").count() == 0:
            break
        plain.wait_for_timeout(1000)
        plain.get_by_role("link", name="Stand aktualisieren").click()
    expect(plain.get_by_text("Lale Yıldız", exact=True)).to_be_visible()
    plain.get_by_role("button", name="Behalten").click()
    expect(plain.get_by_role("button", name="Nicht mehr behalten")).to_be_visible()
    plain.get_by_role("button", name="Verwerfen …").click()
    plain.get_by_role("button", name="Verwerfen", exact=True).click()
    expect(plain.get_by_text("Der Entwurf ist verworfen.")).to_be_visible()
