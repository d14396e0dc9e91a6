"""A companionship that rests by itself: said kindly to both, and one tap goes on."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import House
from .looking import assert_well
from .test_own_space import PHONE

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]


def test_both_read_that_it_rests_and_one_tap_goes_on(house: House, sign_in: SignIn) -> None:
    companion = sign_in("jonas.brandl", color_scheme="dark")
    expect(companion.get_by_text("Ruht von selbst, weil lange nichts geplant war.")).to_be_visible()
    assert_well(companion)
    page = sign_in("gabi.stark", viewport=PHONE)
    expect(page.get_by_text("Sie ruht von selbst, weil zwölf Wochen lang nichts geplant war.")).to_be_visible()
    assert_well(page)
    page.get_by_role("link", name="Alles ansehen").click()
    expect(page.get_by_text("Die Lernbegleitung ruht von selbst")).to_be_visible()
    here = re.sub(r"[?#].*", "", page.url)
    for address in ("wie-weiter/", "fortsetzen/"):
        page.goto(here + address)
        assert_well(page)
    page.goto("/heute/")
    page.get_by_role("button", name="Weitermachen").click()
    expect(page.get_by_text("Es geht weiter.")).to_be_visible()
    companion.reload()
    expect(companion.get_by_text("Ruht von selbst")).to_have_count(0)
