"""Drafts: what a person has typed into a form and not sent yet. A closed tab, an expired session or a lost connection
takes nothing with it, and two devices never write over each other: every open page has a row of its own."""

from __future__ import annotations

import json
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .keys import own_key
from .people import User

Values = dict[str, list[str]]


class Draft(models.Model):
    """What stands in one open page. `place` is the address of its form, `base` the version of the item it shows."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    owner = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    place = models.CharField(max_length=200)
    base = models.PositiveIntegerField(default=0)
    values_sealed = models.BinaryField(default=b"")
    changed_at = models.DateTimeField(default=clock.now)

    values = SealedText()

    class Meta:
        verbose_name = _("Entwurf")
        verbose_name_plural = _("Entwürfe")
        ordering: ClassVar = ["-changed_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["owner", "place", "-changed_at"], name="draft_place")]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the person's own key."""
        return own_key(self.owner_id)

    def typed(self) -> Values:
        """What was typed, by the name of the field, as a browser sends it."""
        return json.loads(self.values or "{}")
