"""What a person makes of the question bank: favourites, own questions, what was taken along, and proposals to all."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.keys import own_key
from accounts.models import User
from engagements.models import Engagement
from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .guide import GuidingQuestion

PLACES = [
    ("opening", _("Zum Ankommen")), ("1", _("Anliegen klären")), ("2", _("Ideen entwickeln")), ("3", _("Lernschritte planen")),
    ("4", _("Auswerten und sichern")), ("closing", _("Zum Abschluss")), ("difficult", _("Wenn es schwierig wird")),
]  # fmt: skip


class Favourite(models.Model):
    """A question somebody keeps. Who keeps which, nobody else sees; how many do, only from three on."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    question = models.ForeignKey(GuidingQuestion, models.CASCADE, related_name="+")
    since = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Gemerkte Frage")
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "question"], name="question_kept_once")]

    def __str__(self) -> str:
        return str(self.pk)


class OwnQuestion(models.Model):
    """A question of one's own, for one's own talks."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    part = models.CharField(max_length=10, choices=PLACES, default="1")
    text_sealed = models.BinaryField(default=b"")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    text = SealedText()

    class Meta:
        verbose_name = _("Eigene Frage")
        verbose_name_plural = _("Eigene Fragen")
        ordering: ClassVar = ["created_at", "pk"]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the person's own key."""
        return own_key(self.owner_id)


class QuestionUse(models.Model):
    """That a person has taken a question along into a talk of this companionship; the person alone sees it."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="+")
    question = models.ForeignKey(GuidingQuestion, models.CASCADE, null=True, related_name="+")
    own_question = models.ForeignKey(OwnQuestion, models.CASCADE, null=True, related_name="+")
    at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Mitgenommene Frage")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "engagement", "question"], name="use_of_a_question_once"),
            models.UniqueConstraint(fields=["owner", "engagement", "own_question"], name="use_of_an_own_question_once"),
            models.CheckConstraint(
                condition=Q(question__isnull=False, own_question=None) | Q(question=None, own_question__isnull=False),
                name="use_of_one_question",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class QuestionProposal(models.Model):
    """A question somebody offers to all. The method owner reads it with the name until it is decided, nobody else does.

    `source`: the own question it was made from, so that it is proposed once; that may be gone by now.
    """

    class Answer(models.TextChoices):
        OPEN = "open", _("wartet auf Antwort")
        ACCEPTED = "accepted", _("für alle übernommen")
        DECLINED = "declined", _("diesmal nicht übernommen")

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    source = models.UUIDField(null=True, blank=True)
    part = models.CharField(max_length=10, choices=PLACES)
    text_de = models.CharField(max_length=300, blank=True)
    text_en = models.CharField(max_length=300, blank=True)
    answer = models.CharField(max_length=8, choices=Answer.choices, default=Answer.OPEN)
    proposed_at = models.DateTimeField(default=clock.now)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Vorgeschlagene Frage")
        verbose_name_plural = _("Vorgeschlagene Fragen")
        ordering: ClassVar = ["proposed_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "source"], name="own_question_proposed_once"),
            models.CheckConstraint(condition=~Q(text_de="", text_en=""), name="proposal_says_something"),
            models.CheckConstraint(
                condition=Q(answer="open", decided_at=None) | (~Q(answer="open") & Q(decided_at__isnull=False)),
                name="proposal_decided_with_day",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def is_open(self) -> bool:
        """Whether nobody has decided yet."""
        return self.answer == self.Answer.OPEN
