"""The house under measurement: starting it, a server of one's own over its data, and the bare floor beside it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lernbegleitung.serve import House, free_port

ROOT = Path(__file__).parents[1]
CONFIG = ("-c", "python:lernbegleitung.server")  # what the house starts with
FLAGS = ("--workers", "2", "--threads", "4", "--worker-class", "gthread", "--no-control-socket")  # for the floor


def start_house(folder: Path, *options: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """The whole application with its data in `folder`; what it says of itself when it answers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who is ended ends what it has started
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)  # of a run before
    command = [sys.executable, "-m", "lernbegleitung.serve", "--port", str(free_port()), "--var", str(folder / "var")]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--ready-file", str(ready), *options], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
    while not ready.exists():
        assert process.poll() is None, (folder / "serve.log").read_text()
        time.sleep(0.2)
    return process, json.loads(ready.read_text())


@contextmanager
def generated(scale: str) -> Iterator[tuple[House, dict[str, int]]]:
    """A house of its own with a generated organisation of this scale in it, and the process numbers of its servants."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        process, facts = start_house(Path(name), "--no-demo")
        try:
            house = House(Path(facts["var"]), int(facts["base"].rpartition(":")[2]), 1)
            command = [sys.executable, "manage.py", "generate", "--scale", scale]
            subprocess.run(command, env=house.env("lern_owner"), cwd=ROOT, check=True, capture_output=True)
            yield house, facts["pids"]
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def served(env: dict[str, str], *flags: str, door: str = "healthz") -> Iterator[tuple[str, int]]:
    """One gunicorn of one's own: its address, and its process number. It answers already."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    process = subprocess.Popen([*command, *flags], env=env, cwd=ROOT, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/{door}", process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(30)


def wait_for(address: str, process: subprocess.Popen[bytes], patience: float = 60) -> None:
    """Until something answers there."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        assert process.poll() is None, "the server has ended by itself"
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.01)
    raise AssertionError(f"nothing answers at {address}")


def floor_of(
    env: dict[str, str], wanted: dict[str, tuple[str, str]], folder: Path
) -> tuple[dict[str, Any], dict[str, str]]:
    """What each page (of a person, at an address) asks of the database, and the environment of its bare floor."""
    (folder / "wanted.json").write_text(json.dumps(wanted))
    facts = folder / "facts.json"
    command = [sys.executable, "-m", "benchmarks.queries", str(folder / "wanted.json"), str(facts)]
    subprocess.run(command, env=env, cwd=ROOT, check=True)
    url = env["DATABASE_URL"].replace("postgres://", "postgresql://")
    return json.loads(facts.read_text()), {**env, "BARE_PAGES": str(facts), "BARE_DATABASE": url}


RESULTS = ROOT / "benchmarks" / "results.json"


def kept(section: str) -> dict[str, Any]:
    """What the last run of this part has found."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()).get(section, {})
    return found


def keep(**sections: Any) -> None:
    """Write these sections into results.json; the others stay as they are."""
    results = json.loads(RESULTS.read_text()) | sections
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
