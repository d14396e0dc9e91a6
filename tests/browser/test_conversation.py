"""Holding and documenting a talk with two people at it: how many actions the usual case takes, by mouse, by keyboard and
on a phone, what a screen reader is told, and what is left when the connection goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import House
from .looking import assert_well

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]

# The keystroke-level model of Card, Moran and Newell (1980), in seconds: think, move the hand, point, press, one key of
# somebody who does not type for a living.
THINK, HAND, POINT, PRESS, KEY = 1.35, 0.4, 1.1, 0.2, 0.28
UNDER = 5 * 60


@dataclass
class Hand:
    """One person's actions on a page, counted: an element clicked, a field filled."""

    page: Page
    done: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def click(self, what: Locator) -> None:
        what.click()
        self.done.append("click")
        self.seconds += THINK + POINT + PRESS

    def fill(self, what: Locator, text: str) -> None:
        what.fill(text)
        self.done.append("fill")
        self.seconds += THINK + POINT + PRESS + 2 * HAND + KEY * len(text)


def make_talk(companion: Page, house: House, learner: str, clock: str) -> str:
    """An appointment in some days, made by the companion; answers the address of its desk."""
    companion.goto("/begleitungen/")
    companion.get_by_role("link", name=re.compile(learner)).first.click()
    companion.get_by_role("link", name="Termin buchen").first.click()
    companion.get_by_role("link", name="Tag und Uhrzeit selbst eintragen").click()
    day = house.now.date() + timedelta(days=9)
    companion.get_by_label("Tag").fill(f"{day:%Y-%m-%d}")
    companion.get_by_label("Beginn").fill(clock)
    companion.get_by_role("button", name="Termin vereinbaren").click()
    expect(companion.get_by_text("Der Termin steht.")).to_be_visible()
    link = companion.get_by_role("link", name="Gespräch vorbereiten").get_attribute("href") or ""
    return link.removesuffix("vorbereiten/")


def open_part(page: Page, number: int) -> Locator:
    part = page.locator(f"#teil-{number}")
    if part.get_attribute("open") is None:
        part.locator("> summary").click()
    return page.locator(f"#text-{number}")


def test_the_usual_record_takes_ten_actions_and_less_than_five_minutes(house: House, sign_in: SignIn) -> None:
    """Concern, an idea that becomes a step, a sentence, no next date yet; both agree. Counted from the open desk on."""
    ben, greta = sign_in("ben"), sign_in("greta")
    address = make_talk(ben, house, "Greta", "07:30")
    greta.goto(address)
    ben.goto(address)
    hers, his = Hand(greta), Hand(ben)
    for number in (1, 2, 3):
        open_part(greta, number)  # a first look at the guide, before anything is written down
    hers.fill(greta.locator("#text-1"), "Nicht die Worte sind schwer, sondern der Augenblick davor.")
    hers.fill(greta.get_by_label("Was könnte anders gehen?"), "Mit einem einzigen Satz beginnen")
    hers.click(greta.get_by_role("button", name="Idee festhalten"))
    idea = greta.locator(".idea", has_text="Mit einem einzigen Satz beginnen")
    hers.click(idea.get_by_role("button", name="gewählt"))
    expect(idea.get_by_role("button", name="gewählt")).to_have_attribute("aria-pressed", "true")
    hers.click(idea.get_by_role("link", name="Als Schritt planen"))
    expect(greta.locator("#schritt-what")).to_have_value("Mit einem einzigen Satz beginnen")
    hers.click(greta.get_by_role("button", name="Schritt planen"))
    expect(greta.locator("[data-live=geplant]")).to_contain_text("Mit einem einzigen Satz beginnen")
    hers.fill(greta.get_by_label("Das Gespräch in einem Satz"), "Ein Satz genügt für den Anfang.")
    hers.click(greta.get_by_role("button", name="Erst einmal offen lassen"))
    expect(greta.get_by_text("Das bleibt erst einmal offen.")).to_be_visible()
    expect(greta.locator("#teil-1 [data-status]").first).to_contain_text("Gespeichert")
    expect(greta.locator("form[action$='/schlusssatz/'] [data-status]")).to_contain_text("Gespeichert")
    hers.click(greta.get_by_role("button", name="So stimmt es"))
    expect(greta.get_by_text("Sie haben zugestimmt.")).to_be_visible()
    for words in ("Nicht die Worte", "Mit einem einzigen Satz", "Ein Satz genügt"):
        expect(ben.get_by_text(words).first).to_be_visible(timeout=15_000)
    his.click(ben.get_by_role("button", name="So stimmt es"))
    expect(ben.get_by_text("Das Protokoll ist abgeschlossen.")).to_be_visible()
    number, seconds = len(hers.done) + len(his.done), hers.seconds + his.seconds
    assert (number, hers.done.count("fill")) == (10, 3), (hers.done, his.done)
    assert seconds < UNDER, seconds
    assert_well(ben)

    # Afterwards: an addition, the versions, feedback; the record stays as both agreed to it.
    ben.locator("summary", has_text="Etwas nachtragen").click()
    ben.get_by_label("Was möchten Sie nachtragen").fill("Das Beispiel war vom Dienstag.")
    assert_well(ben)
    ben.get_by_role("button", name="Nachtragen").click()
    expect(ben.get_by_text("Der Nachtrag steht im Protokoll.")).to_be_visible()
    greta.goto(f"{address}protokoll/")
    greta.get_by_role("button", name="Gelesen").click()
    expect(greta.get_by_text("von beiden gelesen")).to_be_visible()
    greta.get_by_role("link", name="Fassungen und Unterschiede").click()
    expect(greta.get_by_text("Diese Fassung gilt")).to_be_visible()
    assert_well(greta)


