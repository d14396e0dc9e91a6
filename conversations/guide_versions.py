"""The guide for each kind of talk, in versions: a draft is edited and published; a talk keeps the one it was made with.

The four parts are the method and always stay four; a version holds their words, hints and first questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lernbegleitung import clock, ids

from .appointments import Kind
from .guide import PARTS, GuidingQuestion, Part

SHOWN = 4
TEXTS = ("title", "aim", "hint")
LANGUAGES = ("de", "en")
Section = dict[str, Any]


class GuideState(models.TextChoices):
    """A draft becomes the published version, and that a former one."""

    DRAFT = "draft", _("Entwurf")
    PUBLISHED = "published", _("veröffentlicht")
    FORMER = "former", _("frühere Fassung")


class GuideVersion(models.Model):
    """One version of the guide for one kind of talk. `sections`: one per part; published words never change."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=9, choices=GuideState.choices, default=GuideState.DRAFT)
    sections = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(default=clock.now)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("Fassung des Leitfadens")
        verbose_name_plural = _("Fassungen des Leitfadens")
        ordering: ClassVar = ["kind", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "number"], name="guide_numbered_once"),
            models.UniqueConstraint(fields=["kind"], condition=Q(state="published"), name="one_guide_published"),
            models.UniqueConstraint(fields=["kind"], condition=Q(state="draft"), name="one_guide_draft"),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False), name="guide_published_on"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    def parts(self, language: str = "") -> list[Part]:
        """The four parts in the words of this version, in one language; empty: the reader's."""
        spoken = "en" if (language or get_language() or "de").startswith("en") else "de"
        return [_worded(part, section, spoken) for part, section in zip(PARTS, self.sections, strict=True)]


def _worded(part: Part, section: Section, language: str) -> Part:
    words = {name: section[f"{name}_{language}"] for name in TEXTS}
    return replace(part, **words, questions=tuple(section["questions"]))


def parts_in(guide: GuideVersion | None) -> list[Part]:
    """The parts of a talk's guide; without one, as the method has them."""
    return guide.parts() if guide else list(PARTS)


def arranged(part: Part, rows: Iterable[GuidingQuestion]) -> tuple[list[GuidingQuestion], list[GuidingQuestion]]:
    """The questions that stand open beside a part, and those folded away: the guide's own first, else the first four."""
    known = list(rows)
    by_code = {row.code: row for row in known}
    first = [by_code[code] for code in part.questions if code in by_code] or known[:SHOWN]
    return first, [row for row in known if row not in first]
