"""`filter(pk__any_of=ids)`: many values as one parameter of a statement."""

from __future__ import annotations

from typing import Any

from django.db.models import Field, ForeignKey, Lookup


def array(values: list[Any]) -> list[Any] | str:
    """A list as a parameter. Numbers as PostgreSQL writes them: the driver looks at each for longer than the query takes."""
    return f"{{{','.join(map(str, values))}}}" if values and isinstance(values[0], int) else values


@ForeignKey.register_lookup
@Field.register_lookup
class AnyOf(Lookup):
    """`id = ANY (array)`: the same statement however many values there are, prepared once.

    `pk__in=ids` names each of them, and is built, read and planned anew every time; with hundreds that costs more than
    the answer. The values are as the column has them: numbers, UUIDs, texts.
    """

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """The comparison, with the array cast to the column's type."""
        column, params = self.process_lhs(compiler, connection)
        kind = self.lhs.output_field.rel_db_type(connection)
        values = compiler.compile(self.rhs)[1] if hasattr(self.rhs, "as_sql") else [array(list(self.rhs))]
        return f"{column} = ANY (%s::{kind}[])", (*params, *values)
