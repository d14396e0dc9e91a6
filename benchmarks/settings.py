"""What each choice of the server and its settings is worth: `python -m benchmarks.settings [group …]`.

The application itself, the mixed load of `load.py`, one house. The servers of a group stand beside each other and take
turns, so that what else the machine does hits them alike; kept are ratios to the first of the group, which is what we have
chosen. Any wrong answer ends the run. (TURNS, SECONDS, PEOPLE and CLIENTS as in load.py.)
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from lernbegleitung.serve import House

from . import cold, load, processes, slow
from .house import CONFIG, FLAGS, generated, keep, kept, served

PLAIN = (*FLAGS, "lernbegleitung.wsgi")  # what we do not set, gunicorn's defaults say


@dataclass(frozen=True)
class Choice:
    """One way to run it."""

    flags: tuple[str, ...] = CONFIG
    env: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def environment(self, house: House) -> dict[str, str]:
        """Of the server."""
        changed = {"DJANGO_SETTINGS_MODULE": "benchmarks.variant_settings", "BENCH_SETTINGS": json.dumps(self.settings)}
        return {**house.env("lern_app"), **(changed if self.settings else {}), **self.env}


def sized(workers: int, threads: int) -> Choice:
    """So many processes, so many threads in each."""
    return Choice(env={"WEB_CONCURRENCY": str(workers), "WEB_THREADS": str(threads)})


def pool(**size: int) -> Choice:
    """Another pool of connections."""
    return Choice(settings={"options": {"pool": size}})


SIGNED = "django.contrib.sessions.backends.signed_cookies"
GROUPS: dict[str, dict[str, Choice]] = {
    "processes × threads": {
        f"{workers} × {threads}": sized(workers, threads)
        for workers, threads in ((2, 4), (1, 8), (2, 1), (2, 2), (2, 8), (3, 4))
    },
    "server": {
        "chosen": Choice(),
        "sync, 4 processes": Choice((*CONFIG, "--worker-class", "sync", "--workers", "4", "--threads", "1")),
        "not preloaded": Choice(PLAIN),
        "taken up by free threads only": Choice((*CONFIG, "--keep-alive", "0", "--worker-connections", "4")),
        "one arena (MALLOC_ARENA_MAX)": Choice(env={"MALLOC_ARENA_MAX": "1"}),
        "replaced every 50 requests": Choice((*CONFIG, "--max-requests", "50", "--max-requests-jitter", "10")),
    },
    "connections": {
        "chosen": Choice(),
        "pool of 2 to 10": pool(min_size=2, max_size=10, timeout=10),
        "pool of 2 for 4 threads": pool(min_size=2, max_size=2, timeout=10),
        "persistent, no pool": Choice(settings={"options": {"pool": False}, "database": {"CONN_MAX_AGE": 600}}),
        "one for each request": Choice(settings={"options": {"pool": False}}),
    },
    "statements": {
        "chosen": Choice(),
        "never prepared": Choice(settings={"options": {"prepare_threshold": None}}),
        "prepared at once": Choice(settings={"options": {"prepare_threshold": 0}}),
        "bound by the client": Choice(settings={"options": {"server_side_binding": False}}),
    },
    "sessions and templates": {
        "chosen": Choice(),
        "sessions in signed cookies": Choice(settings={"SESSION_ENGINE": SIGNED}),
        "templates read anew": Choice(settings={"read templates anew": True}),
    },
}


def compare(house: House, crowd: list[load.Person], choices: dict[str, Choice]) -> dict[str, dict[str, float]]:
    """In turn; ratios to the first one, the median of the turns, and megabytes."""
    database = int((house.var / "postgres" / "postmaster.pid").read_text().split()[0])
    windows: dict[str, list[load.Window]] = {name: [] for name in choices}
    memory, cookies = {}, {one.browser.login: one.browser.cookies for one in crowd}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(served(choice.environment(house), *choice.flags))
            for name, choice in choices.items()
        }
        for turn in range(-1, load.TURNS):  # the first one is to get warm
            for name in random.sample(list(servers), len(servers)):
                base, pid = servers[name]
                enter(crowd, base, cookies, signed=choices[name].settings.get("SESSION_ENGINE") == SIGNED)
                window = load.Window()
                load.measured(window, load.walkers(crowd, window), load.SECONDS, {"web": pid, "postgres": database})
                if turn >= 0:
                    windows[name].append(window)
                memory[name] = sum(processes.memory({"web": pid}).values())
    first, found = next(iter(choices)), {}
    for name in choices:
        pairs = list(zip(windows[name], windows[first], strict=True))
        found[name] = {
            "requests/s": ratio((a.rates()["requests/s"], b.rates()["requests/s"]) for a, b in pairs),
            "CPU of the web server": ratio((cost(a, "web"), cost(b, "web")) for a, b in pairs),
            "CPU of PostgreSQL": ratio((cost(a, "postgres"), cost(b, "postgres")) for a, b in pairs),
            "p50": ratio((load.share(a.all(), 0.5), load.share(b.all(), 0.5)) for a, b in pairs),
            "p95": ratio((load.share(a.all(), 0.95), load.share(b.all(), 0.95)) for a, b in pairs),
            "MB, all its processes": round(memory[name]),
        }
    return found


def enter(crowd: list[load.Person], base: str, cookies: dict[str, dict[str, str]], *, signed: bool) -> None:
    """Everybody goes to this server, signed in; where sessions live in cookies, anew."""
    for one in crowd:
        one.browser.move_to(base)
        one.browser.cookies = dict(cookies[one.browser.login])
        if signed:
            one.browser.cookies = load.Visitor(base, one.browser.login).cookies


def cost(window: load.Window, server: str) -> float:
    """Seconds of CPU for a request."""
    return window.cpu[server] / len(window.all())


def ratio(pairs: Any) -> float:
    """The median of all turns."""
    return round(statistics.median(a / b for a, b in pairs), 2)


def main(wanted: list[str]) -> None:
    """The groups asked for, or all; what was found is kept in results.json."""
    scale = os.environ.get("SCALE", "1/100")
    sys.setswitchinterval(0.0005)
    found: dict[str, Any] = {}
    with generated(scale) as (house, _pids):
        crowd, _doors = load.arrive(house.base, load.PEOPLE, scale)
        for group in wanted or [*GROUPS, "cold start", "slow clients"]:
            if group == "slow clients":
                found[group] = slow.measure(house)
            elif group == "cold start":
                cookie = crowd[-1].browser.cookie
                found[group] = {
                    "preloaded": cold.measure(house, cookie, *CONFIG),
                    "not preloaded": cold.measure(house, cookie, *PLAIN),
                }
            else:
                found[group] = compare(house, crowd, GROUPS[group])
            print(group)
            for name, numbers in found[group].items():
                print(f"  {name:30} {numbers}", flush=True)
            keep(settings=kept("settings") | found)


if __name__ == "__main__":
    main(sys.argv[1:])
