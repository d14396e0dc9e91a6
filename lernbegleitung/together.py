"""`@together`: rows of unlike tables that one page shows, asked for in one statement.

A page that gathers a few rows here and a few there spends more on asking than on what it gets. Here each list is a query
of its own, as it would be anyway; PostgreSQL answers all of them at once (UNION ALL), and each row becomes what it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from operator import itemgetter
from typing import Any, NamedTuple, ParamSpec

from django.db import connection
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.functions import Cast

from .kept import kept

P = ParamSpec("P")
Column = tuple[str, int]  # its type in the database, and its number among those of this type


class Shape(NamedTuple):
    """How a row of the answer becomes a thing of one model: its columns by name, and where they stand."""

    model: type[Model]
    names: list[str]
    values: Callable[[tuple[Any, ...]], tuple[Any, ...]]


def together(make: Callable[P, tuple[QuerySet[Any], ...]]) -> Callable[P, list[list[Any]]]:
    """A function that makes several querysets, as one that gives a list of things for each. It keeps the rules of `@kept`.

    Each list comes in its own order and with its own limit. `select_related`, `only` and annotations do not reach the
    things: they are rows of one table, whole.
    """
    shapes: list[Shape] = []

    @kept
    @wraps(make)
    def rows(*values: P.args, **_none: P.kwargs) -> QuerySet[Any, tuple[Any, ...]]:
        querysets = make(*values, **_none)
        columns, shapes[:] = _shapes([queryset.model for queryset in querysets])
        first, *others = (_wide(number, queryset, shapes[number], columns) for number, queryset in enumerate(querysets))
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


def _shapes(models: list[type[Model]]) -> tuple[dict[Column, Field[Any, Any]], list[Shape]]:
    """The columns that have room for each of the models, side by side by type, and who finds which of them where."""
    columns: dict[Column, Field[Any, Any]] = {}
    taken = [_columns(model) for model in models]
    for fields in taken:
        columns = fields | columns
    places = {column: place for place, column in enumerate(columns, 1)}  # the first column is the number of the list
    return columns, [
        Shape(model, [field.attname for field in fields.values()], itemgetter(*(places[column] for column in fields)))
        for model, fields in zip(models, taken, strict=True)
    ]


def _columns(model: type[Model]) -> dict[Column, Field[Any, Any]]:
    seen: Counter[str] = Counter()
    found: dict[Column, Field[Any, Any]] = {}
    for field in model._meta.concrete_fields:
        if field.get_db_converters(connection):
            raise TypeError(f"{field} is read in a way of its own; ask for {model.__name__} in a statement of its own.")
        kind = str(field.db_type(connection)).partition("(")[0]
        found[kind, seen[kind]] = field
        seen[kind] += 1
    return found


def _wide(
    number: int, queryset: QuerySet[Any], shape: Shape, columns: dict[Column, Field[Any, Any]]
) -> QuerySet[Any, tuple[Any, ...]]:
    """The queryset with its own columns in their places, and nothing in those of the others."""
    own = {column: field.attname for column, field in _columns(shape.model).items()}
    return queryset.values_list(
        Value(number), *(own.get(column) or Cast(Value(None), field) for column, field in columns.items())
    )
