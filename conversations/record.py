"""The record over time: the versions somebody agreed to, and what was added after both had.

A version holds the words of the record, not the steps: those are released and taken back by the learner at any time,
and an old version must not keep showing what was taken back (docs/decisions/0012-versions-of-the-record.md).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .conversation import Conversation, ConversationPart
from .ideas import ChangeIdea


@dataclass(frozen=True)
class Words:
    """What the record says: its parts by number, the sentence, the ideas as (state, text), whether no next date is set."""

    parts: dict[str, str] = field(default_factory=dict)
    sentence: str = ""
    ideas: list[list[str]] = field(default_factory=list)
    next_is_open: bool = False

    @classmethod
    def of(cls, conversation: Conversation) -> Words:
        """The record as it stands now; two queries."""
        parts = list(ConversationPart.objects.filter(conversation=conversation))
        ideas = list(ChangeIdea.objects.filter(conversation=conversation))
        for row in (*parts, *ideas):
            row.conversation = conversation
        return cls(
            {str(row.part): row.text for row in parts if row.text_sealed},
            conversation.closing_sentence,
            [[row.state, row.text] for row in ideas],
            conversation.next_is_open,
        )


class RecordVersion(models.Model):
    """The record as one of the two agreed to it; the last one, after both have, is the record."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()  # the talk's version then
    content_sealed = models.BinaryField()
    agreed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField(default=clock.now)

    content = SealedText()

    class Meta:
        verbose_name = _("Fassung des Protokolls")
        verbose_name_plural = _("Fassungen des Protokolls")
        ordering = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "number"], name="each_version_once"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return self.conversation.data_key()

    def words(self) -> Words:
        """What the record said."""
        return Words(**json.loads(self.content))

    def keep(self, words: Words) -> None:
        """Take these words as the content."""
        self.content = json.dumps(asdict(words), ensure_ascii=False)


class Addition(models.Model):
    """What one of the two adds to a record both have agreed to: with name and day, never in place of what stands."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="additions")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    text_sealed = models.BinaryField(default=b"")
    added_at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(null=True, blank=True)  # the other one has read it; until then it can be taken back

    text = SealedText()

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        verbose_name = _("Nachtrag")
        verbose_name_plural = _("Nachträge")
        ordering = ["added_at", "pk"]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return self.conversation.data_key()
