"""What keeps the house running: when each job ran last, and addresses that take no mail. Nobody's content, ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ClassVar

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock

log = logging.getLogger(__name__)
STUCK_AFTER = timedelta(minutes=15)  # a due mail that nobody sends: the dead man's switch


class JobRun(models.Model):
    """The last run of one job of the timetable. `result`: numbers only."""

    name = models.CharField(primary_key=True, max_length=80)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    took_ms = models.PositiveIntegerField(default=0)
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=80, blank=True)  # the kind of an error, never its words

    class Meta:
        verbose_name = _("Lauf einer Aufgabe")

    def __str__(self) -> str:
        return self.name


class PausedAddress(models.Model):
    """An address that has refused mail for good, or complained of it: nothing goes there until somebody says so."""

    class Reason(models.TextChoices):
        REFUSED = "refused", _("beim Senden abgelehnt")
        BOUNCED = "bounced", _("als unzustellbar zurückgekommen")
        COMPLAINT = "complaint", _("als unerwünscht gemeldet")

    address = models.EmailField(primary_key=True)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    status = models.CharField(max_length=12, blank=True)  # the enhanced status code, RFC 3463: 5.1.1
    since = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Pausierte Adresse")
        ordering: ClassVar = ["-since"]

    def __str__(self) -> str:
        return self.address


def figures() -> dict[tuple[str, str], float]:
    """Numbers about outbox and jobs by (name, label): how many, how old; nobody's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, label, value FROM operation_figures()")
        return {(name, label): value for name, label, value in cursor.fetchall()}


def mail_is_stuck(numbers: dict[tuple[str, str], float] | None = None) -> bool:
    """Whether a mail has been due for longer than it should: worker, timetable, Redis or relay are down."""
    numbers = figures() if numbers is None else numbers
    return numbers.get(("oldest_due_seconds", ""), 0) > STUCK_AFTER.total_seconds()


def written_down(name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Around a job: when it ran, how long, and how it ended. Two runs at once write the later one."""

    def decorate(job: Callable[[], Any]) -> Callable[[], Any]:
        @wraps(job)
        def run() -> Any:
            started, begun = clock.now(), time.monotonic()
            try:
                result = job()
            except Exception as error:
                _write_run(name, started, begun, error=type(error).__name__)
                raise
            _write_run(name, started, begun, result=result)
            return result

        return run

    return decorate


def _write_run(name: str, started: datetime, begun: float, *, result: Any = None, error: str = "") -> None:
    now, numbers = clock.now(), result if isinstance(result, dict) else {} if result is None else {"number": result}
    values: dict[str, Any] = {
        "started_at": started,
        "ended_at": now,
        "took_ms": int((time.monotonic() - begun) * 1000),
        "result": connection.ops.adapt_json_value(numbers, None),
        "error": error[:80],
    }
    if not error:
        values["succeeded_at"] = now
    columns = ", ".join(values)
    changes = ", ".join(f"{column} = EXCLUDED.{column}" for column in values)
    sql = (
        f"INSERT INTO accounts_jobrun (name, {columns}) VALUES (%s, {', '.join(['%s'] * len(values))})"  # noqa: S608
        f" ON CONFLICT (name) DO UPDATE SET {changes}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [name, *values.values()])
