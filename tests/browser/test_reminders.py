"""Reminders in the browser: hour and days with their preview, a mail answered from its link, everything stopped."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from .conftest import House
from .looking import assert_well, watch
from .test_own_space import PHONE, press, tab_to

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]
TITLE = "Erst fragen, dann antworten"


def plan_step(page: Page, day: Any, title: str) -> None:
    page.goto("/lernschritte/")
    page.get_by_role("link", name="Lernschritt", exact=True).click()
    page.get_by_label("Was möchten Sie ausprobieren?").fill(title)
    page.get_by_label("Bis wann?").fill(f"{day:%Y-%m-%d}")
    page.get_by_role("button", name="Schritt planen").click()
    expect(page.get_by_text("Der Schritt ist geplant.")).to_be_visible()


def links(mail: Any) -> list[str]:
    return re.findall(r"https?://\S+", mail.get_body(("plain",)).get_content())


def test_hour_and_days_are_changed_by_keyboard_and_the_preview_follows(house: House, sign_in: SignIn) -> None:
    page = sign_in("ayse.kaya")
    thursday = house.now.date() + timedelta(days=2)
    plan_step(page, thursday, TITLE)
    page.goto("/erinnerungen/")
    preview = page.get_by_role("region", name="Was in den nächsten 30 Tagen kommt")
    expect(preview.get_by_text(re.compile(r"Donnerstag.*08:00")).first).to_be_visible()
    expect(preview.get_by_role("link", name=TITLE).first).to_be_visible()
    expect(preview.get_by_text("In der E-Mail steht: „Ein Lernschritt für heute“").first).to_be_visible()
    assert_well(page)

    tab_to(page, page.get_by_label("Um welche Uhrzeit?"))
    page.keyboard.type("14")
    tab_to(page, page.get_by_label("Donnerstag"))
    page.keyboard.press("Space")
    press(page, "button", "Speichern")
    expect(page.get_by_text("Gespeichert. Es gilt ab der nächsten Nachricht.")).to_be_visible()
    expect(preview.get_by_text(re.compile(r"Freitag.*14:00")).first).to_be_visible()
    expect(preview.locator("b", has_text="Donnerstag")).to_have_count(0)

    for day in ("Montag", "Dienstag", "Mittwoch", "Freitag"):
        page.get_by_label(day).uncheck()
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_text("Wählen Sie mindestens einen Arbeitstag aus.").first).to_be_visible()
    assert_well(page)


def test_a_mail_is_answered_from_its_link_and_says_nothing(house: House, sign_in: SignIn) -> None:
    page = sign_in("thomas.ernst", viewport=PHONE)
    plan_step(page, house.now.date(), "Geheimer Schritt am Telefon")
    plan_step(page, house.now.date() + timedelta(days=1), "Geheimer Schritt am Tag danach")
    mail = house.wait_for_mail("thomas.ernst@example.org", "Ihr Lernschritt für heute")
    assert "Geheim" not in str(mail)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    answer = next(link for link in links(mail) if "/antwort/" in link)
    page.goto(answer)
    expect(page.get_by_text("Geheimer Schritt am Telefon")).to_be_visible()
    assert_well(page)
    page.get_by_role("button", name="In einer Woche").click()
    expect(page.get_by_text("Neu eingeplant.")).to_be_visible()
    page.goto(answer)
    page.get_by_role("button", name="Gemacht").click()
    expect(page.get_by_text("Gut gemacht.")).to_be_visible()
    page.goto("/erinnerungen/")
    sent = page.get_by_role("region", name="Was gesendet wurde")
    expect(sent.get_by_text("Ein Lernschritt für heute")).to_be_visible()
    assert_well(page)


def test_the_html_of_a_mail_is_read_well_in_light_and_dark(house: House, sign_in: SignIn, browser: Browser) -> None:
    page = sign_in("martin.roth")
    plan_step(page, house.now.date(), "Noch ein Schritt")
    mail = house.wait_for_mail("martin.roth@example.org", "Ihr Lernschritt für heute")
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme, viewport=PHONE, java_script_enabled=True)  # type: ignore[arg-type]
        reader = context.new_page()
        watch(reader, "about:")
        reader.set_content(mail.get_body(("html",)).get_content())
        expect(reader.get_by_role("link", name="Ein Lernschritt für heute")).to_be_visible()
        found = (
            Axe().run(reader, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}).response["violations"]
        )
        assert found == [], "a mail is an article in the page of a mail program, so it has no landmarks of its own"
        assert reader.complaints == []  # type: ignore[attr-defined]
        assert reader.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        context.close()


def test_everything_stops_with_one_click_in_the_mail_without_signing_in(
    house: House, sign_in: SignIn, browser: Browser
) -> None:
    page = sign_in("julia.seidel")
    plan_step(page, house.now.date(), "Ein letzter Schritt")
    mail = house.wait_for_mail("julia.seidel@example.org", "Ihr Lernschritt für heute")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    stop = next(link for link in links(mail) if "/erinnerungen/aus/" in link)
    assert str(mail["List-Unsubscribe"]).strip(" <>") == stop
    context = browser.new_context(base_url=house.base, viewport=PHONE, locale="de-DE")
    stranger = context.new_page()
    watch(stranger, house.base)
    stranger.goto(stop)
    expect(stranger.get_by_role("heading", name="Alle Erinnerungen ausschalten?")).to_be_visible()
    assert_well(stranger)
    page.goto("/erinnerungen/")
    expect(page.get_by_text("Erinnerungen sind aus.")).to_have_count(0)  # opening it changes nothing
    press(stranger, "button", "Ja, alle ausschalten")
    expect(stranger.get_by_role("heading", name="Erinnerungen sind aus")).to_be_visible()
    assert_well(stranger)
    context.close()
    page.reload()
    expect(page.get_by_text("Nichts. Erinnerungen sind aus.")).to_be_visible()
    page.get_by_role("button", name="Wieder einschalten").click()
    expect(page.get_by_text("Erinnerungen kommen wieder.")).to_be_visible()
    expect(
        page.get_by_role("region", name="Was in den nächsten 30 Tagen kommt").get_by_role("listitem").first
    ).to_be_visible()


@pytest.mark.parametrize(("language", "scheme"), [("de", "dark"), ("en", "light")])
def test_the_operators_pages_wide_and_narrow(language: str, scheme: str, house: House, sign_in: SignIn) -> None:
    for viewport in (PHONE, {"width": 1280, "height": 900}):
        page = sign_in("dirk", language=language, color_scheme=scheme, viewport=viewport)
        for address in ("/betrieb/", "/dienststellen/freie-tage/", "/erinnerungen/"):
            answer = page.goto(address)
            assert answer and answer.status == 200, address
            assert_well(page)


def test_in_english_and_discreet(house: House, sign_in: SignIn) -> None:
    page = sign_in("peter.albrecht", language="en")
    plan_step(page, house.now.date() + timedelta(days=1), "Ein Schritt")
    page.goto("/profil/")
    page.locator("main [name=language][value=en]").check()
    page.get_by_role("button", name=re.compile("^(Speichern|Save)$")).click()
    page.goto("/erinnerungen/")
    expect(page.get_by_role("heading", name="What comes in the next 30 days")).to_be_visible()
    page.get_by_label("Only that something waits").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    assert_well(page)
    page.goto("/lernschritte/")
    page.get_by_role("link", name="Learning step", exact=True).click()
    page.get_by_label("What do you want to try?").fill("A secret step")
    page.get_by_label("By when?").fill(f"{house.now.date():%Y-%m-%d}")
    page.get_by_role("button", name="Plan the step").click()
    mail = house.wait_for_mail("peter.albrecht@example.org", "A message for you")
    whole = str(mail["Subject"]) + "".join(part.get_content() for part in mail.iter_parts())
    assert "step" not in whole and "secret" not in whole and "/heute/" in whole
