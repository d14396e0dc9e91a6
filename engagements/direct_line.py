"""The direct line (direkter Draht): a person and the coordination responsible for them write to each other.

Nothing of it is tied to any companionship: that there is one, only the writer may say. The texts have a key of their own.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.keys import open_key
from accounts.models import Agency, User
from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

KEPT = timedelta(days=90)  # after the last message


class DirectLine(models.Model):
    """What one person and the coordination of one agency have written. `waits_since`: the coordination has to answer."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    writer = models.ForeignKey(User, models.CASCADE, related_name="direct_lines")
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+")
    waits_since = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("direkter Draht")
        ordering: ClassVar = ["-last_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["writer", "agency"], name="one_direct_line_to_a_coordination")
        ]
        indexes: ClassVar = [models.Index(fields=["agency", "-last_at", "-id"], name="direct_line_inbox")]

    def __str__(self) -> str:
        return str(self.pk)

    def kept_until(self) -> date:
        """The day after which it is erased, unless somebody writes."""
        return clock.day_of(self.last_at + KEPT)


class LineMessage(models.Model):
    """One message on a direct line; never changed."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    line = models.ForeignKey(DirectLine, models.CASCADE, related_name="messages")
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    text_sealed = models.BinaryField(default=b"")
    written_at = models.DateTimeField(default=clock.now)

    text = SealedText()

    class Meta:
        verbose_name = _("Nachricht an die Koordination")
        ordering: ClassVar = ["written_at", "pk"]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """The key of the line: the writer has it, and the coordination as long as it is responsible."""
        return open_key(self.line_id)
