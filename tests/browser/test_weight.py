"""What each main page weighs over the wire and that nothing moves: counted by Chromium, the same in every run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.browser import GOALS, context_of, look, places, signed_in

from .conftest import House
from .looking import assert_well
from .talks import make_talk

pytestmark = pytest.mark.browser


def test_every_main_page_is_light_and_nothing_moves(house: House, browser: Browser) -> None:
    states: dict[str, Any] = {person: signed_in(browser, house.base, person) for person in ("greta", "ben", "carla")}
    seen = set()
    for place in places(browser, house.base, states):
        context = context_of(browser, house.base, states.get(place.person))
        cold = look(context.new_page(), place.path, throttled=False)
        again = look(context.new_page(), place.path, throttled=False)
        context.close()
        context = context_of(browser, house.base, states.get(place.person))
        look(context.new_page(), place.before, throttled=False)
        following = look(context.new_page(), place.path, throttled=False)
        context.close()
        name = f"{place.name} {place.person}"
        seen.add(place.name)
        for view in (cold, following):
            assert view["html_kb"] <= GOALS["html_kb"] and view["cls"] <= GOALS["cls"], (name, view)
        for view, goal in ((cold, GOALS["first"]), (following, GOALS["next"])):
            assert view["requests"] <= goal["requests"] and view["kb"] <= goal["kb"], (name, view, goal)
        assert again["requests"] == 1 and again["kb"] <= 10, (name, again)
    assert sorted(seen) == ["Heute", "assignment", "engagement", "sign in", "start page", "steps", "talk"]


def test_nothing_moves_on_a_slow_line_either(house: House, browser: Browser) -> None:
    greta = signed_in(browser, house.base, "greta")
    for state, path in ((None, "/"), (None, "/accounts/login/"), (greta, "/heute/"), (greta, "/lernschritte/")):
        for size in ({"width": 1280, "height": 800}, {"width": 390, "height": 844}):
            context = context_of(browser, house.base, state, viewport=size)
            found = look(context.new_page(), path)
            assert found["cls"] <= GOALS["cls"], (path, size, found)
            context.close()


def test_the_drawer_of_questions_comes_when_it_is_opened(house: House, sign_in: Callable[..., Page]) -> None:
    ben = sign_in("ben")
    ben.goto(make_talk(ben, house, "Greta", "08:30", days=16))
    asked: list[str] = []
    ben.on("request", lambda request: asked.append(request.url))
    expect(ben.locator("[data-questions]")).to_have_count(0)
    ben.get_by_text("Fragen zum Mitnehmen").click()
    drawer = ben.locator("[data-questions]")
    expect(drawer.locator("details").first).to_be_visible()
    assert_well(ben)
    drawer.locator("[data-question-filter]").fill("grossen ODER")
    expect(drawer.locator("li:visible")).to_contain_text("im Großen oder Kleinen")
    drawer.locator("[data-question-filter]").fill("KLEINSTE")
    expect(drawer.locator("[data-question-count]")).to_contain_text("1")
    drawer.locator("li:visible button").click()
    expect(ben.locator("#mitgenommen")).to_contain_text("kleinste Schritt")
    assert len([url for url in asked if url.endswith("/fragen/")]) == 1
    assert_well(ben)


def test_the_drawer_is_a_page_without_javascript(house: House, sign_in: Callable[..., Page]) -> None:
    ben = sign_in("ben")
    desk = make_talk(ben, house, "Greta", "09:30", days=16)
    plain = ben.context.browser.new_context(  # type: ignore[union-attr]
        base_url=house.base, java_script_enabled=False, storage_state=ben.context.storage_state()
    )
    page = plain.new_page()
    page.goto(desk)
    page.get_by_text("Fragen zum Mitnehmen").click()
    page.get_by_role("link", name="Fragen zeigen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fragen zum Mitnehmen")
    page.locator("details").first.get_by_role("button").first.click()
    expect(page.get_by_text("Die Frage steht jetzt bei Ihren Fragen zum Mitnehmen.")).to_be_visible()
    assert page.url.endswith(desk)
    plain.close()
