"""The whole application as `make demo` starts it, with a real worker, mail and Chromium, on a quiet Tuesday at ten."""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from engagements.reminders import Rhythm
from lernbegleitung.serve import free_port

from ..push_house import PushService, serve
from .chromium import FLAGS, find_chromium
from .looking import watch

ROOT = Path(__file__).parents[2]
PASSWORD = "lernbegleitung-demo"
BERLIN = ZoneInfo("Europe/Berlin")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these tests are skipped, in one line; CI takes that as a failure."""
    if find_chromium():
        return
    reason = "browser tests: no Chromium found (set CHROMIUM, or install Debian's chromium)"
    if os.environ.get("CI"):
        pytest.exit(reason, returncode=1)
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.skip(reason=reason))


def a_working_tuesday() -> datetime:
    """The next Tuesday at ten that is no holiday in Bavaria."""
    rhythm = Rhythm(state="BY", zone=BERLIN)
    day = datetime.now(BERLIN).date() + timedelta(days=1)
    while day.weekday() != 1 or not rhythm.works_on(day):
        day += timedelta(days=1)
    return datetime(day.year, day.month, day.day, 10, 0, tzinfo=BERLIN)


@dataclass
class House:
    """A running application: where it answers, where its mails land, what time it thinks it is."""

    base: str
    mail: Path
    now: datetime
    var: Path

    def mails_to(self, address: str) -> list[Any]:
        """The mails caught for an address, the oldest first."""
        found = []
        for file in sorted(self.mail.glob("*.eml")):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            if address in str(message["To"]):
                found.append(message)
        return found

    def wait_for_mail(self, address: str, subject: str, beyond: int = 0, seconds: float = 40) -> Any:
        """The latest mail to an address with this subject; the worker brings it within a ring of the doorbell.

        `beyond` leaves out the first mails, which another journey caused.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if found := [mail for mail in self.mails_to(address)[beyond:] if subject in str(mail["Subject"])]:
                return found[-1]
            time.sleep(0.3)
        raise AssertionError(
            f"no mail {subject!r} to {address}; there are {[str(m['Subject']) for m in self.mails_to(address)]}"
        )


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushService]:
    """The push service of a browser's vendor, on this machine."""
    service, server = serve(tmp_path_factory.mktemp("vendor"))
    yield service
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def house(vendor: PushService) -> Iterator[House]:
    """Start everything once for all journeys; stop it cleanly at the end.

    Not below pytest's own folder: another run on this machine shuts that to the database's user (mode 700).
    """
    with tempfile.TemporaryDirectory(prefix="lernbegleitung-house-", ignore_cleanup_errors=True) as folder:
        yield from started(Path(folder), vendor)


def started(folder: Path, vendor: PushService) -> Iterator[House]:
    """The house with its data below `folder`, until the journeys are over."""
    folder.chmod(0o755)
    ready, now = folder / "ready.json", a_working_tuesday()
    offset = int((now - datetime.now(UTC)).total_seconds())
    env = {**os.environ, "LERNBEGLEITUNG_CLOCK_OFFSET": str(offset), "LERNBEGLEITUNG_TICK": "2"}
    env |= {"PUSH_SERVICES": f"127.0.0.1:{vendor.port}", "PUSH_INSIDE": "1", "PUSH_CA_FILE": vendor.certificate}
    for name in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "LERNBEGLEITUNG_DB_ROLE"):
        env.pop(name, None)
    command = [
        sys.executable,
        "-m",
        "lernbegleitung.serve",
        "--port",
        str(free_port()),
        "--var",
        str(folder / "var"),
        "--ready-file",
        str(ready),
    ]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 180
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < until, (folder / "serve.log").read_text()
            time.sleep(0.2)
        facts = json.loads(ready.read_text())
        yield House(facts["base"], Path(facts["mail"]), now, Path(facts["var"]))
    finally:
        process.terminate()
        assert process.wait(60) == 0, (folder / "serve.log").read_text()
    left = [pid for pid in facts["pids"].values() if Path(f"/proc/{pid}").exists()]
    assert left == [], "processes left behind"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One real Chromium."""
    expect.set_options(timeout=15_000)  # patience costs nothing where all is well, and a busy machine needs it
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(find_chromium()), args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def sign_in(house: House, browser: Browser) -> Iterator[Callable[..., Page]]:
    """A page of its own for a person, signed in through the login form; complaints of the console are collected."""
    contexts: list[BrowserContext] = []

    def page_of(name: str, language: str = "de", **options: Any) -> Page:
        context = browser.new_context(base_url=house.base, locale={"de": "de-DE", "en": "en-GB"}[language], **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        watch(page, house.base)
        page.goto("/accounts/login/")
        page.locator("input[type=email]").fill(f"{name}@example.org")
        page.locator("input[type=password]").fill(PASSWORD)
        page.locator("main button").first.click()
        page.wait_for_url(re.compile("/heute/"))
        return page

    yield page_of
    for context in contexts:
        context.close()
