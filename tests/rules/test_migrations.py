"""A new schema carries the release that is still running: what that writes is possible, what it reads is still there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.db import OperationalError, connection, migrations, models
from django_migration_linter import MigrationLinter

from lernbegleitung import checks, rls

ROOT = Path(__file__).parents[2]
# The last migrations of the release before; what came until then was rolled out with nobody at work.
RELEASED = {"accounts": "0014_by_name", "engagements": "0024_companions_to_find", "conversations": "0010_calendars"}


class NewOnes(MigrationLinter):
    """Looks at what came after the release before."""

    def should_ignore_migration(self, app_label: str, migration_name: str, *rest: object, **how: object) -> bool:
        return app_label not in RELEASED or migration_name <= RELEASED[app_label]


@pytest.fixture
def as_owner(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


def test_no_migration_trips_the_release_that_is_still_running(
    as_owner: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """No column is taken away, renamed or demanded without a default in the database (`db_default`)."""
    linter = NewOnes(str(ROOT), no_cache=True, quiet=["ok", "ignore", "warning"])
    linter.lint_all_migrations()
    assert not linter.has_errors, capsys.readouterr().out
    assert linter.nb_ignored >= sum(int(name[:4]) for name in RELEASED.values())


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("occasion", "demanded", models.IntegerField(default=1)),
        migrations.RemoveField("occasion", "position"),
        migrations.RenameField("occasion", "position", "place"),
        migrations.DeleteModel("veto"),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_what_would_trip_it_is_found(as_owner: None, operation: migrations.operations.base.Operation) -> None:
    class Careless(migrations.Migration):
        dependencies = [("engagements", "0011_assignment_drafts")]
        operations = [operation]

    linter = NewOnes(str(ROOT), no_cache=True, no_output=True)
    loader = linter.migration_loader
    careless = Careless("9999_careless", "engagements")
    loader.graph.add_node(("engagements", "9999_careless"), careless)
    loader.graph.add_dependency(careless, ("engagements", "9999_careless"), ("engagements", "0011_assignment_drafts"))
    statements = loader.collect_sql([(careless, False)])
    linter.get_sql = lambda app, name: statements  # type: ignore[method-assign]
    linter.get_migration_hash = lambda app, name: ""  # type: ignore[method-assign]
    linter.lint_migration(careless)
    assert linter.has_errors


# ── policies are written anew with every migration, while people are at work ──


@contextmanager
def somebody_at_work(tables: list[str]) -> Iterator[list[BaseException]]:
    """Reads these tables, one after the other in one transaction, again and again; what goes wrong is in the list."""
    over, wrong = threading.Event(), []
    params = connection.get_connection_params() | {"autocommit": True}
    link = {key: params[key] for key in ("host", "user", "dbname") if key in params}

    def work() -> None:
        try:
            with psycopg.connect(**link) as reader:
                while not over.is_set():
                    with reader.transaction():
                        for table in tables:
                            reader.execute(f"SELECT count(*) FROM {table}")
                            time.sleep(0.01)
        except BaseException as error:
            wrong.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("backwards", [False, True])
def test_policies_are_written_while_people_are_at_work_and_no_request_is_broken_off(backwards: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    app = apps.get_app_config("engagements")
    tables = sorted((model._meta.db_table for model in app.get_models()), reverse=backwards)
    with somebody_at_work(tables) as wrong:
        time.sleep(0.2)
        for _ in range(3):
            rls.apply_policies(app)
    assert wrong == []
    assert checks.holes_in_tables() == []


@pytest.mark.django_db(transaction=True)
def test_who_holds_a_table_all_the_time_is_not_pushed_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rls, "ATTEMPTS", 2)
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    params = connection.get_connection_params()
    with psycopg.connect(**{key: params[key] for key in ("host", "user", "dbname") if key in params}) as holder:
        holder.execute("SELECT count(*) FROM engagements_veto")
        with pytest.raises(OperationalError):
            rls.apply_policies(apps.get_app_config("engagements"))
        holder.execute("SELECT count(*) FROM engagements_engagement")
    assert checks.holes_in_tables() == [], "nothing half-written"
