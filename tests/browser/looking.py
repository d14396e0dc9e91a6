"""What every page is held to: no finding of axe, no complaint in the console, no sideways scrolling."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Request

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}


EXPECTED = ("status of 422", "status of 412", "status of 404", "status of 403")  # pages that say what is wrong


# What the browser says of its own effect between two pages (`@view-transition`; no script of ours starts one) when it
# gives that up: a page that was looked at before its first frame, or one that came too late on a busy machine.
NOT_OURS = ("ViewTransition opt-in disabled", "Transition was aborted", "Transition was skipped")


def complain(page: Page, message: ConsoleMessage) -> None:
    """Keep what the console complains of, but for the answers that are meant."""
    if message.type == "error" and not any(words in message.text for words in EXPECTED):
        page.complaints.append(message.text)  # type: ignore[attr-defined]


def keep(page: Page, error: str) -> None:
    """Keep an error in a script."""
    if not any(words in error for words in NOT_OURS):
        page.complaints.append(error)  # type: ignore[attr-defined]


def watch(page: Page, base: str) -> None:
    """Complain of what the console says, of errors in scripts, and of every request to another house."""
    page.complaints = []  # type: ignore[attr-defined]
    page.on("console", lambda message: complain(page, message))
    page.on("pageerror", lambda error: keep(page, str(error)))

    def look(request: Request) -> None:
        if not request.url.startswith((f"{base}/", "data:", "about:")):
            page.complaints.append(f"a request to {request.url}")  # type: ignore[attr-defined]

    page.on("request", look)


# What fades in or moves has other colours on the way; a page is looked at when its first frame is drawn and it stands.
STANDS = """() => new Promise(requestAnimationFrame).then(() => Promise.all(document.getAnimations()
  .filter((each) => each.playState === "running" && each.effect.getComputedTiming().endTime < 5000)
  .map((each) => each.finished.catch(() => null)))).then(() => null)"""


def assert_well(page: Page) -> None:
    """axe finds nothing, the console is silent (so the content security policy holds), nothing overflows."""
    page.evaluate(STANDS)
    violations = Axe().run(page, options=RULES).response["violations"]
    found = [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in violations]
    assert found == [], f"{page.url}: {found}"
    assert page.complaints == [], f"{page.url}: {page.complaints}"  # type: ignore[attr-defined]
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1], f"{page.url} is {width[0]} wide in a window of {width[1]}"
