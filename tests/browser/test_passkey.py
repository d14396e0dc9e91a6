"""A passkey in a real browser, with Chromium's virtual authenticator; and the app's code, typed by hand."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, House
from .looking import assert_well

pytestmark = pytest.mark.browser


def code_now(secret: str) -> str:
    """What the app shows; in the last seconds of a half minute one waits for the next, as people do."""
    if time.time() % 30 > 20:
        time.sleep(30 - time.time() % 30)
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def add_authenticator(page: Page) -> None:
    """A device with a fingerprint sensor, on which somebody always lays the finger."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def confirm(page: Page) -> None:
    """The password once more, where it is asked for."""
    page.locator("input[type=password]").fill(PASSWORD)
    assert_well(page)
    page.get_by_role("button", name="Weiter").click()


def test_a_passkey_from_adding_to_removing(sign_in: Callable[..., Page]) -> None:
    page = sign_in("carla")
    add_authenticator(page)
    page.get_by_role("button", name="Konto: ").click()
    page.get_by_role("link", name="Anmeldung und Sicherheit").click()
    expect(page.get_by_text("In dieser Vorführung geht es ohne.")).to_be_visible()
    assert_well(page)
    page.get_by_role("link", name="Passkey anlegen").click()
    confirm(page)
    page.get_by_label("Name des Passkeys").fill("Diensthandy")
    assert_well(page)
    page.get_by_role("button", name="Weiter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Notfallcodes")
    assert page.locator(".codes li").count() == 10
    assert_well(page)
    page.get_by_role("link", name="Ich habe sie aufbewahrt").click()
    expect(page.get_by_text("Diensthandy").first).to_be_visible()
    assert_well(page)

    # Sign out, and in again without a password.
    page.get_by_role("button", name="Konto: ").click()
    page.get_by_role("button", name="Abmelden", exact=True).click()
    page.goto("/accounts/login/")
    assert_well(page)
    page.get_by_role("button", name="Mit Passkey anmelden").click()
    page.wait_for_url(re.compile("/heute/"))

    # Sign out, and in again with password and passkey.
    page.get_by_role("button", name="Konto: ").click()
    page.get_by_role("button", name="Abmelden", exact=True).click()
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill("carla@example.org")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main button").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Zweiter Faktor")
    assert_well(page)
    page.get_by_role("button", name="Passkey benutzen").click()
    page.wait_for_url(re.compile("/heute/"))

    # What goes wrong is said; then the passkey is removed.
    page.goto("/accounts/2fa/")
    page.get_by_role("link", name=re.compile("Entfernen.*Diensthandy")).click()
    if page.get_by_role("heading", name="Sind Sie es?").count():
        page.get_by_role("link", name="Passwort").click() if not page.locator("input[type=password]").count() else None
        confirm(page)
    assert_well(page)
    page.get_by_role("button", name="Entfernen").click()
    expect(page.get_by_text("Diensthandy")).to_have_count(0)
    assert_well(page)


def test_an_app_on_a_phone_in_the_dark_and_in_english(house: House, sign_in: Callable[..., Page]) -> None:
    page = sign_in(
        "fritz" if house.mails_to("fritz") else "eva", viewport={"width": 390, "height": 844}, color_scheme="dark"
    )
    page.goto("/accounts/2fa/")
    assert_well(page)
    page.get_by_role("link", name="App einrichten").click()
    confirm(page)
    secret = page.locator(".codes code").text_content()
    expect(page.get_by_role("img", name="QR-Code für Ihre App")).to_be_visible()
    assert_well(page)
    page.get_by_label(re.compile("[Cc]ode")).last.fill("000000")
    page.get_by_role("button", name="Einrichten").click()
    assert_well(page)
    page.locator("input[name=code]").fill(code_now(str(secret)))
    page.get_by_role("button", name="Einrichten").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Notfallcodes")
    code = page.locator(".codes li").first.inner_text()
    assert_well(page)
    page.goto("/accounts/2fa/")
    page.get_by_role("button", name=re.compile("^Konto: ")).click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert_well(page)
    page.get_by_role("link", name=re.compile("^New recovery codes")).click()
    assert_well(page)
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name=re.compile("^Remove.*: ")).click()
    assert_well(page)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("link", name="Set up an app")).to_be_visible()
    assert code
    page.get_by_role("button", name=re.compile("^Account: ")).click()
    page.get_by_role("button", name="Deutsch").click()
