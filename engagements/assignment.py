"""Assigning everybody at once: a draft that only its maker sees, and one line for each open request in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Agency, User
from lernbegleitung import clock, ids

from .engagement import Engagement

if TYPE_CHECKING:
    import uuid

TRIES = 3  # after so many attempts the worker leaves a piece of work to the person who asked for it
QUIET = timedelta(minutes=1)  # a worker begins within seconds; after this the page says that none does


class AssignmentDraft(models.Model):
    """A proposal for all open requests of an agency and those below it, or of all that the maker coordinates.

    `seed` draws the lots among equals. `done` of `total` steps of what a worker is doing; `claimed_until` is its lease.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("wartet")
        WORKING = "working", _("wird berechnet")
        READY = "ready", _("Entwurf")
        PUBLISHING = "publishing", _("wird veröffentlicht")
        PUBLISHED = "published", _("veröffentlicht")
        TAKING_BACK = "taking_back", _("wird zurückgenommen")
        TAKEN_BACK = "taken_back", _("zurückgenommen")
        DISCARDED = "discarded", _("verworfen")

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    made_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, blank=True, related_name="+")
    seed = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.ASKED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    based_on = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Entwurf einer Zuordnung")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["changed_at"],
                condition=Q(state__in=["asked", "working", "publishing", "taking_back"]),
                name="assignment_at_work",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def is_at_work(self) -> bool:
        """Whether a worker has something to do for it."""
        return self.state in (self.State.ASKED, self.State.WORKING, self.State.PUBLISHING, self.State.TAKING_BACK)

    def has_stopped(self) -> bool:
        """Whether every attempt has failed; it can be started again."""
        leased = self.claimed_until is not None and self.claimed_until > clock.now()
        return self.is_at_work() and self.attempts >= TRIES and not leased

    def is_left_lying(self) -> bool:
        """Whether no worker has taken it up: there is none at the moment, or it is busy."""
        leased = self.claimed_until is not None and self.claimed_until > clock.now()
        return self.is_at_work() and not leased and self.changed_at < clock.now() - QUIET

    def is_ready(self) -> bool:
        """Whether it can be edited and published."""
        return self.state == self.State.READY

    def is_published(self) -> bool:
        """Whether its proposals are with the learners."""
        return self.state == self.State.PUBLISHED


class DraftLineQuerySet(models.QuerySet["DraftLine"]):
    """Sets of lines that read as a sentence."""

    def with_somebody(self) -> DraftLineQuerySet:
        """Lines that have a companion and are not left out."""
        return self.filter(companion__isnull=False, left_out=False)

    def without_anybody(self) -> DraftLineQuerySet:
        """Lines for which nobody was found."""
        return self.filter(companion=None, left_out=False)

    def changed(self) -> DraftLineQuerySet:
        """Lines with another answer than in the draft this one is based on."""
        return self.filter(~Q(companion=F("before")) | Q(companion=None, before__isnull=False) | Q(before=None, companion__isnull=False))  # fmt: skip

    def summary(self) -> dict[str, int]:
        """How many lines of each sort; all in one query. `to_fill`: emptied by the maker since it was computed."""
        given = Q(companion__isnull=False, left_out=False)
        outcome = DraftLine.Outcome
        return self.aggregate(
            all=Count("pk"),
            given=Count("pk", filter=given),
            nobody=Count("pk", filter=Q(companion=None, left_out=False)),
            skipped=Count("pk", filter=Q(left_out=True)),
            to_fill=Count("pk", filter=Q(companion=None, left_out=False, why=[])),
            other=Count("pk", filter=given & Q(before__isnull=False) & ~Q(companion=F("before"))),
            now=Count("pk", filter=given & Q(before=None)),
            no_more=Count("pk", filter=Q(companion=None, left_out=False, before__isnull=False)),
            proposed=Count("pk", filter=Q(outcome=outcome.PROPOSED)),
            failed=Count("pk", filter=Q(outcome__in=[outcome.GONE, outcome.IMPOSSIBLE, outcome.QUOTA])),
            taken_back=Count("pk", filter=Q(outcome=outcome.TAKEN_BACK)),
            kept=Count("pk", filter=Q(outcome=outcome.KEPT)),
        )


class DraftLine(models.Model):
    """One open request in a draft, in the order of waiting.

    `reasons` are codes as in a proposal; `why` says as codes with numbers why there is nobody; `alternatives` are
    [companion, reasons]. `unwanted` are companions the maker does not want here, the
    latest last. `before` is who stood there in the draft
    this one is based on. The line outlives neither its request nor thirty days, so it holds no foreign key to it: a
    learner who deletes a request need not be able to see that it stood in a draft.
    """

    class Outcome(models.TextChoices):
        NONE = "", _("noch nicht veröffentlicht")
        PROPOSED = "proposed", _("vorgeschlagen")
        GONE = "gone", _("Die Anfrage ist nicht mehr offen.")
        IMPOSSIBLE = "impossible", _("Diese Begleitung ist nicht mehr möglich.")
        QUOTA = "quota", _("Im Programm sind inzwischen alle Plätze vergeben. Die Anfrage wartet.")
        TAKEN_BACK = "taken_back", _("zurückgenommen")
        KEPT = "kept", _("nicht zurückgenommen: Darüber ist schon entschieden.")

    draft = models.ForeignKey(AssignmentDraft, models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    engagement = models.ForeignKey(Engagement, models.DO_NOTHING, related_name="+", db_constraint=False)
    companion = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reasons = models.JSONField(default=list)
    why = models.JSONField(default=list)
    alternatives = models.JSONField(default=list)
    pinned = models.BooleanField(default=False)
    unwanted: ArrayField[list[int], list[int]] = ArrayField(models.BigIntegerField(), default=list)
    left_out = models.BooleanField(default=False)
    before = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    proposal: models.UUIDField[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.NONE, blank=True)

    objects: ClassVar[DraftLineQuerySet] = DraftLineQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("Zeile eines Entwurfs")
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["draft", "position"], name="line_of_a_draft")]
        indexes: ClassVar = [models.Index(fields=["draft", "outcome", "position"], name="lines_by_outcome")]

    def __str__(self) -> str:
        return str(self.pk)
