"""How a moment comes out of the database: by one call in C. Django's own way reads each with a pattern, in Python; a page
has hundreds of them, in every row that is not shown, too (decision 31).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.backends.signals import connection_created
from django.dispatch import receiver
from psycopg.types.datetime import TimestamptzLoader


class MomentLoader(TimestamptzLoader):
    """`timestamptz` as PostgreSQL writes it, "2026-11-27 15:01:36.022722+00", into a moment in UTC."""

    timezone = UTC  # Django asks this of a loader

    def load(self, data: Any) -> datetime:
        """The moment; what ISO 8601 does not know, psycopg reads or refuses."""
        try:
            return datetime.fromisoformat(str(data, "ascii")).astimezone(UTC)
        except ValueError:
            return super().load(data)


@receiver(connection_created)
def read_moments_fast(sender: Any, connection: Any, **_also: Any) -> None:
    """Have a new connection do so; one that comes from the pool does already."""
    adapters = connection.connection.adapters
    if adapters.get_loader(adapters.types["timestamptz"].oid, 0) is not MomentLoader:
        adapters.register_loader("timestamptz", MomentLoader)
