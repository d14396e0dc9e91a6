"""The form of a series of talks."""

from __future__ import annotations

from typing import Any

from crispy_forms.layout import Submit
from django import forms
from django.utils.translation import gettext_lazy as _

from .appointment_forms import AppointmentForm
from .series import MOST, Slot

RHYTHMS = [(1, _("jede Woche")), (2, _("alle zwei Wochen")), (3, _("alle drei Wochen")), (4, _("alle vier Wochen"))]


class SeriesForm(AppointmentForm):
    """An appointment, and how it goes on: at the same time every so many weeks."""

    every = forms.TypedChoiceField(
        label=_("Wie oft?"), coerce=int, choices=RHYTHMS, initial=4, widget=forms.RadioSelect(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie aus, wie oft Sie sich treffen.")},
    )  # fmt: skip
    number = forms.IntegerField(
        label=_("Wie viele Gespräche?"),
        min_value=2,
        max_value=MOST,
        initial=4,
        error_messages={
            "required": _("Tragen Sie ein, wie viele Gespräche es werden."),
            "invalid": _("Tragen Sie eine Zahl zwischen 2 und 12 ein."),
            "min_value": _("Tragen Sie eine Zahl zwischen 2 und 12 ein."),
            "max_value": _("Tragen Sie eine Zahl zwischen 2 und 12 ein."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["day"].label = _("Erster Tag")
        fields = list(self.helper.layout.fields)
        submit = next(field for field in fields if isinstance(field, Submit))
        self.helper.layout.fields = [*(f for f in fields if f is not submit), "every", "number", submit]

    def sent(self) -> list[tuple[str, str]]:
        """What was typed, to be sent once more with the choices."""
        return [(name, str(self.data[name])) for name in self.fields if name in self.data]


def choice_of(data: Any, slot: Slot) -> str:
    """What was chosen for one regular time; the usual where nothing was."""
    return str(data.get(f"slot-{slot.number}", slot.usual()))
