"""When people have no time. Used to leave out what is taken, and shown to nobody: of another person one learns from this
only which of the offered times remain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from .slots import Busy


def busy_times(people: Iterable[int], start: datetime, end: datetime) -> dict[int, list[Busy]]:
    """Of each of these people what is taken between two moments: oneself, and those with whom one has a running
    companionship; of others the database says nothing. One query; where the times come from stands in policies.sql."""
    found: dict[int, list[Busy]] = {person: [] for person in people}
    with connection.cursor() as cursor:
        cursor.execute("SELECT person, starts_at, ends_at FROM busy_times(%s, %s, %s)", [list(found), start, end])
        for person, starts_at, ends_at in cursor.fetchall():
            found[person].append((starts_at, ends_at))
    return found
