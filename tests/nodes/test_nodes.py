"""Two web nodes, two workers and two timetables behind a balancer and before a pooler: nothing lives in one of them."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests

from lernbegleitung import embedded
from lernbegleitung.serve import House, free_port

from .balancer import Balancer
from .pooler import CONNECTIONS, find_pgbouncer, start

PASSWORD = "lernbegleitung-demo"
PEOPLE = {
    "anna": "Anna", "ben": "Ben", "carla": "Carla", "dirk": "Dirk", "eva": "Eva", "greta": "Greta", "mia": "Mia",
}  # fmt: skip


class Nodes(House):
    """The demo's house, with as many nodes as one likes; all of them reach PostgreSQL through the pooler only."""

    pooler_port = 0

    def env(self, role: str) -> dict[str, str]:
        env = super().env(role)
        if self.pooler_port and role != "lern_owner":
            env["DATABASE_URL"] = f"postgres://{role}@127.0.0.1:{self.pooler_port}/{embedded.DATABASE}"
            env["DATABASE_POOLER"] = "1"
        return env | {"LERNBEGLEITUNG_TICK": "2", "BASE_URL": self.balancer.base}

    def add_web(self) -> int:
        """One more web node; answers with its port once it is ready."""
        port = free_port()
        bind = ("--bind", f"127.0.0.1:{port}", "--workers", "1")
        self.start(f"web-{port}", "lern_app", "gunicorn", "-c", "python:lernbegleitung.server", *bind)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok:
                    return port
            except requests.RequestException:
                time.sleep(0.1)
        raise AssertionError((self.var / "log" / f"web-{port}.log").read_text())

    def end_web(self, port: int) -> None:
        """Stop a node the kind way."""
        child = self.children.pop(f"web-{port}")
        child.terminate()
        assert child.wait(30) == 0

    def admin(self) -> psycopg.Connection:
        """PostgreSQL itself, past the pooler."""
        return psycopg.connect(
            host=str(self.var / "postgres"), user="postgres", dbname=embedded.DATABASE, autocommit=True
        )


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Everything once for the file."""
    if not find_pgbouncer():
        pytest.skip("tests with several nodes: no PgBouncer found (install Debian's pgbouncer)")
    with tempfile.TemporaryDirectory(prefix="lernbegleitung-nodes-", ignore_cleanup_errors=True) as folder:
        var = Path(folder)
        var.chmod(0o755)
        for name in ("log", "mail"):
            (var / name).mkdir()
        house = Nodes(var, free_port(), free_port())
        house.balancer = Balancer()
        try:
            house.set_up()
            house.children["pooler"], house.pooler_port = start(var)
            house.start("mail", "lern_app", "lernbegleitung.mailcatcher", "--port", str(house.smtp_port), "--dir", str(var / "mail"))  # fmt: skip
            for _ in range(2):
                house.balancer.put_in(house.add_web())
            for number in (1, 2):
                worker = (
                    "worker",
                    "--concurrency",
                    "1",
                    "--loglevel",
                    "WARNING",
                    "--without-gossip",
                    "--without-mingle",
                )
                house.start(
                    f"worker-{number}", "lern_worker", "celery", "-A", "lernbegleitung", *worker, "-n", f"w{number}@%h"
                )
                beat = ("beat", "--loglevel", "WARNING", "--schedule", str(var / f"timetable-{number}"), "--pidfile=")
                house.start(f"timetable-{number}", "lern_worker", "celery", "-A", "lernbegleitung", *beat)
            yield house
            house.complain_about_the_dead()
        finally:
            house.stop()
            house.balancer.shutdown()


class Visitor(requests.Session):
    """A person's browser."""

    def __init__(self, base: str, name: str) -> None:
        super().__init__()
        self.base, self.name = base, name
        page = self.see("/accounts/login/")
        answer = self.fill("/accounts/login/", page, {"login": f"{name}@example.org", "password": PASSWORD})
        assert answer.status_code == 302, answer.text

    def see(self, path: str) -> requests.Response:
        return self.get(self.base + path, allow_redirects=False, timeout=30)

    def fill(self, path: str, page: requests.Response, values: dict[str, str]) -> requests.Response:
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        return self.post(self.base + path, {**hidden, **values}, allow_redirects=False, timeout=30)


def test_what_one_node_begins_the_other_goes_on_with(nodes: Nodes) -> None:
    greta, before = Visitor(nodes.balancer.base, "greta"), nodes.balancer.took.copy()
    page = greta.see("/lerntagebuch/")
    answer = greta.fill("/lerntagebuch/", page, {"text": "Auf zwei Knoten geschrieben.", "audience": "me"})
    assert answer.status_code == 302, answer.text
    assert all("Auf zwei Knoten geschrieben." in greta.see("/lerntagebuch/").text for _ in range(4))
    assert len(nodes.balancer.took - before) == 2, "both have answered"


