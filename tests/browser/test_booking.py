"""Booking in the browser: a companion offers, a learner books in three clicks, by keyboard, on a phone, without a script."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from .conftest import House
from .looking import assert_well
from .test_own_space import PHONE, press, tab_to

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]


def companionship(page: Page, name: str) -> str:
    """Opens the page of the two; answers its address."""
    page.goto("/begleitungen/")
    page.get_by_role("link", name=re.compile(name)).first.click()
    page.wait_for_url(re.compile(r"/begleitungen/[-\w]{36}/"))
    return page.url


def test_a_companion_offers_times_and_sees_what_learners_find(house: House, sign_in: SignIn) -> None:
    page = sign_in("nadja.wolf")
    page.goto("/zeiten/")
    expect(page.get_by_text("Noch bieten Sie keine Zeiten an.")).to_be_visible()
    assert_well(page)
    form = page.locator("form", has=page.get_by_role("button", name="Zeit hinzufügen"))
    form.get_by_label("Wochentag").select_option(label="Donnerstag")
    form.get_by_label("Von").fill("09:00")
    form.get_by_label("Bis").fill("08:00")
    form.get_by_role("button", name="Zeit hinzufügen").click()
    expect(page.get_by_text("Das Ende liegt vor dem Anfang.").first).to_be_visible()
    assert_well(page)
    form.get_by_label("Bis").fill("11:00")
    form.get_by_role("button", name="Zeit hinzufügen").click()
    preview = page.get_by_role("region", name="So finden es Lernende")
    expect(preview.get_by_text("09:30").first).to_be_visible()

    # Away and back, in the same place, by keyboard.
    tab_to(page, page.get_by_role("button", name=re.compile("Entfernen.*Donnerstag")))
    page.keyboard.press("Enter")
    undo = page.get_by_role("button", name="Rückgängig")
    expect(undo).to_be_focused()
    expect(preview.get_by_text("09:30")).to_have_count(0)
    assert_well(page)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Die Zeit gilt wieder.")).to_be_visible()
    expect(preview.get_by_text("09:30").first).to_be_visible()
    assert_well(page)


def test_a_learner_books_in_three_clicks_by_keyboard_and_both_get_a_mail(house: House, sign_in: SignIn) -> None:
    page = sign_in("katrin.maier")
    companionship(page, "Vera Lang")
    press(page, "link", "Termin buchen")
    page.wait_for_url(re.compile("/termine/buchen/"))
    assert_well(page)
    slot = page.locator("a.slot").first
    tab_to(page, slot)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("beginn="))
    assert_well(page)
    press(page, "button", "Termin buchen")
    expect(page.get_by_text("Der Termin steht.")).to_be_visible()
    assert_well(page)
    for address in ("katrin.maier@example.org", "vera.lang@example.org"):
        mail = house.wait_for_mail(address, "Ein neuer Termin")
        calendar = next(mail.iter_attachments()).get_content()
        assert "METHOD:REQUEST" in (calendar if isinstance(calendar, str) else calendar.decode())


def test_booking_without_javascript_on_a_phone_and_being_late(house: House, sign_in: SignIn) -> None:
    late = sign_in("sophie.klein", java_script_enabled=False, viewport=PHONE)
    companionship(late, "Vera Lang")
    late.get_by_role("link", name="Termin buchen").first.click()
    late.get_by_role("link", name="30 Minuten").click()
    expect(late.get_by_role("link", name="30 Minuten")).to_have_attribute("aria-current", "true")
    late.locator("a.slot").nth(3).click()
    wanted = late.url
    late.get_by_role("button", name="Termin buchen").click()
    expect(late.get_by_text("Der Termin steht.")).to_be_visible()
    late.goto(wanted)
    expect(late.get_by_text("Schon vergeben:")).to_be_visible()
    late.locator("a.slot").first.click()
    expect(late.get_by_role("button", name="Termin buchen")).to_be_visible()

    phone = sign_in("sophie.klein", viewport=PHONE)
    for address in (wanted, wanted.partition("?")[0]):
        phone.goto(address)
        assert_well(phone)


def test_dates_are_proposed_and_one_is_taken(house: House, sign_in: SignIn) -> None:
    companion, learner = sign_in("petra.kuehn", viewport=PHONE), sign_in("martin.roth", viewport=PHONE)
    companionship(companion, "Martin Roth")
    companion.get_by_role("link", name="Termin buchen").first.click()
    companion.get_by_role("link", name="Termine vorschlagen").click()
    for number, days in ((1, 2), (2, 3)):
        companion.locator(f"#id_day{number}").fill(f"{house.now.date() + timedelta(days=days):%Y-%m-%d}")
        companion.locator(f"#id_time{number}").fill("07:15")
    companion.get_by_label("Am Telefon").check()
    assert_well(companion)
    companion.get_by_role("button", name="Vorschlagen").click()
    expect(companion.get_by_text("Vorgeschlagen.")).to_be_visible()
    assert_well(companion)
    mail = house.wait_for_mail("martin.roth@example.org", "Termine zur Auswahl")
    text = mail.get_body(("plain",)).get_content()
    assert "Petra" not in text and "07:15" not in text

    learner.goto("/heute/")
    expect(learner.get_by_text("schlägt Ihnen Termine vor")).to_be_visible()
    assert_well(learner)
    learner.goto(re.search(r"https?://\S+", text)[0])  # type: ignore[index]
    assert_well(learner)
    learner.get_by_role("radio").nth(1).check()
    learner.get_by_role("button", name="Diesen Termin nehmen").click()
    expect(learner.get_by_text("Der Termin steht.")).to_be_visible()
    expect(learner.get_by_text("07:15 bis 08:15 Uhr")).to_be_visible()
    assert_well(learner)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_well_in_english_in_light_and_dark(scheme: str, house: House, sign_in: SignIn) -> None:
    page = sign_in("vera.lang", "en", color_scheme=scheme)
    for address in ("/zeiten/", "/heute/"):
        page.goto(address)
        assert_well(page)
    companionship(page, "Sophie Klein")
    page.goto(f"{page.url}termine/buchen/")
    assert_well(page)
    page.goto(page.url.replace("buchen", "vorschlagen"))
    assert_well(page)
