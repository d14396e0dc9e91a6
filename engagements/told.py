"""What a person was told by a reminder, and when: so that nothing is told twice, and the page can show it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User

from .reminders import Mark


class SentReminder(models.Model):
    """One line of one digest. `subject`: the step, look back or companionship, which may be gone by now."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="sent_reminders", db_index=False)  # told_once has it
    what = models.CharField(max_length=20)
    subject = models.UUIDField()
    meant_for = models.DateField()
    sent_on = models.DateField()  # in the person's own time zone

    class Meta:
        verbose_name = _("Gesendete Erinnerung")
        ordering: ClassVar = ["-sent_on", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "what", "subject", "meant_for"], name="told_once"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.subject}"


def told_of(people: Iterable[int]) -> dict[int, dict[Mark, date]]:
    """What each of these people was told already, and on which day; in one query."""
    found: dict[int, dict[Mark, date]] = {pk: {} for pk in people}
    rows = SentReminder.objects.filter(owner__any_of=found).order_by()
    for owner, what, subject, meant_for, sent_on in rows.values_list(
        "owner_id", "what", "subject", "meant_for", "sent_on"
    ):
        found[owner][what, uuid.UUID(str(subject)), meant_for] = sent_on
    return found
