"""The Lerngespräch as it is documented: the learner's words in four parts, the companion's observations offered."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.keys import open_key
from accounts.models import User
from engagements.models import Engagement
from lernbegleitung import clock, ids
from lernbegleitung.kept import kept
from lernbegleitung.vault import SealedText

from .appointments import Appointment


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Sets of conversations that read as a sentence."""

    def of_pair_member(self, user: User | int) -> ConversationQuerySet:
        """Where this person is one of the two."""
        return self.filter(Q(appointment__learner=user) | Q(appointment__companion=user))

    def documented(self) -> ConversationQuerySet:
        """Locked by both."""
        return self.exclude(locked_at=None)

    def latest_first(self) -> ConversationQuerySet:
        """By their appointment."""
        return self.order_by("-appointment__starts_at", "-pk")

    def with_next_talk(self) -> ConversationQuerySet:
        """Each with `next_at`: when the two meet next after it, or None."""
        later = later_talks(OuterRef("engagement_id"), OuterRef("appointment__starts_at"))
        return self.annotate(next_at=Subquery(later[:1]))


def later_talks(engagement: Any, after: Any) -> models.QuerySet[Any, Any]:
    """When the standing appointments of an engagement begin that come after a moment, the first first."""
    standing = Appointment.objects.standing().filter(engagement_id=engagement, starts_at__gt=after)
    return standing.order_by("starts_at").values_list("starts_at", flat=True)


class Conversation(models.Model):
    """One talk. It is the learner's record; it locks when both have agreed to it."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="conversations")
    appointment = models.OneToOneField(Appointment, models.CASCADE, related_name="conversation")
    # The version in force when the talk was made; set once by a trigger, so that publishing touches no talk.
    guide = models.ForeignKey("conversations.GuideVersion", models.PROTECT, null=True, related_name="+")
    closing_sentence_sealed = models.BinaryField(default=b"")
    # The learner has written down that the two do not meet again for now; a next appointment speaks for itself.
    next_is_open = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    agreed_version = models.PositiveIntegerField(default=0)  # the latest that one of the two agreed to
    learner_agreed_at = models.DateTimeField(null=True, blank=True)
    companion_agreed_at = models.DateTimeField(null=True, blank=True)
    locked_at = models.DateTimeField(null=True, blank=True)

    closing_sentence = SealedText()

    objects: ClassVar[Any] = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("Lerngespräch")
        verbose_name_plural = _("Lerngespräche")
        constraints = [
            models.CheckConstraint(
                condition=Q(locked_at=None) | Q(learner_agreed_at__isnull=False, companion_agreed_at__isnull=False),
                name="locked_when_both_agreed",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return open_key(self.engagement_id)

    def guide_kind(self) -> str:
        """The kind of talk whose guide lies open: the talk's own, or the one with which its programme begins."""
        return self.guide.kind if self.guide else self.appointment.kind

    def is_locked(self) -> bool:
        """Whether both have agreed: from then on nothing changes."""
        return self.locked_at is not None

    def has_agreed(self, user: User) -> bool:
        """Whether this one of the two has agreed to the record."""
        return bool(self.learner_agreed_at if self.appointment.learner_id == user.pk else self.companion_agreed_at)


class ConversationPart(models.Model):
    """The learner's words in one of the four parts."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="parts")
    part = models.PositiveSmallIntegerField()
    text_sealed = models.BinaryField(default=b"")
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(default=clock.now)

    text = SealedText()

    class Meta:
        verbose_name = _("Teil eines Lerngesprächs")
        ordering = ["part"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "part"], name="each_part_once"),
            models.CheckConstraint(condition=Q(part__gte=1, part__lte=4), name="four_parts"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return self.conversation.data_key()


class Observation(models.Model):
    """What the companion offers for the learner's record: what they noticed, or a wording.

    An observation keeps what was seen or heard (`text`) apart from what the companion makes of it (`meaning`, which
    never gets into the record). The learner takes it into the own words, changes it, or drops it.
    """

    class What(models.TextChoices):
        OBSERVATION = "observation", _("Beobachtung")
        SUGGESTION = "suggestion", _("Vorschlag für das Protokoll")

    class Answer(models.TextChoices):
        OFFERED = "offered", _("angeboten")
        TAKEN = "taken", _("übernommen")
        CHANGED = "changed", _("verändert übernommen")
        IDEA = "idea", _("als Idee übernommen")
        DROPPED = "dropped", _("nicht übernommen")

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="observations")
    part = models.PositiveSmallIntegerField(default=1)
    what = models.CharField(max_length=11, choices=What.choices, default=What.OBSERVATION)
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    text_sealed = models.BinaryField(default=b"")
    meaning_sealed = models.BinaryField(default=b"")
    answer = models.CharField(max_length=8, choices=Answer.choices, default=Answer.OFFERED)
    offered_at = models.DateTimeField(default=clock.now)

    text = SealedText()
    meaning = SealedText()

    class Meta:
        verbose_name = _("Beobachtung")
        ordering = ["offered_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(part__gte=1, part__lte=4), name="observation_in_a_part"),
            models.CheckConstraint(
                condition=Q(what="observation") | Q(meaning_sealed=b""), name="only_observations_have_a_meaning"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return self.conversation.data_key()


def parts_of(conversation: Conversation) -> list[ConversationPart]:
    """The learner's words in the parts of a talk, ready to be read."""
    found = _parts(conversation.pk)
    for part in found:
        part.conversation = conversation
    return found


@kept
def _parts(conversation_id: uuid.UUID) -> QuerySet[ConversationPart]:
    return ConversationPart.objects.filter(conversation=conversation_id)
