"""The learning journal: the learner's own entries, private until shared one by one."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.db import models
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .engagement import Engagement, shared_key
from .steps import LearningStep

# Talks of an engagement to write about: (id, words). The talks, a higher app, answer here.
talks_to_write_about: list[Callable[[Engagement], list[tuple[uuid.UUID, str]]]] = []


class Mood(models.TextChoices):
    """How it was, in a word; never asked for, never counted."""

    LIGHT = "light", _("leicht")
    GOOD = "good", _("gut")
    MIXED = "mixed", _("gemischt")
    TOUGH = "tough", _("zäh")
    HEAVY = "heavy", _("schwer")


class JournalEntry(models.Model):
    """One entry. `shared_at` empty: the database shows it to nobody but the learner."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="journal")
    text_sealed = models.BinaryField(default=b"")
    mood_sealed = models.BinaryField(default=b"")
    # What it is about: a step, or a talk (whose app this one does not know), or nothing of the kind.
    step = models.ForeignKey(LearningStep, models.SET_NULL, null=True, blank=True, related_name="journal")
    talk = models.UUIDField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(null=True, blank=True)
    shared_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    text = SealedText()
    mood = SealedText()

    class Meta:
        verbose_name = _("Eintrag im Lerntagebuch")
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["engagement", "-created_at"], name="journal_engagement")]

    def __str__(self) -> str:
        return str(self.pk)

    def mood_words(self) -> str:
        """The mood in the reader's language, or nothing."""
        return str(dict(Mood.choices).get(self.mood, self.mood))

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return shared_key(self.engagement_id)
