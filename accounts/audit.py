"""Audit lines: who did what and when, never what it said. The web role can add lines and read those about it."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock


class AuditEvent(models.Model):
    """One line. `subject` is the engagement it belongs to (both parties read it), or empty for administration."""

    kind = models.CharField(max_length=60)
    actor = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="+")
    subject = models.UUIDField(null=True, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Protokollzeile")
        indexes = [models.Index(fields=["subject", "at"], name="audit_subject")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.kind}"


def write(kind: str, *, by: int | None, subject: uuid.UUID | None = None) -> None:
    """Add a line in the running transaction. Kinds read `engagement.proposed`; their words are in audit_words.py."""
    from django.db import connection

    with connection.cursor() as cursor:  # no RETURNING: whoever writes a line need not be allowed to read it
        cursor.execute(
            "INSERT INTO accounts_auditevent (kind, actor_id, subject, at) VALUES (%s, %s, %s, %s)",
            [kind, by, subject, clock.now()],
        )
