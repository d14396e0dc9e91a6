"""The form of an appointment: day, time, length, and how to meet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from engagements.forms import layout
from engagements.step_forms import FutureDate
from lernbegleitung import clock

from .appointments import Appointment, Kind, MeetingFormat

LENGTHS = [(30, _("30 Minuten")), (45, _("45 Minuten")), (60, _("eine Stunde")), (90, _("eineinhalb Stunden"))]


class AppointmentForm(forms.Form):
    """Times are in the person's own zone; the form hands over aware moments."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    kind = forms.ChoiceField(
        label=_("Was für ein Gespräch?"), choices=Kind.choices, widget=forms.RadioSelect(attrs={"row": True})
    )
    day = FutureDate(label=_("Tag"))
    time = forms.TimeField(
        label=_("Uhrzeit"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        input_formats=["%H:%M", "%H.%M", "%H"],
        error_messages={
            "required": _("Wählen Sie eine Uhrzeit."),
            "invalid": _("Schreiben Sie die Uhrzeit zum Beispiel so: 10:30."),
        },
    )
    minutes = forms.TypedChoiceField(label=_("Wie lange?"), coerce=int, choices=LENGTHS, initial=60)
    format = forms.ChoiceField(
        label=_("Wie treffen Sie sich?"),
        choices=MeetingFormat.choices,
        widget=forms.RadioSelect(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie aus, wie Sie sich treffen.")},
    )
    place = forms.CharField(
        label=_("Raum, Rufnummer oder Link"),
        required=False,
        max_length=200,
        help_text=_("Steht auch im Kalendereintrag. Bitte nichts zum Inhalt des Gesprächs."),
    )

    def __init__(self, *args: Any, user: User, moving: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if moving:
            del self.fields["kind"]
        names = [name for name in ("id", "kind", "day", "time", "minutes", "format", "place") if name in self.fields]
        self.helper = layout(self, *names, button=_("Termin verschieben") if moving else _("Termin vereinbaren"))

    def clean_place(self) -> str:
        """Only web addresses become links, so others are refused rather than shown as if they could be opened."""
        place = self.cleaned_data["place"].strip()
        if place.lower().startswith(("javascript:", "data:", "vbscript:")):
            raise forms.ValidationError(_("Dieser Link lässt sich nicht öffnen. Er beginnt mit https://."))
        return place

    def clean(self) -> dict[str, Any]:
        """Turn day, time and length into two moments; a time that is over today is refused."""
        values = super().clean() or {}
        if values.get("day") and values.get("time") is not None and values.get("minutes"):
            starts = datetime.combine(values["day"], values["time"], self.user.zone())
            values["starts_at"], values["ends_at"] = starts, starts + timedelta(minutes=values["minutes"])
            if starts <= clock.now():
                self.add_error("time", _("Diese Zeit ist heute schon vorbei. Wählen Sie eine spätere."))
        return values

    def values(self) -> dict[str, Any]:
        """The columns of the appointment."""
        names = [name for name in ("kind", "starts_at", "ends_at", "format", "place") if name in self.cleaned_data]
        return {name: self.cleaned_data[name] for name in names}

    @staticmethod
    def initial_of(appointment: Appointment, user: User) -> dict[str, Any]:
        """The values as they are, in the person's zone."""
        local = appointment.starts_at.astimezone(user.zone())
        return {
            "day": local.date(),
            "time": local.time(),
            "minutes": int(appointment.duration().total_seconds() // 60),
            "format": appointment.format,
            "place": appointment.place,
        }
