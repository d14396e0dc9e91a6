"""Notices in a real Chromium: switched on by hand, sent by the real worker to a push service by https, shown by our service
worker, clicked, and gone with the log-out.

Of the vendor only the subscription is stood in for (headless Chromium has no push service): its keys are the test's, so
that what the worker has sealed is opened here and handed to the service worker as the vendor would.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ..push_house import PushService
from .conftest import House
from .looking import assert_well
from .test_own_space import PHONE
from .test_reminders import plan_step

pytestmark = pytest.mark.browser
SignIn = Callable[..., Page]
STAND_IN = """
(({ endpoint, p256dh, auth }) => {
  const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
  const subscription = { endpoint, getKey: (name) => toBytes({ p256dh, auth }[name]).buffer,
                         unsubscribe: async () => sessionStorage.removeItem("subscribed") };
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly || applicationServerKey.length !== 65) throw new TypeError("not as a browser wants it");
    sessionStorage.setItem("subscribed", "1");
    return subscription;
  };
  PushManager.prototype.getSubscription = async () => sessionStorage.getItem("subscribed") ? subscription : null;
})(%s)
"""


def wait_for(vendor: PushService, seconds: float = 40) -> bytes:
    """The next notice that comes to the push service."""
    until = time.monotonic() + seconds
    while not vendor.came:
        assert time.monotonic() < until, "no notice came"
        time.sleep(0.2)
    return vendor.came.pop(0)[2]


def registration_of(page: Page) -> tuple[Any, str]:
    """A line to the browser's own tools, and the id under which it knows our service worker."""
    tools, found = page.context.new_cdp_session(page), []
    tools.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
    tools.send("ServiceWorker.enable")
    for _try in range(50):
        if found:
            return tools, found[-1]["registrationId"]
        page.wait_for_timeout(100)
    raise AssertionError("no service worker is registered")


def shown(page: Page) -> list[dict[str, Any]]:
    return page.evaluate(
        "navigator.serviceWorker.ready.then((r) => r.getNotifications())"
        ".then((all) => all.map(({ title, body, tag, data }) => ({ title, body, tag, data })))"
    )


def test_a_notice_is_switched_on_shown_clicked_and_gone_with_the_log_out(
    house: House, sign_in: SignIn, vendor: PushService
) -> None:
    page, mine = sign_in("julia.seidel"), vendor.browser("julia")
    page.context.grant_permissions(["notifications"], origin=house.base)
    page.context.add_init_script(STAND_IN % json.dumps(mine.form()))
    page.goto("/erinnerungen/")
    section = page.get_by_role("region", name="Auch als Mitteilung auf einem Gerät")
    section.get_by_text("Wer dabei etwas erfährt").click()
    expect(section.get_by_text("Lesen kann er sie nicht.")).to_be_visible()
    assert_well(page)
    with page.expect_navigation():
        section.get_by_role("button", name="In diesem Browser einschalten").click()
    expect(page.get_by_text("Eingeschaltet. Gleich kommt eine erste Mitteilung zur Probe.")).to_be_visible()
    expect(section.get_by_text("dieses Gerät")).to_be_visible()
    expect(section.get_by_role("button", name="In diesem Browser einschalten")).to_be_hidden()
    assert_well(page)
    assert mine.open(wait_for(vendor))["title"] == "So sehen Ihre Erinnerungen hier aus"

    plan_step(page, house.now.date(), "Geheimer Schritt im Browser")
    house.wait_for_mail("julia.seidel@example.org", "Ihr Lernschritt für heute")
    notice = mine.open(wait_for(vendor))
    assert notice["title"] == "Ihr Lernschritt für heute" and "Geheim" not in str(notice)

    tools, registration = registration_of(page)
    for _twice in range(2):
        tools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": house.base, "registrationId": registration, "data": json.dumps(notice)},
        )
    for _try in range(50):
        if found := shown(page):
            break
        page.wait_for_timeout(100)
    assert found == [
        {"title": notice["title"], "body": notice["body"], "tag": "lernbegleitung", "data": {"path": notice["path"]}}
    ], "twice is one on the screen"

    (worker,) = page.context.service_workers
    assert worker.url == f"{house.base}/push-worker.js"
    opened = worker.evaluate(
        """async () => {
          const opened = [];
          self.clients.openWindow = async (address) => { opened.push(address); };  // it wants a real hand on the mouse
          for (const notification of await self.registration.getNotifications())
            self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
          return { opened, left: (await self.registration.getNotifications()).length };
        }"""
    )
    assert opened == {"opened": [house.base + notice["path"]], "left": 0}
    page.goto(opened["opened"][0])
    expect(page.get_by_text("Geheimer Schritt im Browser")).to_be_visible()
    assert page.evaluate("caches.keys()") == [], "nothing is kept for later"

    page.goto("/erinnerungen/")
    sent = page.get_by_role("region", name="Was gesendet wurde")
    expect(sent.get_by_text("auch als Mitteilung")).to_be_visible()
    page.get_by_role("button", name="Konto:").click()
    with page.expect_request(lambda request: request.url.endswith("/accounts/logout/")) as asked:
        page.get_by_role("button", name="Abmelden").click()
    assert "push_endpoint" in (asked.value.post_data or "")
    page.wait_for_url(f"{house.base}/")
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
    again = sign_in("julia.seidel")
    again.goto("/erinnerungen/")
    expect(
        again.get_by_role("region", name="Auch als Mitteilung").get_by_role("button", name="Entfernen")
    ).to_have_count(0)


def test_a_browser_that_refuses_is_told_so_and_a_device_is_removed(
    house: House, sign_in: SignIn, vendor: PushService
) -> None:
    page, mine = sign_in("martin.roth", viewport=PHONE, color_scheme="dark"), vendor.browser("martin")
    page.context.add_init_script(STAND_IN % json.dumps(mine.form()))
    page.goto("/erinnerungen/")
    section = page.get_by_role("region", name="Auch als Mitteilung auf einem Gerät")
    button = section.get_by_role("button", name="In diesem Browser einschalten")
    if button.is_visible():
        button.click()
    expect(section.get_by_text("lässt von hier keine Mitteilungen zu")).to_be_visible()
    assert_well(page)
    page.context.grant_permissions(["notifications"], origin=house.base)
    page.goto("/erinnerungen/")
    with page.expect_navigation():
        button.click()
    expect(section.get_by_text("dieses Gerät")).to_be_visible()
    assert_well(page)
    section.get_by_role("button", name="Entfernen").click()
    expect(page.get_by_text("Entfernt. Dort erscheint nichts mehr.")).to_be_visible()
    expect(button).to_be_visible()
    vendor.came.clear()


def test_without_a_script_the_page_says_what_it_takes(house: House, browser: Browser, sign_in: SignIn) -> None:
    state = sign_in("andreas.huber").context.storage_state()
    context = browser.new_context(base_url=house.base, java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto("/erinnerungen/")
    section = page.get_by_role("region", name="Auch als Mitteilung auf einem Gerät")
    expect(section.get_by_text("Zum Einschalten braucht es JavaScript")).to_be_visible()
    expect(section.get_by_role("button", name="In diesem Browser einschalten")).to_be_hidden()
    context.close()
