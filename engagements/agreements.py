"""The learning agreement: a shared frame with the limits of confidentiality, accepted by both, in versions."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .engagement import Engagement, shared_key
from .programmes import ProgrammeVersion


class Agreement(models.Model):
    """One version. A change makes a new version that nobody has accepted yet."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="agreements")
    # The companion it is made with: one who comes later makes another, and does not read this one.
    companion = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    version = models.PositiveSmallIntegerField(default=1)
    purpose_sealed = models.BinaryField(default=b"")
    rhythm_sealed = models.BinaryField(default=b"")
    additions_sealed = models.BinaryField(default=b"")
    # What the programme suggested when this was written; a newer version holds only once both accept it (programmes.py).
    programme_version = models.ForeignKey(ProgrammeVersion, models.PROTECT, null=True, related_name="+")
    written_by = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="+")
    written_at = models.DateTimeField(default=clock.now)
    learner_accepted_at = models.DateTimeField(null=True, blank=True)
    companion_accepted_at = models.DateTimeField(null=True, blank=True)

    purpose = SealedText()
    rhythm = SealedText()
    additions = SealedText()

    class Meta:
        verbose_name = _("Lernvereinbarung")
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["engagement", "companion", "version"], name="agreement_version"),
            models.CheckConstraint(condition=Q(version__gte=1), name="agreement_version_from_1"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return shared_key(self.engagement_id)

    def is_accepted(self) -> bool:
        """Whether both have accepted this version."""
        return bool(self.learner_accepted_at and self.companion_accepted_at)
