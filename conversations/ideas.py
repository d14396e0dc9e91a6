"""Change ideas: what could be done differently. Collected in a talk; tried, chosen, or parked for later ones."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids
from lernbegleitung.kept import kept
from lernbegleitung.vault import SealedText

from .conversation import Conversation


class ChangeIdeaQuerySet(models.QuerySet["ChangeIdea"]):
    """Sets of ideas that read as a sentence."""

    def before_us(self, talk_id: uuid.UUID, engagement_id: uuid.UUID, begins: datetime) -> ChangeIdeaQuerySet:
        """Those of this talk, and those parked in earlier ones of the companionship, the oldest first."""
        mine = Q(conversation=talk_id)
        parked = Q(
            conversation__engagement=engagement_id,
            conversation__appointment__starts_at__lt=begins,
            state=ChangeIdea.State.PARKED,
        )
        return self.filter(mine | parked).order_by("pk")


class ChangeIdea(models.Model):
    """One idea, in the learner's words; part of the record of the talk in which it came up."""

    class State(models.TextChoices):
        COLLECTED = "collected", _("gesammelt")
        TRIED = "tried", _("schon versucht")
        CHOSEN = "chosen", _("gewählt")
        PARKED = "parked", _("geparkt")

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="ideas")
    text_sealed = models.BinaryField(default=b"")
    state = models.CharField(max_length=9, choices=State.choices, default=State.COLLECTED)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(default=clock.now)

    text = SealedText()

    objects: ClassVar[Any] = ChangeIdeaQuerySet.as_manager()

    class Meta:
        verbose_name = _("Veränderungsidee")
        verbose_name_plural = _("Veränderungsideen")
        ordering = ["pk"]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return self.conversation.data_key()


def ideas_of(conversation: Conversation) -> list[ChangeIdea]:
    """The ideas of a talk, ready to be read."""
    found = list(conversation.ideas.all())
    for idea in found:
        idea.conversation = conversation
    return found


def ideas_before_us(conversation: Conversation) -> list[ChangeIdea]:
    """The ideas of a talk and those parked before it, ready to be read."""
    found = _before_us(conversation.pk, conversation.engagement_id, conversation.appointment.starts_at)
    for idea in found:
        idea.conversation.engagement = conversation.engagement
    return found


@kept
def _before_us(talk_id: uuid.UUID, engagement_id: uuid.UUID, begins: datetime) -> QuerySet[ChangeIdea]:
    rows: ChangeIdeaQuerySet = ChangeIdea.objects.before_us(talk_id, engagement_id, begins)
    return rows.select_related("conversation__appointment")
