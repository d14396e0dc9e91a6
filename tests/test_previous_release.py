"""The code of the release before, at work on today's schema: while a new release is rolled out, both are at work.

RELEASED is the commit of the last landing. It runs with today's libraries, in processes of its own: the demo is loaded, every
page without a parameter is opened by every kind of person, something is written, and every job of the timetable is rung.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lernbegleitung import embedded

ROOT = Path(__file__).parents[1]
RELEASED = "8e60f9c"
PAGES = """
import django; django.setup()
from django.test import Client
from tests.test_authorisation import ROUTES
for name in ("anna", "ben", "greta", "carla", "dirk", "mia"):
    client = Client(headers={"host": "localhost"})
    client.get("/accounts/login/")
    answer = client.post("/accounts/login/", {"login": f"{name}@example.org", "password": "lernbegleitung-demo"})
    assert answer.status_code == 302, answer.content.decode()
    for route, address in ROUTES.items():
        if "<" not in address and "logout" not in address and not address.startswith("/healthz"):  # no worker runs
            answer = client.get(address)
            assert answer.status_code < 500, (name, address, answer.status_code)
            print(name, address, answer.status_code)
    if name == "greta":
        import re
        page = client.get("/lerntagebuch/").content.decode()
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        answer = client.post("/lerntagebuch/", {**hidden, "text": "Vom Stand davor.", "audience": "me"})
        assert answer.status_code == 302, answer.content.decode()
        assert "Vom Stand davor." in client.get("/lerntagebuch/").content.decode()
"""
JOBS = """
import django; django.setup()
from lernbegleitung.celery import JOBS, app
app.loader.import_default_modules()
for name in JOBS:
    print(name, app.tasks[name]())
"""


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Path, dict[str, str]]]:
    """The code of the release before, unpacked, and the environment of a database with today's schema."""
    found = subprocess.run(["git", "archive", RELEASED], cwd=ROOT, capture_output=True)
    if found.returncode:
        pytest.skip(f"the code of {RELEASED} is not in this clone's history")
    with tempfile.TemporaryDirectory(prefix="lernbegleitung-release-", ignore_cleanup_errors=True) as folder:
        before, var = Path(folder) / "before", Path(folder) / "var"
        Path(folder).chmod(0o755)
        var.mkdir()
        with tarfile.open(fileobj=io.BytesIO(found.stdout)) as tar:
            tar.extractall(before, filter="data")
        env = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO", "PYTEST"))}
        env |= {"VAR_DIR": str(var), "LERNBEGLEITUNG_DEMO": "1", "LERNBEGLEITUNG_KEEP_SERVICES": "1",
                "REDIS_URL": "redis://localhost:1", "EMAIL_URL": "smtp://127.0.0.1:1"}  # fmt: skip
        embedded.start_postgres(var)
        try:
            run(ROOT, env, "lern_owner", "manage.py", "migrate", "--verbosity=0")
            run(before, env, "lern_owner", "-m", "lernbegleitung.translations", "compile")
            run(before, env, "lern_owner", "manage.py", "collectstatic", "--noinput", "--verbosity=0")
            run(before, env, "lern_owner", "manage.py", "load_demo")
            yield before, env
        finally:
            embedded.stop_postgres(var)


def run(tree: Path, env: dict[str, str], role: str, *command: str) -> str:
    """A step in one of the two trees."""
    env = {**env, "LERNBEGLEITUNG_DB_ROLE": role, "DJANGO_SETTINGS_MODULE": "lernbegleitung.settings", "PYTHONPATH": str(tree)}  # fmt: skip
    done = subprocess.run([sys.executable, *command], cwd=tree, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_people_go_on_working(both: tuple[Path, dict[str, str]]) -> None:
    before, env = both
    opened = run(before, env, "lern_app", "-c", PAGES).splitlines()
    assert len(opened) > 300
    assert sum(line.endswith(" 200") for line in opened) > 150


def test_workers_go_on_working(both: tuple[Path, dict[str, str]]) -> None:
    before, env = both
    assert "accounts.tasks.deliver_due" in run(before, env, "lern_worker", "-c", JOBS)
