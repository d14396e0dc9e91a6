"""`@together`: rows of unlike tables that one page shows, asked for in one statement.

A page that gathers a few rows here and a few there spends more on asking than on what it gets. Here each list is a query
of its own, as it would be anyway; PostgreSQL answers all of them at once (UNION ALL), and each row becomes what it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from operator import itemgetter
from typing import Any, NamedTuple, ParamSpec, TypeAlias

from django.db import connection
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.functions import Cast

from .kept import kept

P = ParamSpec("P")
Column = tuple[str, int]  # what is kept in it, and its number among those that keep the same
Fields: TypeAlias = "dict[Column, Field[Any, Any]]"


class Shape(NamedTuple):
    """How a row of the answer becomes a thing of one model: its columns by name, and where they stand."""

    model: type[Model]
    names: list[str]
    values: Callable[[tuple[Any, ...]], tuple[Any, ...]]


def together(make: Callable[P, tuple[QuerySet[Any], ...]]) -> Callable[P, list[list[Any]]]:
    """A function that makes several querysets, as one that gives a list of things for each. It keeps the rules of `@kept`.

    Each list comes in its own order and with its own limit. `select_related` and annotations do not reach the things: they
    are rows of one table, whole or what `only` leaves of them.
    """
    shapes: list[Shape] = []

    @kept
    @wraps(make)
    def rows(*values: P.args, **_none: P.kwargs) -> QuerySet[Any, tuple[Any, ...]]:
        querysets = make(*values, **_none)
        own = [_columns(queryset) for queryset in querysets]
        columns: Fields = {}
        for fields in own:
            columns = fields | columns
        places = {column: place for place, column in enumerate(columns, 1)}  # in the first stands which list it is of
        shapes[:] = (_shape(query.model, fields, places) for query, fields in zip(querysets, own, strict=True))
        parts = enumerate(zip(querysets, own, strict=True))
        first, *others = (_wide(number, queryset, fields, columns) for number, (queryset, fields) in parts)
        return first.union(*others, all=True) if others else first

    @wraps(make)
    def ask(*values: P.args, **_none: P.kwargs) -> list[list[Any]]:
        found = rows(*values, **_none)
        lists: list[list[Any]] = [[] for _shape in shapes]
        for row in found:
            model, names, values_of = shapes[row[0]]
            lists[row[0]].append(model.from_db("default", names, values_of(row)))
        return lists

    return ask


def _columns(queryset: QuerySet[Any]) -> Fields:
    """What is asked for of its table. Columns of a type may stand for each other if Django reads them in the same way."""
    names, is_left_out = queryset.query.deferred_loading
    seen: Counter[str] = Counter()
    found: Fields = {}
    for field in queryset.model._meta.concrete_fields:
        if field.primary_key or (field.name in names) is not is_left_out:
            read = type(field).__name__ if field.get_db_converters(connection) else ""
            kind = str(field.db_type(connection)).partition("(")[0] + read
            found[kind, seen[kind]] = field
            seen[kind] += 1
    return found


def _shape(model: type[Model], fields: Fields, places: dict[Column, int]) -> Shape:
    at = [places[column] for column in fields]
    values = itemgetter(*at) if len(at) > 1 else lambda row: (row[at[0]],)
    return Shape(model, [field.attname for field in fields.values()], values)


def _wide(number: int, queryset: QuerySet[Any], own: Fields, columns: Fields) -> QuerySet[Any, tuple[Any, ...]]:
    """The queryset with its own columns in their places, and nothing in those of the others."""
    named = {column: field.attname for column, field in own.items()}
    return queryset.values_list(
        Value(number), *(named.get(column) or Cast(Value(None), field) for column, field in columns.items())
    )
