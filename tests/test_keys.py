"""Master keys change without downtime, backups come in two halves, and what lost its key stays unreadable."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from hypothesis import given
from hypothesis import strategies as st

from accounts.keys import open_key, take_keys, with_keys
from accounts.models import DataKey
from engagements.models import Engagement, JournalEntry
from engagements.states import State
from lernbegleitung import clock, embedded, rls, vault

from .conftest import as_owner
from .test_audiences import fill

ROOT = Path(__file__).parents[1]
OLD = "test:" + "A" * 43 + "="
NEW = f"new:{base64.b64encode(b'n' * 32).decode()}"


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The process starts again with other master keys."""

    def restart(lines: str) -> None:
        monkeypatch.setattr(vault, "keyring", lambda: vault.Keyring(lines))

    return restart


@pytest.fixture
def as_keys(db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_keys")
        yield
        cursor.execute("SET ROLE lern_app")


def words(person: Any) -> list[str]:
    with rls.acting_as(person.pk):
        return [entry.text for entry in JournalEntry.objects.all()]


@pytest.mark.django_db
def test_the_master_key_changes_while_everybody_reads(
    world: SimpleNamespace, engagement_in: Callable[..., Engagement], ring: Callable[[str], None]
) -> None:
    fill(engagement_in(State.ACTIVE), shared=True)
    with as_owner():
        sealed = [bytes(e.text_sealed) for e in JournalEntry.objects.all()]
        number = DataKey.objects.count()
    assert number == 5  # the engagement's, Anna's own and Ben's, and those of her own calendar and of her direct line
    ring(f"{OLD}\n{NEW}")
    assert words(world.anna) == ["GEHEIM"]
    ring(f"{NEW}\n{OLD}")
    assert words(world.anna) == ["GEHEIM"]
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_keys")
        call_command("rotate_keys", "--batch=1")
        cursor.execute("SET ROLE lern_app")
    ring(NEW)
    assert words(world.anna) == words(world.ben) == ["GEHEIM"]
    with as_owner():
        assert [bytes(e.text_sealed) for e in JournalEntry.objects.all()] == sealed, "no text is touched"
        assert set(DataKey.objects.values_list("master", flat=True)) == {"new"}


@pytest.mark.django_db
def test_a_stopped_rotation_goes_on_where_it_was(
    world: SimpleNamespace, engagement_in: Callable[..., Engagement], ring: Callable[[str], None], monkeypatch: Any
) -> None:
    from accounts.management.commands.rotate_keys import Command

    fill(engagement_in(State.ACTIVE), shared=True)
    ring(f"{NEW}\n{OLD}")
    rotate, calls = Command.rotate, []

    def killed(self: Command, ring: Any, batch: int) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return rotate(self, ring, batch)

    monkeypatch.setattr(Command, "rotate", killed)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_keys")
        with pytest.raises(KeyboardInterrupt):
            call_command("rotate_keys", "--batch=1")
        cursor.execute("SET ROLE lern_app")
        assert words(world.anna) == ["GEHEIM"], "half way, everything is readable"
        monkeypatch.setattr(Command, "rotate", rotate)
        cursor.execute("SET ROLE lern_keys")
        call_command("rotate_keys", "--batch=1")
        cursor.execute("SET ROLE lern_app")
    ring(NEW)
    assert words(world.anna) == ["GEHEIM"]


@pytest.mark.django_db
def test_a_key_whose_master_is_missing_is_reported(
    world: SimpleNamespace, engagement_in: Callable[..., Engagement], ring: Callable[[str], None], capsys: Any
) -> None:
    engagement_in(State.ACTIVE)
    ring(NEW)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_keys")
        with pytest.raises(CommandError, match="1 keys are wrapped by a master key that is not in MASTER_KEYS"):
            call_command("rotate_keys")
        call_command("rotate_keys", "--check")
        cursor.execute("SET ROLE lern_app")
    assert "test: 1 keys (NOT ON THE RING)" in capsys.readouterr().out


@pytest.mark.django_db
def test_the_role_of_the_keys_sees_nothing_else(as_keys: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> 'accounts_datakey'")  # fmt: skip
        for (table,) in cursor.fetchall():
            with pytest.raises(ProgrammingError), transaction.atomic():
                cursor.execute(f"SELECT * FROM {table}")
        for sql in ("DELETE FROM accounts_datakey", "UPDATE accounts_datakey SET owner_id = 1",
                    "INSERT INTO accounts_datakey (id, master, wrapped, created_at) VALUES (gen_random_uuid(), 'x', 'x', now())"):  # fmt: skip
            with pytest.raises(ProgrammingError), transaction.atomic():
                cursor.execute(sql)


def test_keys_may_come_from_a_command() -> None:
    assert vault.Keyring(vault.keys_from(f"{sys.executable} -c \"print('{OLD}')\"")).current == "test"


@pytest.mark.parametrize("command", ["/no/such/program", f"{sys.executable} -c 'raise SystemExit(3)'", "'"])
def test_a_command_without_an_answer_is_no_start_and_says_no_secret(command: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        vault.keys_from(command)
    assert command not in str(error.value)


@given(st.data())
def test_nothing_but_the_untouched_value_at_its_own_place_opens(data: st.DataObject) -> None:
    key, text = secrets.token_bytes(32), data.draw(st.binary(min_size=1, max_size=200))
    sealed = vault.seal(key, "table:1:column", text)
    assert vault.unseal(key, "table:1:column", sealed) == text
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    flipped = bytes(byte ^ (1 << bit % 8) if at == bit // 8 else byte for at, byte in enumerate(sealed))
    for wrong in ((key, "table:1:column", flipped), (key, "table:2:column", sealed), (key, "table:1:other", sealed),
                  (secrets.token_bytes(32), "table:1:column", sealed), (key, "table:1:column", sealed[:-1])):  # fmt: skip
        with pytest.raises(vault.CannotOpen):
            vault.unseal(*wrong)


# ── the drill: an own database, real dumps, a deletion in between ─────────────


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Two fresh databases beside the tests' own, and manage.py against either."""
    var = embedded.var_dir()
    server = f"host={embedded.start_postgres(var)} user=postgres"
    names = [f"drill_{os.getpid()}_{part}" for part in ("from", "to")]
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as admin:
        for name in names:
            admin.execute(f"CREATE DATABASE {name} OWNER lern_owner")
    key = f"drill:{base64.b64encode(secrets.token_bytes(32)).decode()}"

    def manage(part: int, role: str, *command: str, ok: bool | None = True, newer: str = "", wait: bool = True) -> Any:
        url = embedded.database_url(role, var).replace("/lernbegleitung", f"/{names[part]}")
        env = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO", "PYTEST"))}
        env |= {"DATABASE_URL": url, "LERNBEGLEITUNG_DB_ROLE": role, "SECRET_KEY": "drill", "MASTER_KEYS": f"{newer}\n{key}",
                "REDIS_URL": "redis://localhost", "LERNBEGLEITUNG_DEMO": "1"}  # fmt: skip
        if not wait:
            return subprocess.Popen(
                [sys.executable, "-u", "manage.py", *command], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
            )
        done = subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=env, capture_output=True, text=True
        )
        assert ok is None or (done.returncode == 0) is ok, done.stdout + done.stderr
        return done

    yield manage
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as admin:
        for name in names:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


LIST = """
from accounts.keys import open_key
from engagements.models import LearningConcern
from lernbegleitung import rls, vault
with rls.acting_as(None):
    for c in LearningConcern.objects.order_by("pk"):
        try:
            print(c.engagement_id, "readable" if c.ability else "empty")
        except vault.CannotOpen:
            print(c.engagement_id, "UNREADABLE")
"""
SHRED = """
from accounts.models import DataKey
from engagements.models import LearningConcern
for c in list(LearningConcern.objects.order_by("pk")[:3]):
    DataKey.objects.filter(pk=c.engagement_id).delete()
    print(c.engagement_id)
"""


def test_what_was_deleted_stays_unreadable_after_a_restore(
    drill: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    drill(0, "lern_owner", "migrate", "--verbosity=0")
    drill(0, "lern_owner", "load_demo")
    before = drill(0, "lern_owner", "shell", "-v0", "-c", LIST).stdout
    assert before.count("readable") >= 20 and "UNREADABLE" not in before
    drill(0, "lern_backup", "backup", str(tmp_path / "old"))
    gone = drill(0, "lern_owner", "shell", "-v0", "-c", SHRED).stdout.split()
    assert len(gone) == 3
    drill(0, "lern_backup", "backup", str(tmp_path / "new"))
    texts, keys = next((tmp_path / "old").glob("*.texts.dump")), next((tmp_path / "new").glob("*.keys.dump"))
    assert b"example.org" not in keys.read_bytes()
    drill(1, "lern_owner", "restore", "--texts", str(texts), "--keys", str(keys))
    after = dict(line.split() for line in drill(1, "lern_owner", "shell", "-v0", "-c", LIST).stdout.splitlines())
    assert {pk for pk, state in after.items() if state == "UNREADABLE"} == set(gone)
    assert {pk for pk, state in after.items() if state == "readable"} == {
        line.split()[0] for line in before.splitlines() if line.endswith(" readable")
    } - set(gone)
    again = drill(1, "lern_owner", "restore", "--texts", str(texts), "--keys", str(keys), ok=False)
    assert "The database is not empty" in again.stderr
    # The walls came along: the web's role in the restored database sees no row without an actor, nor any in the shell.
    drill(1, "lern_app", "check", "--database", "default")
    shell = "from engagements.models import *\nfrom conversations.models import *\nprint(LearningConcern.objects.count(), JournalEntry.objects.count(), Conversation.objects.count(), Engagement.objects.count())"
    assert drill(1, "lern_app", "shell", "-v0", "-c", shell).stdout.split() == ["0", "0", "0", "0"]
    assert drill(1, "lern_worker", "shell", "-v0", "-c", shell, ok=False).returncode == 1


SLOW = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END $$")
    cursor.execute("CREATE TRIGGER slow BEFORE UPDATE ON accounts_datakey FOR EACH ROW EXECUTE FUNCTION slow()")
"""
MASTERS = """
from accounts.models import DataKey
print(*DataKey.objects.values_list("master", flat=True))
"""


def test_a_rotation_that_is_killed_loses_nothing_and_goes_on(drill: Callable[..., Any]) -> None:
    """A real process, ended with SIGKILL in the middle of its work: both masters are in use, every text is readable."""
    drill(0, "lern_owner", "migrate", "--verbosity=0")
    drill(0, "lern_owner", "load_demo", ok=None)  # there already, when the test above has run
    drill(0, "lern_owner", "shell", "-v0", "-c", SLOW)
    readable = drill(0, "lern_owner", "shell", "-v0", "-c", LIST).stdout
    newer = f"newer:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    rotating = drill(0, "lern_keys", "rotate_keys", "--batch=1", newer=newer, wait=False)
    first = rotating.stdout.readline()
    rotating.kill()
    assert rotating.wait() == -9 and "%" in first
    both = drill(0, "lern_owner", "shell", "-v0", "-c", MASTERS, newer=newer).stdout.split()
    assert set(both) == {"drill", "newer"}
    assert drill(0, "lern_owner", "shell", "-v0", "-c", LIST, newer=newer).stdout == readable
    shown = drill(0, "lern_keys", "rotate_keys", newer=newer).stdout
    assert f"newer: {len(both)} keys (newest)" in shown and "100 %" in shown
    assert drill(0, "lern_owner", "shell", "-v0", "-c", LIST, newer=newer).stdout == readable


def test_old_halves_of_keys_are_dropped(drill: Callable[..., Any], tmp_path: Path) -> None:
    for name, days in (("20260101-000000.keys.dump", 20), ("20260102-000000.keys.dump", 3), ("x.texts.dump", 99)):
        file = tmp_path / name
        file.touch()
        os.utime(file, (file.stat().st_mtime - days * 86400,) * 2)
    drill(0, "lern_owner", "migrate", "--verbosity=0")
    drill(0, "lern_backup", "backup", str(tmp_path))
    left = {file.name for file in tmp_path.iterdir()}
    assert "20260101-000000.keys.dump" not in left
    assert {"20260102-000000.keys.dump", "x.texts.dump"} <= left
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.iterdir() if file.stat().st_size)


def test_a_backup_of_nothing_says_what_is_wrong(drill: Callable[..., Any], tmp_path: Path) -> None:
    done = drill(1, "lern_app", "backup", str(tmp_path), ok=False)
    assert "pg_dump" in done.stderr and "Traceback" not in done.stderr


def test_a_key_comes_with_a_row_to_whom_it_is_shown(
    world: SimpleNamespace, engagement_in: Callable[..., Engagement], django_assert_num_queries: Any
) -> None:
    engagement = engagement_in(State.ACTIVE)
    with as_owner(), rls.acting_as(world.anna.pk):
        entry = JournalEntry(engagement=engagement, shared_at=clock.now())
        entry.text = "Bleibt unter uns"
        entry.save()
    rows = with_keys(JournalEntry.objects.filter(pk=entry.pk), of="engagement_id")
    for reader in (world.anna, world.ben):
        with rls.acting_as(reader.pk), django_assert_num_queries(1):
            take_keys(rows, of="engagement_id")
            assert rows[0].text == "Bleibt unter uns"
        rows = rows.all()  # asked anew by the next
    request = engagement_in(State.REQUESTED, learner=world.mia)
    with as_owner():
        assert DataKey.objects.filter(pk=request.pk).exists()
    with rls.acting_as(world.carla.pk):  # is shown the request, and not its key
        (row,) = with_keys(Engagement.objects.filter(pk=request.pk), of="pk")
        take_keys([row], of="pk")
        assert row.wrapped_key is None
        with pytest.raises(vault.CannotOpen):
            open_key(request.pk)
