"""Who can be turned to while a companion is absent. Nothing moves with it, and a substitute reads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lernbegleitung import clock

from .companions import ConflictDeclaration, Veto
from .engagement import Engagement
from .leaving import LeavesHere, is_over, may_be_leaving

Absence = tuple[date, date | None]  # from, until (both included; None: open end)
SAID_BEFORE = timedelta(days=14)  # so long before an absence its learners see it


class Substitution(models.Model):
    """A companion asks another one for the time of an absence, `starts_on` to `ends_on` (both included; None: open end).

    It holds once agreed to, and only while the absence is the one it was asked for.
    """

    companion = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="substitution")
    substitute = models.ForeignKey(User, models.CASCADE, related_name="substitutes_for")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    asked_at = models.DateTimeField(default=clock.now)
    agreed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("Vertretung")
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(companion=F("substitute")), name="nobody_substitutes_oneself")
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def is_of_this_absence(self) -> bool:
        """Whether the companion's absence is still the one that was asked for."""
        return (self.starts_on, self.ends_on) == (self.companion.absent_from, self.companion.absent_until)

    def whom(self) -> User | None:
        """The substitute who has said yes, for this absence, and is there."""
        return self.substitute if self.agreed_at and self.substitute.is_active and self.is_of_this_absence() else None


def coming_absence(person: User) -> Absence | None:
    """The declared absence, present or to come; None when there is none any more."""
    if not person.absent_from or person.absent_until and person.absent_until < clock.today():
        return None
    return person.absent_from, person.absent_until


def absence_to_say(engagement: Engagement) -> Absence | None:
    """The companion's absence, when it is near enough to be said to the learner."""
    absence = coming_absence(engagement.companion) if engagement.companion else None
    return absence if absence and absence[0] <= clock.today() + SAID_BEFORE else None


@dataclass(frozen=True)
class Away:
    """What a learner is told of a companion who is not there, or soon will not be: the last day, past or to come; the
    absence (from, until), and whom one may turn to in it."""

    last_day: date | None = None
    absence: Absence | None = None
    substitute: User | None = None

    @property
    def gone(self) -> bool:
        """Whether the last day is over."""
        return is_over(self.last_day)


def away_of(engagement: Engagement) -> Away:
    """That, in one query, and in none where there is nothing to say. Nobody is named whom the learner has excluded."""
    absence, leaves = absence_to_say(engagement), may_be_leaving(engagement)
    if not absence and not leaves:
        return Away()
    whom = OuterRef("companion__substitution__substitute")
    rows = Engagement.objects.filter(pk=engagement.pk).annotate(
        last_day=LeavesHere("pk"),
        is_excluded=Exists(Veto.objects.filter(owner=OuterRef("learner"), other=whom))
        | Exists(ConflictDeclaration.objects.filter(declared_by=OuterRef("learner"), other=whom)),
    )
    row = rows.select_related("companion__substitution__substitute__agency").get()
    agreed = getattr(row.companion, "substitution", None) if absence and not row.is_excluded else None
    return Away(row.last_day if leaves else None, absence, agreed.whom() if agreed else None)
