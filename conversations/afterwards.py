"""After a talk: a short look at oneself, which nobody else can ever open, and feedback, which is only there if given."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.keys import own_key
from accounts.models import User
from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .conversation import Conversation


class TalkCheck(models.Model):
    """One person's own look at one talk, sealed under that person's own key, answers included: no score can be made.

    The learner answers `goal_clear` and `way_helps`, the companion `asked`, `listened` and `mirrored`, each with one
    letter of `Says`. `note` is for the own next time.
    """

    class Says(models.TextChoices):
        YES = "y", _("Ja")
        PARTLY = "p", _("Teils")
        NOT_YET = "n", _("Noch nicht")

    LEARNER: ClassVar = ("goal_clear", "way_helps")
    COMPANION: ClassVar = ("asked", "listened", "mirrored")

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="checks")
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    goal_clear_sealed = models.BinaryField(default=b"")
    way_helps_sealed = models.BinaryField(default=b"")
    asked_sealed = models.BinaryField(default=b"")
    listened_sealed = models.BinaryField(default=b"")
    mirrored_sealed = models.BinaryField(default=b"")
    note_sealed = models.BinaryField(default=b"")
    changed_at = models.DateTimeField(default=clock.now)

    goal_clear = SealedText()
    way_helps = SealedText()
    asked = SealedText()
    listened = SealedText()
    mirrored = SealedText()
    note = SealedText()

    class Meta:
        verbose_name = _("Blick auf das Gespräch")
        constraints: ClassVar = [models.UniqueConstraint(fields=["conversation", "owner"], name="one_check_each")]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the owner's own key."""
        return own_key(self.owner_id)


class Feedback(models.Model):
    """What one of the two tells the other about the talk. It exists only once it is given, and can be taken back."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="feedback")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    text_sealed = models.BinaryField(default=b"")
    given_at = models.DateTimeField(default=clock.now)

    text = SealedText()

    objects: ClassVar[Any] = models.Manager()

    class Meta:
        verbose_name = _("Rückmeldung")
        verbose_name_plural = _("Rückmeldungen")
        ordering = ["given_at", "pk"]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return self.conversation.data_key()
