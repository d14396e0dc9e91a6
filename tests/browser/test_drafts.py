"""Nothing typed is lost in a real browser: a closed tab, a cut connection, an ended session, two devices, no script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, House
from .looking import assert_well

pytestmark = pytest.mark.browser
JOURNAL = "/lerntagebuch/"
SignIn = Callable[..., Page]


def write(page: Page, text: str) -> None:
    page.get_by_label("Was ist mir aufgefallen?").fill(text)


def text_of(page: Page) -> str:
    return page.get_by_label("Was ist mir aufgefallen?").input_value()


def status(page: Page) -> object:
    return expect(page.locator("[data-draft-status]").first)


def test_a_closed_tab_takes_nothing_with_it(house: House, sign_in: SignIn) -> None:
    page = sign_in("greta")
    page.goto(JOURNAL)
    write(page, "Mitten im Satz schließt sich der")
    status(page).to_contain_text("Entwurf gesichert")
    assert_well(page)
    again = page.context.new_page()
    page.close(run_before_unload=False)
    again.goto("/heute/")
    expect(again.get_by_role("heading", name="Angefangen und noch nicht gespeichert")).to_be_visible()
    again.get_by_role("link", name=re.compile("Weiterschreiben")).click()
    assert text_of(again) == "Mitten im Satz schließt sich der"
    again.get_by_role("button", name="Eintrag sichern").click()
    expect(again.get_by_text("Der Eintrag ist gesichert.")).to_be_visible()
    assert text_of(again) == ""
    assert again.evaluate("Object.keys(localStorage).filter((key) => key !== 'theme')") == []


def test_a_cut_connection_holds_the_text_and_catches_up(house: House, sign_in: SignIn) -> None:
    page = sign_in("greta")
    page.goto(JOURNAL)
    write(page, "Vor dem Tunnel")
    status(page).to_contain_text("Entwurf gesichert")
    page.context.set_offline(True)
    write(page, "Vor dem Tunnel und im Tunnel")
    status(page).to_contain_text("Keine Verbindung")
    page.get_by_role("button", name="Eintrag sichern").click()
    status(page).to_contain_text("Keine Verbindung")
    assert text_of(page) == "Vor dem Tunnel und im Tunnel", "nothing is sent into the dark"
    page.context.set_offline(False)
    status(page).to_contain_text("Entwurf gesichert")
    page.get_by_role("button", name="Eintrag sichern").click()
    expect(page.get_by_text("Der Eintrag ist gesichert.")).to_be_visible()
    expect(page.get_by_text("Vor dem Tunnel und im Tunnel")).to_be_visible()


def test_after_signing_in_again_in_a_second_window_the_first_goes_on(house: House, sign_in: SignIn) -> None:
    page = sign_in("greta")
    page.goto(JOURNAL)
    write(page, "Bevor die Sitzung endet")
    status(page).to_contain_text("Entwurf gesichert")
    cookies = [cookie for cookie in page.context.cookies() if "session" not in cookie["name"]]
    page.context.clear_cookies()
    page.context.add_cookies(cookies)
    write(page, "Bevor die Sitzung endet, und danach")
    status(page).to_contain_text("Ihre Anmeldung ist abgelaufen")
    second = page.context.new_page()
    second.goto("/accounts/login/")
    second.locator("input[type=email]").fill("greta@example.org")
    second.locator("input[type=password]").fill(PASSWORD)
    second.locator("main button").first.click()
    second.wait_for_url(re.compile("/heute/"))
    status(page).to_contain_text("Entwurf gesichert", timeout=15_000)
    page.get_by_role("button", name="Eintrag sichern").click()
    expect(page.get_by_text("Der Eintrag ist gesichert.")).to_be_visible()
    expect(page.get_by_text("Bevor die Sitzung endet, und danach")).to_be_visible()


def test_two_devices_show_both(house: House, sign_in: SignIn) -> None:
    desk, phone = sign_in("greta"), sign_in("greta", viewport={"width": 390, "height": 844})
    for page, text in ((desk, "Am Schreibtisch begonnen"), (phone, "Auf dem Weg begonnen")):
        page.goto(JOURNAL)
        if page is phone:
            page.get_by_text("Entwurf verwerfen").click()
            page.get_by_role("link", name="Weiterschreiben").click()
        write(page, text)
        status(page).to_contain_text("Entwurf gesichert")
    write(desk, "Am Schreibtisch begonnen und weitergeschrieben")
    status(desk).to_contain_text("Entwurf gesichert")
    phone.goto(JOURNAL)
    assert text_of(phone) == "Am Schreibtisch begonnen und weitergeschrieben"
    phone.get_by_text("Noch ein Entwurf").click()
    expect(phone.get_by_text("Auf dem Weg begonnen")).to_be_visible()
    assert_well(phone)
    for _each in range(2):
        phone.get_by_role("link", name="Entwurf verwerfen").click()
        phone.get_by_role("button", name="Verwerfen").click()
    assert text_of(phone) == ""


def test_without_javascript_an_ended_session_gives_the_text_back(house: House, sign_in: SignIn) -> None:
    page = sign_in("greta", java_script_enabled=False)
    page.goto(JOURNAL)
    write(page, "Ohne Script geschrieben")
    cookies = [cookie for cookie in page.context.cookies() if "session" not in cookie["name"]]
    page.context.clear_cookies()
    page.context.add_cookies(cookies)
    page.get_by_role("button", name="Eintrag sichern").click()
    expect(page.get_by_text("Ihr Text ist nicht verloren")).to_be_visible()
    page.locator("input[type=email]").fill("greta@example.org")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main button").first.click()
    page.wait_for_url(re.compile(JOURNAL))
    assert text_of(page) == "Ohne Script geschrieben"
    page.get_by_role("button", name="Eintrag sichern").click()
    expect(page.get_by_text("Der Eintrag ist gesichert.")).to_be_visible()
