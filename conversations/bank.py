"""The question bank as one person sees it: favourites and own questions first, what was taken along before, a search."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import User
from engagements.models import Engagement
from lernbegleitung.kept import kept

from .guide import GuidingQuestion
from .kept_questions import PLACES, Favourite, OwnQuestion, QuestionUse
from .search import folded

MOST = 400
Group: TypeAlias = "tuple[str | Promise, list[Line]]"


@dataclass(frozen=True)
class Line:
    """One question as it stands in a list. `ref` names it in forms: `bank-12`, or `own-` and its id."""

    ref: str
    text: str
    part: str
    find: str
    question: GuidingQuestion | None = None
    own: OwnQuestion | None = None
    kept: bool = False
    by_several: int = 0
    used: bool = False


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for in the bank; everything empty: all."""

    words: str = ""
    part: str = ""
    kind: str = ""
    occasion: str = ""
    only_kept: bool = False
    only_own: bool = False

    @classmethod
    def read(cls, query: QueryDict) -> Wanted:
        """From an address; what is no choice finds nothing and breaks nothing."""
        return cls(
            words=query.get("q", "").strip()[:100],
            part=query.get("teil", "")[:10],
            kind=query.get("art", "")[:12],
            occasion=query.get("anlass", "")[:40],
            only_kept=query.get("gemerkt") == "1",
            only_own=query.get("eigene") == "1",
        )

    def is_met_by(self, line: Line) -> bool:
        """Whether the question belongs to what is looked for; own questions stand for every kind and occasion."""
        if self.part and line.part != self.part:
            return False
        if self.only_kept and not line.kept or self.only_own and not line.own:
            return False
        if line.question and self.kind and self.kind not in line.question.kinds:
            return False
        if line.question and self.occasion and self.occasion not in line.question.occasions:
            return False
        return all(word in line.find for word in folded(self.words).split())


class Bank:
    """Everything of the bank for one person, in two queries; with a companionship also what was used there.

    `counted`: also how many keep a question, which the drawer of a talk does not say.
    """

    def __init__(
        self, person: User, engagement: Engagement | None = None, *, retired: bool = False, counted: bool = True
    ) -> None:
        self.person, self.where = person, engagement.pk if engagement else None
        self.rows = _questions(person.pk, self.where, [True, False] if retired else [True])
        self.kept = {row.pk for row in self.rows if row.is_kept}
        self.used = {row.pk for row in self.rows if row.is_used}
        self.several = kept_by_several() if counted else {}

    @cached_property
    def lines(self) -> list[Line]:
        """Own questions first, then those for all; only those who list them open what is sealed."""
        own = [self._own(row) for row in _own_questions(self.person.pk, self.where)]
        return own + [self.line(row) for row in self.rows]

    def line(self, row: GuidingQuestion) -> Line:
        """A question for all."""
        return Line(
            ref=f"bank-{row.pk}", text=str(row), part=row.part, question=row, kept=row.pk in self.kept,
            find=_find(row.text_de, row.text_en), by_several=self.several.get(row.pk, 0), used=row.pk in self.used,
        )  # fmt: skip

    def _own(self, row: OwnQuestion) -> Line:
        row.owner = self.person
        text = row.text
        return Line(f"own-{row.pk}", text, row.part, folded(text), own=row, used=row.is_used)

    def found(self, wanted: Wanted) -> list[Line]:
        """What somebody looks for, own questions first."""
        return [line for line in self.lines if wanted.is_met_by(line)]

    def drawer(self, kind: str, occasion: str = "") -> list[Group]:
        """For a talk: favourites and own questions, then the bank by part."""
        fitting = [line for line in self.lines if line.question and kind in line.question.kinds and _stands(line)]
        fitting = [line for line in fitting if line.question and line.question.fits(occasion)]
        first = [line for line in self.lines if line.own or line.kept]
        groups: list[Group] = [(_("Gemerkte und eigene Fragen"), first)]
        groups += grouped(sorted(fitting, key=lambda line: line.question.generality() if line.question else (True, 9)))
        return [group for group in groups if group[1]]


@lru_cache(2 * MOST)
def _find(text_de: str, text_en: str) -> str:
    """What is looked through; remembered, as these questions are for all."""
    return folded(f"{text_de} {text_en}")


@kept
def _questions(person_id: int, engagement_id: uuid.UUID | None, active: list[bool]) -> QuerySet[GuidingQuestion]:
    keeps = Favourite.objects.filter(owner=person_id, question=OuterRef("pk"))
    uses = QuestionUse.objects.filter(owner=person_id, engagement=engagement_id, question=OuterRef("pk"))
    rows = GuidingQuestion.objects.annotate(is_kept=Exists(keeps), is_used=Exists(uses))
    return rows.filter(Q(is_active__any_of=active) | Q(is_kept=True))[:MOST]


@kept
def _own_questions(person_id: int, engagement_id: uuid.UUID | None) -> QuerySet[OwnQuestion]:
    uses = QuestionUse.objects.filter(owner=person_id, engagement=engagement_id, own_question=OuterRef("pk"))
    return OwnQuestion.objects.filter(owner=person_id).annotate(is_used=Exists(uses))


def grouped(lines: Iterable[Line]) -> list[Group]:
    """By part, in the order of a talk, with the parts' titles."""
    rows = list(lines)
    return [(title, own) for part, title in PLACES if (own := [line for line in rows if line.part == part])]


def _stands(line: Line) -> bool:
    return bool(line.question and line.question.is_active)


def kept_by_several() -> dict[int, int]:
    """Questions that at least three people keep, and how many; the database tells neither who nor fewer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT question_id, times FROM questions_kept_by_several()")
        return dict(cursor.fetchall())


def named(ref: str, person: User) -> GuidingQuestion | OwnQuestion | None:
    """The question a form names, if there is one that this person may take."""
    room, _sep, key = ref.partition("-")
    if room == "bank" and key.isascii() and key.isdigit() and len(key) < 10:
        return GuidingQuestion.objects.filter(pk=int(key)).first()
    try:
        pk = uuid.UUID(key) if room == "own" else None
    except ValueError:
        return None
    own = OwnQuestion.objects.filter(owner=person, pk=pk).first() if pk else None
    if own:
        own.owner = person
    return own
