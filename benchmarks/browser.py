"""`python -m benchmarks.browser`: every main page in Chromium on a throttled line, against the goals of performance.md.

The line: 1.6 Mbit/s down, 750 kbit/s up, 150 ms added to every request. Three views of each page: *cold* (nothing in the
cache), *cold, CPU ÷ 4* (the same on a slow device), *next* (from another page of the same person, whose files are there).

What is measured, each the median of RUNS (5) views:
- requests, KB: what went over the wire until the page was quiet, headers included, what came from the cache not;
- HTML KB: the page itself as it went over the wire, without headers;
- FCP, LCP: first and largest contentful paint, in ms since the navigation began;
- TTI: time to interactive, in ms: the later of first paint, DOMContentLoaded (so deferred scripts and modules have run)
  and `htmx:load` (so htmx has bound the page), or the end of the last task longer than 50 ms before half a second without one;
- TBT: total blocking time, in ms: by how much tasks between FCP and TTI were longer than 50 ms;
- CLS: cumulative layout shift, all windows added up (stricter than the metric, which takes the worst one).
"""

from __future__ import annotations

import os
import re
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from tests.browser.chromium import FLAGS, find_chromium

from .house import keep, start_house

RUNS = int(os.environ.get("RUNS", "5"))
PASSWORD = "lernbegleitung-demo"
LINE = {"offline": False, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8, "latency": 150}
GOALS = {
    "first": {"requests": 12, "kb": 110},
    "next": {"requests": 2, "kb": 10},
    "html_kb": 8,
    "lcp": 1100,
    "cls": 0.01,
}
VIEWS = ("cold", "cold, CPU ÷ 4", "next")
COLUMNS = ("requests", "kb", "html_kb", "fcp", "lcp", "tti", "tbt", "cls")

# Runs before the page's own scripts, in every document; the content security policy does not concern it.
OBSERVE = """
  const seen = window.__seen = {lcp: 0, cls: 0, tasks: [], bound: 0};
  const watch = (type, take) => new PerformanceObserver(
    (list) => list.getEntries().forEach(take)).observe({type, buffered: true});
  watch("largest-contentful-paint", (entry) => {
    seen.lcp = entry.startTime;
    seen.largest = entry.element && entry.element.tagName + " " + entry.size;
  });
  watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.cls += entry.value; });
  watch("longtask", (entry) => seen.tasks.push([entry.startTime, entry.duration]));
  document.addEventListener("htmx:load", () => { seen.bound ||= performance.now(); });
"""
READ = """
  (() => ({...window.__seen, ready: performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
    fcp: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0}))()
"""


@dataclass(frozen=True)
class Place:
    """A page to look at, and the page one comes from."""

    name: str
    person: str
    path: str
    before: str


class Wire:
    """What went over the wire for one page."""

    def __init__(self, session: CDPSession) -> None:
        self.documents: set[str] = set()
        self.headers: dict[str, float] = {}
        self.sizes: dict[str, float] = {}
        session.on("Network.responseReceived", self._received)
        session.on("Network.loadingFinished", self._finished)

    def _received(self, event: dict[str, Any]) -> None:
        self.headers[event["requestId"]] = event["response"]["encodedDataLength"]
        if event["type"] == "Document":
            self.documents.add(event["requestId"])

    def _finished(self, event: dict[str, Any]) -> None:
        if event["encodedDataLength"] > 0:  # what comes from the cache has none
            self.sizes[event["requestId"]] = event["encodedDataLength"]

    def weight(self) -> dict[str, float]:
        """Requests, KB of all, KB of the page's own body."""
        html = sum(self.sizes.get(pk, 0) - self.headers[pk] for pk in self.documents)
        return {"requests": len(self.sizes), "kb": sum(self.sizes.values()) / 1024, "html_kb": html / 1024}


def interactive(seen: dict[str, Any]) -> tuple[float, float]:
    """Time to interactive and total blocking time, as the module's head defines them, in ms."""
    moment: float = max(seen["fcp"], seen["ready"], seen["bound"])
    for start, duration in sorted(seen["tasks"]):
        if start > moment + 500:
            break
        moment = max(moment, start + duration)
    late = [(start, long) for start, long in seen["tasks"] if seen["fcp"] <= start + long and start < moment]
    return moment, sum(max(0, long - 50) for _start, long in late)


