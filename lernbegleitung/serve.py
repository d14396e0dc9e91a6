"""`python -m lernbegleitung.serve`: the whole application on one machine, as `make demo` runs it. Not for production."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from . import embedded

BASE_DIR = embedded.BASE_DIR
WELCOME = """
  Lernbegleitung is running at  {base}

    Learner         anna@example.org     a newcomer: begin with “Begleitung anfragen”
    Companion       ben@example.org      accompanies, has requests and talks
    Coordinator     carla@example.org    assigns companions: “Zuordnung”
    Administrator   dirk@example.org     people, agencies, invitations
    Coordinator     eva@example.org      of another region
    Method owner    mia@example.org      tends the guide and the question bank
    Learner         greta@example.org    an engagement in full swing
    Password for all: lernbegleitung-demo

  Sign in at      {base}/accounts/login/
  Read the mail   {base}/demo/mails/
  Stop with Ctrl-C; the data stays in {var}.
"""


def say(text: str) -> None:
    """One line of progress."""
    print(f"· {text}", flush=True)


def fail(sentence: str) -> None:
    """One clear sentence, and the end."""
    print(f"✗ {sentence}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def free_port() -> int:
    """A port nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Whether something listens on the port already."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class House:
    """The processes of one running application and where its data lies."""

    var: Path
    port: int
    smtp_port: int
    demo: bool = True
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    stopping: bool = False

    @property
    def base(self) -> str:
        """The address of the application."""
        return f"http://localhost:{self.port}"  # passkeys want a name, not a number

    def env(self, role: str) -> dict[str, str]:
        """The environment of a child that talks to the database as this role."""
        return {
            **os.environ,
            "VAR_DIR": str(self.var),
            "LERNBEGLEITUNG_DEMO": "1",
            "LERNBEGLEITUNG_DB_ROLE": role,
            "LERNBEGLEITUNG_KEEP_SERVICES": "1",
            "DATABASE_URL": embedded.database_url(role, self.var),
            "REDIS_URL": embedded.redis_url(self.var),
            "EMAIL_URL": f"smtp://127.0.0.1:{self.smtp_port}",
            "BASE_URL": self.base,
            "MAIL_DIR": str(self.var / "mail"),
            **embedded.secrets(self.var),
        }

    def run(self, text: str, *command: str, role: str = "lern_owner") -> None:
        """Run a step of the set-up to its end; its output is shown only when it fails."""
        say(text)
        done = subprocess.run(
            [sys.executable, *command],
            env=self.env(role),
            capture_output=True,
            text=True,
            cwd=BASE_DIR,
            check=False,
        )
        if done.returncode:
            print(done.stdout[-4000:] + done.stderr[-4000:], file=sys.stderr)
            fail(f"{text}: that did not work")

    def start(self, name: str, role: str, *command: str) -> None:
        """Start a child that stays."""
        log = (self.var / "log" / f"{name}.log").open("ab")
        self.children[name] = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=self.env(role),
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=BASE_DIR,
        )

    def set_up(self) -> None:
        """Services, tables, texts, demo data."""
        say("PostgreSQL and Redis")
        embedded.start_postgres(self.var)
        if redis := embedded.start_redis(self.var):
            self.children["redis"] = redis
        stamp, state = self.var / "set_up", fingerprint()
        if stamp.exists() and stamp.read_text() == state:
            return
        self.run("Tables and policies", "manage.py", "migrate", "--verbosity=0")
        self.run("Files for the browser", "manage.py", "collectstatic", "--noinput", "--verbosity=0")
        if self.demo and not stamp.exists():
            self.run("Demo data (people, agencies, engagements in every state)", "manage.py", "load_demo")
        self.run(
            "The walls stand (start-up check as the web's role)",
            "manage.py",
            "check",
            "--database",
            "default",
            role="lern_app",
        )
        stamp.write_text(state)

    def start_all(self) -> None:
        """Mail catcher, web server, worker, timetable."""
        say("Mail catcher, web server, worker and timetable")
        self.start(
            "mail",
            "lern_app",
            "lernbegleitung.mailcatcher",
            "--port",
            str(self.smtp_port),
            "--dir",
            str(self.var / "mail"),
        )
        self.start(
            "web",
            "lern_app",
            "gunicorn",
            *("-c", "python:lernbegleitung.server", "--bind", f"127.0.0.1:{self.port}"),
        )
        self.start(
            "worker",
            "lern_worker",
            "celery",
            "-A",
            "lernbegleitung",
            "worker",
            "--concurrency",
            "1",
            "--loglevel",
            "WARNING",
            "--without-gossip",
            "--without-mingle",
        )
        self.start(
            "timetable",
            "lern_worker",
            "celery",
            "-A",
            "lernbegleitung",
            "beat",
            "--loglevel",
            "WARNING",
            "--schedule",
            str(self.var / "timetable"),
            "--pidfile=",
        )

    def wait_until_it_answers(self) -> None:
        """Until the web server answers; a child that dies first is reported."""
        for _try in range(300):
            self.complain_about_the_dead()
            try:
                with urllib.request.urlopen(f"{self.base}/healthz", timeout=5):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        fail(f"The web server does not answer; see {self.var / 'log' / 'web.log'}")

    def complain_about_the_dead(self) -> None:
        """Stop everything when one process ended by itself."""
        for name, child in self.children.items():
            if child.poll() is not None and not self.stopping:
                log = self.var / "log" / f"{name}.log"
                print("\n".join(log.read_text(errors="replace").splitlines()[-15:]), file=sys.stderr)
                fail(f"{name} has stopped by itself; more in {log}")

    def stop(self) -> None:
        """End all children, then the services; whoever does not listen is killed."""
        self.stopping = True
        order = [child for name, child in self.children.items() if name != "redis"]
        for group in (order, [c for n, c in self.children.items() if n == "redis"]):
            for child in group:
                if child.poll() is None:
                    child.terminate()
            deadline = time.monotonic() + 10
            for child in group:
                try:
                    child.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, signal.SIGKILL)
        embedded.stop_postgres(self.var)


