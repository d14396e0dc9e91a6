"""How long requests took in the last quarter: an honest estimate for whoever waits, frozen, never about few people."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Agency, User
from lernbegleitung import clock


class WaitingFigure(models.Model):
    """From a request to getting to know each other, in weeks, for half of those of an area; `area` empty: all of them.

    Written by freeze_waiting_figures() (policies.sql) once a quarter. Without weeks there were too few people for it.
    """

    area = models.ForeignKey(Agency, models.CASCADE, null=True, blank=True, related_name="+")
    quarter = models.CharField(max_length=7)
    weeks_from = models.PositiveSmallIntegerField(null=True)
    weeks_to = models.PositiveSmallIntegerField(null=True)

    class Meta:
        verbose_name = _("Wartezeit im Quartal")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["area", "quarter"], nulls_distinct=False, name="one_waiting_figure")
        ]

    def __str__(self) -> str:
        return f"{self.quarter} {self.area_id}"


def last_quarter() -> str:
    """The quarter that was over last, in Germany: 2026-Q3."""
    today = clock.today()
    year, quarter = today.year, (today.month - 1) // 3
    return f"{year}-Q{quarter}" if quarter else f"{year - 1}-Q4"


def estimate_for(person: User) -> WaitingFigure | None:
    """The figure of the person's own region, or of the nearest above it that has enough people; None where none has."""
    above = [int(part) for part in person.agency.path.strip("/").split("/")]
    rows = WaitingFigure.objects.filter(
        models.Q(area__in=above) | models.Q(area=None), quarter=last_quarter(), weeks_to__isnull=False
    )
    return max(rows, key=lambda row: above.index(row.area_id) if row.area_id else -1, default=None)
