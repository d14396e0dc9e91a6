"""`make bench`: pages against the floor, every page in Chromium, many at once, reminders, assigning. Ratios of one run."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from lernbegleitung.serve import House

from . import assignment, browser, load, reminders, walls
from .house import FLAGS, floor_of, keep, served, start_house
from .moves import ENGAGEMENT, TALK
from .visitor import Visitor
from .wire import ROUNDS, Wire, at_once_in_turn, in_turn


def pages(folder: Path, base: str, var: Path) -> list[dict[str, Any]]:
    greta, carla = Visitor(base, "greta"), Visitor(base, "carla")
    engagement = greta.get("/heute/").link(ENGAGEMENT)
    desk = greta.get("/gespraeche/").link(rf"{TALK}protokoll/").removesuffix("protokoll/")
    wanted = {
        "heute": ("greta", "/heute/"),
        "begleitung": ("greta", engagement),
        "gespraech": ("greta", desk),
        "zuordnung": ("carla", "/zuordnung/"),
        "lernschritte": ("greta", "/lernschritte/"),
    }
    house = House(var, int(base.rpartition(":")[2]), 1)
    facts, env = floor_of(house.env("lern_app"), wanted, folder)
    with served(env, "benchmarks.bare", *FLAGS, door="heute") as (floor, _pid):
        cookies = {"greta": greta.cookie, "carla": carla.cookie}
        targets: dict[str, tuple[Wire, str]] = {}
        for name, (person, path) in wanted.items():
            targets[name] = (Wire(base, cookies[person]), path)
            targets[f"bare {name}"] = (Wire(floor), f"/{name}")
            for _warm in range(5):
                targets[name][0].get(path)
                targets[f"bare {name}"][0].get(f"/{name}")
        times = in_turn(targets)
        asked = {n: ((base, cookies[person], path), (floor, "", f"/{n}")) for n, (person, path) in wanted.items()}
        eight, rows = at_once_in_turn(asked), []
        for name in wanted:
            ours, theirs = times[name], times[f"bare {name}"]
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            rows.append(
                {
                    "page": name,
                    "queries": facts[name]["all"],
                    "own": facts[name]["own"],
                    "kb": facts[name]["kb"],
                    "gzip_kb": facts[name]["gzip_kb"],
                    "p50": round(statistics.median(ours), 1),
                    "p95": round(sorted(ours)[int(0.95 * len(ours))], 1),
                    "bare_p50": round(statistics.median(theirs), 1),
                    "ratio": round(ratio, 2),
                    "ratio_8": round(eight[name], 2),
                }
            )
        return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        house, facts = start_house(folder)
        try:
            base, var = facts["base"], Path(facts["var"])
            rows = pages(folder, base, var)
            print(
                f"{'page':14}{'queries':>8}{'own':>5}{'KB':>7}{'gz KB':>7}{'p50 ms':>8}{'p95 ms':>8}{'bare ms':>9}{'× bare':>8}{'× at 8':>8}"
            )
            for r in rows:
                print(
                    f"{r['page']:14}{r['queries']:>8}{r['own']:>5}{r['kb']:>7}{r['gzip_kb']:>7}{r['p50']:>8}{r['p95']:>8}{r['bare_p50']:>9}{r['ratio']:>8}{r['ratio_8']:>8}"
                )
            costs = walls.measure(base, var)
            print(f"{'with / without':24}{'policies':>10}{'sealing':>10}{'access log':>12}{'p50 ms':>9}")
            for page, cost in costs.items():
                print(f"{page:24}{cost['policies']:>10}{cost['sealing']:>10}{cost['log']:>12}{cost['p50']:>9}")
            looked = browser.measure(base)
            browser.show(looked)
        finally:
            house.terminate()
            house.wait(30)
    crowd = load.measure()
    load.show(crowd)
    mails = reminders.measure()
    for what, number in mails.items():
        print(f"{what:34}{number:>10}")
    everybody = assignment.measure()
    for size, numbers in everybody.items():
        print(f"{size:34}{numbers}")
    keep(
        rounds=ROUNDS,
        pages=rows,
        walls=costs,
        browser=looked,
        load=crowd,
        reminders=mails,
        assignment=everybody,
    )


main()
