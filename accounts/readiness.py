"""The four settings with which an agency is ready to begin, and what is still missing of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from .actions.agencies import coordination_above
from .features import Feature, is_on
from .people import Agency
from .rooms import nearest_service


@dataclass(frozen=True)
class Setting:
    """One of the four: how it stands, whether something is missing, and where it is set."""

    title: str
    words: str
    is_missing: bool
    address: str


def four_settings(agency: Agency) -> list[Setting]:
    """Place and holidays, coordination, video service, features."""
    coordinated, service = bool(coordination_above(agency)), nearest_service(agency)
    off = [str(feature.label) for feature in Feature if not is_on(feature, agency)]
    return [
        Setting(
            _("Ort und Bundesland"),
            f"{agency.city}, {agency.state}" if agency.city else _("Der Ort fehlt noch. Danach suchen Lernende für Treffen vor Ort."),
            not agency.city,
            f"{reverse('accounts:agency_edit', args=[agency.pk])}#id_city",
        ),
        Setting(
            _("Koordination"),
            _("Anfragen kommen bei jemandem an.") if coordinated else _("Noch koordiniert niemand: Anfragen kämen nirgends an."),
            not coordinated,
            reverse("accounts:people"),
        ),
        Setting(
            _("Videodienst"),
            service.host() if service else _("Keiner. Es geht auch ohne: Wer sich per Video trifft, trägt einen eigenen Link ein."),
            False,
            reverse("accounts:video_service", args=[agency.pk]),
        ),
        Setting(
            _("Funktionen"),
            _("Ausgeschaltet: %(names)s") % {"names": ", ".join(off)} if off else _("Alle eingeschaltet."),
            False,
            reverse("accounts:features", args=[agency.pk]),
        ),
    ]  # fmt: skip
