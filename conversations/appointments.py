"""Appointments: when and where the two meet. Nobody can be in two talks at once, says the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from engagements.models import Engagement
from lernbegleitung import clock, ids


class Kind(models.TextChoices):
    """What a talk is for."""

    INTRODUCTION = "introduction", _("Kennenlernen")
    CONVERSATION = "conversation", _("Lerngespräch")
    CHECK_IN = "check_in", _("Zwischengespräch")
    CLOSING = "closing", _("Abschlussgespräch")
    FOLLOW_UP = "follow_up", _("Nachgespräch")


class MeetingFormat(models.TextChoices):
    """How this talk takes place."""

    ON_SITE = "on_site", _("Vor Ort")
    VIDEO = "video", _("Per Video")
    PHONE = "phone", _("Am Telefon")


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    """Sets of appointments that read as a sentence."""

    def standing(self) -> AppointmentQuerySet:
        """Not cancelled."""
        return self.filter(cancelled_at=None)

    def upcoming(self, now: datetime) -> AppointmentQuerySet:
        """Standing and not over yet, the next first."""
        return self.standing().filter(ends_at__gt=now).order_by("starts_at", "pk")

    def of_pair_member(self, user: User) -> AppointmentQuerySet:
        """Where this person is one of the two."""
        return self.filter(Q(learner=user) | Q(companion=user))


def _nobody_twice(who: str) -> ExclusionConstraint:
    """Exclusion without an extension: a range of one id instead of btree_gist's equality (security.md, 2.4)."""
    return ExclusionConstraint(
        name=f"{who}_free",
        expressions=[
            (Func(F(f"{who}_id"), F(f"{who}_id"), Value("[]"), function="int8range"), "&&"),
            (Func(F("starts_at"), F("ends_at"), function="tstzrange", output_field=DateTimeRangeField()), "&&"),
        ],
        condition=Q(cancelled_at=None),
        violation_error_message=_("Zu dieser Zeit besteht schon ein anderer Termin."),
    )


class Appointment(models.Model):
    """A time and a place. A move keeps the row (and its identity in calendars) and raises `sequence`."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="appointments")
    learner = models.ForeignKey(User, models.PROTECT, related_name="+")
    companion = models.ForeignKey(User, models.PROTECT, related_name="+")
    kind = models.CharField(_("Art des Gesprächs"), max_length=12, choices=Kind.choices, default=Kind.CONVERSATION)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    format = models.CharField(_("Wie treffen Sie sich?"), max_length=8, choices=MeetingFormat.choices)
    place = models.CharField(_("Raum, Rufnummer oder Link"), max_length=200, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    # The zone by whose clock it was arranged: calendars show it there, on both sides of a change of the clocks.
    zone = models.CharField(max_length=40, default="Europe/Berlin")
    # A series: what all of it share, and which of its regular times this one was made for (RECURRENCE-ID); that stays
    # when the appointment moves.
    series = models.UUIDField(null=True, blank=True)
    slot_at = models.DateTimeField(null=True, blank=True)
    every_weeks = models.PositiveSmallIntegerField(null=True, blank=True)
    # Whether the two met, as one of them has said; None: nobody has. Theirs alone (docs/decisions/0016-calendars.md).
    held = models.BooleanField(null=True, blank=True)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=clock.now)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("Termin")
        verbose_name_plural = _("Termine")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="appointment_ends_after_start"),
            models.CheckConstraint(
                condition=Q(series=None, slot_at=None, every_weeks=None)
                | Q(series__isnull=False, slot_at__isnull=False, every_weeks__gte=1),
                name="series_with_slot_and_rhythm",
            ),
            models.UniqueConstraint(fields=["series", "slot_at"], name="slot_of_a_series_once"),
            _nobody_twice("learner"),
            _nobody_twice("companion"),
        ]
        indexes = [
            models.Index(fields=["engagement", "starts_at"], name="appointment_engagement"),
            models.Index(fields=["learner", "starts_at"], name="appointment_learner"),
            models.Index(fields=["companion", "starts_at"], name="appointment_companion"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def duration(self) -> timedelta:
        """From beginning to end."""
        return self.ends_at - self.starts_at

    def is_over(self) -> bool:
        """Whether its end has passed."""
        return self.ends_at <= clock.now()

    def has_link(self) -> bool:
        """Whether the place is a web address that can be opened."""
        return self.place.startswith(("https://", "http://")) and " " not in self.place