def test_ideas_and_steps_by_keyboard_and_what_a_screen_reader_is_told(house: House, sign_in: SignIn) -> None:
    ben, greta = sign_in("ben"), sign_in("greta")
    address = make_talk(ben, house, "Greta", "06:30")
    greta.goto(address)
    open_part(greta, 2)
    part = greta.locator("#teil-2")
    part.get_by_label("Was könnte anders gehen?").focus()
    greta.keyboard.press("Tab")
    expect(part.get_by_role("button", name="Idee festhalten")).to_be_focused()
    greta.keyboard.press("Enter")
    expect(part.get_by_text("Schreiben Sie die Idee in wenigen Worten auf.")).to_be_visible()
    expect(part.get_by_label("Was könnte anders gehen?")).to_be_focused()
    expect(part.get_by_label("Was könnte anders gehen?")).to_have_accessible_description(
        re.compile("in wenigen Worten")
    )
    greta.keyboard.type("Zuerst atmen")
    greta.keyboard.press("Tab")
    while not part.get_by_role("button", name="Idee festhalten").evaluate("(b) => b === document.activeElement"):
        greta.keyboard.press("Tab")
    greta.keyboard.press("Enter")
    expect(part.get_by_role("list").filter(has_text="Zuerst atmen")).to_be_visible()
    expect(part.get_by_label("Was könnte anders gehen?")).to_be_focused()
    mark = part.get_by_role("button", name=re.compile("geparkt ?: Zuerst atmen"))
    assert mark.get_attribute("aria-pressed") == "false"
    mark.focus()
    greta.keyboard.press("Space")
    expect(mark).to_have_attribute("aria-pressed", "true")
    expect(mark).to_be_focused()
    snapshot = part.aria_snapshot()
    for told in (
        'button "geparkt ?: Zuerst atmen" [pressed]',
        'button "gewählt ?: Zuerst atmen"',
        'link "Ändern ?: Zuerst atmen"',
    ):
        assert re.search(told.replace("[", r"\[").replace("]", r"\]"), snapshot), (told, snapshot)
    # A step with a day that has gone: the form stands there again, with the words and the reason beside the field.
    open_part(greta, 3)
    greta.locator("#schritt-planen > summary").click()
    greta.locator("#schritt-what").fill("Einmal nachfragen")
    greta.locator("#schritt-due_on").fill("2020-01-01")
    greta.locator("#schritt-neu [name=save]").click()
    expect(greta.locator("#schritt-due_on_error")).to_contain_text("Dieser Tag ist schon vorbei.")
    expect(greta.locator("#schritt-what")).to_have_value("Einmal nachfragen")
    expect(greta.locator("#schritt-neu :focus")).to_have_count(1)  # the summary, whose link leads to the field
    greta.locator("#schritt-due_on").fill(f"{house.now.date() + timedelta(days=2):%Y-%m-%d}")
    greta.locator("#schritt-neu [name=save]").click()
    expect(greta.locator("#geplant")).to_be_focused()
    expect(greta.locator("#meldung")).to_have_text("Der Schritt ist geplant.")
    assert_well(greta)


