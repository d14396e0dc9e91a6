"""The learning concern: what the person wants to be able to do better, in a real situation, in their own words."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.keys import take_keys, with_keys
from lernbegleitung import clock, ids
from lernbegleitung.kept import first, kept
from lernbegleitung.vault import SealedText

from .engagement import Engagement, shared_key


class LearningConcern(models.Model):
    """The learner's goal in one sentence, and what belongs to it. Sealed; the companion reads it once asked."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="concerns")
    ability_sealed = models.BinaryField(default=b"")
    situation_sealed = models.BinaryField(default=b"")
    signs_sealed = models.BinaryField(default=b"")
    why_now_sealed = models.BinaryField(default=b"")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    changed_at = models.DateTimeField(default=clock.now)

    ability = SealedText()
    situation = SealedText()
    signs = SealedText()
    why_now = SealedText()

    class Meta:
        verbose_name = _("Lernanliegen")
        ordering = ["created_at"]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return shared_key(self.engagement_id)


def concern_of(engagement: Engagement) -> LearningConcern | None:
    """The concern of a companionship, once there is one; the key of all its texts comes along."""
    found = first(_concern(engagement.pk))
    if found:
        take_keys([found], of="engagement_id")
        found.engagement = engagement
    return found


@kept
def _concern(engagement_id: uuid.UUID) -> QuerySet[LearningConcern]:
    return with_keys(LearningConcern.objects.filter(engagement=engagement_id), of="engagement_id")[:1]
