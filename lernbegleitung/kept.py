"""`@kept`: a query that is asked on every page, put into words once.

Django builds a queryset and its SQL anew at every call; on our pages that is a third of all the time (decision 31). The
statement is always the same, only values differ; so it is made at the first call, and afterwards only the values change.
What never changes is written into it: the database can see then that an index of open requests has what is asked for,
and keep its plan, which takes it longer to make than to carry out.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import wraps
from inspect import signature
from typing import Any, NamedTuple, ParamSpec, TypeVar

from django.db import connections
from django.db.models import Expression, QuerySet
from django.db.models.sql.compiler import SQLCompiler
from django.http import Http404
from psycopg.sql import Literal

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
    """A queryset with its finished statement, and which values it takes in which order."""

    queryset: QuerySet[Any, Any]
    compiler: SQLCompiler
    sql: str
    slots: tuple[int, ...]
    converters: dict[int, Any]  # how columns become values


_forms: dict[Callable[..., Any], Form] = {}


def kept(make: Callable[P, QuerySet[Any, Row]]) -> Callable[P, list[Row]]:
    """A function that makes a queryset of plain values, as one that gives its rows.

    The function is called once, with a slot for each value. So it may only compare with them: no `if`, no arithmetic, no
    `first()`, and `any_of` instead of `in`. Values are as the columns have them: numbers, UUIDs, days, moments, lists.
    """

    @wraps(make)
    def ask(*values: P.args, **_none: P.kwargs) -> list[Row]:
        queryset, made, sql, slots, converters = _forms.get(make) or _form_of(make)
        compiler = copy.copy(made)
        compiler.connection = connections[queryset.db]  # each thread has its own
        filled = tuple(values[number] for number in slots)
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
    slots = tuple(param.number for param in params if isinstance(param, Slot))
    _forms[make] = Form(queryset, compiler, _written_out(sql, params), slots, compiler.get_converters(columns))
    return _forms[make]


def _written_out(sql: str, params: Iterable[Any]) -> str:
    """The statement with everything in it that is not a slot."""
    left = iter(params)

    def value(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%%"
        param = next(left)
        if isinstance(param, Slot):
            return "%s"
        return Literal(str(param) if isinstance(param, str) else param).as_string().replace("%", "%%")

    return re.sub("%%|%s", value, sql)


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
