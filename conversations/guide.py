"""The guide: four parts that are always all open, what each yields, and the guiding questions beside them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Part:
    """One of the four parts of a talk."""

    number: int
    slug: str
    title: str | Promise
    short: str | Promise
    aim: str | Promise
    label: str | Promise
    hint: str | Promise = ""
    questions: tuple[str, ...] = ()  # codes of the questions that stand open beside it


PARTS = (
    Part(1, "concern", _("Anliegen klären"), _("Anliegen"), _("Herausfinden, worum es wirklich geht: in einer echten Situation."), _("Was mir zu meinem Anliegen klar geworden ist")),
    Part(2, "ideas", _("Ideen entwickeln"), _("Ideen"), _("Andere Wege denken, ohne sie gleich zu bewerten."), _("Ideen, die ich weiterverfolgen möchte")),
    Part(3, "steps", _("Lernschritte planen"), _("Lernschritte"), _("Etwas Kleines vornehmen: konkret, in der eigenen Arbeit, mit Tag."), _("Was ich ausprobieren möchte")),
    Part(4, "review", _("Erfahrungen auswerten und sichern"), _("Auswerten"), _("Zurückschauen, was war, und festhalten, was trägt."), _("Was ich erfahren habe und mitnehme")),
)  # fmt: skip


def suggested_part(kind: str, *, is_first: bool) -> int:
    """Where a talk may begin: a first one with the concern, a later one with the review, a closing with securing."""
    return 1 if is_first and kind != "closing" else 4


class GuidingQuestion(models.Model):
    """A prompt from the question bank, in both languages."""

    code = models.SlugField(max_length=20, unique=True)
    part = models.CharField(max_length=10)  # "1" to "4", "opening", "closing", "difficult"
    kinds = ArrayField(models.CharField(max_length=12), default=list)
    occasions = ArrayField(models.SlugField(max_length=40), default=list, blank=True)  # codes; none: for every occasion
    text_de = models.CharField(max_length=300)
    text_en = models.CharField(max_length=300)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("Leitfrage")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.text_en if (get_language() or "de").startswith("en") else self.text_de

    def fits(self, occasion: str) -> bool:
        """Whether it may stand in a companionship with this occasion."""
        return not self.occasions or occasion in self.occasions

    def generality(self) -> tuple[bool, int]:
        """To sort by: what was made for one occasion, or for few kinds of talk, comes first."""
        return not self.occasions, len(self.kinds)
