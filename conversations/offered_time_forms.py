"""The forms of offered times: every week, on a day, and how they may be booked."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from crispy_forms.layout import Hidden, Row
from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from engagements.forms import layout
from engagements.step_forms import DAYS, FutureDate
from lernbegleitung import ids

from .appointment_forms import TIME_FORMATS, TIME_INVALID
from .appointments import MeetingFormat
from .offered_times import BookingRules, OfferedTime, OfferKind
from .places import clean_place

SHORTEST = timedelta(minutes=30)
FORMATS = [(choice.value, choice.label) for choice in (MeetingFormat.VIDEO, MeetingFormat.PHONE, MeetingFormat.ON_SITE)]


def clock_field(label: Any, missing: Any) -> forms.TimeField:
    """A time of day, typed or picked."""
    return forms.TimeField(
        label=label,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        input_formats=TIME_FORMATS,
        error_messages={"required": missing, "invalid": TIME_INVALID},
    )


class OfferedTimeForm(forms.Form):
    """What a line of either sort says: from when to when, and how one may meet then."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    starts = clock_field(_("Von"), _("Ab wann?"))
    ends = clock_field(_("Bis"), _("Bis wann?"))
    formats = forms.MultipleChoiceField(
        label=_("Wie treffen Sie sich dann?"),
        choices=FORMATS,
        widget=forms.CheckboxSelectMultiple(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie mindestens eine Art aus.")},
    )
    place = forms.CharField(
        label=_("Raum"),
        max_length=200,
        required=False,
        help_text=_("Für Treffen vor Ort. Steht dann im Termin."),
        error_messages={"max_length": _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte.")},
    )

    def __init__(self, *args: Any, companion: User, lines: list[OfferedTime], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.companion, self.lines = companion, lines

    def clean_place(self) -> str:
        """Nothing that runs."""
        return clean_place(self.cleaned_data["place"])

    def clean(self) -> dict[str, Any]:
        """From before to, long enough for a talk, and not what is offered already."""
        values = super().clean() or {}
        starts, ends = values.get("starts"), values.get("ends")
        if starts and ends:
            if ends <= starts:
                self.add_error("ends", _("Das Ende liegt vor dem Anfang."))
            elif between(starts, ends) < SHORTEST:
                self.add_error("ends", _("Das ist kürzer als eine halbe Stunde. Wählen Sie ein späteres Ende."))
            elif same := self.overlapping(starts, ends):
                words = {"from": f"{same.starts:%H:%M}", "to": f"{same.ends:%H:%M}"}
                self.add_error("starts", _now("Von %(from)s bis %(to)s Uhr bieten Sie dann schon an.") % words)
        return values

    def overlapping(self, starts: time, ends: time) -> OfferedTime | None:
        """A line of the same day that shares some time with this one."""
        where = {name: self.cleaned_data.get(name) for name in ("weekday", "day")}
        same = (row for row in self.others() if not row.is_off() and {n: getattr(row, n) for n in where} == where)
        return next((row for row in same if row.starts and row.ends and row.starts < ends and starts < row.ends), None)

    def others(self) -> list[OfferedTime]:
        """All lines but this one, should it have been sent before."""
        return [row for row in self.lines if row.pk != self.cleaned_data.get("id")]

    def line(self) -> OfferedTime:
        """The row to be written."""
        values = {name: value for name, value in self.cleaned_data.items() if name not in ("id", "what")}
        new_id = self.cleaned_data["id"] or ids.new_id()
        return OfferedTime(pk=new_id, companion=self.companion, kind=self.kind_of_line(), **values)

    def kind_of_line(self) -> str:
        """Which sort of line it is."""
        raise NotImplementedError


class WeeklyForm(OfferedTimeForm):
    """A time of every week."""

    weekday = forms.TypedChoiceField(
        label=_("Wochentag"), coerce=int, choices=DAYS, error_messages={"required": _("Wählen Sie den Wochentag aus.")}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        when = Row("weekday", "starts", "ends", css_class="cols-short")
        self.helper = layout(
            self, Hidden("form", "weekly"), "id", when, "formats", "place", button=_("Zeit hinzufügen")
        )

    def kind_of_line(self) -> str:
        """Every week."""
        return OfferKind.WEEKLY


class SingleDayForm(OfferedTimeForm):
    """A day that is not like the others: without any time, or with one more."""

    what = forms.ChoiceField(
        label=_("Was ist an diesem Tag anders?"),
        choices=[
            (OfferKind.OFF, _("An diesem Tag biete ich nichts an")),
            (OfferKind.ONCE, _("An diesem Tag biete ich zusätzlich etwas an")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Wählen Sie aus, was an diesem Tag anders ist.")},
    )
    day = FutureDate(label=_("Tag"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.data.get(self.add_prefix("what")) != OfferKind.ONCE:
            for name in ("starts", "ends", "formats"):
                self.fields[name].required = False
        when = Row("starts", "ends", css_class="cols-short")
        self.helper = layout(
            self, Hidden("form", "day"), "id", "day", "what", when, "formats", "place", button=_("Tag hinzufügen")
        )

    def clean_day(self) -> date:
        """A day off is entered once."""
        day: date = self.cleaned_data["day"]
        if self.data.get(self.add_prefix("what")) == OfferKind.OFF and any(
            row.is_off() and row.day == day for row in self.others()
        ):
            raise forms.ValidationError(_("Für diesen Tag steht das schon da."))
        return day

    def clean(self) -> dict[str, Any]:
        """A day without times has none."""
        if self.cleaned_data.get("what") == OfferKind.OFF:
            self.cleaned_data |= {"starts": None, "ends": None, "formats": [], "place": ""}
            for name in ("starts", "ends", "formats", "place"):
                self.errors.pop(name, None)
        return super().clean()

    def kind_of_line(self) -> str:
        """What was chosen."""
        return str(self.cleaned_data["what"])


class BookingRulesForm(forms.Form):
    """How the times may be booked."""

    buffer_minutes = forms.TypedChoiceField(
        label=_("Pause zwischen zwei Terminen"),
        coerce=int,
        choices=[
            (0, _("keine")),
            (10, _("10 Minuten")),
            (15, _("15 Minuten")),
            (30, _("30 Minuten")),
            (60, _("60 Minuten")),
        ],  # fmt: skip
    )
    notice_hours = forms.TypedChoiceField(
        label=_("Frühestens buchbar"),
        coerce=int,
        choices=[
            (2, _("2 Stunden vorher")), (24, _("einen Tag vorher")), (48, _("zwei Tage vorher")),
            (72, _("drei Tage vorher")), (168, _("eine Woche vorher")),
        ],
    )  # fmt: skip
    horizon_days = forms.TypedChoiceField(
        label=_("Wie weit im Voraus"),
        coerce=int,
        choices=[(14, _("zwei Wochen")), (28, _("vier Wochen")), (56, _("acht Wochen")), (84, _("zwölf Wochen"))],
    )
    resting = forms.BooleanField(
        label=_("Gerade biete ich nichts an"),
        required=False,
        help_text=_("Ihre Zeiten bleiben stehen, und was gebucht ist, bleibt gebucht."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(
            self,
            Hidden("form", "rules"),
            "buffer_minutes",
            "notice_hours",
            "horizon_days",
            "resting",
            button=_("Regeln speichern"),
        )

    @staticmethod
    def initial_of(rules: BookingRules) -> dict[str, Any]:
        """The rules as they are."""
        return {name: getattr(rules, name) for name in ("buffer_minutes", "notice_hours", "horizon_days", "resting")}


def between(starts: time, ends: time) -> timedelta:
    """How long it is by the clock on the wall."""
    day = date(2000, 1, 1)
    return datetime.combine(day, ends) - datetime.combine(day, starts)
