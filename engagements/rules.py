"""Rules of thumb (Faustregeln): what a person wants to keep for years, beyond any companionship.

Sealed under the person's own key, so that it outlives the companionship it came from and is nobody else's, ever.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.keys import own_key
from accounts.models import User
from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText


class RuleOfThumb(models.Model):
    """One sentence to remember. `insight`: what it was kept from, so that it is kept once; that may be gone by now."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    owner = models.ForeignKey(User, models.CASCADE, related_name="rules_of_thumb")
    text_sealed = models.BinaryField(default=b"")
    insight = models.UUIDField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    text = SealedText()

    class Meta:
        verbose_name = _("Faustregel")
        verbose_name_plural = _("Faustregeln")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner", "insight"], condition=Q(insight__isnull=False), name="insight_kept_once"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the person's own key."""
        return own_key(self.owner_id)
