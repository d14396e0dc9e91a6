"""`@kept`: a query that is asked on every page, put into words once.

Django builds a queryset and its SQL anew at every call; on our pages that is a third of all the time (decision 31). The
statement is always the same, only values differ; so it is made at the first call, and afterwards only the values change.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from functools import wraps
from inspect import signature
from typing import Any, NamedTuple, ParamSpec, TypeVar

from django.db import connections
from django.db.models import Expression, QuerySet
from django.db.models.sql.compiler import SQLCompiler
from django.http import Http404

P = ParamSpec("P")
Row = TypeVar("Row")


class Slot(Expression):
    """The place of a value that is not known yet: the parameter with this number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """A placeholder, and this slot in the place of its value."""
        return "%s", (self,)


class Form(NamedTuple):
    """A queryset with its finished statement; among the parameters stand slots."""

    queryset: QuerySet[Any, Any]
    compiler: SQLCompiler
    sql: str
    params: tuple[Any, ...]
    converters: dict[int, Any]  # how columns become values


_forms: dict[Callable[..., Any], Form] = {}


def kept(make: Callable[P, QuerySet[Any, Row]]) -> Callable[P, list[Row]]:
    """A function that makes a queryset of plain values, as one that gives its rows.

    The function is called once, with a slot for each value. So it may only compare with them: no `if`, no arithmetic, no
    `first()`, and `any_of` instead of `in`. Values are as the columns have them: numbers, UUIDs, days, moments, lists.
    """

    @wraps(make)
    def ask(*values: P.args, **_none: P.kwargs) -> list[Row]:
        queryset, made, sql, params, converters = _forms.get(make) or _form_of(make)
        compiler = copy.copy(made)
        compiler.connection = connections[queryset.db]  # each thread has its own
        filled = tuple(values[param.number] if isinstance(param, Slot) else param for param in params)
        compiler.as_sql = lambda *args, **kwargs: (sql, filled)  # type: ignore
        compiler.get_converters = lambda columns: converters  # type: ignore
        rows = queryset._chain()  # type: ignore[attr-defined]
        rows.query.get_compiler = lambda *args, **kwargs: compiler
        return list(rows)

    return ask


def _form_of(make: Callable[..., QuerySet[Any, Any]]) -> Form:
    queryset = make(*(Slot(number) for number in range(len(signature(make).parameters))))
    compiler = queryset.query.get_compiler(queryset.db)
    sql, params = compiler.as_sql()
    if any(isinstance(param, date) for param in params):
        raise TypeError(f"{make.__qualname__} would keep the moment of its first call: hand the moment in.")
    columns = [column[0] for column in compiler.select[: compiler.col_count]]
    _forms[make] = Form(queryset, compiler, sql, tuple(params), compiler.get_converters(columns))
    return _forms[make]


def forget() -> None:
    """Make every statement anew; for tests that change how one is made."""
    _forms.clear()


def first(rows: list[Row]) -> Row | None:
    """The first row, if there is any."""
    return rows[0] if rows else None


def first_or_404(rows: list[Row]) -> Row:
    """The first row; nobody is told apart whether there is none or it is not shown."""
    if not rows:
        raise Http404
    return rows[0]
