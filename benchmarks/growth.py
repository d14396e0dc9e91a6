"""How much slower pages are when the whole Bundesagentur is in it: `python -m benchmarks.growth`.

Two organisations of generated people, a hundredth and the whole (SMALL and FULL; demo/generating.py), each with a house of
its own on the same machine. The same number of people of each, spread over all there are, open the same pages in turn;
everybody opens each page a few times, so that neither house is warmer than the other (where one has fewer of a kind, as
the hundredth has coordinators, these more often). What is kept is the ratio of the 95th percentiles, and of the
medians. With HOUSES="folder,folder" it uses houses that have been filled before.
"""

from __future__ import annotations

import os
import random
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from .house import generated, keep, start_house
from .visitor import Visitor, Wrong

SMALL, FULL = os.environ.get("SMALL", "1/100"), os.environ.get("FULL", "BA")
PEOPLE = int(os.environ.get("PEOPLE", "10"))  # learners, and as many companions
ROUNDS = int(os.environ.get("ROUNDS", "40"))  # times that everybody opens each page: a 95th percentile wants hundreds
# See demo/generating.py: of twenty second companionships eight are running.
LEARNERS, REGIONS, EACH, ACTIVE = 100_000, 10, 20, 8
UUID = r"[0-9a-f-]{36}"
# Pages by who opens them; "…" stands for what the page before the colon leads to first.
PAGES: dict[str, list[tuple[str, str, str]]] = {
    "lernen": [
        ("Heute", "/heute/", ""),
        ("Begleitungen", "/begleitungen/", ""),
        ("Begleitung", "/heute/", rf"/begleitungen/{UUID}/"),
        ("Gespräche", "/gespraeche/", ""),
        ("Gespräch", "/gespraeche/", rf"/gespraeche/{UUID}/(?:protokoll/)?"),
        ("Lernschritte", "/lernschritte/", ""),
        ("Lerntagebuch", "/lerntagebuch/", ""),
        ("Suche", "/suchen/?q=Hand", ""),
        ("Verzeichnis", "/begleitende/", ""),
        ("Erinnerungen", "/erinnerungen/", ""),
        ("Meine Daten", "/meine-daten/", ""),
    ],
    "begleitung": [
        ("Heute, begleitend", "/heute/", ""),
        ("Begleitungen, begleitend", "/begleitungen/", ""),
        ("Gespräche, begleitend", "/gespraeche/", ""),
        ("Begleitung, begleitend", "/heute/", rf"/begleitungen/{UUID}/"),
    ],
    "koordination": [
        ("Zuordnung", "/zuordnung/", ""),
        ("Anfrage", "/zuordnung/", rf"/zuordnung/{UUID}/"),
        ("Plätze", "/begleitende/plaetze/", ""),
    ],
}


def numbers(role: str, scale: str) -> list[int]:
    """Who takes part, by number: spread over everybody with something to see."""
    part = Fraction(1 if scale == "BA" else scale)
    learners, regions = max(2, round(LEARNERS * part)), max(2, round(REGIONS * part))
    companions = max(2, -(-learners // EACH))
    most = {"lernen": companions * ACTIVE, "begleitung": companions, "koordination": regions}[role]
    return sorted(random.Random(role).sample(range(most), min(most, PEOPLE)))  # noqa: S311


def arrive(base: str, scale: str) -> dict[str, list[tuple[Visitor, str]]]:
    """Everybody signed in, with the address of each page that they open."""
    found: dict[str, list[tuple[Visitor, str]]] = {}
    for role, pages in PAGES.items():
        for number in numbers(role, scale):
            person = Visitor(base, f"{role}{number}")
            for name, path, link in pages:
                try:
                    found.setdefault(name, []).append((person, person.get(path).link(link) if link else path))
                except Wrong:  # nothing of the kind: another's turn
                    continue
    return found


@contextmanager
def houses() -> Iterator[list[str]]:
    """The addresses of both."""
    with ExitStack() as stack:
        if ready := os.environ.get("HOUSES"):
            bases = []
            for folder in ready.split(","):
                process, facts = start_house(Path(folder), "--no-demo")
                stack.callback(process.wait, 30)
                stack.callback(process.terminate)
                bases.append(facts["base"])
            yield bases
        else:
            yield [stack.enter_context(generated(scale))[0].base for scale in (SMALL, FULL)]


def measure(bases: list[str]) -> dict[str, Any]:
    """For each page: medians and 95th percentiles of both (ms), and how much the larger one is slower."""
    sides = [arrive(base, scale) for base, scale in zip(bases, (SMALL, FULL), strict=True)]
    times: list[dict[str, list[float]]] = [{name: [] for name in sides[0]} for _side in sides]
    for round_ in range(ROUNDS + 1):  # the first one warms up
        for name in random.sample(list(sides[0]), len(sides[0])):
            for number in range(max(len(side[name]) for side in sides)):
                for side in random.sample((0, 1), 2):
                    person, path = sides[side][name][number % len(sides[side][name])]
                    kept = times[side][name] if round_ else []
                    person.note = lambda _kind, ms, kept=kept: kept.append(ms)
                    person.get(path)
    return {name: _grown(times[0][name], times[1][name]) for name in sides[0]}


def _grown(small: list[float], full: list[float]) -> dict[str, float]:
    p95 = [statistics.quantiles(side, n=20)[-1] for side in (small, full)]
    p50 = [statistics.median(side) for side in (small, full)]
    return {"small p50": round(p50[0], 1), "full p50": round(p50[1], 1), "p50": round(p50[1] / p50[0], 2),
            "small p95": round(p95[0], 1), "full p95": round(p95[1], 1), "p95": round(p95[1] / p95[0], 2)}  # fmt: skip


def main() -> None:
    with houses() as bases:
        found = measure(bases)
    for name, row in found.items():
        print(f"{name:26}" + "".join(f"{what:>11}{value:>7}" for what, value in row.items()))
    keep(growth={"small": SMALL, "full": FULL, "pages": found})


if __name__ == "__main__":
    main()
