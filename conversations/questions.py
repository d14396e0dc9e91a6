"""The question bank: what the file brings, and which questions stand beside which part."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from lernbegleitung.kept import kept

from .guide import GuidingQuestion

FILE = Path(__file__).parent / "data" / "questions.toml"
ALL_KINDS = ["introduction", "conversation", "check_in", "closing", "follow_up"]


def from_file() -> list[dict[str, Any]]:
    """The questions as the file has them."""
    return list(tomllib.loads(FILE.read_text())["question"])


def load(model: Any) -> int:
    """Add the questions that are not there yet and answer how many; those adapted by a method owner stay as they are."""
    known = set(model.objects.values_list("code", flat=True))
    tagged = any(field.name == "occasions" for field in model._meta.get_fields())  # not yet in the first migrations
    new = [
        model(
            code=question["code"],
            part=str(question["part"]),
            kinds=question.get("kinds", ALL_KINDS),
            text_de=question["de"],
            text_en=question["en"],
            position=position,
            **({"occasions": question.get("occasions", [])} if tagged else {}),
        )
        for position, question in enumerate(from_file())
        if question["code"] not in known
    ]
    model.objects.bulk_create(new)
    return len(new)


def tag(model: Any) -> None:
    """Give questions that stand for every kind and occasion those of the file."""
    untouched = model.objects.filter(version=1, kinds=ALL_KINDS, occasions=[])
    for question in from_file():
        if "kinds" in question or "occasions" in question:
            values = {"kinds": question.get("kinds", ALL_KINDS), "occasions": question.get("occasions", [])}
            untouched.filter(code=question["code"]).update(**values)


def by_part(kind: str, occasion: str = "") -> dict[str, list[GuidingQuestion]]:
    """The active questions for a kind of talk, by part ("1" to "4", "opening", "closing", "difficult").

    Those for other occasions than this one are left out; those made for it, or for this kind of talk, come first.
    """
    parts: dict[str, list[GuidingQuestion]] = defaultdict(list)
    fitting = [question for question in _of_kind(kind) if question.fits(occasion)]
    for question in sorted(fitting, key=GuidingQuestion.generality):
        parts[question.part].append(question)
    return parts


@kept
def _of_kind(kind: str) -> QuerySet[GuidingQuestion]:
    return GuidingQuestion.objects.filter(is_active=True, kinds__contains=[kind])
