"""Many people at once: learners, companions and coordinators walk about and write, beside the bare floor.

`python -m benchmarks.load` (part of `make bench`; PEOPLE, CLIENTS, SECONDS, TURNS). Everybody is signed in before the
clock starts. Then three kinds of windows take turns: the mixed load; its pages without the writing; the same pages from
the bare floor (benchmarks/bare.py). CPU seconds of the servers are read from /proc, so that the requests for each of them
hardly depend on what else the machine does. Any wrong answer ends the run with the kind of request, never with content.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from . import cold, processes
from .house import FLAGS, floor_of, generated, keep, served
from .moves import MOVES, Person, settle, working_days
from .visitor import Visitor

PEOPLE = int(os.environ.get("PEOPLE", "90"))
CLIENTS = int(os.environ.get("CLIENTS", "8"))  # who wait for an answer at the same time
SECONDS = float(os.environ.get("SECONDS", "15"))  # of a window of the mixed load; the others take a third
TURNS = int(os.environ.get("TURNS", "4"))
VISIT = 6  # moves
LEARNERS, EACH = 100_000, 20  # of the whole organisation, and of a companion (demo/generating.py)

Walk = Callable[[], None]


@dataclass
class Window:
    """What one kind of windows has seen."""

    times: dict[str, list[float]] = field(default_factory=dict)  # ms, by kind of request
    seconds: float = 0
    cpu: Counter[str] = field(default_factory=Counter)  # seconds of CPU, by server

    def note(self, kind: str, ms: float) -> None:
        """One request more."""
        self.times.setdefault(kind, []).append(ms)

    def all(self) -> list[float]:
        """Every request, the fastest first."""
        return sorted(ms for times in self.times.values() for ms in times)

    def rates(self) -> dict[str, float]:
        """Requests a second, and for each second of CPU of the web server, and of it with its database."""
        number, web = len(self.all()), self.cpu["web"]
        return {
            "requests/s": round(number / self.seconds, 1),
            "requests/CPU-s of the web server": round(number / web, 1),
            "requests/CPU-s with PostgreSQL": round(number / (web + self.cpu["postgres"]), 1),
        }


def share(times: list[float], part: float) -> float:
    """The time that this part of all (sorted) needed at most."""
    return round(times[min(len(times) - 1, int(part * len(times)))], 1)


def arrive(base: str, people: int, scale: str) -> tuple[list[Person], Window]:
    """Coordinators, companions with two learners each, signed in; each pair has planned a talk (demo/generating.py)."""
    doors, found = Window(), []
    companions = max(2, round(LEARNERS * Fraction(scale)) // EACH)

    def person(login: str, role: str) -> Person:
        found.append(Person(Visitor(base, login, doors.note), role, random.Random(login), working_days()))
        return found[-1]

    for number in range(2):  # no scale has fewer
        person(f"koordination{number}", "coordinator")
    for number in range(1, min(people // 3, companions) + 1):
        companion = person(f"begleitung{number % companions}", "companion")
        for turn in (0, 1):  # learner n has companion n + 1
            settle(companion, person(f"lernen{number - 1 + companions * turn}", "learner"))
    return found, doors


def one_of_each(crowd: list[Person]) -> tuple[list[Person], list[Person]]:
    """A pair and a coordinator, whose pages are compared with the floor and stay as they are; and all others."""
    sample = [crowd[0], *crowd[-3:]]
    return sample, [one for one in crowd if one not in sample]


def walkers(people: list[Person], window: Window) -> list[Walk]:
    """As many as wait at once; they take turns at being somebody, and nobody is two at a time."""
    for one in people:
        one.browser.note = window.note
    number = min(CLIENTS, sum(one.role == "learner" for one in people))
    groups = [{role: [one for one in people if one.role == role][n::number] for role in MOVES} for n in range(number)]
    return [walker(group, random.Random(n)) for n, group in enumerate(groups)]


def walker(people: dict[str, list[Person]], dice: random.Random) -> Walk:
    """Visit after visit, one move at a time, as the weights have it."""
    roles, errands = [role for role in MOVES if people[role]], []

    def step() -> None:
        if not errands:
            role = dice.choices(roles, [MOVES[role][0] for role in roles])[0]
            one, (weights, moves) = dice.choice(people[role]), zip(*MOVES[role][1], strict=True)
            errands.extend(partial(move, one) for move in [Person.come, *dice.choices(moves, weights, k=VISIT)])
        errands.pop(0)()

    return step


def readers(
    base: str, pages: dict[str, tuple[str, str]], weights: dict[str, float], cookies: dict[str, str], window: Window
) -> list[Walk]:
    """As many, who only read these pages, as often as the mixed load does."""

    def reader(dice: random.Random) -> Walk:
        browsers = {login: Visitor.signed_in(base, cookie, window.note) for login, cookie in cookies.items()}

        def step() -> None:
            login, path = pages[dice.choices(list(weights), list(weights.values()))[0]]
            browsers[login].get(path)

        return step

    return [reader(random.Random(n)) for n in range(CLIENTS)]


def at_once(walks: list[Walk], seconds: float) -> None:
    """All walk until the time is over; the first wrong answer ends it."""
    until, wrong = time.perf_counter() + seconds, []

    def walk(step: Walk) -> None:
        while time.perf_counter() < until and not wrong:
            try:
                step()
            except Exception as error:  # noqa: BLE001  (told by the main thread)
                wrong.append(error)

    threads = [threading.Thread(target=walk, args=[step]) for step in walks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def measured(window: Window, walks: list[Walk], seconds: float, pids: dict[str, int]) -> None:
    """One window, with the CPU that the servers used meanwhile."""
    before, begun = {name: processes.cpu(pid) for name, pid in pids.items()}, time.perf_counter()
    at_once(walks, seconds)
    window.seconds += time.perf_counter() - begun
    window.cpu.update({name: processes.cpu(pid) - before[name] for name, pid in pids.items()})


def pages_of(people: list[Person]) -> tuple[dict[str, tuple[str, str]], dict[str, float], dict[str, str]]:
    """The pages that are only looked at, each of one person; how often; and how these people are signed in."""
    pages, weights, cookies = {}, {}, {}
    for role, (share_of_all, moves) in MOVES.items():
        one = next(one for one in people if one.role == role)
        one.come()
        cookies[one.browser.login] = one.browser.cookie
        begins = "/zuordnung/" if role == "coordinator" else "/heute/"
        everything = sum(weight for weight, _move in moves)
        for weight, move in [(everything / VISIT, None), *moves]:
            path = begins if move is None else getattr(move, "path", "")
            if path:
                name = f"{role}{path.replace('{', '').replace('}', '').replace('/', '-').rstrip('-')}"
                pages[name] = (one.browser.login, path.format(engagement=one.engagement, talk=one.talk))
                weights[name] = weights.get(name, 0) + share_of_all * weight / everything
    return pages, weights, cookies


def run(env: dict[str, str], pids: dict[str, int], crowd: list[Person], doors: Window, folder: Path) -> dict[str, Any]:
    """Walk and compare. `pids`: “web”, “postgres”, and whoever else's memory is of interest."""
    base, people = crowd[0].browser.base, len(crowd)
    with ExitStack() as stack:
        sample, crowd = one_of_each(crowd)
        pages, weights, cookies = pages_of(sample)
        _facts, bare_env = floor_of(env, pages, folder)
        bare, bare_pid = stack.enter_context(served(bare_env, "benchmarks.bare", *FLAGS, door=next(iter(pages))))
        windows = {name: Window() for name in ("mixed", "pages", "bare")}
        walks = {
            "mixed": walkers(crowd, windows["mixed"]),
            "pages": readers(base, pages, weights, cookies, windows["pages"]),
            "bare": readers(bare, {name: (of, f"/{name}") for name, (of, _path) in pages.items()}, weights, cookies, windows["bare"]),
        }  # fmt: skip
        at_once(walks["mixed"], SECONDS / 3)  # warm
        windows["mixed"].times.clear()
        before = memory(pids)
        for _turn in range(TURNS):
            for name, window in windows.items():
                servers = {"web": bare_pid if name == "bare" else pids["web"], "postgres": pids["postgres"]}
                measured(window, walks[name], SECONDS if name == "mixed" else SECONDS / 3, servers)
        after = memory(pids)
    return report(windows, doors, people) | {"memory MB": {name: [mb, after.get(name)] for name, mb in before.items()}}


