"""Preparation: each side's private thoughts, and the learner's topic, which is kept or sent."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.keys import own_key
from accounts.models import User
from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .conversation import Conversation


class Preparation(models.Model):
    """One person's own sheet for one talk, sealed under that person's own key: nobody else can ever open it."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="preparations")
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    before_sealed = models.BinaryField(default=b"")
    questions_sealed = models.BinaryField(default=b"")
    hypotheses_sealed = models.BinaryField(default=b"")  # the companion's guesses, kept apart from what was seen
    observations_sealed = models.BinaryField(default=b"")
    reflection_sealed = models.BinaryField(default=b"")
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(default=clock.now)

    before = SealedText()
    questions = SealedText()
    hypotheses = SealedText()
    observations = SealedText()
    reflection = SealedText()

    class Meta:
        verbose_name = _("Vorbereitung")
        constraints: ClassVar = [models.UniqueConstraint(fields=["conversation", "owner"], name="one_sheet_each")]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the owner's own key."""
        return own_key(self.owner_id)


class TopicWish(models.Model):
    """What the learner would like to talk about. `shared_at` empty: kept; the companion does not see it."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    conversation = models.OneToOneField(Conversation, models.CASCADE, related_name="topic_wish")
    text_sealed = models.BinaryField(default=b"")
    shared_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(default=clock.now)

    text = SealedText()

    class Meta:
        verbose_name = _("Themenwunsch")

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return self.conversation.data_key()
