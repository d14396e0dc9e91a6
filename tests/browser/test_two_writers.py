"""The desk of a talk with several people at it: nothing typed is lost, both see what comes, contradictions are shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from .conftest import House
from .looking import assert_well
from .talks import make_talk

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]
EDITS = 250  # by each of two devices


def open_part(page: Page, number: int) -> Locator:
    part = page.locator(f"#teil-{number}")
    if part.get_attribute("open") is None:
        part.locator("summary").first.click()
    return page.locator(f"#text-{number}")


def saved(page: Page, number: int) -> None:
    expect(page.locator(f"#teil-{number} [data-status]").first).to_contain_text("Gespeichert", timeout=20_000)


def test_five_hundred_interleaved_edits_and_not_one_is_lost(house: House, sign_in: SignIn) -> None:
    """Greta writes on two devices into the same part, at its beginning and at its end, while Ben notes and offers."""
    desk, phone, ben = sign_in("greta"), sign_in("greta", viewport={"width": 390, "height": 844}), sign_in("ben")
    address = make_talk(ben, house, "Greta", "08:30")
    for page in (desk, phone, ben):
        page.goto(address)
    at_desk, on_phone = open_part(desk, 2), open_part(phone, 2)
    open_part(ben, 2) if ben.locator("#text-2").count() else ben.locator("#teil-2 summary").first.click()
    at_desk.fill("Anfang. Ende.")
    saved(desk, 2)
    expect(on_phone).to_have_value("Anfang. Ende.", timeout=15_000)
    at_desk.evaluate("(area) => { area.focus(); area.setSelectionRange(7, 7); }")
    on_phone.evaluate("(area) => { area.focus(); area.setSelectionRange(area.value.length, area.value.length); }")
    notes = ben.get_by_label("Beobachtungen zum Spiegeln")
    notes.focus()
    for number in range(EDITS):
        desk.keyboard.type(f" links{number}")
        phone.keyboard.type(f" rechts{number}")
        if number % 25 == 0:
            ben.keyboard.type(f"Notiz{number} ")
            desk.wait_for_timeout(900)  # a pause, in which all of them save
    for page in (desk, phone):
        saved(page, 2)
    desk.wait_for_timeout(9_000)
    found = at_desk.input_value()
    assert found == on_phone.input_value(), "both devices show the same"
    words = found.split()
    assert [w for w in words if w.startswith("links")] == [f"links{n}" for n in range(EDITS)]
    assert [w for w in words if w.startswith("rechts")] == [f"rechts{n}" for n in range(EDITS)]
    desk.reload()
    assert open_part(desk, 2).input_value() == found, "and so it is stored"
    expect(ben.locator("[data-live='text-2']")).to_contain_text("rechts249", timeout=15_000)
    ben.reload()
    written = [word for word in notes.input_value().split() if word.startswith("Notiz")]
    assert written == [f"Notiz{n}" for n in range(0, EDITS, 25)]
    assert ben.complaints == desk.complaints == phone.complaints == []  # type: ignore[attr-defined]
    at_desk.fill("")
    saved(desk, 2)


def test_a_page_that_was_fetched_before_a_save_takes_nothing_back(house: House, sign_in: SignIn) -> None:
    desk, phone = sign_in("greta"), sign_in("greta", viewport={"width": 390, "height": 844})
    address = make_talk(sign_in("ben"), house, "Greta", "14:30")
    for page in (desk, phone):
        page.goto(address)
    at_desk, on_phone = open_part(desk, 2), open_part(phone, 2)
    at_desk.fill("Anfang. Ende.")
    saved(desk, 2)
    expect(on_phone).to_have_value("Anfang. Ende.", timeout=15_000)
    held: list[tuple[Route, APIResponse]] = []
    desk.route(f"**{address}", lambda route: route.continue_() if held else held.append((route, route.fetch())))
    on_phone.fill("Am Telefon. Anfang. Ende.")
    saved(phone, 2)
    for _second in range(60):
        desk.wait_for_timeout(1_000)
        if held:
            break
    at_desk.press("End")
    desk.keyboard.type(" Am Schreibtisch.")
    expect(at_desk).to_have_value("Am Telefon. Anfang. Ende. Am Schreibtisch.", timeout=15_000)  # merged by the server
    saved(desk, 2)
    for route, answer in held:
        assert "Am Telefon." in answer.text() and "Am Schreibtisch." not in answer.text(), "older than what is here"
        route.fulfill(response=answer)
    desk.wait_for_timeout(1_000)
    assert at_desk.input_value() == "Am Telefon. Anfang. Ende. Am Schreibtisch."
    assert len(held) == 1
    desk.unroute(f"**{address}")
    at_desk.fill("")
    saved(desk, 2)


def test_where_both_change_the_same_words_both_versions_are_shown(house: House, sign_in: SignIn) -> None:
    desk, phone = sign_in("greta"), sign_in("greta", viewport={"width": 390, "height": 844})
    address = make_talk(sign_in("ben"), house, "Greta", "09:30")
    desk.goto(address)
    open_part(desk, 1).fill("Ich war still.")
    saved(desk, 1)
    phone.goto(address)
    on_phone = open_part(phone, 1)
    phone.context.set_offline(True)
    on_phone.fill("Ich war leise.")
    open_part(desk, 1).fill("Ich war laut.")
    saved(desk, 1)
    phone.context.set_offline(False)
    expect(phone.get_by_text("Beide Fassungen sind da.")).to_be_visible(timeout=15_000)
    on_phone.press_sequentially(" Und weiter.")
    phone.wait_for_timeout(1_500)
    assert on_phone.input_value() == "Ich war leise. Und weiter."
    desk.reload()
    assert open_part(desk, 1).input_value() == "Ich war laut.", "nothing is overwritten before somebody has chosen"
    phone.complaints[:] = [c for c in phone.complaints if "ERR_INTERNET_DISCONNECTED" not in c]  # type: ignore[attr-defined]
    assert_well(phone)
    phone.get_by_role("button", name="Beide behalten").click()
    saved(phone, 1)
    expect(open_part(desk, 1)).to_have_value("Ich war laut.\n\nIch war leise. Und weiter.", timeout=15_000)
    open_part(desk, 1).fill("")
    saved(desk, 1)


def test_what_the_companion_offers_appears_by_itself(house: House, sign_in: SignIn) -> None:
    greta, ben = sign_in("greta"), sign_in("ben")
    address = make_talk(ben, house, "Greta", "10:30")
    greta.goto(address)
    ben.goto(address)
    for page in (greta, ben):
        if page.locator("#teil-1").get_attribute("open") is None:
            page.locator("#teil-1 summary").first.click()
    ben.locator("#teil-1").get_by_text("Beobachtung oder Vorschlag anbieten").click()
    ben.locator("#beobachtung-1").fill("Sie haben dreimal tief eingeatmet.")
    ben.locator("#teil-1").get_by_role("button", name="Anbieten").click()
    offered = greta.locator("[data-live='beobachtungen-1']")
    expect(offered).to_contain_text("Sie haben dreimal tief eingeatmet.", timeout=15_000)
    assert_well(greta)
    note = offered.locator(".note").filter(has_text="Sie haben dreimal tief eingeatmet.")
    note.get_by_role("button", name="Nicht übernehmen").click()
    seen = ben.locator("[data-live='beobachtungen-1'] .note").filter(has_text="Sie haben dreimal tief eingeatmet.")
    expect(seen).to_contain_text("nicht übernommen", timeout=15_000)


def kept_on_device(page: Page) -> list[str]:
    """What lies in the browser's storage beside the colour scheme."""
    return page.evaluate(
        "Object.entries(localStorage).filter(([key]) => key !== 'theme').map(([key, value]) => key + value)"
    )


