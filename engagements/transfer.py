"""Transfer checks (Rückblicke): months after closing, one look at what has become of it, for those who wished for it.

Sealed under the person's own key, so that it outlives the companionship it came from and is nobody else's, ever.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.keys import own_key
from accounts.models import User
from lernbegleitung import clock, ids
from lernbegleitung.vault import SealedText

WAITS = timedelta(days=90)  # how long an unanswered one stays; then it is erased, and nobody has noticed


class Months(models.IntegerChoices):
    """How long after closing."""

    THREE = 3, _("nach 3 Monaten")
    SIX = 6, _("nach 6 Monaten")


class TransferAnswer(models.TextChoices):
    """Whether what one wanted to do happens in everyday work. Each is a good answer."""

    OFTEN = "often", _("Ja, oft")
    SOMETIMES = "sometimes", _("Manchmal")
    NOT_YET = "not_yet", _("Noch nicht")
    NO_MORE = "no_more", _("Nicht mehr, es ist anders gekommen")


class TransferCheckQuerySet(models.QuerySet["TransferCheck"]):
    """Sets of transfer checks that read as a sentence."""

    def waiting(self, today: date) -> TransferCheckQuerySet:
        """Their day has come, and nobody has answered."""
        return self.filter(answered_at=None, due_on__lte=today)


class TransferCheck(models.Model):
    """One wished-for look back. `engagement`: the companionship it came from, which may be gone by now."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    owner = models.ForeignKey(User, models.CASCADE, related_name="transfer_checks")
    engagement = models.UUIDField()
    months = models.PositiveSmallIntegerField(choices=Months.choices)
    due_on = models.DateField()
    sentence_sealed = models.BinaryField(default=b"")
    answer = models.CharField(max_length=10, choices=TransferAnswer.choices, blank=True)
    words_sealed = models.BinaryField(default=b"")
    answered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    sentence = SealedText()
    words = SealedText()

    objects: ClassVar[Any] = TransferCheckQuerySet.as_manager()

    class Meta:
        verbose_name = _("Rückblick")
        verbose_name_plural = _("Rückblicke")
        ordering: ClassVar = ["due_on", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "engagement", "months"], name="transfer_checked_once"),
            models.CheckConstraint(
                condition=Q(answer="", answered_at=None) | ~Q(answer="") & Q(answered_at__isnull=False),
                name="transfer_answered_with_a_date",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """Sealed under the person's own key."""
        return own_key(self.owner_id)

    def has_come(self) -> bool:
        """Whether its day is here."""
        return self.due_on <= clock.today()

    def stays_until(self) -> date:
        """Unanswered, it is erased after this day."""
        return self.due_on + WAITS


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month: 30 November and 3 months are 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
