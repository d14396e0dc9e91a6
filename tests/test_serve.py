"""What `make demo` says when it cannot start."""

from __future__ import annotations

import fcntl
import socket
import subprocess
import sys
from pathlib import Path

from lernbegleitung.serve import free_port

ROOT = Path(__file__).parents[1]


def serve(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lernbegleitung.serve", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_taken_port_is_said_in_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = serve("--port", str(port), "--var", str(tmp_path / "var"))
    assert done.returncode == 1
    assert done.stderr == f"✗ Port {port} is taken. Choose another one: make demo PORT={port + 1}\n"
    assert not (tmp_path / "var").exists()


def test_a_second_start_with_the_same_data_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "running").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = serve("--port", str(free_port()), "--var", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == f"✗ It is running already with the data in {tmp_path}.\n"


def test_no_key_no_start(tmp_path: Path) -> None:
    env = {
        "PATH": "/usr/bin:/bin",
        "VAR_DIR": str(tmp_path / "none"),
        "DATABASE_URL": "postgres://nobody@localhost/none",
        "REDIS_URL": "redis://localhost",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Set SECRET_KEY and MASTER_KEYS" in done.stderr


def test_nobody_moves_the_clock_of_a_server(tmp_path: Path) -> None:
    env = {
        "PATH": "/usr/bin:/bin",
        "DATABASE_URL": "postgres://nobody@localhost/none",
        "REDIS_URL": "redis://localhost",
        "SECRET_KEY": "x",
        "MASTER_KEYS": "a:" + "A" * 43 + "=",
        "LERNBEGLEITUNG_CLOCK_OFFSET": "5",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "lernbegleitung.E005" in done.stderr
