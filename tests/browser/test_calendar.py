"""Calendars in the browser: settings and the secret address, a series from its dates to its mail, moved and cancelled without
JavaScript, an own calendar connected to the real worker, a fresh room, and whether a talk took place."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import recurring_ical_events
from icalendar import Calendar
from playwright.sync_api import Page, expect

from .conftest import House
from .looking import assert_well
from .test_own_space import PHONE, press, tab_to

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]
WIDE_DARK = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}


def calendar_in(mail: Any) -> Calendar:
    part = next(part for part in mail.walk() if part.get_content_type() == "text/calendar")
    return Calendar.from_ical(part.get_content())


def engagement_of(page: Page) -> str:
    page.goto("/begleitungen/")
    page.get_by_role("link", name=re.compile("Frank|Nadja")).first.click()
    page.wait_for_url(re.compile("/begleitungen/[0-9a-f-]{36}/"))
    return page.url


def test_settings_and_the_secret_address_by_keyboard(house: House, sign_in: SignIn) -> None:
    page = sign_in("frank.moeller")
    page.goto("/profil/")
    page.get_by_role("link", name="Kalender und Termine").click()
    assert_well(page)
    tab_to(page, page.get_by_label("Mein üblicher Videolink"))
    page.keyboard.type("http://video.example.org/frank")
    press(page, "button", "Speichern")
    expect(page.get_by_text("Der Link beginnt mit https://").first).to_be_visible()
    assert_well(page)
    page.get_by_label("Mein üblicher Videolink").fill("https://video.example.org/frank")
    page.get_by_label("am selben Tag").check()
    page.get_by_label("1 Stunde vorher").check()
    press(page, "button", "Speichern")
    expect(page.get_by_text("Gespeichert. Es gilt ab dem nächsten Termin.")).to_be_visible()
    press(page, "button", "Adresse anlegen")
    address = page.get_by_label("Adresse zum Kopieren").input_value()
    assert_well(page)
    with urllib.request.urlopen(address) as answer:
        text = answer.read().decode()
    assert "SUMMARY:Termin" in text and "Frank" not in text and "Nadja" not in text
    page.get_by_role("link", name="Fertig").click()
    assert address not in page.content()
    page.get_by_role("button", name="Abschalten").click()
    expect(page.get_by_text("Das Abo ist abgeschaltet.")).to_be_visible()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(address)


def test_a_series_from_its_dates_to_the_calendars(house: House, sign_in: SignIn) -> None:
    page = sign_in("nadja.wolf", viewport=PHONE)
    page.goto(engagement_of(page) + "termine/neu/")
    page.get_by_role("link", name="Gleich mehrere Termine vereinbaren").click()
    first = house.now.date() + timedelta(days=10)  # a Friday
    page.get_by_label("Erster Tag").fill(f"{first:%Y-%m-%d}")
    page.get_by_label("Beginn").fill("07:30")
    page.get_by_label("Lerngespräch", exact=True).check()
    page.get_by_label("Am Telefon").check()
    page.get_by_label("Raum, Rufnummer oder Link").fill("0371 555 0142")
    page.get_by_label("jede Woche").check()
    page.get_by_label("Wie viele Gespräche?").fill("1")
    page.get_by_role("button", name="Termine ansehen").click()
    expect(page.get_by_text("Tragen Sie eine Zahl zwischen 2 und 12 ein.").first).to_be_visible()
    assert_well(page)
    page.get_by_label("Wie viele Gespräche?").fill("5")
    page.get_by_role("button", name="Termine ansehen").click()
    expect(page.get_by_role("heading", name="Passt das so?")).to_be_visible()
    assert_well(page)
    page.get_by_role("group").nth(1).get_by_label("Auslassen").check()
    page.get_by_role("button", name="Termine vereinbaren").click()
    expect(page.get_by_text(re.compile(r"\d Termine stehen. Beide bekommen eine Nachricht mit allen."))).to_be_visible()
    mail = house.wait_for_mail("frank.moeller@example.org", "Mehrere neue Termine")
    calendar = calendar_in(mail)
    found = recurring_ical_events.of(calendar).between(house.now, house.now + timedelta(days=60))
    assert found[0]["DTSTART"].dt.strftime("%H:%M") == "07:30" and len(found) in (3, 4)
    assert "Nadja" not in str(mail)
    again = house.wait_for_mail("nadja.wolf@example.org", "Mehrere neue Termine")
    assert {str(e["UID"]) for e in calendar_in(again).walk("VEVENT")} == {
        str(e["UID"]) for e in calendar.walk("VEVENT")
    }


def test_moving_and_cancelling_a_series_without_javascript(house: House, sign_in: SignIn) -> None:
    page = sign_in("frank.moeller", java_script_enabled=False, **WIDE_DARK)
    page.goto("/heute/")
    page.get_by_role("link", name="Verschieben").click()
    page.get_by_label("Beginn").fill("09:30")
    page.get_by_label("Diesen und alle folgenden der Reihe").check()
    page.get_by_role("button", name="Verschieben").click()
    expect(page.get_by_text("Der Termin ist verschoben.")).to_be_visible()
    mail = house.wait_for_mail("nadja.wolf@example.org", "Mehrere Termine haben sich geändert")
    moved = calendar_in(mail).walk("VEVENT")
    assert len(moved) == 4 and {event["SEQUENCE"] for event in moved} == {1}
    assert {event["DTSTART"].dt.strftime("%H:%M") for event in moved} == {"09:30"}
    page.get_by_role("link", name="Absagen").click()
    page.get_by_label("Diesen und alle folgenden der Reihe (4 Termine)").check()
    page.get_by_role("button", name="Termin absagen").click()
    expect(page.get_by_text("Die Termine sind abgesagt.")).to_be_visible()
    gone = calendar_in(house.wait_for_mail("nadja.wolf@example.org", "Mehrere Termine sind abgesagt"))
    assert gone["METHOD"] == "CANCEL" and len(gone.walk("VEVENT")) == 4


def test_an_own_calendar_says_what_is_wrong_and_what_to_do(house: House, sign_in: SignIn) -> None:
    page = sign_in("frank.moeller", **WIDE_DARK)
    page.goto("/kalender/")
    field = page.get_by_label("ICS-Adresse meines Kalenders")
    field.fill("kein link")
    page.get_by_role("button", name="Kalender verbinden").click()
    expect(page.get_by_text("Die Adresse beginnt mit https:// oder webcal://").first).to_be_visible()
    assert_well(page)
    page.get_by_label("ICS-Adresse meines Kalenders").fill("webcal://localhost/frank.ics")
    page.get_by_role("button", name="Kalender verbinden").click()
    wrong = page.get_by_text("Der Kalender ließ sich nicht lesen.")
    for _try in range(60):
        if wrong.is_visible():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(wrong).to_be_visible()
    expect(page.get_by_text("Diese Adresse dürfen wir nicht abrufen.")).to_be_visible()
    assert_well(page)
    page.get_by_role("button", name="Jetzt nachsehen").click()
    page.get_by_role("button", name="Verbindung trennen").click()
    expect(page.get_by_text("Ihr Kalender ist nicht mehr verbunden.")).to_be_visible()
    assert_well(page)


def test_a_fresh_room_of_the_agency_is_one_click(house: House, sign_in: SignIn) -> None:
    page = sign_in("dirk", language="en", viewport=PHONE)
    page.goto("/dienststellen/videoraeume/")
    assert_well(page)
    page.locator("main tbody a").first.click()
    assert_well(page)
    page = sign_in("andreas.huber", viewport=PHONE)
    page.goto(engagement_of(page) + "termine/neu/")
    page.get_by_label("Lerngespräch", exact=True).check()
    page.get_by_label("Tag", exact=True).fill(f"{house.now.date() + timedelta(days=11):%Y-%m-%d}")
    page.get_by_label("Beginn").fill("06:00")
    page.get_by_label("Per Video").check()
    page.get_by_label("Neuer Videoraum (video.example.org)").check()
    assert_well(page)
    page.get_by_role("button", name="Termin vereinbaren").click()
    expect(page.get_by_role("link", name=re.compile(r"video\.example\.org.[0-9a-f]{32}"))).to_be_visible()
    assert_well(page)


def test_whether_a_talk_took_place(house: House, sign_in: SignIn) -> None:
    page = sign_in("nadja.wolf")
    page.goto(engagement_of(page))
    page.get_by_role("link", name="Zwischengespräch").first.click()
    expect(page.get_by_text("hat nicht stattgefunden")).to_be_visible()
    expect(page.get_by_role("button", name="In vier Wochen wieder")).to_be_visible()
    assert_well(page)
    page.get_by_role("button", name="Ja", exact=True).click()
    expect(page.get_by_text("hat stattgefunden, noch nicht dokumentiert")).to_be_visible()
    expect(page.get_by_role("link", name="Gespräch dokumentieren")).to_be_visible()
    page.get_by_role("button", name="In vier Wochen wieder").click()
    expect(page.get_by_text("Der Termin steht.")).to_be_visible()
    assert_well(page)
