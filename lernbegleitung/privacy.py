"""Retention rules: exactly one per column of every table of ours, each a period and the event that starts it."""

from dataclasses import dataclass

from django.db.models import Model


@dataclass(frozen=True)
class Rule:
    """How long some columns of one model are kept, from when, and why.

    `days` counts from `after`; None means: as long as the thing that `after` names exists.
    """

    model: type[Model]
    columns: tuple[str, ...]
    after: str
    why: str
    days: int | None = None


RULES: list[Rule] = []


def keep(model: type[Model], *columns: str, after: str, why: str, days: int | None = None) -> None:
    """State the rule for some columns of a model."""
    RULES.append(Rule(model, columns, after, why, days))


def columns_with_rules(model: type[Model]) -> list[str]:
    """Every column of the model that a rule names, with repetitions."""
    return [column for rule in RULES if rule.model is model for column in rule.columns]
