"""Who can be turned to while a companion is absent. Nothing moves with it, and a substitute reads nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lernbegleitung import clock

from .companions import ConflictDeclaration, Veto
from .engagement import Engagement

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


def coming_absence(person: User) -> tuple[date, date | None] | None:
    """The declared absence, present or to come; None when there is none any more."""
    if not person.absent_from or person.absent_until and person.absent_until < clock.today():
        return None
    return person.absent_from, person.absent_until


def absence_to_say(engagement: Engagement) -> tuple[date, date | None] | None:
    """The companion's absence, when it is near enough to be said to the learner."""
    absence = coming_absence(engagement.companion) if engagement.companion else None
    return absence if absence and absence[0] <= clock.today() + SAID_BEFORE else None


def substitute_for(engagement: Engagement, learner: User) -> User | None:
    """Whom the learner may turn to in this absence; nobody whom the learner has excluded."""
    vetoes = Veto.objects.filter(owner=learner, other=OuterRef("substitute"))
    conflicts = ConflictDeclaration.objects.filter(declared_by=learner, other=OuterRef("substitute"))
    agreed = Substitution.objects.filter(companion=engagement.companion, agreed_at__isnull=False)
    fitting = agreed.filter(~Exists(vetoes), ~Exists(conflicts), substitute__is_active=True)
    row = fitting.select_related("companion", "substitute__agency").first()
    return row.substitute if row and row.is_of_this_absence() else None