def look(page: Page, path: str, *, throttled: bool = True, slow: bool = False) -> dict[str, Any]:
    """Open one page and measure it until it has been quiet for half a second."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    if throttled:
        session.send("Network.emulateNetworkConditions", LINE)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4 if slow else 1})
    wire = Wire(session)
    page.goto(path, wait_until="networkidle")  # half a second without a request
    page.wait_for_timeout(300)
    seen = session.send("Runtime.evaluate", {"expression": READ, "returnByValue": True})["result"]["value"]
    session.detach()
    tti, tbt = interactive(seen)
    times = {"fcp": seen["fcp"], "lcp": seen["lcp"], "tti": tti, "tbt": tbt, "cls": seen["cls"]}
    return {**wire.weight(), **times, "largest": seen.get("largest")}


def context_of(browser: Browser, base: str, state: Any = None, **options: Any) -> BrowserContext:
    """A browser with an empty cache, of somebody who is signed in if their `state` is given."""
    context = browser.new_context(base_url=base, storage_state=state, locale="de-DE", **options)
    context.add_init_script(OBSERVE)
    return context


def signed_in(browser: Browser, base: str, person: str) -> Any:
    """The cookies of a person."""
    context = context_of(browser, base)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill(f"{person}@example.org")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main button").first.click()
    page.wait_for_url("**/heute/")
    state = context.storage_state()
    context.close()
    return state


def first_link(browser: Browser, base: str, state: Any, path: str, pattern: str) -> str:
    """The first address on a page that fits the pattern."""
    context = context_of(browser, base, state)
    found = re.search(f'href="({pattern})', context.request.get(path).text())
    context.close()
    assert found, (path, pattern)
    return found[1]


def places(browser: Browser, base: str, states: dict[str, Any]) -> Iterator[Place]:
    """Every main page, as learner (Greta), companion (Ben) and coordinator (Carla)."""
    yield Place("start page", "", "/", "/datenschutz/")
    yield Place("sign in", "", "/accounts/login/", "/")
    for person in ("greta", "ben"):
        state = states[person]
        engagement = first_link(browser, base, state, "/heute/", '/begleitungen/[0-9a-f-]{36}/(?=")')
        desk = first_link(browser, base, state, "/gespraeche/", "/gespraeche/[0-9a-f-]{36}/(?=protokoll/)")
        yield Place("Heute", person, "/heute/", "/gespraeche/")
        yield Place("engagement", person, engagement, "/heute/")
        yield Place("talk", person, desk, "/heute/")
    yield Place("steps", "greta", "/lernschritte/", "/heute/")
    yield Place("assignment", "carla", "/zuordnung/", "/heute/")


def one_view(browser: Browser, base: str, state: Any, place: Place, view: str) -> dict[str, Any]:
    """One page in one of the VIEWS."""
    context = context_of(browser, base, state)
    page = context.new_page()
    if view == "next":
        look(page, place.before, throttled=False)
    found = look(page, place.path, slow=view == "cold, CPU ÷ 4")
    context.close()
    return found


def measure(base: str) -> dict[str, dict[str, dict[str, float]]]:
    """Every page in every view, in turn, RUNS times; the medians."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_chromium()), args=FLAGS)
        states: dict[str, Any] = {person: signed_in(browser, base, person) for person in ("greta", "ben", "carla")}
        pages = list(places(browser, base, states))
        for _run in range(RUNS):
            for place in pages:
                for view in VIEWS:
                    name = f"{place.name}, {place.person}".rstrip(", ")
                    one = one_view(browser, base, states.get(place.person), place, view)
                    found.setdefault((name, view), []).append(one)
        browser.close()
    result: dict[str, dict[str, dict[str, float]]] = {}
    for (name, view), rounds in found.items():
        medians = {column: statistics.median(one[column] for one in rounds) for column in COLUMNS}
        result.setdefault(name, {})[view] = {c: round(m, 4 if c == "cls" else 1) for c, m in medians.items()}
    return result


def show(found: dict[str, dict[str, dict[str, float]]]) -> None:
    """The table; what misses its goal is marked with *."""
    print(f"{'page':22}{'view':15}" + "".join(f"{column:>10}" for column in COLUMNS))
    for name, views in found.items():
        for view, row in views.items():
            goals = {**GOALS, **GOALS["next" if view == "next" else "first"]}  # type: ignore[dict-item]
            if "CPU" in view:
                goals.pop("lcp")
            cells = [f"{row[c]}{'*' if c in goals and row[c] > goals[c] else ' '}" for c in COLUMNS]  # type: ignore[operator]
            print(f"{name:22}{view:15}" + "".join(f"{cell:>10}" for cell in cells))


def main() -> None:
    """Measure a house of its own, or the one at BASE; keep the figures in results.json."""
    if base := os.environ.get("BASE"):
        show(measure(base))
        return
    with tempfile.TemporaryDirectory() as name:
        house, facts = start_house(Path(name))
        try:
            found = measure(facts["base"])
        finally:
            house.terminate()
            house.wait(30)
    show(found)
    keep(browser=found)


if __name__ == "__main__":
    main()
