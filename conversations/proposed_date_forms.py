"""The form that proposes up to three dates."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from crispy_forms.layout import Fieldset, Row
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from engagements.forms import layout
from engagements.step_forms import FutureDate
from lernbegleitung import clock

from .actions.proposed_dates import Proposed
from .appointment_forms import DURATIONS, TIME_FORMATS, TIME_INVALID, moment
from .appointments import Kind, MeetingFormat
from .places import clean_place
from .proposed_dates import AT_MOST

NAMES = {1: _("Erster Termin"), 2: _("Zweiter Termin"), 3: _("Dritter Termin")}


class ProposalForm(forms.Form):
    """Up to three beginnings in the person's own time zone; one length, one way of meeting for all."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    kind = forms.ChoiceField(
        label=_("Wofür treffen Sie sich?"),
        widget=forms.RadioSelect(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie aus, wofür Sie sich treffen.")},
    )
    duration = forms.TypedChoiceField(
        label=_("Wie lange?"),
        coerce=int,
        choices=DURATIONS,
        initial=60,
        widget=forms.RadioSelect(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie die Dauer aus.")},
    )
    format = forms.ChoiceField(
        label=_("Wie treffen Sie sich?"),
        choices=MeetingFormat.choices,
        widget=forms.RadioSelect(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie aus, wie Sie sich treffen.")},
    )
    place = forms.CharField(
        label=_("Raum, Rufnummer oder Link"),
        max_length=200,
        required=False,
        help_text=_("Steht im Kalender. Bitte nichts zum Inhalt des Gesprächs."),
        error_messages={"max_length": _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte.")},
    )

    def __init__(self, *args: Any, kinds: list[Kind], person: User, partner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone: ZoneInfo = person.zone()
        self.only_kind = kinds[0].value
        self.dates: list[datetime] = []
        dates = []
        for number, name in NAMES.items():
            self.fields[f"day{number}"] = FutureDate(label=_("Tag"), required=number == 1)
            self.fields[f"time{number}"] = forms.TimeField(
                label=_("Beginn"),
                required=number == 1,
                widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
                input_formats=TIME_FORMATS,
                error_messages={"required": _("Tragen Sie ein, wann Sie sich treffen."), "invalid": TIME_INVALID},
            )
            dates.append(Fieldset(name, Row(f"day{number}", f"time{number}")))
        names = ["duration", "format", "place"]
        if len(kinds) > 1:
            self.fields["kind"].initial = self.only_kind
            self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]  # type: ignore[attr-defined]
            names.insert(0, "kind")
        else:
            del self.fields["kind"]
        self.helper = layout(self, "id", *dates, *names, button=_("Vorschlagen"))

    def clean_place(self) -> str:
        """Nothing that runs."""
        return clean_place(self.cleaned_data["place"])

    def clean(self) -> dict[str, Any]:
        """Moments that exist, are still to come, and differ."""
        values = super().clean() or {}
        for number in range(1, AT_MOST + 1):
            day, at = values.get(f"day{number}"), values.get(f"time{number}")
            if day and at is not None:
                self._take(number, moment(day, at, self.zone))
            elif day and f"time{number}" not in self.errors:
                self.add_error(f"time{number}", _("Tragen Sie auch die Uhrzeit ein."))
            elif at is not None and f"day{number}" not in self.errors:
                self.add_error(f"day{number}", _("Wählen Sie auch den Tag aus."))
        return values

    def _take(self, number: int, at: datetime | None) -> None:
        if at is None:
            self.add_error(
                f"time{number}", _("Diese Uhrzeit gibt es an diesem Tag nicht: Die Uhren werden umgestellt.")
            )
        elif at <= clock.now():
            self.add_error(f"time{number}", _("Diese Uhrzeit ist schon vorbei. Wählen Sie eine spätere."))
        elif at in self.dates:
            self.add_error(f"time{number}", _("Diesen Termin haben Sie schon genannt."))
        else:
            self.dates.append(at)

    def say_taken(self, taken: list[datetime]) -> None:
        """Beside each date on which one of the two has something else."""
        for number in range(1, AT_MOST + 1):
            day, at = (self.cleaned_data.get(f"{name}{number}") for name in ("day", "time"))
            if day and at is not None and moment(day, at, self.zone) in taken:
                self.add_error(
                    f"time{number}", _("Dann hat eine oder einer von Ihnen beiden schon einen anderen Termin.")
                )

    def proposed(self) -> Proposed:
        """As the domain wants it."""
        values = self.cleaned_data
        kind = values.get("kind") or self.only_kind
        return Proposed(sorted(self.dates), values["duration"], kind, values["format"], values["place"])