def until(page: Page, number: int) -> None:
    """Wait until so many texts are kept on the device."""
    for _look in range(50):
        if len(kept_on_device(page)) == number:
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{len(kept_on_device(page))} texts on the device, not {number}")


def test_a_tab_closed_without_a_connection_gives_the_words_back_and_signing_out_forgets_them(
    house: House, sign_in: SignIn
) -> None:
    page = sign_in("greta")
    address = make_talk(sign_in("ben"), house, "Greta", "11:30")
    page.goto(address)
    open_part(page, 4).fill("Am Bahnsteig")
    saved(page, 4)
    assert kept_on_device(page) == []
    page.context.set_offline(True)
    open_part(page, 4).fill("Am Bahnsteig und im Tunnel")
    expect(page.locator("#teil-4 [data-status]").first).to_contain_text("Keine Verbindung")
    until(page, 1)
    assert len(kept_on_device(page)) == 1 and "Tunnel" not in kept_on_device(page)[0]
    page.close(run_before_unload=False)
    again = page.context.new_page()
    page.context.set_offline(False)
    again.goto(address)
    expect(again.locator("#text-4")).to_have_value("Am Bahnsteig und im Tunnel")
    saved(again, 4)
    until(again, 0)
    page.context.set_offline(True)
    again.locator("#text-4").fill("Noch etwas")
    until(again, 1)
    page.context.set_offline(False)
    saved(again, 4)
    again.evaluate("localStorage.setItem('ungesendet:left', 'something')")
    again.get_by_role("button", name=re.compile("^Konto: ")).click()
    again.get_by_role("button", name="Abmelden", exact=True).click()
    expect(again.get_by_role("link", name="Anmelden").first).to_be_visible()
    assert kept_on_device(again) == []


