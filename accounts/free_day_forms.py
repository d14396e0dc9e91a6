"""The form of a free day."""

from __future__ import annotations

from datetime import date
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock

from .forms import STATES, AgencyChoice, submit
from .free_days import FreeDay
from .people import Agency

SAME = _("Diesen freien Tag gibt es schon.")


class FreeDayForm(forms.ModelForm):
    """Which day, where, and whether every year."""

    agency = AgencyChoice(
        label=_("Für welche Dienststelle?"),
        queryset=Agency.objects.none(),
        empty_label=_("Bitte wählen"),
        help_text=_("Der Tag gilt auch für alle Dienststellen darunter."),
        error_messages={"required": _("Wählen Sie die Dienststelle aus.")},
    )

    class Meta:
        model = FreeDay
        fields = ("name_de", "name_en", "day", "every_year", "agency", "state")
        widgets = {"day": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        error_messages = {
            "name_de": {"required": _("Schreiben Sie, wie der Tag heißt.")},
            "day": {
                "required": _("Wählen Sie einen Tag."),
                "invalid": _("Schreiben Sie das Datum zum Beispiel so: 1.12.2026."),
            },
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["agency"].queryset = Agency.objects.open().in_tree_order()
        fields["state"] = forms.ChoiceField(
            label=fields["state"].label, required=False, choices=[("", _("in allen")), *STATES]
        )
        self.helper = FormHelper()
        self.helper.layout = Layout(*self.Meta.fields, submit(_("Freien Tag eintragen")))

    def clean_day(self) -> date:
        """Not in the past, and not in a far away century."""
        day: date = self.cleaned_data["day"]
        if day < clock.today():
            raise forms.ValidationError(_("Dieser Tag ist schon vorbei. Wählen Sie den nächsten."))
        if day.year > clock.today().year + 5:
            raise forms.ValidationError(_("Dieser Tag liegt sehr weit weg. Wählen Sie einen näheren."))
        return day

    def clean(self) -> dict[str, Any]:
        """Once is enough."""
        values = super().clean() or {}
        same = {name: values.get(name) for name in ("day", "agency", "state")}
        if values.get("agency") and values.get("day") and FreeDay.objects.filter(**same).exists():
            self.add_error("day", SAME)
        return values

    def validate_constraints(self) -> None:
        """Said beside the field by `clean`."""
