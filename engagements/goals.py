"""Goals: what a learner works towards, with signs of success, and how important and how sure it feels over time."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .engagement import Engagement, shared_key


class GoalState(models.TextChoices):
    """How a goal stands. All but the first are good ends."""

    OPEN = "open", _("offen")
    REACHED = "reached", _("erreicht")
    LET_GO = "let_go", _("losgelassen")


# Goal attainment scaling: five levels in the learner's own words, from -2 to +2.
LEVELS = (-2, -1, 0, 1, 2)
LEVEL_NAMES = tuple(f"level_{number}" for number in range(1, 6))


class Goal(models.Model):
    """One goal; private until the learner releases it."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="goals")
    title_sealed = models.BinaryField(default=b"")
    signs_sealed = models.BinaryField(default=b"")
    level_1_sealed = models.BinaryField(default=b"")
    level_2_sealed = models.BinaryField(default=b"")
    level_3_sealed = models.BinaryField(default=b"")
    level_4_sealed = models.BinaryField(default=b"")
    level_5_sealed = models.BinaryField(default=b"")
    target_on = models.DateField(_("Bis wann ungefähr?"), null=True, blank=True)
    state = models.CharField(max_length=8, choices=GoalState.choices, default=GoalState.OPEN)
    answered_at = models.DateTimeField(null=True, blank=True)
    shared_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    changed_at = models.DateTimeField(default=clock.now)
    version = models.PositiveIntegerField(default=1)
    # The goal of an earlier companionship that it continues; that may be gone by now.
    carried_from = models.UUIDField(null=True, blank=True)

    title = SealedText()
    signs = SealedText()
    level_1 = SealedText()
    level_2 = SealedText()
    level_3 = SealedText()
    level_4 = SealedText()
    level_5 = SealedText()

    class Meta:
        verbose_name = _("Ziel")
        verbose_name_plural = _("Ziele")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="open", answered_at=None) | ~Q(state="open") & Q(answered_at__isnull=False),
                name="goal_answered_with_a_date",
            ),
            models.UniqueConstraint(
                fields=["engagement", "carried_from"],
                condition=Q(carried_from__isnull=False),
                name="goal_carried_once",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["engagement", "-created_at"], name="goal_engagement")]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return shared_key(self.engagement_id)

    def is_open(self) -> bool:
        """Whether it is still worked towards."""
        return self.state == GoalState.OPEN

    def levels(self) -> list[tuple[int, str]]:
        """(number, words) of the own scale, from the best to the least; empty when there is none."""
        words = [getattr(self, name) for name in LEVEL_NAMES]
        return list(zip(LEVELS, words, strict=True))[::-1] if any(words) else []


class GoalRating(models.Model):
    """How important a goal feels and how sure the learner is, 0 to 10, on a day; and the level of the own scale.

    The numbers are about a person's inner state, so they are sealed like words. Readable by whom the goal is.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="+")
    goal = models.ForeignKey(Goal, models.CASCADE, related_name="ratings")
    importance_sealed = models.BinaryField(default=b"")
    confidence_sealed = models.BinaryField(default=b"")
    level_sealed = models.BinaryField(default=b"")
    shared_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField(default=clock.now)

    importance = SealedText()
    confidence = SealedText()
    level = SealedText()

    class Meta:
        verbose_name = _("Einschätzung")
        ordering: ClassVar = ["at", "pk"]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return shared_key(self.engagement_id)


class FormerWords(models.Model):
    """What a text said before it was changed; the learner's alone."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="+")
    item = models.UUIDField()
    field = models.CharField(
        max_length=20,
        choices=[(name, name) for name in ("ability", "situation", "signs", "why_now", "title", *LEVEL_NAMES)],
    )
    text_sealed = models.BinaryField(default=b"")
    until = models.DateTimeField(default=clock.now)

    text = SealedText()

    class Meta:
        verbose_name = _("Frühere Fassung")
        ordering: ClassVar = ["-until", "-pk"]
        indexes: ClassVar = [models.Index(fields=["item", "-until"], name="former_words_item")]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return shared_key(self.engagement_id)
