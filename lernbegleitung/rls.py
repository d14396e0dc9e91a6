"""Row-level security: the transaction in which PostgreSQL knows who asks, and the policies of every app.

The design, its measurements and its pitfalls are in docs/decisions/0004-two-walls.md.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from .audience import policies_of

ATTEMPTS = 150  # of taking the tables for new policies; half a minute at least

_memory: ContextVar[dict[Any, Any] | None] = ContextVar("memory", default=None)
# Items whose texts were opened, by actor; None outside of every block.
_opened: ContextVar[dict[int, dict[Any, Any]] | None] = ContextVar("opened", default=None)
opening_logs: list[Callable[[list[Any], int], None]] = []


@contextmanager
def acting_as(user_id: int | None, *, at_the_door: bool = False, reading: bool = False) -> Iterator[None]:
    """Run a block as one person, in one transaction. The former actor is in force again afterwards, also when nested.

    `at_the_door` opens the narrow view of accounts that signing in and resetting a password need; it is for
    nobody who is signed in. `reading`: in this transaction nothing can be written. What the block opened of other people's
    texts is written into the access log before the block is left; when that fails, the block fails.
    """
    outermost = _opened.get() is None
    token = _opened.set({}) if outermost else None
    try:
        with _one_transaction(user_id, at_the_door, reading):
            yield
        if outermost:
            _log_openings()
    finally:
        if token:
            _opened.reset(token)


@contextmanager
def _one_transaction(user_id: int | None, at_the_door: bool, reading: bool) -> Iterator[None]:
    nested = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        former: tuple[str, str] = ("", "")
        if nested:
            cursor.execute("SELECT current_setting('app.user_id', true), current_setting('app.door', true)")
            former = cursor.fetchone() or ("", "")
        _set_actor(cursor, str(user_id or ""), "open" if at_the_door and not user_id else "", reading)
        token = _memory.set({"actor": user_id})
        try:
            yield
        finally:
            _memory.reset(token)
        # RELEASE SAVEPOINT would keep the inner actor; after an error PostgreSQL restores it itself.
        if nested and not connection.needs_rollback:
            _set_actor(cursor, former[0] or "", former[1] or "")


def note_opened(item: Any) -> None:
    """Remember that the actor has opened the sealed text of an item; SealedText calls this, nobody else."""
    opened, actor = _opened.get(), memory().get("actor")
    if opened is not None and actor:
        opened.setdefault(actor, {})[type(item), item.pk] = item


def _log_openings() -> None:
    """Write down what was opened, after the transaction: pages are read in READ ONLY ones."""
    opened = _opened.get() or {}
    for actor, items in opened.items():
        for log in opening_logs:
            log([item for item in items.values() if item.pk is not None], actor)


def _set_actor(cursor: Any, user_id: str, door: str, reading: bool = False) -> None:
    read_only = ", set_config('transaction_read_only', 'on', true)" if reading else ""
    statement = f"SELECT set_config('app.user_id', %s, true), set_config('app.door', %s, true){read_only}"
    cursor.execute(statement, [user_id, door])


def forget_actor() -> None:
    """Nobody asks any more, for the rest of this transaction."""
    with connection.cursor() as cursor:
        _set_actor(cursor, "", "")


def memory() -> dict[Any, Any]:
    """What this actor's block remembers (opened data keys, roles); gone with the block. Outside a block: nothing."""
    kept = _memory.get()
    return {} if kept is None else kept


def apply_policies(app: AppConfig) -> None:
    """Run the app's policies.sql: grants, functions, triggers and policies. May run any number of times.

    Also while people are at work: it takes the app's tables all at once or steps back and tries again, so that no request
    waits for it longer than a moment, and none is broken off for it.
    """
    if not (Path(app.path) / "policies.sql").exists():
        return
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                _take_tables(app)
                _write_policies(app)
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable) or attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.2)


def _take_tables(app: AppConfig) -> None:
    """Hold every table of the app, before anything else is waited for."""
    tables = sorted({model._meta.db_table for model in app.get_models(include_auto_created=True)})
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL lock_timeout = '300ms'"
        )  # shorter than PostgreSQL looks for deadlocks: we give way first
        cursor.execute(
            "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE".format(", ".join(map(connection.ops.quote_name, tables)))
        )
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")


def _write_policies(app: AppConfig) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('DROP POLICY %%I ON %%I', policyname, tablename) FROM pg_policies"
            " WHERE schemaname = 'public' AND policyname LIKE %s",
            [f"{app.label}: %"],
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
        cursor.execute((Path(app.path) / "policies.sql").read_text())
        for statement in policies_of(app.label):
            cursor.execute(statement)


def declared_policies() -> set[tuple[str, str]]:
    """(table, name) of every policy that the apps' policies.sql and audiences declare."""
    files = [Path(app.path) / "policies.sql" for app in apps.get_app_configs()]
    texts = [file.read_text() for file in files if file.exists()]
    texts += [statement for app in apps.get_app_configs() for statement in policies_of(app.label)]
    return {(table, name) for text in texts for name, table in re.findall(r'CREATE POLICY "([^"]+)" ON (\w+)', text)}