def test_few_connections_passed_from_hand_to_hand_keep_people_apart(nodes: Nodes) -> None:
    visitors = [Visitor(nodes.balancer.base, name) for name in PEOPLE]
    strangers = [Stranger(nodes.balancer.base) for _ in range(3)]

    def look(number: int) -> str:
        if number % 4 == 3:
            return strangers[number % 3].look()
        visitor = visitors[number % len(visitors)]
        page = visitor.see("/profil/")
        mine, others = f"{visitor.name}@example.org", [f"{name}@example.org" for name in PEOPLE if name != visitor.name]
        assert page.status_code == 200 and mine in page.text
        return next((other for other in others if other in page.text), "")

    with ThreadPoolExecutor(12) as crowd:
        assert set(crowd.map(look, range(240))) == {""}
    with nodes.admin() as admin:
        rows = admin.execute(
            "SELECT usename, count(*) FROM pg_stat_activity WHERE usename LIKE 'lern_%' GROUP BY 1"
        ).fetchall()
    assert dict(rows)["lern_app"] <= CONNECTIONS, "or nothing was passed on"


class Stranger(requests.Session):
    """Somebody who is not signed in."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    def look(self) -> str:
        """What is shown instead of the way to the login."""
        answer = self.get(f"{self.base}/heute/", allow_redirects=False, timeout=30)
        return "" if answer.status_code == 302 and "/accounts/login/" in answer.headers["Location"] else answer.text


ASKING = """
import sys, django; django.setup()
from django.db import connection
from engagements.models import JournalEntry
from lernbegleitung import rls
for _ in range(20):
    with rls.acting_as(int(sys.argv[1])), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        print(cursor.fetchone()[0], JournalEntry.objects.count(), end=" ")
    print(JournalEntry.objects.count())
"""


def test_who_asked_is_forgotten_with_the_transaction(nodes: Nodes) -> None:
    with nodes.admin() as admin:
        greta = admin.execute("SELECT id FROM accounts_user WHERE email = 'greta@example.org'").fetchone()[0]
    script = [sys.executable, "-c", ASKING, str(greta)]
    done = subprocess.run(script, env=nodes.env("lern_app"), capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert len(rows) == 20 and {after for _pid, _own, after in rows} == {"0"}, "the next one is nobody again"
    assert all(int(own) > 0 for _pid, own, _after in rows)
    assert len({pid for pid, _own, _after in rows}) <= CONNECTIONS


def test_two_workers_and_two_timetables_send_each_mail_once(nodes: Nodes) -> None:
    stranger = Visitor(nodes.balancer.base, "dirk")  # any session will do to ask for a forgotten password
    del stranger.cookies["session"]
    for name in PEOPLE:
        page = stranger.see("/accounts/password/reset/")
        assert stranger.fill("/accounts/password/reset/", page, {"email": f"{name}@example.org"}).status_code == 302
    until = time.monotonic() + 60
    while time.monotonic() < until and len(asked_for(nodes)) < len(PEOPLE):
        time.sleep(0.3)
    time.sleep(5)  # two more rings of both timetables
    assert sorted(asked_for(nodes)) == sorted(PEOPLE)


def asked_for(nodes: Nodes) -> list[str]:
    """To whom a link for a new password went."""
    mails = [file.read_text() for file in (nodes.var / "mail").glob("*.eml")]
    return [
        re.search(r"^To: .*?(\w+)@example", mail, re.MULTILINE)[1] for mail in mails if "/password/reset/key/" in mail
    ]


def test_a_rolling_restart_under_load_is_noticed_by_nobody(nodes: Nodes) -> None:
    with nodes.admin() as admin:
        learning = "SELECT u.email FROM engagements_engagement e JOIN accounts_user u ON u.id = e.learner_id WHERE e.state = 'active' LIMIT 4"
        visitors = [Visitor(nodes.balancer.base, email.partition("@")[0]) for (email,) in admin.execute(learning)]
    over, answers, wrong = threading.Event(), [], []

    def work(visitor: Visitor) -> None:
        number = 0
        while not over.is_set():
            try:
                page = visitor.see("/lerntagebuch/")
                number += 1
                sent = (
                    visitor.fill("/lerntagebuch/", page, {"text": f"Unter Last, {number}", "audience": "me"})
                    if number % 3 == 0
                    else page
                )
                answers.append((page.status_code, sent.status_code))
            except requests.RequestException as error:
                wrong.append(repr(error))

    crowd = [threading.Thread(target=work, args=[visitor]) for visitor in visitors]
    for one in crowd:
        one.start()
    for port in list(nodes.balancer.nodes):
        time.sleep(1)
        nodes.balancer.take_out(port)
        nodes.end_web(port)
        nodes.balancer.put_in(nodes.add_web())
    time.sleep(1)
    over.set()
    for one in crowd:
        one.join()
    assert wrong == []
    assert {page for page, _sent in answers} == {200} and {sent for _page, sent in answers} <= {200, 302}
    assert len(answers) > 20 and len([sent for _page, sent in answers if sent == 302]) > 5
    with nodes.admin() as admin:
        written = admin.execute("SELECT count(*) FROM engagements_journalentry").fetchone()[0]
    assert written >= len([sent for _page, sent in answers if sent == 302])
