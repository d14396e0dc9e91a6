"""Files of agencies and people that an administrator brings in: what each line would do, and what became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids

from .people import User

TRIES = 3  # after so many attempts the worker leaves a file to the person who brought it
QUIET = timedelta(minutes=1)  # a worker begins within seconds; after this the page says that none does


class ImportFile(models.Model):
    """A file, its maker's alone, for thirty days after the last change.

    Nothing of it is written until it is taken over. `invite`: invitations go out as well. `unknown`: headings that mean
    nothing here. `claimed_until` is the lease of the worker that is at it.
    """

    class Kind(models.TextChoices):
        AGENCIES = "agencies", _("Dienststellen")
        PEOPLE = "people", _("Personen")

    class State(models.TextChoices):
        READY = "ready", _("Vorschau")
        TAKING_OVER = "taking_over", _("wird übernommen")
        DONE = "done", _("ist übernommen")

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    made_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    state = models.CharField(max_length=11, choices=State.choices, default=State.READY)
    invite = models.BooleanField(default=False)
    unknown: ArrayField[list[str], list[str]] = ArrayField(models.CharField(max_length=60), default=list)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Import")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["changed_at"], condition=Q(state="taking_over"), name="imports_at_work")
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def is_at_work(self) -> bool:
        """Whether a worker has something to do for it."""
        return self.state == self.State.TAKING_OVER

    def has_stopped(self) -> bool:
        """Whether every attempt has failed; it can be started again."""
        return self.is_at_work() and self.attempts >= TRIES and not self._is_leased()

    def is_left_lying(self) -> bool:
        """Whether no worker has taken it up: there is none at the moment, or it is busy."""
        return self.is_at_work() and not self._is_leased() and self.changed_at < clock.now() - QUIET

    def _is_leased(self) -> bool:
        return self.claimed_until is not None and self.claimed_until > clock.now()


class ImportLineQuerySet(models.QuerySet["ImportLine"]):
    """Sets of lines that read as a sentence."""

    def refused(self) -> ImportLineQuerySet:
        """Lines that could not be taken over, from the start or in the end."""
        return self.filter(Q(verdict=ImportLine.Verdict.REFUSED) | Q(outcome__in=ImportLine.FAILED))

    def summary(self) -> dict[str, int]:
        """How many lines of each sort; all in one query. `held`: invitations that nobody has sent yet; `behind`: lines that
        the worker has behind it; `not_taken`: refused from the start, or in the end."""
        verdict, outcome = ImportLine.Verdict, ImportLine.Outcome
        wanted = Q(verdict__in=[verdict.NEW, verdict.CHANGED])
        sums = self.aggregate(
            all=Count("pk"),
            new=Count("pk", filter=Q(verdict=verdict.NEW)),
            changed=Count("pk", filter=Q(verdict=verdict.CHANGED)),
            unchanged=Count("pk", filter=Q(verdict=verdict.UNCHANGED)),
            refused=Count("pk", filter=Q(verdict=verdict.REFUSED)),
            wanted=Count("pk", filter=wanted),
            invitations=Count("pk", filter=wanted & Q(invites=True)),
            held=Count("pk", filter=wanted & Q(invites=True, outcome="")),
            done=Count("pk", filter=Q(outcome=outcome.DONE)),
            already=Count("pk", filter=Q(outcome=outcome.ALREADY)),
            failed=Count("pk", filter=Q(outcome__in=ImportLine.FAILED)),
            behind=Count("pk", filter=~Q(outcome="")),
        )
        return sums | {"not_taken": sums["refused"] + sums["failed"]}


class ImportLine(models.Model):
    """One line of a file: what it says, what taking it over would do, and what became of it.

    `line` is the number in the file, `position` the order of taking over (a new agency after its parent). `values` are the
    cells by column (accounts/import_columns.py), of a refused line as they were written. `changes` are [before, after] by
    column, `reasons` for refusing are [code, what it is about] (accounts/import_words.py). `invites`: somebody without an
    account, so that taking over means an invitation.
    """

    class Verdict(models.TextChoices):
        NEW = "new", _("neu")
        CHANGED = "changed", _("geändert")
        UNCHANGED = "unchanged", _("unverändert")
        REFUSED = "refused", _("abgelehnt")

    class Outcome(models.TextChoices):
        NONE = "", _("noch nicht übernommen")
        DONE = "done", _("ist übernommen")
        ALREADY = "already", _("War inzwischen schon so.")
        MEANWHILE = "meanwhile", _("Das hat sich seit der Vorschau geändert. Laden Sie die Datei noch einmal hoch.")
        NO_AGENCY = "no_agency", _("Die Dienststelle gibt es nicht mehr.")
        NOT_ALLOWED = "not_allowed", _("Sie haben die Administration nicht mehr.")

    FAILED = (Outcome.MEANWHILE, Outcome.NO_AGENCY, Outcome.NOT_ALLOWED)

    file = models.ForeignKey(ImportFile, models.CASCADE, related_name="lines")
    line = models.PositiveIntegerField()
    position = models.PositiveIntegerField()
    verdict = models.CharField(max_length=9, choices=Verdict.choices)
    values = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)
    reasons = models.JSONField(default=list)
    invites = models.BooleanField(default=False)
    outcome = models.CharField(max_length=11, choices=Outcome.choices, default=Outcome.NONE, blank=True)

    objects: ClassVar[ImportLineQuerySet] = ImportLineQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("Zeile eines Imports")
        ordering: ClassVar = ["line"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["file", "line"], name="line_of_an_import")]
        indexes: ClassVar = [
            models.Index(
                fields=["file", "position"],
                condition=Q(outcome="", verdict__in=["new", "changed"]),
                name="import_lines_to_take_over",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
