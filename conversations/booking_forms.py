"""The form that books a slot: what the talk is for, and how the two meet, where there is a choice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from crispy_forms.layout import Hidden
from django import forms
from django.utils.translation import gettext_lazy as _

from engagements.forms import layout

from .appointments import Kind, MeetingFormat
from .booking import LENGTHS
from .slots import Slot


class BookingForm(forms.Form):
    """What is still to be chosen once the slot is; without a choice there is nothing but the button."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    kind = forms.ChoiceField(
        label=_("Wofür treffen Sie sich?"),
        widget=forms.RadioSelect(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie aus, wofür Sie sich treffen.")},
    )
    format = forms.ChoiceField(
        label=_("Wie treffen Sie sich?"),
        widget=forms.RadioSelect(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie aus, wie Sie sich treffen.")},
    )

    def __init__(self, *args: Any, slot: Slot, kinds: list[Kind], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.only = {"kind": kinds[0].value, "format": slot.formats[0]}
        choices = {
            "kind": [(kind.value, kind.label) for kind in kinds],
            "format": [(one.value, one.label) for one in MeetingFormat if one.value in slot.formats],
        }
        for name, possible in choices.items():
            if len(possible) > 1:
                self.fields[name].choices = possible  # type: ignore[attr-defined]
                if self.initial.get(name) not in dict(possible):
                    self.initial[name] = self.only[name]
            else:
                del self.fields[name]
        minutes = (slot.ends_at - slot.starts_at) // timedelta(minutes=1)
        chosen = [Hidden("beginn", slot.starts_at.isoformat()), Hidden("laenge", minutes)]
        self.helper = layout(self, *chosen, *self.fields, button=_("Termin buchen"))

    def chosen(self, name: str) -> str:
        """What was chosen, or the only thing possible."""
        return str(self.cleaned_data.get(name) or self.only[name])


def read_moment(text: str) -> datetime | None:
    """A moment in an address or a form, in UTC; None for anything that is none."""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return moment.astimezone(UTC) if moment.tzinfo and 2000 < moment.year < 2200 else None
    except (ValueError, OverflowError):
        return None


def read_length(text: str, usual: object) -> timedelta:
    """One of the lengths: as asked for, else as usual, else an hour."""
    chosen = next((n for n in LENGTHS if text == str(n)), next((n for n in LENGTHS if usual == n), 60))
    return timedelta(minutes=chosen)
