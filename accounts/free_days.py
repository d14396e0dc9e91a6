"""Free days beside the public holidays of the Bundesland: local ones (Augsburg), and those that come once."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from lernbegleitung import ids, rls

from .people import Agency


class FreeDay(models.Model):
    """A day on which an agency and all below it are closed; with `state`, only those in that Bundesland."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    day = models.DateField(_("Tag"))
    every_year = models.BooleanField(_("Jedes Jahr an diesem Tag"), default=False)
    agency = models.ForeignKey(Agency, models.CASCADE, related_name="free_days", verbose_name=_("Dienststelle"))
    state = models.CharField(_("Nur in diesem Bundesland"), max_length=2, blank=True)
    name_de = models.CharField(_("Name"), max_length=80)
    name_en = models.CharField(_("Name auf Englisch"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("Freier Tag")
        verbose_name_plural = _("Freie Tage")
        ordering: ClassVar = ["day", "name_de", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "agency", "state"], name="free_once_a_day"),
        ]

    def __str__(self) -> str:
        return self.name()

    def name(self) -> str:
        """In the reader's language, where there is one."""
        return self.name_en if get_language() == "en" and self.name_en else self.name_de

    def holds_for(self, agency: Agency) -> bool:
        """Whether people of this agency are free then."""
        return agency.path.startswith(self.agency.path) and self.state in ("", agency.state)


def all_free_days() -> list[FreeDay]:
    """Every row, asked of the database once per request; there are a few dozen in a whole country."""
    kept = rls.memory()
    if "free days" not in kept:
        kept["free days"] = list(FreeDay.objects.select_related("agency"))
    return kept["free days"]
