"""The form of an agency's features: as above, on, or off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .features import Feature, Settings

ABOVE, ON, OFF = "", "on", "off"
# Whether the agency is the root, and whether it is on without a choice here.
WORDS = {
    (False, True): _("wie darüber: eingeschaltet"),
    (False, False): _("wie darüber: ausgeschaltet"),
    (True, True): _("Voreinstellung: eingeschaltet"),
}


class FeaturesForm(forms.Form):
    """One choice for each feature; `above`: what holds where nothing is chosen here."""

    def __init__(
        self,
        *args: Any,
        own: dict[Feature, bool],
        above: dict[Feature, bool],
        may_switch: bool,
        is_root: bool,
        **kwargs: Any,
    ) -> None:
        """`may_switch`: whether choosing directly may be switched off, there being a coordination to ask. `is_root`: nothing
        is above this agency."""
        super().__init__(*args, **kwargs)
        self.may_switch = may_switch
        for feature in Feature:
            inherited = WORDS[is_root, above[feature]]
            self.fields[feature.value] = forms.ChoiceField(
                label=feature.label,
                choices=[(ABOVE, inherited), (ON, _("eingeschaltet")), (OFF, _("ausgeschaltet"))],
                initial={True: ON, False: OFF, None: ABOVE}[own.get(feature)],
                required=False,
                widget=forms.RadioSelect,
                error_messages={"invalid_choice": _("Wählen Sie eine der drei Möglichkeiten.")},
            )

    def clean(self) -> dict[str, Any]:
        """Without a coordination, choosing directly is the only way to a companion."""
        values = super().clean() or {}
        if values.get(Feature.DIRECT_CHOICE) == OFF and not self.may_switch:
            self.add_error(
                Feature.DIRECT_CHOICE.value,
                _(
                    "Hier koordiniert niemand: Lernende kämen dann zu keiner Begleitung. Geben Sie zuerst jemandem die Rolle."
                ),
            )
        return values

    def settings(self) -> dict[Feature, bool | None]:
        """What was chosen; None: as above."""
        return {feature: {ON: True, OFF: False}.get(self.cleaned_data[feature.value]) for feature in Feature}


def own_of(agency_id: int, settings: Settings) -> dict[Feature, bool]:
    """What an agency has set itself."""
    return {
        feature: settings[agency_id, feature.value] for feature in Feature if (agency_id, feature.value) in settings
    }