def test_offers_on_a_phone_in_english_and_a_connection_that_goes(house: House, sign_in: SignIn) -> None:
    ben = sign_in("ben")
    address = make_talk(ben, house, "Greta", "05:30")
    greta = sign_in("greta", viewport={"width": 390, "height": 844}, color_scheme="dark")
    ben.goto(address)
    open_part(ben, 2) if ben.locator("#text-2").count() else ben.locator("#teil-2 > summary").click()
    part = ben.locator("#teil-2")
    part.locator("summary", has_text="anbieten").click()
    part.get_by_label("Was ich wahrgenommen habe").fill("Bei dem Wort Mut haben Sie gelächelt.")
    part.get_by_label("Was ich mich dabei frage").fill("Vielleicht Vorfreude?")
    ben.context.set_offline(True)
    part.get_by_role("button", name="Anbieten").click()
    expect(part.locator("#angebot-form-2 [data-problem]")).to_contain_text("Ihre Eingabe ist noch da")
    ben.context.set_offline(False)
    ben.complaints.clear()  # type: ignore[attr-defined]  # the browser's own words about the cut
    part.get_by_role("button", name="Anbieten").click()
    expect(part.locator("[data-live=beobachtungen-2]")).to_contain_text("Mut")
    expect(part.get_by_label("Was ich wahrgenommen habe")).to_have_value("")
    part.get_by_text("Vorschlag für das Protokoll").click()
    part.get_by_label("Was ich wahrgenommen habe").fill("Ich darf leise anfangen.")
    part.get_by_role("button", name="Anbieten").click()
    expect(part.locator("[data-live=beobachtungen-2]")).to_contain_text("leise anfangen")
    assert_well(ben)
    greta.goto(address)
    open_part(greta, 2)
    hers = greta.locator("#teil-2")
    assert_well(greta)
    observed = hers.locator(".note", has_text="Mut")
    observed.get_by_role("button", name="In meine Worte übernehmen").click()
    expect(greta.locator("#text-2")).to_have_value("Bei dem Wort Mut haben Sie gelächelt.")
    suggested = hers.locator(".note", has_text="leise anfangen")
    suggested.locator("summary", has_text="Erst verändern").click()
    suggested.get_by_label("Mit meinen Worten").fill("Ich fange leise an.")
    suggested.get_by_role("button", name="So übernehmen").click()
    expect(suggested).to_contain_text("verändert übernommen")
    expect(greta.locator("#text-2")).to_have_value("Bei dem Wort Mut haben Sie gelächelt.\n\nIch fange leise an.")
    expect(greta.locator("#text-2")).not_to_have_value(re.compile("Vorfreude"))


def test_no_word_being_typed_is_lost_when_something_new_comes(house: House, sign_in: SignIn) -> None:
    ben, greta = sign_in("ben"), sign_in("greta")
    address = make_talk(ben, house, "Greta", "02:30")
    ben.goto(address)
    ben.locator("#teil-2 > summary").click()
    part = ben.locator("#teil-2")
    part.locator("summary", has_text="anbieten").click()
    for text in ("Sie haben gelacht.", "Sie haben gezögert."):
        part.get_by_label("Was ich wahrgenommen habe").fill(text)
        part.get_by_role("button", name="Anbieten").click()
        expect(part.locator("[data-live=beobachtungen-2]")).to_contain_text(text)
    greta.goto(address)
    hers = greta.locator("#teil-2")
    open_part(greta, 2)
    note = hers.locator(".note", has_text="gelacht")
    note.locator("summary", has_text="Erst verändern").click()
    note.get_by_label("Mit meinen Worten").fill("Ich habe gelacht und")
    hers.get_by_label("Was könnte anders gehen?").fill("Mit Humor")
    greta.route("**/ideen/", lambda route: (greta.wait_for_timeout(1200), route.continue_()))
    hers.get_by_role("button", name="Idee festhalten").click()
    hers.get_by_label("Was könnte anders gehen?").fill("Und noch eine Idee")
    expect(hers.locator("[data-live=ideen]")).to_contain_text("Mit Humor")
    expect(hers.get_by_label("Was könnte anders gehen?")).to_have_value("Und noch eine Idee")
    expect(note.get_by_label("Mit meinen Worten")).to_have_value("Ich habe gelacht und")
    part.get_by_label("Was ich wahrgenommen habe").fill("Dann wurde es still.")
    part.get_by_role("button", name="Anbieten").click()
    for number in range(12):  # she writes all the time, and what he offers comes nevertheless
        greta.locator("#text-2").press_sequentially(f"wort{number} ")
        greta.wait_for_timeout(700)
    expect(hers.locator("[data-live=beobachtungen-2]")).to_contain_text("Dann wurde es still.", timeout=15_000)
    expect(note.get_by_label("Mit meinen Worten")).to_have_value("Ich habe gelacht und")
    hers.get_by_role("button", name="Idee festhalten").click()
    expect(hers.locator("[data-live=ideen]")).to_contain_text("Und noch eine Idee")
    expect(hers.locator("[data-live=ideen] > .ideas > .idea")).to_have_count(2)
    other = part.locator(".note", has_text="gezögert")
    other.get_by_role("button", name="Zurücknehmen").click()
    expect(other).to_have_count(0)
    expect(part.locator("> summary")).to_be_focused()