def fingerprint() -> str:
    """Changes when migrations, policies, static files or the set-up itself change."""
    patterns = ("*/migrations/*.py", "*/policies.sql", "static/**/*", "node_modules/.package-lock.json")
    files = [
        file for pattern in patterns for file in BASE_DIR.glob(pattern) if file.is_file() and ".venv" not in file.parts
    ]
    return f"{len(files)} {max(file.stat().st_mtime_ns for file in files)}"


def main() -> None:
    """Set up what is missing, start everything, and stay until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--var", type=Path, default=embedded.var_dir())
    parser.add_argument("--no-demo", action="store_true", help="do not load the demo data")
    parser.add_argument("--ready-file", type=Path, help="written (JSON) when everything answers")
    options = parser.parse_args()
    if is_taken(options.port):
        fail(f"Port {options.port} is taken. Choose another one: make demo PORT={options.port + 1}")
    var = options.var.resolve()
    for name in ("log", "mail"):
        (var / name).mkdir(parents=True, exist_ok=True)
    with (var / "running").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            fail(f"It is running already with the data in {var}.")
        live(House(var, options.port, options.smtp_port or free_port(), demo=not options.no_demo), options.ready_file)


def live(house: House, ready_file: Path | None) -> None:
    """From start to Ctrl-C."""

    def leave(*_args: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):  # also where a shell in the background has muted Ctrl-C
        signal.signal(number, leave)
    try:
        house.set_up()
        house.start_all()
        house.wait_until_it_answers()
        print(WELCOME.format(base=house.base, var=house.var), flush=True)
        if ready_file:
            ready_file.write_text(
                json.dumps(
                    {
                        "base": house.base,
                        "var": str(house.var),
                        "mail": str(house.var / "mail"),
                        "pids": {n: c.pid for n, c in house.children.items()},
                    }
                )
            )
        while True:
            house.complain_about_the_dead()
            time.sleep(1)
    except KeyboardInterrupt:
        print(flush=True)
        say("Stopping")
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        house.stop()
    say("Everything has stopped")


if __name__ == "__main__":
    main()
