"""Scripts that come with the first touch: what is done before they are there is done all the same, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import House
from .talks import make_talk

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]
DESK, DRAFTS = "**/static/js/desk.*", "**/static/js/drafts.*"


def asked_for(page: Page, script: str) -> list[str]:
    """The addresses of this script that the page asks for from now on."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if f"/js/{script}." in request.url else None)
    return found


def test_a_desk_takes_its_script_when_it_is_touched_or_stands_for_a_while(house: House, sign_in: SignIn) -> None:
    ben, greta = sign_in("ben"), sign_in("greta")
    address = make_talk(ben, house, "Greta", "08:30", days=18)
    by_ben, by_greta = asked_for(ben, "desk"), asked_for(greta, "desk")
    ben.goto(address)
    greta.goto(address)
    assert by_greta == by_ben == []
    greta.locator("#teil-1 summary").first.click()
    greta.locator("#text-1").fill("Es geht um Pausen.")
    assert len(by_greta) == 1
    expect(ben.locator("#teil-1")).to_contain_text("Es geht um Pausen.", timeout=15_000)  # nobody touched that page
    assert len(by_ben) == 1
    assert greta.complaints == ben.complaints == []  # type: ignore[attr-defined]


def test_what_is_typed_and_sent_before_the_script_is_there_is_not_lost(house: House, sign_in: SignIn) -> None:
    ben, greta = sign_in("ben"), sign_in("greta")
    address = make_talk(ben, house, "Greta", "09:30", days=18)
    waiting: list[Route] = []
    greta.route(DESK, lambda route: waiting.append(route))
    greta.goto(address)
    greta.locator("#teil-1 summary").first.click()
    greta.locator("#text-1").press_sequentially("Zu früh getippt.")
    greta.locator("#teil-2 summary").first.click()
    greta.get_by_label("Was könnte anders gehen?").fill("Zu früh gesendet.")
    for _click in range(2):
        greta.get_by_role("button", name="Idee festhalten").click()
    greta.wait_for_timeout(300)
    assert greta.url.endswith(address) and len(waiting) == 1
    waiting[0].continue_()
    expect(greta.locator("#teil-1 [data-status]").first).to_contain_text("Gespeichert")
    expect(greta.locator("#teil-2 .idea", has_text="Zu früh gesendet.")).to_have_count(1)
    greta.reload()
    expect(greta.locator("#text-1")).to_have_value("Zu früh getippt.")
    assert greta.complaints == []  # type: ignore[attr-defined]


def test_a_script_that_does_not_come_is_fetched_again_and_says_so(house: House, sign_in: SignIn) -> None:
    greta = sign_in("greta")
    greta.route(DRAFTS, lambda route: route.abort())
    greta.goto("/lerntagebuch/")
    text = greta.get_by_label("Was ist mir aufgefallen?")
    text.fill("Ohne Verbindung begonnen.")
    sentence = greta.locator("#meldung")
    expect(sentence).to_contain_text("Ihre Eingabe ist noch da.")
    expect(sentence).to_be_in_viewport()
    greta.unroute(DRAFTS)
    expect(greta.locator("[data-draft-status]").first).to_contain_text("Entwurf gesichert", timeout=15_000)
    expect(sentence).to_have_text("")
    expect(text).to_have_value("Ohne Verbindung begonnen.")


def test_nobody_leaves_unasked_while_the_script_is_on_its_way(house: House, sign_in: SignIn) -> None:
    greta = sign_in("greta")
    greta.route(DRAFTS, lambda route: None)  # hangs
    greta.goto("/lerntagebuch/")
    greta.get_by_label("Was ist mir aufgefallen?").press_sequentially("Halb")
    asked: list[str] = []
    greta.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    greta.get_by_role("link", name="Heute", exact=True).first.click(no_wait_after=True)
    greta.wait_for_timeout(500)
    assert asked == ["beforeunload"] and greta.url.endswith("/lerntagebuch/")


def test_a_form_goes_without_the_script_that_does_not_come(house: House, sign_in: SignIn) -> None:
    greta = sign_in("greta")
    greta.route(DRAFTS, lambda route: route.abort())
    greta.goto("/lerntagebuch/")
    greta.get_by_label("Was ist mir aufgefallen?").fill("Trotzdem gesichert.")
    expect(greta.locator("#meldung")).to_contain_text("Ihre Eingabe ist noch da.")
    greta.get_by_role("button", name="Eintrag sichern").click()
    expect(greta.locator(".voice", has_text="Trotzdem gesichert.")).to_have_count(1)


def test_without_a_connection_a_form_waits_with_all_its_words(house: House, sign_in: SignIn) -> None:
    greta = sign_in("greta")
    greta.goto("/lerntagebuch/")
    greta.context.set_offline(True)
    greta.get_by_label("Was ist mir aufgefallen?").fill("Im Tunnel geschrieben.")
    expect(greta.locator("#meldung")).to_contain_text("Ihre Eingabe ist noch da.")
    greta.get_by_role("button", name="Eintrag sichern").click()
    greta.wait_for_timeout(300)
    expect(greta.get_by_label("Was ist mir aufgefallen?")).to_have_value("Im Tunnel geschrieben.")
    greta.context.set_offline(False)
    expect(greta.locator(".voice", has_text="Im Tunnel geschrieben.")).to_have_count(1, timeout=15_000)
