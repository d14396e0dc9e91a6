"""The learner's own space: goal, step, journal by keyboard alone, without a script, on a phone, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import House
from .looking import assert_well

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]
PHONE = {"width": 390, "height": 844}


def tab_to(page: Page, wanted: Locator, most: int = 90) -> None:
    """Press Tab until the element has the focus; fails when the keyboard does not reach it, or shows no ring there."""
    for _press in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            ring = wanted.evaluate(
                """(element) => [element, element.closest("label"), element.nextElementSibling].some((place) => place &&
                   (getComputedStyle(place).outlineStyle !== "none" || getComputedStyle(place).boxShadow !== "none"))"""
            )
            assert ring, f"no ring on {wanted}"
            return
    raise AssertionError(f"the keyboard does not reach {wanted}")


def type_into(page: Page, label: str, text: str) -> None:
    tab_to(page, page.get_by_label(label, exact=True).first)
    page.keyboard.type(text)


def press(page: Page, role: str, name: str | re.Pattern[str]) -> None:
    tab_to(page, page.locator("main").get_by_role(role, name=name, exact=True).first)  # type: ignore[arg-type]
    page.keyboard.press("Enter")


def test_goal_step_and_journal_by_keyboard_alone(house: House, sign_in: SignIn) -> None:
    page = sign_in("greta")
    page.goto("/ziele/")
    press(page, "link", re.compile("^(Neues Ziel|Ziel festhalten)$"))
    page.wait_for_url(re.compile("/ziele/neu/"))
    type_into(page, "Was ist mein Ziel?", "Mit der Tastatur ans Ziel")
    press(page, "button", "Ziel festhalten")
    expect(page.get_by_text("Das Ziel ist festgehalten.")).to_be_visible()
    assert_well(page)
    tab_to(page, page.get_by_label("Wie wichtig ist es mir heute?"))
    page.keyboard.type("8")
    press(page, "button", "Für heute festhalten")
    expect(page.get_by_text("Für heute festgehalten.")).to_be_visible()

    page.goto("/lernschritte/")
    press(page, "link", "Lernschritt")
    page.wait_for_url(re.compile("/lernschritte/neu/"))
    type_into(page, "Was möchten Sie ausprobieren?", "Einen Satz sagen, bevor ich nachdenke")
    tab_to(page, page.get_by_label("Bis wann?"))
    page.get_by_label("Bis wann?").fill(f"{house.now.date():%Y-%m-%d}")  # the native calendar has keys of its own
    press(page, "button", "Schritt planen")
    expect(page.get_by_text("Der Schritt ist geplant.")).to_be_visible()

    page.goto("/lerntagebuch/")
    type_into(page, "Was ist mir aufgefallen?", "Auch das Tagebuch geht ohne Maus.")
    press(page, "button", "Eintrag sichern")
    expect(page.get_by_text("Der Eintrag ist gesichert.")).to_be_visible()
    press(page, "button", re.compile("^Mit .* teilen"))
    expect(page.get_by_text("Ihre Begleitung kann den Eintrag jetzt lesen.")).to_be_visible()
    press(page, "button", "Nicht mehr teilen")
    expect(page.get_by_text("Den Eintrag sehen jetzt nur Sie.")).to_be_visible()


def test_goal_step_and_journal_without_javascript(house: House, sign_in: SignIn) -> None:
    page = sign_in("greta", java_script_enabled=False, viewport=PHONE)
    page.goto("/ziele/")
    page.get_by_role("link", name=re.compile("^(Neues Ziel|Ziel festhalten)$")).click()
    page.get_by_label("Was ist mein Ziel?").fill("Ohne Script ein Ziel")
    page.get_by_role("button", name="Ziel festhalten").click()
    expect(page.locator("blockquote", has_text="Ohne Script ein Ziel")).to_be_visible()
    page.goto("/lernschritte/")
    page.get_by_role("link", name="Lernschritt", exact=True).click()
    page.get_by_label("Was möchten Sie ausprobieren?").fill("Ohne Script ein Schritt")
    page.get_by_label("Bis wann?").fill(f"{house.now.date():%Y-%m-%d}")
    page.get_by_role("button", name="Schritt planen").click()
    row = page.get_by_role("listitem").filter(has_text="Ohne Script ein Schritt")
    row.get_by_role("button", name=re.compile("^Gemacht")).click()
    expect(page.get_by_text("Erledigt. Gut gemacht.")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Auswerten.*Ohne Script ein Schritt")).click()
    page.get_by_label("Ich habe es gemacht").check()
    page.get_by_label("Was geschah?").fill("Es ging auch so.")
    page.get_by_role("button", name="Sichern", exact=True).click()
    expect(page.get_by_text("Gesichert. Das finden Sie jederzeit wieder.")).to_be_visible()
    page.goto("/lerntagebuch/")
    page.get_by_label("Was ist mir aufgefallen?").fill("Ohne Script ein Eintrag")
    page.get_by_role("button", name="Eintrag sichern").click()
    expect(page.get_by_text("Ohne Script ein Eintrag")).to_be_visible()


def speak(page: Page, language: str) -> None:
    """The person's own choice, on the profile."""
    page.goto("/profil/")
    page.locator(f"main [name=language][value={language}]").check()
    page.get_by_role("button", name=re.compile("^(Speichern|Save)$")).click()
    page.goto("/heute/")
    expect(page.locator("html")).to_have_attribute("lang", language)


@pytest.mark.parametrize(
    ("language", "scheme", "viewport"),
    [
        ("de", "light", PHONE),
        ("de", "dark", {"width": 1280, "height": 900}),
        ("en", "dark", PHONE),
        ("en", "light", {"width": 320, "height": 640}),
    ],
)
def test_every_page_of_it_in_both_languages_light_and_dark_wide_and_narrow(
    language: str, scheme: str, viewport: dict[str, int], house: House, sign_in: SignIn
) -> None:
    page = sign_in("greta", language=language, color_scheme=scheme, viewport=viewport)
    speak(page, language)
    links = page.locator("main a").evaluate_all("(links) => links.map((link) => link.getAttribute('href') ?? '')")
    engagement, step = (
        next(link for link in links if re.fullmatch(rf"/{start}/[0-9a-f-]{{36}}/", link))
        for start in ("begleitungen", "lernschritte")
    )
    pages = [
        "/heute/", "/ziele/", f"{engagement}ziele/neu/", "/lernschritte/", f"{engagement}lernschritte/neu/", step,
        "/lerntagebuch/", "/erkenntnisse/", engagement, f"{engagement}?art=step", f"{engagement}anliegen/",
        f"{engagement}pause/", f"{engagement}wechseln/", f"{engagement}abschliessen/", "/suchen/", "/erinnerungen/",
        "/meine-daten/",
    ]  # fmt: skip
    for address in pages:
        answer = page.goto(address)
        assert answer and answer.status == 200, address
        assert_well(page)
    speak(page, "de")
