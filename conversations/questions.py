"""The question bank: what the file brings, and which questions stand beside which part."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from .guide import GuidingQuestion

FILE = Path(__file__).parent / "data" / "questions.toml"
ALL_KINDS = ["introduction", "conversation", "check_in", "closing", "follow_up"]


def load(model: Any) -> int:
    """Add the questions that are not there yet and answer how many; those adapted by an administrator stay as they are."""
    questions = tomllib.loads(FILE.read_text())["question"]
    known = set(model.objects.values_list("code", flat=True))
    new = [
        model(
            code=question["code"],
            part=str(question["part"]),
            kinds=question.get("kinds", ALL_KINDS),
            text_de=question["de"],
            text_en=question["en"],
            position=position,
        )
        for position, question in enumerate(questions)
        if question["code"] not in known
    ]
    model.objects.bulk_create(new)
    return len(new)


def by_part(kind: str) -> dict[str, list[GuidingQuestion]]:
    """The active questions for a kind of talk, by part ("1" to "4", "opening", "closing", "difficult"); one query."""
    parts: dict[str, list[GuidingQuestion]] = defaultdict(list)
    for question in GuidingQuestion.objects.filter(is_active=True, kinds__contains=[kind]):
        parts[question.part].append(question)
    for questions in parts.values():
        questions.sort(key=lambda question: len(question.kinds))  # those made for this kind of talk come first
    return parts
