"""Learning steps: small deliberate try-outs at work, as if-then plans; and the insights drawn from them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

from .engagement import Engagement, shared_key


class StepState(models.TextChoices):
    """How a step stands. All but the first are good ends."""

    OPEN = "open", _("offen")
    DONE = "done", _("gemacht")
    TRIED = "tried", _("ausprobiert, hat nicht geklappt")
    DROPPED = "dropped", _("verworfen")


class LearningStepQuerySet(models.QuerySet["LearningStep"]):
    """Sets of steps that read as a sentence."""

    def open(self) -> LearningStepQuerySet:
        """Not answered yet."""
        return self.filter(state=StepState.OPEN)

    def next_first(self) -> LearningStepQuerySet:
        """By the day they are meant for."""
        return self.order_by("due_on", "created_at", "pk")


class LearningStep(models.Model):
    """What the learner wants to try, when and with which plan. The learner's own; shared with the companion or not."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="steps")
    what_sealed = models.BinaryField(default=b"")
    where_sealed = models.BinaryField(default=b"")
    cue_sealed = models.BinaryField(default=b"")
    action_sealed = models.BinaryField(default=b"")
    obstacle_sealed = models.BinaryField(default=b"")
    help_sealed = models.BinaryField(default=b"")
    due_on = models.DateField(_("Bis wann?"))
    remind = models.BooleanField(_("Erinnern Sie mich"), default=True)
    talk = models.UUIDField(null=True, blank=True)  # the talk in which it was planned, if it was
    shared_at = models.DateTimeField(null=True, blank=True, default=clock.now)
    state = models.CharField(max_length=8, choices=StepState.choices, default=StepState.OPEN)
    answered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    version = models.PositiveIntegerField(default=1)

    what = SealedText()
    where = SealedText()
    cue = SealedText()
    action = SealedText()
    obstacle = SealedText()
    help = SealedText()

    objects: ClassVar[Any] = LearningStepQuerySet.as_manager()

    class Meta:
        verbose_name = _("Lernschritt")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", answered_at=None) | ~Q(state="open") & Q(answered_at__isnull=False),
                name="step_answered_with_a_date",
            )
        ]
        indexes = [models.Index(fields=["engagement", "due_on"], name="step_engagement")]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return shared_key(self.engagement_id)

    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.state == StepState.OPEN

    def own_insight(self) -> Insight | None:
        """What was learned from it, as far as the viewer may read it."""
        insight = Insight.objects.filter(step=self).first()
        if insight:
            insight.engagement = self.engagement
        return insight

    def is_past(self, today: date | None = None) -> bool:
        """Open, and the day it was meant for is over. Nothing is late: it may be planned anew."""
        return self.is_open() and self.due_on < (today or clock.today())

    def later_on(self) -> date:
        """A week later than meant for, or than today when that day is over."""
        return max(self.due_on, clock.today()) + timedelta(days=7)

    def if_then(self) -> str:
        """The plan in one sentence, or nothing when a half is missing. A half that already says so is left alone."""
        if not (self.cue and self.action):
            return ""
        cue, action = self.cue.strip().rstrip(",."), self.action.strip().rstrip(".")
        words = {"cue": cue, "action": action}
        whole_cue = cue.lower().startswith(("wenn ", "sobald ", "when ", "if "))
        whole_action = action.lower().startswith(("dann ", "then "))
        if whole_cue and whole_action:
            return gettext("%(cue)s, %(action)s.") % words
        if whole_cue:
            return gettext("%(cue)s, dann %(action)s.") % words
        if whole_action:
            return gettext("Wenn %(cue)s, %(action)s.") % words
        return gettext("Wenn %(cue)s, dann %(action)s.") % words


class Insight(models.Model):
    """What was learned: what happened, what surprised, what is kept; from a step, or on its own. `helped`: at closing."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="insights")
    step = models.OneToOneField(LearningStep, models.CASCADE, null=True, blank=True, related_name="insight")
    happened_sealed = models.BinaryField(default=b"")
    surprised_sealed = models.BinaryField(default=b"")
    keep_sealed = models.BinaryField(default=b"")
    version = models.PositiveIntegerField(default=1)
    helped_sealed = models.BinaryField(default=b"")
    shared_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    happened = SealedText()
    surprised = SealedText()
    keep = SealedText()
    helped = SealedText()

    class Meta:
        verbose_name = _("Erkenntnis")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the engagement's key."""
        return shared_key(self.engagement_id)