def test_what_another_session_left_is_not_opened_and_goes(house: House, sign_in: SignIn) -> None:
    page = sign_in("greta")
    address = make_talk(sign_in("ben"), house, "Greta", "12:30")
    page.goto(address)
    before = open_part(page, 1).input_value()
    page.evaluate(
        f"localStorage.setItem('ungesendet:{address}teil/1/', btoa('x'.repeat(12)) + '.' + btoa('y'.repeat(40)))"
    )
    page.reload()
    until(page, 0)
    assert open_part(page, 1).input_value() == before


def test_the_quiet_view_shows_the_talk_alone_and_the_clock_is_gentle(house: House, sign_in: SignIn) -> None:
    page, ben = sign_in("greta"), sign_in("ben", viewport={"width": 390, "height": 844})
    address = make_talk(ben, house, "Greta", "13:30")
    page.goto(address)
    ends = datetime.fromisoformat(page.locator("[data-clock]").get_attribute("data-ends") or "")
    expect(page.locator("[data-clock]")).to_be_empty()
    page.get_by_role("link", name="Ruhige Ansicht").click()
    expect(page.get_by_role("heading", name="Nur für mich")).to_be_hidden()
    expect(page.get_by_role("heading", name="Vorbereitung")).to_be_hidden()
    expect(page.get_by_role("navigation", name="Hauptbereiche")).to_be_hidden()
    assert page.locator("#text-4").evaluate("(area) => parseFloat(getComputedStyle(area).fontSize)") >= 20
    assert_well(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert_well(page)
    open_part(page, 4).press_sequentially("Ruhig. ")
    saved(page, 4)
    for minutes, words in ((-25, "noch etwa 25 Minuten"), (-2, "noch wenige Minuten"), (3, "Die Zeit ist um")):
        page.clock.set_fixed_time(ends + timedelta(minutes=minutes))
        page.reload()
        expect(page.locator("[data-clock]")).to_have_text(words)
    page.get_by_role("link", name="Alles zeigen").click()
    expect(page.get_by_role("heading", name="Nur für mich")).to_be_visible()
    ben.goto(f"{address}?ansicht=ruhig")
    assert ben.locator(".talk").evaluate("(talk) => talk.clientWidth") > 300, (
        "wide enough to read, without a field in it"
    )
    assert_well(ben)
