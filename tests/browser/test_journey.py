"""Anna, Ben and Carla walk the whole way in real browsers, with real mail through Celery; main pages in English, too."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, House
from .looking import assert_well, complain

pytestmark = pytest.mark.browser
ABILITY = "Ich möchte in Besprechungen früh sagen, was ich denke."


def link_in(message: object) -> str:
    """The first link of a mail."""
    return re.search(
        r"https?://\S+",
        message.get_content() if not message.is_multipart() else message.get_body(("plain",)).get_content(),
    )[0]  # type: ignore[attr-defined,index]


def test_the_whole_way_in_german(house: House, sign_in: Callable[..., Page]) -> None:
    anna, ben, carla = sign_in("anna"), sign_in("ben"), sign_in("carla")
    earlier = len(house.mails_to("ben@example.org"))
    expect(anna.get_by_role("heading", level=1)).to_contain_text("Anna Lindner")
    assert_well(anna)

    # The concern, three short pages, a request.
    anna.get_by_role("link", name="Begleitung anfragen").first.click()
    anna.get_by_role("button", name="Weiter").click()
    expect(anna.locator("#fehler")).to_be_focused()
    assert_well(anna)
    anna.get_by_label("Was möchten Sie in Ihrer Arbeit besser können?").fill(ABILITY)
    anna.get_by_role("button", name="Weiter").click()
    anna.get_by_label("Warum gerade jetzt?").fill("Seit dem Umzug sitzen wir in einer größeren Runde.")
    anna.get_by_label("Eigenes Thema").check()
    assert_well(anna)
    anna.get_by_role("button", name="Weiter").click()
    anna.get_by_label("aus einer anderen Dienststelle").check()
    anna.get_by_label("Per Video").check()
    anna.get_by_label("Die Koordination darf meinen Namen").check()
    assert_well(anna)
    anna.get_by_role("button", name="Anfrage senden").click()
    expect(anna.get_by_text("Ihre Anfrage ist bei der Koordination.")).to_be_visible()
    assert_well(anna)

    # The coordinator is told by mail, sees no words, and proposes Ben.
    mail = house.wait_for_mail("carla@example.org", "Eine neue Anfrage")
    assert ABILITY not in str(mail)
    carla.goto(link_in(mail))
    expect(carla.get_by_role("heading", name="Anna Lindner")).to_be_visible()
    assert ABILITY not in carla.content()
    assert_well(carla)
    carla.get_by_label("Warum nicht …?").fill("Hoffmann")
    carla.locator("#blatt").get_by_role("button", name="Suchen").click()
    assert_well(carla)
    carla.get_by_label("Vorschlagen: Ben Hoffmann").check()
    carla.get_by_role("button", name="Ausgewählte vorschlagen").click()
    assert_well(carla)
    carla.get_by_role("button", name="Vorschlagen").click()
    expect(carla.get_by_text("Vorgeschlagen. Die lernende Person wählt jetzt.")).to_be_visible()

    # Anna chooses him, he reads her words and accepts.
    anna.goto(link_in(house.wait_for_mail("anna@example.org", "Vorschläge für Sie")))
    assert_well(anna)
    anna.get_by_role("link", name="Diese Begleitung fragen").first.click()
    anna.get_by_label("Mir ist kein Rollenkonflikt bekannt").check()
    assert_well(anna)
    anna.get_by_role("button", name="Jetzt fragen").click()
    ben.goto(link_in(house.wait_for_mail("ben@example.org", "Eine Anfrage wartet auf Sie", beyond=earlier)))
    expect(ben.get_by_text(ABILITY)).to_be_visible()
    assert_well(ben)
    ben.get_by_label("Mir ist kein Rollenkonflikt bekannt").check()
    ben.get_by_role("button", name="Gern, wir lernen uns kennen").click()
    expect(ben.get_by_role("heading", level=1)).to_contain_text("Anna Lindner")
    engagement = ben.url

    # Both accept the agreement.
    ben.get_by_role("link", name="Vereinbarung", exact=True).first.click()
    ben.get_by_label("Wozu treffen wir uns?").fill("Damit Anna ihren eigenen Weg findet.")
    assert_well(ben)
    ben.get_by_role("button", name="Speichern und annehmen").click()
    anna.goto(link_in(house.wait_for_mail("anna@example.org", "Eine Lernvereinbarung liegt bereit")))
    assert_well(anna)
    anna.get_by_role("button", name="Annehmen").click()
    expect(anna.get_by_text("Ihre Lernbegleitung beginnt.").first).to_be_visible()

    # An appointment, with a calendar entry by mail; both prepare.
    ben.goto(engagement)
    ben.get_by_role("link", name="Termin buchen").first.click()
    ben.get_by_role("link", name="Tag und Uhrzeit selbst eintragen").click()
    day = house.now.date() + timedelta(days=1)
    ben.get_by_label("Tag").fill(f"{day:%Y-%m-%d}")
    ben.get_by_label("Beginn").fill("14:00")
    ben.get_by_label("Raum, Rufnummer oder Link").fill("https://video.example.org/anna-ben")
    assert_well(ben)
    ben.get_by_role("button", name="Termin vereinbaren").click()
    expect(ben.get_by_text("Der Termin steht.")).to_be_visible()
    assert_well(ben)
    mail = house.wait_for_mail("anna@example.org", "Ein neuer Termin")
    calendar = next(mail.iter_attachments()).get_content()
    assert "BEGIN:VEVENT" in (calendar if isinstance(calendar, str) else calendar.decode())
    anna.goto(link_in(mail))
    anna.get_by_role("link", name="Gespräch vorbereiten").click()
    anna.get_by_label("Worüber möchte ich sprechen?").fill("Der Augenblick, bevor ich mich melde.")
    assert_well(anna)
    anna.get_by_role("button", name="Thema sichern").click()
    expect(anna.get_by_text("Ihr Thema ist unterwegs.")).to_be_visible()
    ben.get_by_role("link", name="Gespräch vorbereiten").click()
    expect(ben.get_by_text("Der Augenblick, bevor ich mich melde.")).to_be_visible()
    ben.get_by_label("Meine Haltung").fill("Geduld. Keine Tipps.")
    ben.get_by_role("button", name="Sichern", exact=True).click()
    expect(ben.get_by_text("Ihre Vorbereitung ist gesichert.")).to_be_visible()
    assert_well(ben)

    # The talk: she writes, and what she writes is saved while she writes; he offers an observation.
    anna.get_by_role("link", name="Zum Gespräch").click()
    expect(anna.get_by_text("Geduld. Keine Tipps.")).to_have_count(0)
    part = anna.get_by_label("Was mir zu meinem Anliegen klar geworden ist")
    part.fill("Ich warte auf den perfekten Satz.")
    expect(anna.locator("#teil-1 [data-status]")).to_contain_text("Gespeichert")
    assert_well(anna)
    ben.get_by_role("link", name="Zum Gespräch").click()
    expect(ben.get_by_text("Ich warte auf den perfekten Satz.").first).to_be_visible()
    ben.locator("#teil-1 summary", has_text="Vorschlag anbieten").click()
    ben.locator("#teil-1").get_by_label("Was ich wahrgenommen habe").fill("Beim Wort perfekt haben Sie gelacht.")
    ben.locator("#teil-1").get_by_role("button", name="Anbieten").click()
    expect(ben.locator("[data-live=beobachtungen-1]")).to_contain_text("Beim Wort perfekt")
    assert_well(ben)
    anna.reload()
    anna.get_by_role("button", name="In meine Worte übernehmen").click()
    expect(part).to_have_value(re.compile("perfekt haben Sie gelacht"))

    # A step for today, and its reminder.
    anna.locator("#teil-3 > summary").click()
    anna.locator("#schritt-planen > summary").click()
    anna.locator("#schritt-planen summary", has_text="Genauer").click()
    anna.get_by_label("Was möchten Sie ausprobieren?").fill("Als Dritte etwas sagen")
    anna.get_by_label("Wenn …").fill("Wenn zwei gesprochen haben")
    anna.get_by_label("… dann werde ich").fill("dann hebe ich die Hand")
    anna.get_by_label("Bis wann?").fill(f"{house.now:%Y-%m-%d}")
    assert_well(anna)
    anna.get_by_role("button", name="Schritt planen").click()
    mail = house.wait_for_mail("anna@example.org", "Ihr Lernschritt für heute")
    assert "Dritte" not in str(mail)

    # Both agree to the record.
    anna.get_by_role("button", name="So stimmt es").click()
    expect(anna.get_by_text("Sie haben zugestimmt.")).to_be_visible()
    ben.goto(link_in(house.wait_for_mail("ben@example.org", "Ein Protokoll zum Lesen", beyond=earlier)))
    ben.get_by_role("button", name="So stimmt es").click()
    expect(ben.get_by_text("Das Protokoll ist abgeschlossen.")).to_be_visible()
    assert_well(ben)

    # From the mail to the answer, and on to the review.
    anna.goto(link_in(mail))
    assert_well(anna)
    anna.get_by_role("button", name="Versucht, hat nicht geklappt").click()
    anna.get_by_label("Was geschah?").fill("Ich war Vierte.")
    anna.get_by_label("Was nehmen Sie mit?").fill("Vierte ist auch früh.")
    assert_well(anna)
    anna.get_by_role("button", name="Sichern").click()
    expect(anna.get_by_text("Vierte ist auch früh.").first).to_be_visible()

    # Closing.
    anna.goto(engagement)
    anna.locator("summary", has_text="Pausieren oder beenden").click()
    anna.get_by_role("link", name="Abschließen").click()
    anna.get_by_label("Was nehmen Sie mit?").fill("Ich darf unfertig sprechen.")
    assert_well(anna)
    anna.get_by_label("nach 3 Monaten").check()
    anna.get_by_role("button", name="Abschließen").click()

    # What it brought, on a page that does not know her.
    expect(anna.get_by_role("heading", level=1)).to_contain_text("Was hat es Ihnen gebracht?")
    expect(anna.get_by_text("Anna")).to_have_count(0)
    anna.get_by_role("group", name="Ich habe eine eigene Lösung gefunden.").get_by_label("5").check()
    anna.get_by_label("dass jemand zugehört hat").check()
    assert_well(anna)
    anna.get_by_role("button", name="Ohne Namen absenden").click()
    expect(anna.get_by_role("heading", level=1)).to_contain_text("Danke")
    anna.get_by_role("link", name="Zu Heute").click()
    expect(anna.get_by_text("Die Lernbegleitung ist abgeschlossen.").first).to_be_visible()
    assert_well(anna)


def test_a_look_back_from_the_mail_to_a_new_beginning(house: House, sign_in: Callable[..., Page]) -> None:
    mail = house.wait_for_mail("sven.otto@example.org", "Ein Blick zurück")
    assert "Fallbesprechung" not in str(mail)
    sven = sign_in("sven.otto")
    sven.goto(link_in(mail))
    expect(sven.get_by_text("Vor jeder Fallbesprechung drei Sätze aufschreiben")).to_be_visible()
    assert_well(sven)
    sven.get_by_label("Manchmal").check()
    sven.get_by_label("Möchten Sie etwas dazu festhalten?").fill("Montags gelingt es.")
    sven.get_by_label("Diesen Satz als Faustregel behalten").check()
    sven.get_by_role("button", name="Festhalten").click()
    expect(sven.get_by_text("Danke. Das haben Sie für sich festgehalten.")).to_be_visible()
    assert_well(sven)
    sven.get_by_role("link", name="Mit dem Gelernten neu beginnen").click()
    expect(sven.get_by_text("Montags gelingt es.")).to_be_visible()
    expect(sven.get_by_label("Was möchten Sie in Ihrer Arbeit besser können?")).to_have_value(re.compile("Gutachten"))
    assert_well(sven)


MAIN_PAGES = {
    "greta": [
        "/heute/",
        "/begleitungen/",
        "/gespraeche/",
        "/lernschritte/",
        "/lerntagebuch/",
        "/erkenntnisse/",
        "/ziele/",
        "/suchen/",
        "/erinnerungen/",
        "/profil/",
        "/ausschluesse/",
        "/begleitende/",
    ],
    "ben": ["/heute/", "/begleitende/mein-profil/"],
    "carla": [
        "/heute/",
        "/zuordnung/",
        "/zuordnung/alle/",
        "/begleitende/plaetze/",
        "/einladungen/",
        "/einladungen/neu/",
    ],
    "dirk": ["/heute/", "/personen/", "/dienststellen/", "/dienststellen/neu/"],
}


@pytest.mark.parametrize("name", MAIN_PAGES)
def test_the_main_pages_in_english_on_a_phone_in_the_dark(sign_in: Callable[..., Page], name: str) -> None:
    page = sign_in(name, "en", viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.get_by_role("button", name=re.compile("^Konto: |^Account: ")).click()
    if page.get_by_role("button", name="English").count():
        page.get_by_role("button", name="English").click()
    for address in MAIN_PAGES[name]:
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert_well(page)
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/heute/")
    assert_well(page)
    page.get_by_role("button", name=re.compile("^Account: ")).click()
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")


PUBLIC = [
    "/",
    "/wer-sieht-was/",
    "/barrierefreiheit/",
    "/datenschutz/",
    "/impressum/",
    "/leichte-sprache/",
    "/gebaerdensprache/",
    "/accounts/login/",
    "/accounts/password/reset/",
    "/demo/mails/",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_public_pages(house: House, browser: object, scheme: str) -> None:
    context = browser.new_context(base_url=house.base, locale="de-DE", color_scheme=scheme)  # type: ignore[attr-defined]
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: complain(page, message))
    for address in PUBLIC:
        page.goto(address)
        assert_well(page)
    page.goto("/gibt-es-nicht/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Diese Seite gibt es hier nicht")
    context.close()


def test_without_javascript_the_essentials_work(house: House, browser: object) -> None:
    context = browser.new_context(base_url=house.base, locale="de-DE", java_script_enabled=False)  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill("greta@example.org")
    page.locator("input[type=password]").fill("lernbegleitung-demo")
    page.locator("main button").first.click()
    page.goto("/lerntagebuch/")
    page.get_by_label("Was ist mir aufgefallen?").fill("Ohne Skript geschrieben.")
    page.get_by_role("button", name="Eintrag sichern").click()
    expect(page.get_by_text("Ohne Skript geschrieben.")).to_be_visible()
    context.close()


def test_ticking_a_step_and_taking_it_back(sign_in: Callable[..., Page]) -> None:
    page = sign_in("greta")
    page.goto("/lernschritte/")
    row = page.locator(".step", has_text="drei Sätze notieren")
    row.get_by_role("checkbox").check()
    expect(row.get_by_text("gerade erledigt")).to_be_visible()
    row.get_by_role("button", name="Rückgängig").click()
    expect(row.get_by_role("checkbox")).not_to_be_checked()
    expect(row.get_by_role("checkbox")).to_be_focused()
    for button, said in (("Später", "Neu eingeplant: "), ("Lassen", "Auch das ist eine gute Antwort.")):
        row.get_by_role("button", name=button).focus()
        page.keyboard.press("Enter")
        expect(row.get_by_text(said)).to_be_visible()
        expect(page.locator("#meldung")).to_contain_text(said)
        expect(row.get_by_role("button", name="Rückgängig")).to_be_focused()
        assert_well(page)
        page.keyboard.press("Enter")
        expect(row.get_by_role("checkbox")).to_be_focused()
    assert page.complaints == []  # type: ignore[attr-defined]


def test_taking_along_a_portfolio(sign_in: Callable[..., Page]) -> None:
    page = sign_in("greta", viewport={"width": 390, "height": 844})
    page.goto("/meine-daten/")
    assert_well(page)
    page.get_by_role("link", name="Mitnehmen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sind Sie es?")
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Weiter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mitnehmen")
    assert_well(page)
    for button, ending in (
        ("Lernportfolio (PDF)", ".pdf"),
        ("Bestätigung (PDF)", ".pdf"),
        ("Alles als Datei", ".json"),
    ):
        for _again in range(2):  # a form for a file may be sent again
            with page.expect_download() as download:
                page.get_by_role("button", name=button).first.click()
            assert download.value.suggested_filename.endswith(ending)
            assert Path(download.value.path()).stat().st_size > 500
