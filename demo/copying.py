"""Rows by the hundred thousand: written with COPY; a column that is not named gets what the model would give it."""

from __future__ import annotations

import random
import uuid
from datetime import datetime
from typing import Any

from django.db import connection, models
from psycopg import sql

from lernbegleitung import vault


class Table:
    """Rows of one model, collected and then written in one stream. `with_id`: the number of a row is given, too."""

    def __init__(self, model: type[models.Model], *, with_id: bool = False) -> None:
        serial = () if with_id else (models.AutoField, models.BigAutoField)
        self.fields = [field for field in model._meta.concrete_fields if not isinstance(field, serial)]
        self.places = {field.attname: number for number, field in enumerate(self.fields)}
        self.usual = [_usual(field) for field in self.fields]
        self.name = model._meta.db_table
        self.rows: list[list[Any]] = []

    def add(self, **values: Any) -> None:
        """One row; KeyError for a column that the model does not have."""
        row = self.usual.copy()
        for name, value in values.items():
            row[self.places[name]] = value
        self.rows.append(row)

    def write(self) -> int:
        """Into the database; answers how many."""
        names = sql.SQL(", ").join(sql.Identifier(field.column or field.attname) for field in self.fields)
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(self.name), names)
        connection.ensure_connection()
        with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in self.rows:
                copy.write_row(row)
        number, self.rows = len(self.rows), []
        return number


def _usual(field: models.Field[Any, Any]) -> Any:
    if field.primary_key:
        return None
    value = field.get_default()
    return field.get_db_prep_value(value, connection) if isinstance(field, models.JSONField) else value


class Ids:
    """Identifiers that follow time, as the application's own (RFC 9562, version 7), drawn from a seed."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice

    def at(self, moment: datetime) -> uuid.UUID:
        """An identifier made at this moment."""
        milliseconds, bits = int(moment.timestamp() * 1000), self.dice.getrandbits(74)
        return uuid.UUID(int=milliseconds << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & (1 << 62) - 1)


def sealed(table: Table, pk: uuid.UUID, key: bytes, **texts: str) -> dict[str, bytes]:
    """The sealed columns of a row, as the application would seal them."""
    return {
        f"{name}_sealed": vault.seal(key, f"{table.name}:{pk}:{name}", text.encode()) for name, text in texts.items()
    }


class WithoutTriggers:
    """The triggers of these tables rest: what they would check and count, the generator has."""

    def __init__(self, *tables: str) -> None:
        self.tables = tables

    def __enter__(self) -> None:
        self._turn("DISABLE")

    def __exit__(self, *_problem: object) -> None:
        self._turn("ENABLE")

    def _turn(self, how: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing may be pending on a table that is altered
            for table in self.tables:
                cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} {how} TRIGGER USER")
