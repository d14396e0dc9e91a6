"""The access log: who opened which item of somebody else, and when. Written where texts are unsealed, so that no view
can forget it; the web role adds lines and can change none.

Reading one's own is nobody's business and not kept. Opening the same item again within the hour is one line.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from lernbegleitung import audience, clock


class Opening(models.Model):
    """One line: `reader` opened `item` (a row of the model `kind`) that belongs to `owner`."""

    kind = models.CharField(max_length=60)
    item = models.UUIDField()
    engagement = models.UUIDField()
    owner = models.ForeignKey("accounts.User", models.CASCADE, related_name="+")
    reader = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=clock.now)
    hour = models.DateTimeField()

    class Meta:
        verbose_name = _("Zeile im Zugriffsprotokoll")
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["item", "reader", "hour"], name="one_opening_an_hour")]
        indexes = [
            models.Index(fields=["owner", "-at", "-id"], name="opening_owner"),
            models.Index(fields=["engagement"], name="opening_engagement"),
            models.Index(fields=["at"], name="opening_at"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


def write_down(items: list[Any], reader_id: int) -> None:
    """Add a line for each item that belongs to somebody else: one statement, whatever their number.

    Whose an item is, the database says (log_openings in conversations/policies.sql); what is known to be the reader's
    own without asking it is left out here.
    """
    others = [item for item in items if not audience.is_known_to_be_of(reader_id, item)]
    if others:
        with connection.cursor() as cursor:
            names = [item._meta.model_name for item in others]
            cursor.execute(
                "SELECT log_openings(%s, %s::text[], %s::uuid[])", [reader_id, names, [item.pk for item in others]]
            )