def test_after_a_talk_each_has_a_look_alone_and_gives_feedback_if_they_like(house: House, sign_in: SignIn) -> None:
    ben, greta = sign_in("ben"), sign_in("greta", viewport={"width": 390, "height": 844})
    greta.goto("/gespraeche/")
    past = greta.locator("main a[href*='/gespraeche/']").last.get_attribute("href") or ""
    address = past.replace("protokoll/", "danach/")
    greta.goto(address)
    greta.get_by_role("group", name="Ist unser Ziel klar?").get_by_label("Noch nicht").check()
    greta.get_by_label("Darauf achte ich beim nächsten Mal").fill("Früher sagen, was ich brauche")
    assert_well(greta)
    greta.get_by_role("button", name="Für mich sichern").click()
    expect(greta.get_by_text("Niemand sonst kann es lesen")).to_be_visible()
    expect(greta.get_by_role("group", name="Ist unser Ziel klar?").get_by_label("Noch nicht")).to_be_checked()
    greta.get_by_label("Was möchten Sie der anderen Person sagen?").fill("Ihre Pausen halfen mir.")
    greta.get_by_role("button", name="Rückmeldung geben").click()
    expect(greta.get_by_text("Ihre Rückmeldung ist da.")).to_be_visible()
    mail = house.wait_for_mail("ben@example.org", "Eine Rückmeldung für Sie")
    assert "Pausen" not in str(mail)
    ben.goto(address)
    expect(ben.get_by_text("Ihre Pausen halfen mir.")).to_be_visible()
    expect(ben.get_by_text("Früher sagen")).to_have_count(0)
    assert_well(ben)
    greta.get_by_role("button", name="Zurücknehmen").click()
    expect(greta.get_by_text("Die Rückmeldung ist zurückgenommen.")).to_be_visible()
    ben.reload()
    expect(ben.get_by_text("Ihre Pausen halfen mir.")).to_have_count(0)


def test_a_question_is_found_and_taken_along_by_keyboard(house: House, sign_in: SignIn) -> None:
    ben = sign_in("ben")
    address = make_talk(ben, house, "Greta", "04:30")
    ben.goto(f"{address}vorbereiten/")
    drawer = ben.locator("[data-questions]").first
    field = drawer.locator("[data-question-filter]")
    field.focus()
    ben.keyboard.type("KLEINSTE")
    expect(drawer.locator("[data-question-count]")).to_contain_text("1")
    visible = drawer.locator("li:visible")
    expect(visible).to_have_count(1)
    expect(visible).to_contain_text("kleinste Schritt")
    assert_well(ben)
    ben.keyboard.press("Enter")
    expect(visible.get_by_role("button").first).to_be_focused()
    ben.keyboard.press("Enter")
    expect(ben.get_by_label("Fragen, die ich mitnehme")).to_have_value(re.compile("kleinste Schritt"))
    field = ben.locator("[data-questions] [data-question-filter]").first
    field.fill("zzz")
    expect(ben.locator("[data-questions]").first.locator("li:visible")).to_have_count(0)
    field.fill("")
    assert ben.locator("[data-questions]").first.locator("summary:visible").count() > 3, "all of it again"
