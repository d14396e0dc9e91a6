"""Two coordinators at the board at once: by keyboard, on a phone, and without the script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import House
from .looking import assert_well

pytestmark = pytest.mark.browser
SOON = 30_000  # milliseconds: the page asks every ten seconds


def test_what_a_colleague_does_shows_and_moves_nothing(sign_in: Callable[..., Page]) -> None:
    carla, colleague = sign_in("carla"), sign_in("carla")
    carla.goto("/zuordnung/")
    assert_well(carla)
    first = carla.locator(".queue a").first
    first.focus()
    carla.keyboard.press("ArrowDown")
    expect(carla.locator(".queue a").nth(1)).to_be_focused()
    carla.keyboard.press("ArrowUp")
    carla.keyboard.press("Enter")
    expect(carla).to_have_url(re.compile(r"/zuordnung/[0-9a-f-]{36}/"))
    name = carla.locator("#anfrage-titel").inner_text()
    order = carla.locator(".queue b").all_inner_texts()
    boxes = carla.locator("#blatt input[type=checkbox]")
    boxes.nth(1).check()
    mine = carla.locator(".rank b").nth(1).inner_text()

    # The colleague proposes the first of the list; at Carla's nothing moves and nothing is lost.
    colleague.goto(carla.url)
    colleague.locator("#blatt input[type=checkbox]").first.check()
    theirs = colleague.locator(".rank b").first.inner_text()
    colleague.get_by_role("button", name="Ausgewählte vorschlagen").click()
    colleague.get_by_role("button", name="Vorschlagen", exact=True).click()
    expect(colleague.get_by_text("Vorgeschlagen. Die lernende Person wählt jetzt.")).to_be_visible()
    assert colleague.url.endswith("#vorschlaege")
    assert_well(colleague)
    before = boxes.nth(1).bounding_box()
    expect(carla.get_by_text("Hier hat sich gerade etwas geändert.")).to_be_visible(timeout=SOON)
    expect(carla.locator("#meldung")).to_have_text("Die Liste der Anfragen hat sich geändert.")
    expect(carla.locator(".queue li", has_text=name)).to_contain_text("Vorschläge seit heute draußen")
    assert boxes.nth(1).bounding_box() == before and boxes.nth(1).is_checked()
    assert carla.locator(".queue b").all_inner_texts() == order
    assert_well(carla)
    carla.get_by_role("link", name="Neu anzeigen").click()
    expect(carla.locator("#vorschlaege")).to_contain_text(theirs)
    expect(carla.locator("#blatt .rank", has_text=mine).locator("input")).to_be_checked()
    assert carla.evaluate("Object.keys(sessionStorage).filter((name) => name.startsWith('ticked'))") == []

    # And back, so that the others find the house as it was.
    colleague.locator("#vorschlaege li", has_text=theirs).get_by_role("button").click()
    expect(colleague.get_by_text("Der Vorschlag ist zurückgenommen.")).to_be_visible()
    expect(carla.get_by_text("Hier hat sich gerade etwas geändert.")).to_be_visible(timeout=SOON)


def test_on_a_phone_one_column_and_a_way_back(sign_in: Callable[..., Page]) -> None:
    phone = sign_in("carla", viewport={"width": 390, "height": 844}, color_scheme="dark")
    phone.goto("/zuordnung/?wartet=neu")
    expect(phone.locator("#blatt")).to_be_hidden()
    assert_well(phone)
    phone.goto("/zuordnung/")
    phone.get_by_label("Stand").select_option("ohne")
    phone.get_by_role("button", name="Filtern").click()
    phone.locator(".queue a").first.click()
    expect(phone.locator("#blatt")).to_be_visible()
    expect(phone.locator(".queue")).to_be_hidden()
    assert_well(phone)
    phone.locator("#blatt .crumb a").click()
    expect(phone.get_by_label("Stand")).to_have_value("ohne")
    phone.set_viewport_size({"width": 320, "height": 640})
    assert_well(phone)


def test_without_javascript(house: House, sign_in: Callable[..., Page]) -> None:
    plain = sign_in("carla", java_script_enabled=False)
    plain.goto("/zuordnung/")
    plain.get_by_label("Wartet").select_option("neu")
    plain.get_by_role("button", name="Filtern").click()
    expect(plain.get_by_label("Wartet")).to_have_value("neu")
    expect(plain.locator("#neues")).to_be_hidden()
    plain.goto("/zuordnung/018f0000-0000-7000-8000-000000000000/")
    plain.get_by_role("link", name="Zu den offenen Anfragen").click()
    expect(plain).to_have_url(re.compile("/zuordnung/$"))
