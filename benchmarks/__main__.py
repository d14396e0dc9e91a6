"""`make bench`: pages against the floor and in Chromium, reminders against the sink. Prints ratios of one run."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from lernbegleitung import embedded
from lernbegleitung.serve import free_port

from . import assignment, browser, reminders, walls
from .house import ROOT, start_house

ROUNDS = int(os.environ.get("ROUNDS", "150"))


class Browser:
    """Signs in through the login form and keeps the cookies."""

    def __init__(self, base: str, person: str) -> None:
        self.base, jar = base, http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        page = opener.open(base + "/accounts/login/").read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        data = urllib.parse.urlencode(
            {"csrfmiddlewaretoken": token, "login": f"{person}@example.org", "password": "lernbegleitung-demo"}
        ).encode()
        opener.open(urllib.request.Request(base + "/accounts/login/", data, {"Referer": base + "/accounts/login/"}))
        self.cookie = "; ".join(f"{c.name}={c.value}" for c in jar)
        self.opener = opener

    def first_link(self, path: str, pattern: str) -> str:
        return re.search(pattern, self.opener.open(self.base + path).read().decode())[1]


class Wire:
    """One kept connection."""

    def __init__(self, base: str, cookie: str = "") -> None:
        self.host, self.headers, self.connection = base.split("//")[1], {"Cookie": cookie}, None

    def get(self, path: str) -> float:
        start = time.perf_counter()
        for _try in range(2):
            try:
                self.connection = self.connection or http.client.HTTPConnection(self.host, timeout=60)
                self.connection.request("GET", path, headers=self.headers)
                response = self.connection.getresponse()
                response.read()
                assert response.status == 200, (path, response.status)
                if response.will_close:
                    self.connection.close()
                    self.connection = None
                return (time.perf_counter() - start) * 1000
            except (http.client.HTTPException, OSError):
                self.connection = None
        raise AssertionError(path)


def in_turn(targets: dict[str, tuple[Wire, str]]) -> dict[str, list[float]]:
    """One request to every target per round, in random order."""
    times: dict[str, list[float]] = {name: [] for name in targets}
    for _round in range(ROUNDS):
        for name in random.sample(list(targets), len(targets)):
            wire, path = targets[name]
            times[name].append(wire.get(path))
    return times


def at_once(base: str, cookie: str, path: str, number: int = 8, seconds: float = 3) -> float:
    """Median latency of `number` clients asking at the same time."""
    times: list[float] = []

    def client() -> None:
        wire, until = Wire(base, cookie), time.perf_counter() + seconds
        while time.perf_counter() < until:
            times.append(wire.get(path))

    threads = [threading.Thread(target=client) for _n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statistics.median(times)


def pages(folder: Path, base: str, var: Path) -> list[dict[str, Any]]:
    greta, carla = Browser(base, "greta"), Browser(base, "carla")
    engagement = greta.first_link("/heute/", r'href="(/begleitungen/[0-9a-f-]{36}/)"')
    desk = greta.first_link("/gespraeche/", r'href="/gespraeche/([0-9a-f-]{36})/protokoll/"')
    wanted = {
        "heute": ("greta", "/heute/"),
        "begleitung": ("greta", engagement),
        "gespraech": ("greta", f"/gespraeche/{desk}/"),
        "zuordnung": ("carla", "/zuordnung/"),
        "lernschritte": ("greta", "/lernschritte/"),
    }
    (folder / "wanted.json").write_text(json.dumps(wanted))
    url = embedded.database_url("lern_app", var)
    env = {
        **os.environ,
        **embedded.secrets(var),
        "DATABASE_URL": url,
        "REDIS_URL": embedded.redis_url(var),
        "LERNBEGLEITUNG_DEMO": "1",
        "LERNBEGLEITUNG_DB_ROLE": "lern_app",
        "VAR_DIR": str(var),
        "BASE_URL": base,
    }
    facts_file = folder / "facts.json"
    subprocess.run(
        [sys.executable, "-m", "benchmarks.queries", str(folder / "wanted.json"), str(facts_file)],
        env=env,
        cwd=ROOT,
        check=True,
    )
    facts = json.loads(facts_file.read_text())
    port = free_port()
    bare_env = {**env, "BARE_PAGES": str(facts_file), "BARE_DATABASE": url.replace("postgres://", "postgresql://")}
    bare = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "benchmarks.bare",
            "--bind",
            f"127.0.0.1:{port}",
            "--workers",
            "2",
            "--threads",
            "4",
            "--worker-class",
            "gthread",
            "--log-level",
            "error",
        ],
        env=bare_env,
        cwd=ROOT,
    )
    try:
        floor = f"http://127.0.0.1:{port}"
        time.sleep(3)
        cookies = {"greta": greta.cookie, "carla": carla.cookie}
        targets: dict[str, tuple[Wire, str]] = {}
        for name, (person, path) in wanted.items():
            targets[name] = (Wire(base, cookies[person]), path)
            targets[f"bare {name}"] = (Wire(floor), f"/{name}")
            for _warm in range(5):
                targets[name][0].get(path)
                targets[f"bare {name}"][0].get(f"/{name}")
        times = in_turn(targets)
        rows = []
        for name, (person, path) in wanted.items():
            ours, theirs = times[name], times[f"bare {name}"]
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            eight = at_once(base, cookies[person], path) / at_once(floor, "", f"/{name}")
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
                    "ratio_8": round(eight, 2),
                }
            )
        return rows
    finally:
        bare.terminate()
        bare.wait()


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
            costs = walls.measure(base, var, Browser, Wire, in_turn)
            print(f"{'with / without':24}{'policies':>10}{'sealing':>10}{'access log':>12}{'p50 ms':>9}")
            for page, cost in costs.items():
                print(f"{page:24}{cost['policies']:>10}{cost['sealing']:>10}{cost['log']:>12}{cost['p50']:>9}")
            looked = browser.measure(base)
            browser.show(looked)
        finally:
            house.terminate()
            house.wait(30)
    mails = reminders.measure()
    for what, number in mails.items():
        print(f"{what:34}{number:>10}")
    everybody = assignment.measure()
    for size, numbers in everybody.items():
        print(f"{size:34}{numbers}")
    found = {
        "rounds": ROUNDS,
        "pages": rows,
        "walls": costs,
        "browser": looked,
        "reminders": mails,
        "assignment": everybody,
    }
    (ROOT / "benchmarks" / "results.json").write_text(json.dumps(found, indent=1) + "\n")


main()
