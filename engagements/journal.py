"""The learning journal: the learner's own entries, private until shared one by one."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .engagement import Engagement, shared_key


class JournalEntry(models.Model):
    """One entry. `shared_at` empty: the database shows it to nobody but the learner."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="journal")
    text_sealed = models.BinaryField(default=b"")
    shared_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    text = SealedText()

    class Meta:
        verbose_name = _("Eintrag im Lerntagebuch")
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["engagement", "-created_at"], name="journal_engagement")]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return shared_key(self.engagement_id)