def memory(pids: dict[str, int]) -> dict[str, float]:
    """Of every process; PostgreSQL in one line."""
    return processes.together(processes.memory(pids), "postgres")


def report(windows: dict[str, Window], doors: Window, people: int) -> dict[str, Any]:
    """Figures of one run."""
    times = windows["mixed"].all()
    rates = {name: window.rates() for name, window in windows.items()}
    writes = sum(len(of) for kind, of in windows["mixed"].times.items() if kind.startswith("POST"))
    kinds = {}
    for kind, of in sorted(windows["mixed"].times.items(), key=lambda item: -sum(item[1])):
        of = sorted(of)
        kinds[kind] = {"n": len(of), "p50": share(of, 0.5), "p95": share(of, 0.95)}
    signing = sorted(doors.times["POST /accounts/login/"])
    return {
        "people": people, "at once": CLIENTS, "requests": len(times), "writes": round(writes / len(times), 2),
        "p50 ms": share(times, 0.5), "p95 ms": share(times, 0.95), "p99 ms": share(times, 0.99), "max ms": round(times[-1], 1),
        "p95/p50": round(share(times, 0.95) / share(times, 0.5), 2), "errors": 0,
        "signing in, one by one, ms": share(signing, 0.5),
        "rates": rates,
        "pages: floor / ours": {
            what: round(rates["bare"][what] / rate, 1) for what, rate in rates["pages"].items()
        },
        "kinds": kinds,
    }  # fmt: skip


def measure(scale: str = "1/100") -> dict[str, Any]:
    """The whole of it, in a house of its own."""
    sys.setswitchinterval(0.0005)  # nobody's answer waits long for the page that somebody else reads
    with generated(scale) as (house, pids), tempfile.TemporaryDirectory() as name:
        pids["postgres"] = int((house.var / "postgres" / "postmaster.pid").read_text().split()[0])
        found = run(house.env("lern_app"), pids, *arrive(house.base, PEOPLE, scale), Path(name))
        return found | {"cold start": cold.measure(house, Visitor(house.base, "lernen0").cookie)}


def show(found: dict[str, Any]) -> None:
    """As a table."""
    for name, value in found.items():
        if name == "kinds":
            print(f"{'':58}{'n':>6}{'p50 ms':>9}{'p95 ms':>9}")
            for kind, of in value.items():
                print(f"{kind:58}{of['n']:>6}{of['p50']:>9}{of['p95']:>9}")
        elif isinstance(value, dict):
            print(name)
            for what, number in value.items():
                print(f"  {what:34} {number}")
        else:
            print(f"{name:36} {value}")


if __name__ == "__main__":
    figures = measure()
    show(figures)
    keep(load=figures)
