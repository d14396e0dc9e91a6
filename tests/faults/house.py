"""A PostgreSQL, a Redis, an SMTP sink, workers and timetables, to be killed, stopped and set back at will."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from engagements.reminders import Rhythm
from lernbegleitung import embedded
from lernbegleitung.serve import free_port

ROOT = Path(__file__).parents[2]
BERLIN = ZoneInfo("Europe/Berlin")
LEASE = 8  # seconds; five minutes in life. Longer than PostgreSQL is away, short enough that a dead worker is seen


def a_quiet_tuesday() -> datetime:
    """The next Tuesday at half past nine that is a working day: all within the window for hours."""
    rhythm, day = Rhythm(state="BY", zone=BERLIN), datetime.now(BERLIN).date() + timedelta(days=1)
    while day.weekday() != 1 or not rhythm.works_on(day):
        day += timedelta(days=1)
    return datetime(day.year, day.month, day.day, 9, 30, tzinfo=BERLIN)


DRIFTING = """
import sys
from datetime import timedelta
from lernbegleitung import clock
right, drift = clock.now, timedelta(seconds=int(sys.argv.pop(1)))
clock.now = lambda: right() + drift
from celery.__main__ import main
sys.exit(main())
"""


@dataclass
class House:
    """Everything that can break. `shift` moves the time of whatever is started from then on, the database's, too;
    `drift` the clock of workers alone."""

    folder: Path
    number: int
    steps: int = 1  # of each person, one a day
    shift: int = 0
    drift: int = 0
    port: int = field(default_factory=free_port)
    now: datetime = field(default_factory=a_quiet_tuesday)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: int = 0
    started: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.var = self.folder / "var"
        (self.var / "log").mkdir(parents=True)
        self.offset = int((self.now - datetime.now(UTC)).total_seconds())
        embedded.start_postgres(self.var)
        self.redis = embedded.start_redis(self.var)
        self.run("manage.py", "migrate", "--verbosity=0")
        self.run("-m", "tests.faults.ground", "lay", str(self.number), f"{self.now:%Y-%m-%d}", str(self.steps))
        self.start("sink", "-m", "tests.faults.sink", str(self.port), str(self.folder))

    def env(self, role: str) -> dict[str, str]:
        offset = self.offset + self.shift
        return {
            **os.environ,
            "VAR_DIR": str(self.var),
            "LERNBEGLEITUNG_DEMO": "1",
            "LERNBEGLEITUNG_DB_ROLE": role,
            "LERNBEGLEITUNG_KEEP_SERVICES": "1",
            "LERNBEGLEITUNG_CLOCK_OFFSET": str(offset),
            "LERNBEGLEITUNG_TICK": "1",
            "LERNBEGLEITUNG_MAIL_LEASE": str(LEASE),
            "LERNBEGLEITUNG_MAIL_PAUSE": "1",
            "LERNBEGLEITUNG_MAIL_JOURNAL": str(self.var / "journal"),
            "EMAIL_TIMEOUT": "2",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.port}",
            "REDIS_URL": embedded.redis_url(self.var),
            "DATABASE_URL": f"postgres://{role}@{str(self.var / 'postgres').replace('/', '%2F')}/{embedded.DATABASE}",
            "LOG_LEVEL": "WARNING",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "lernbegleitung.settings",
            **embedded.secrets(self.var),
        }

    def run(self, *command: str, role: str = "lern_owner") -> str:
        done = subprocess.run(
            [sys.executable, *command], env=self.env(role), cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def start(self, name: str, *command: str, role: str = "lern_worker") -> None:
        with (self.var / "log" / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command], env=self.env(role), cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def start_worker(self, name: str) -> None:
        self.start(name, "-c", DRIFTING, str(self.drift), "-A", "lernbegleitung", "worker", "--concurrency", "2",
                   "--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--hostname", f"{name}@here")  # fmt: skip

    def start_beat(self, name: str) -> None:
        self.start(name, "-m", "celery", "-A", "lernbegleitung", "beat", "--loglevel", "WARNING",
                   "--schedule", str(self.var / name), "--pidfile=")  # fmt: skip

    def plan(self) -> None:
        """The net plans everybody's reminder, as at night."""
        self.run("-c", PLAN, role="lern_worker")

    # ── what breaks ────────────────────────────────────────────────────────

    def kill(self, name: str) -> None:
        """kill -9, the whole process group: the worker with its children."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.kills += 1

    def strike(self, name: str, dice: random.Random) -> None:
        """kill -9 a child of the worker, or, as often as not or when there is none just now, the worker itself."""
        if dice.random() >= 0.6 or not self.kill_a_child(name, dice):
            self.kill(name)
            self.start_worker(name)

    def kill_a_child(self, name: str, dice: random.Random) -> bool:
        """kill -9 one child of a worker's pool, in the midst of whatever it does; False when it has none just now."""
        pid = self.processes[name].pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        with suppress(OSError, ProcessLookupError, IndexError):
            os.kill(int(dice.choice(children.read_text().split())), signal.SIGKILL)
            self.kills += 1
            return True
        return False

    def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP for longer than a lease: a worker that wakes up and goes on where it was."""
        group = os.getpgid(self.processes[name].pid)
        os.killpg(group, signal.SIGSTOP)
        time.sleep(seconds)
        os.killpg(group, signal.SIGCONT)

    def lose_redis(self) -> None:
        """Killed, and empty when it comes back: nothing of it was ever on disk."""
        if self.redis:
            self.redis.kill()
            self.redis.wait()
        self.redis = embedded.start_redis(self.var)

    def crash_postgres(self) -> None:
        """An immediate shutdown, as when the power goes, and up again."""
        pid = int((self.var / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        for _try in range(100):
            if not embedded.postgres_runs(self.var / "postgres") and not Path(f"/proc/{pid}").exists():
                break
            time.sleep(0.1)
        self.start_postgres_again()

    def start_postgres_again(self) -> None:
        for _try in range(20):
            with suppress(Exception):
                done = subprocess.run([sys.executable, "-c", START], env=self.env("lern_owner"), cwd=ROOT, check=False,
                                      capture_output=True, timeout=30)  # fmt: skip
                if done.returncode == 0:
                    return
            time.sleep(0.5)
        raise AssertionError("PostgreSQL does not come back")

    def relay(self, mode: str) -> None:
        """How the SMTP server behaves from now on."""
        (self.folder / "mode").write_text(mode)

    # ── what became of it ──────────────────────────────────────────────────

    def accepted(self) -> list[tuple[str, str]]:
        """(person, Message-ID) of every mail that the relay accepted."""
        file = self.folder / "accepted"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]

    def waiting(self) -> int:
        """Mails due and not sent, as the database says; -1 while it does not answer."""
        try:
            with psycopg.connect(host=str(self.var / "postgres"), user="lern_owner", dbname=embedded.DATABASE) as link:
                row = link.execute(
                    "SELECT count(*) FROM accounts_outgoingmail WHERE sent_at IS NULL AND dropped_at IS NULL"
                    " AND failed_at IS NULL AND due_at <= now() + %s * interval '1 second'", [self.offset + self.shift],
                ).fetchone()  # fmt: skip
                return int(row[0]) if row else -1
        except psycopg.OperationalError:
            return -1

    def wait_until_done(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.waiting() != 0:
            time.sleep(0.3)

    def state(self) -> dict[str, int]:
        return json.loads(self.run("-m", "tests.faults.ground", "state"))

    def close(self) -> None:
        for name in list(self.processes):
            with suppress(ProcessLookupError):
                os.killpg(self.processes[name].pid, signal.SIGKILL)
            self.processes.pop(name).wait()
        if self.redis:
            self.redis.kill()
            self.redis.wait()
        embedded.stop_postgres(self.var)


PLAN = """
import django; django.setup()
from engagements.tasks import plan_reminders
plan_reminders()
"""
START = """
import os; from pathlib import Path
from lernbegleitung import embedded
embedded.start_postgres(Path(os.environ["VAR_DIR"]))
"""
