"""The web server as it runs in life: loaded once, shared by its processes, each with connections of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from benchmarks.house import CONFIG, served
from benchmarks.processes import family
from benchmarks.visitor import Visitor, Wrong
from lernbegleitung import server

from .copied_house import CopiedHouse

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.django_db  # before the tests that empty the tables which migrations fill


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """These processes take nothing up meanwhile."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_every_process_of_a_preloaded_server_answers_and_keeps_people_apart(copied_house: CopiedHouse) -> None:
    with served(copied_house.env("lern_app"), *CONFIG) as (base, master):
        people = [Visitor(base, login) for login in ("lernen0", "lernen1")]
        talk = people[0].get("/gespraeche/").links(r"/gespraeche/[0-9a-f-]{36}/protokoll/")[0]
        children = family(master)[1:]
        assert len(children) == server.workers == 2
        for child in children:
            with stopped(*(other for other in children if other != child)):
                for one in people:
                    one.move_to(base)
                    page = one.get("/profil/").text
                    assert {one.login} == set(re.findall(r"(lernen\d+)@example.org", page))
                assert people[0].get(talk).status == 200
                with pytest.raises(Wrong, match="404"):
                    people[1].get(talk)
        sockets = psutil.Process(master).net_connections("all")
        assert [one.status for one in sockets if one.raddr or one.family.name == "AF_UNIX"] == []


def test_a_process_that_dies_is_replaced_from_what_is_loaded(copied_house: CopiedHouse) -> None:
    with served(copied_house.env("lern_app"), *CONFIG) as (base, master):
        one = Visitor(base, "lernen2")
        before = family(master)[1:]
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 30
        while len(set(family(master)[1:]) - set(before)) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        one.move_to(base)
        assert one.get("/heute/").status == 200
        assert not set(family(master)) & set(before)


def test_a_process_that_has_answered_often_makes_way_without_losing_a_request(copied_house: CopiedHouse) -> None:
    flags = ("--workers", "1", "--max-requests", "5", "--max-requests-jitter", "0")
    with served(copied_house.env("lern_app"), *CONFIG, *flags) as (base, master):
        one, seen = Visitor(base, "lernen3"), set()
        for _look in range(30):
            assert one.get("/lerntagebuch/").status == 200
            seen |= set(family(master)[1:])
        assert len(seen) > 2


def test_with_too_strong_a_role_not_even_the_first_process_starts(copied_house: CopiedHouse) -> None:
    command = [sys.executable, "-m", "gunicorn", *CONFIG, "--bind", "127.0.0.1:0"]
    env = copied_house.env("lern_owner")
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "bypasses row-level security" in done.stderr and "Booting worker" not in done.stderr


def test_there_is_one_place_that_says_how_the_server_runs() -> None:
    said = re.compile(r"gunicorn.*--(?:workers|threads|worker-class)", re.S)
    for file in ("docker-compose.yml", "ops/Dockerfile", "lernbegleitung/serve.py"):
        assert not said.search((ROOT / file).read_text()), file
    assert "-c python:lernbegleitung.server" in (ROOT / "docker-compose.yml").read_text()
    grace = re.search(r"stop_grace_period: (\d+)s", (ROOT / "docker-compose.yml").read_text())
    assert int(grace[1]) > server.graceful_timeout
