"""Change ideas: what could be done differently. Collected in a talk; tried, chosen, or parked for later ones."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .conversation import Conversation


class ChangeIdeaQuerySet(models.QuerySet["ChangeIdea"]):
    """Sets of ideas that read as a sentence."""

    def before_us(self, conversation: Conversation) -> ChangeIdeaQuerySet:
        """Those of this talk, and those parked in earlier ones, the oldest first."""
        mine = Q(conversation=conversation)
        parked = Q(
            conversation__engagement=conversation.engagement_id,
            conversation__appointment__starts_at__lt=conversation.appointment.starts_at,
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
