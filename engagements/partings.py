"""What is needed to take a parting back: whom the learner had, and what was released to that person. For a week only.

The row is written by the database when a learner asks for somebody else (policies.sql), and read by the learner alone.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lernbegleitung import clock

from .engagement import Engagement

UNDO_FOR = timedelta(days=7)


class Parting(models.Model):
    """The latest change of companion. `released`: by table, the id of each item released and since when."""

    engagement = models.OneToOneField(Engagement, models.CASCADE, primary_key=True, related_name="parting")
    companion = models.ForeignKey(User, models.CASCADE, related_name="+")
    released = models.JSONField(default=dict)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Wechsel der Begleitung")

    def __str__(self) -> str:
        return str(self.pk)
