"""Offered times: when a companion can be booked, every week and on single days, and how (docs/decisions/0015)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lernbegleitung import clock, ids

from .slots import Offer, Offers

AT_MOST = 60  # lines of one companion
# Said of each of the two: a comparison with nothing is not false to PostgreSQL, and would pass.
IS_TIME = Q(starts__isnull=False, ends__isnull=False, starts__lt=F("ends"))


class OfferKind(models.TextChoices):
    """What a line says."""

    WEEKLY = "weekly", _("Jede Woche")
    ONCE = "once", _("An diesem Tag zusätzlich")
    OFF = "off", _("An diesem Tag nicht")


class OfferedTimeQuerySet(models.QuerySet["OfferedTime"]):
    """Sets of lines that read as a sentence."""

    def not_over_of(self, companion: User) -> OfferedTimeQuerySet:
        """This companion's lines, also those taken away, without days that have passed everywhere."""
        return self.filter(companion=companion).exclude(day__lt=clock.today() - timedelta(days=1))

    def in_force_of(self, companion: User) -> OfferedTimeQuerySet:
        """What this companion offers now."""
        return self.not_over_of(companion).filter(removed_at=None)


class OfferedTime(models.Model):
    """One line: a time of every week, a time on one day, or a day without any. Times are the companion's own.

    A line that is taken away stays for a day, so that it can be taken back.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    companion = models.ForeignKey(User, models.CASCADE, related_name="offered_times")
    kind = models.CharField(max_length=6, choices=OfferKind.choices)
    weekday = models.PositiveSmallIntegerField(null=True, blank=True)  # 0 is Monday
    day = models.DateField(null=True, blank=True)
    starts = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True)
    formats = ArrayField(models.CharField(max_length=8), default=list)
    place = models.CharField(max_length=200, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = OfferedTimeQuerySet.as_manager()

    class Meta:
        verbose_name = _("Angebotene Zeit")
        verbose_name_plural = _("Angebotene Zeiten")
        ordering: ClassVar = ["weekday", "day", "starts", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="offered_time_is_one_of_three",
                condition=Q(IS_TIME, kind="weekly", weekday__isnull=False, weekday__range=(0, 6), day=None)
                | Q(IS_TIME, kind="once", weekday=None, day__isnull=False)
                | Q(kind="off", weekday=None, day__isnull=False, starts=None, ends=None),
            )
        ]
        indexes = [models.Index(fields=["companion"], condition=Q(removed_at=None), name="offered_time_companion")]

    def __str__(self) -> str:
        return str(self.pk)

    def is_off(self) -> bool:
        """Whether it takes a day out."""
        return self.kind == OfferKind.OFF

    def format_words(self) -> list[str]:
        """How one may meet then."""
        from .appointments import MeetingFormat

        return [str(choice.label) for choice in MeetingFormat if choice.value in self.formats]

    def offer(self) -> Offer:
        """As a value."""
        assert self.starts and self.ends  # a day without times is no offer
        return Offer(self.starts, self.ends, self.weekday, self.day, tuple(self.formats), self.place)


class BookingRules(models.Model):
    """How a companion's times may be booked. Who has said nothing has what stands here."""

    companion = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="booking_rules")
    buffer_minutes = models.PositiveSmallIntegerField(default=15)
    notice_hours = models.PositiveSmallIntegerField(default=24)
    horizon_days = models.PositiveSmallIntegerField(default=28)
    resting = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("Regeln für Buchungen")

    def __str__(self) -> str:
        return str(self.pk)


def rules_of(companion: User) -> BookingRules:
    """The companion's rules, or those that hold until somebody says otherwise."""
    return BookingRules.objects.filter(pk=companion.pk).first() or BookingRules(companion=companion)


def offers_of(rules: BookingRules, lines: list[OfferedTime]) -> Offers:
    """What is offered, as values; nothing while it rests."""
    return Offers(
        times=() if rules.resting else tuple(line.offer() for line in lines if not line.is_off()),
        days_off=frozenset(day_of(line) for line in lines if line.is_off()),
        buffer=timedelta(minutes=rules.buffer_minutes),
        notice=timedelta(hours=rules.notice_hours),
        horizon=rules.horizon_days,
    )


def day_of(line: OfferedTime) -> date:
    """The one day of a line that has one."""
    assert line.day  # the constraint says so
    return line.day
