"""Proposed dates: one of the two names up to three, the other takes one of them or says that none fits."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from engagements.engagement import Engagement
from lernbegleitung import clock, ids
from lernbegleitung.kept import kept

from .appointments import Kind, MeetingFormat
from .busy import busy_times

AT_MOST = 3


class DateAnswer(models.TextChoices):
    """What became of a proposal."""

    OPEN = "open", _("offen")
    TAKEN = "taken", _("angenommen")
    NONE_FITS = "none_fits", _("keiner passt")
    BACK = "back", _("zurückgenommen")
    LAPSED = "lapsed", _("ein anderer Termin steht")


class DateProposalQuerySet(models.QuerySet["DateProposal"]):
    """Sets of proposals that read as a sentence."""

    def of(self, user: User) -> DateProposalQuerySet:
        """Where this person is one of the two."""
        return self.filter(Q(engagement__learner=user) | Q(companion=user))

    def open(self, now: datetime) -> DateProposalQuerySet:
        """Neither answered nor overtaken by time, of those who are together now."""
        together = self.filter(companion_id=F("engagement__companion_id"))
        return together.filter(answer=DateAnswer.OPEN, until__gt=now)


class DateProposal(models.Model):
    """Up to three beginnings, all for the same length and way of meeting. It lapses with the last of them, or once
    the two agree on another date."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="date_proposals")
    companion = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    proposed_at = models.DateTimeField(default=clock.now)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.CONVERSATION)
    dates = ArrayField(models.DateTimeField())
    minutes = models.PositiveSmallIntegerField()
    format = models.CharField(max_length=8, choices=MeetingFormat.choices)
    place = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField()  # the last of the dates
    answer = models.CharField(max_length=9, choices=DateAnswer.choices, default=DateAnswer.OPEN)
    answered_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = DateProposalQuerySet.as_manager()

    class Meta:
        verbose_name = _("Terminvorschlag")
        verbose_name_plural = _("Terminvorschläge")
        ordering: ClassVar = ["-proposed_at", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(dates__len__range=(1, AT_MOST)), name="one_to_three_dates"),
            models.UniqueConstraint(fields=["engagement"], condition=Q(answer="open"), name="one_open_date_proposal"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def length(self) -> timedelta:
        """How long the talk is to be."""
        return timedelta(minutes=self.minutes)

    def ends_of(self, starts_at: datetime) -> datetime:
        """When a talk at this date ends."""
        return starts_at + self.length()

    def waits_for(self, user: User) -> bool:
        """Whether this one of the two is to answer."""
        return self.answer == DateAnswer.OPEN and self.proposed_by_id != user.pk

    def to_come(self) -> list[datetime]:
        """The dates that are not past."""
        return [moment for moment in sorted(self.dates) if moment > clock.now()]


def open_proposals(engagements: Iterable[Engagement]) -> dict[Any, DateProposal]:
    """The open proposal of each of these companionships, in one query."""
    return {row.engagement_id: row for row in _open([engagement.pk for engagement in engagements], clock.now())}


@kept
def _open(engagement_ids: list[uuid.UUID], now: datetime) -> QuerySet[DateProposal]:
    return DateProposal.objects.open(now).filter(engagement__any_of=engagement_ids)


def open_proposal(engagement: Engagement) -> DateProposal | None:
    """The open proposal of this companionship."""
    found = open_proposals([engagement]).get(engagement.pk)
    if found:
        found.engagement = engagement
    return found


def still_free(engagement: Engagement, dates: Iterable[datetime], length: timedelta) -> dict[datetime, bool]:
    """Whether both have time at each of these dates, as far as can be said now; the booking decides."""
    moments = list(dates)
    people = [pk for pk in (engagement.learner_id, engagement.companion_id) if pk]
    if not moments:
        return {}
    busy = busy_times(people, min(moments), max(moments) + length)
    taken = [span for spans in busy.values() for span in spans]
    return {at: all(ends <= at or at + length <= starts for starts, ends in taken) for at in moments}
