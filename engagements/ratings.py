"""What a Lernbegleitung brought (Nutzenbewertung), kept without any tie to a person: docs/decisions/0010.

A ticket may be used once; using it deletes it. Neither table knows who, with whom or when, and neither web nor worker
reads them: rows come and go through the functions in policies.sql.
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Agency

ITEMS = ("clarity", "usefulness", "confidentiality", "own_solution", "again")


class Help(models.TextChoices):
    """What may have helped; a closed list, so that nobody is known by their words."""

    QUESTIONS = "questions", _("die Fragen")
    LISTENING = "listening", _("dass jemand zugehört hat")
    OUTSIDE = "outside", _("der Blick von außen")
    SMALL_STEPS = "small_steps", _("kleine Schritte")
    WRITING = "writing", _("das Aufschreiben")
    REMINDERS = "reminders", _("die Erinnerungen")


class BenefitRating(models.Model):
    """Five answers from 1 to 5, each of which may be left out. The id is random and changes every night."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    quarter = models.CharField(max_length=7)
    region = models.ForeignKey(Agency, models.SET_NULL, null=True, related_name="+", db_index=False)
    clarity = models.PositiveSmallIntegerField(null=True)
    usefulness = models.PositiveSmallIntegerField(null=True)
    confidentiality = models.PositiveSmallIntegerField(null=True)
    own_solution = models.PositiveSmallIntegerField(null=True)
    again = models.PositiveSmallIntegerField(null=True)
    helped = ArrayField(models.CharField(max_length=12, choices=Help.choices), default=list)

    class Meta:
        verbose_name = _("Nutzenbewertung")
        constraints: ClassVar = [
            *(
                models.CheckConstraint(
                    condition=Q(**{name: None}) | Q(**{f"{name}__range": (1, 5)}), name=f"rating_{name}_1_to_5"
                )
                for name in ITEMS
            ),
            models.CheckConstraint(condition=Q(helped__contained_by=list(Help.values)), name="rating_helped_is_known"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class RatingTicket(models.Model):
    """That somebody may rate once: the hash of a token, the quarter until whose end it holds, and the region."""

    token_hash = models.CharField(primary_key=True, max_length=64)
    expires = models.CharField(max_length=7)
    region = models.ForeignKey(Agency, models.SET_NULL, null=True, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("Rückmeldekarte")

    def __str__(self) -> str:
        return self.token_hash[:8]


def last_day(quarter: str) -> date:
    """Of a quarter as the tables write it: "2027-Q1" ends on 31 March 2027."""
    year, number = int(quarter[:4]), int(quarter[-1])
    first_after = date(year + number // 4, number * 3 % 12 + 1, 1)
    return first_after - timedelta(days=1)
