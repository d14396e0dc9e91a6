"""The form of an appointment: when, how and where, in the person's own time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crispy_forms.layout import Row
from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from engagements.forms import layout
from engagements.step_forms import FutureDate
from lernbegleitung import clock

from .actions.appointments import Meeting
from .appointments import Appointment, Kind, MeetingFormat
from .off_days import holidays_ahead
from .places import FORMAT_OF, TYPED, WRONG_FORMAT, Places, clean_place

DURATIONS = [(30, _("30 Minuten")), (45, _("45 Minuten")), (60, _("60 Minuten")), (90, _("90 Minuten"))]
ONE, FOLLOWING = "one", "following"
WHICH = [(ONE, _("Nur diesen Termin")), (FOLLOWING, _("Diesen und alle folgenden der Reihe"))]
TAKEN = _(
    "Zu dieser Zeit hat eine oder einer von Ihnen beiden schon einen anderen Termin. Wählen Sie eine andere Zeit."
)
TIME_FORMATS = ["%H:%M", "%H.%M", "%H:%M:%S", "%H Uhr", "%H"]
TIME_INVALID = _("Schreiben Sie die Uhrzeit zum Beispiel so: 10:30.")
TIME_WRONG = {"required": _("Tragen Sie ein, wann Sie sich treffen."), "invalid": TIME_INVALID}


class AppointmentForm(forms.Form):
    """A new appointment, or another time for one."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    sequence = forms.IntegerField(widget=forms.HiddenInput, required=False)
    kind = forms.ChoiceField(
        label=_("Wofür treffen Sie sich?"),
        widget=forms.RadioSelect(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie aus, wofür Sie sich treffen.")},
    )
    day = FutureDate(label=_("Tag"))
    time = forms.TimeField(
        label=_("Beginn"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        input_formats=TIME_FORMATS,
        error_messages=TIME_WRONG,
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
    where = forms.ChoiceField(label=_("Wo genau?"), required=False, widget=forms.RadioSelect)
    place = forms.CharField(
        label=_("Raum, Rufnummer oder Link"),
        max_length=200,
        required=False,
        help_text=_(
            "Steht im Kalender, den Ihnen die Nachricht mitbringt. Lässt sich später ergänzen. Bitte nichts zum Inhalt des Gesprächs."
        ),
        error_messages={"max_length": _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte.")},
    )

    def __init__(
        self,
        *args: Any,
        kinds: list[Kind],
        person: User,
        partner: User,
        button: Any,
        places: Places = Places(),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.partner, self.places = person.zone(), partner, places
        names: list[Any] = ["id", "sequence", "kind", Row("day", "time"), "duration", "format", "where", "place"]
        if len(kinds) > 1:
            self.fields["kind"].initial = kinds[0].value
            self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]  # type: ignore[attr-defined]
        else:
            del self.fields["kind"]
            names.remove("kind")
        if choices := places.choices():
            self.fields["where"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["where"]
            names.remove("where")
        self.only_kind = kinds[0] if kinds else None
        self.fields["day"].help_text = day_hint(person, partner)
        self.helper = layout(self, *names, button=button)

    def ask_which(self) -> None:
        """Of a series: whether the change is for this one, or for all that follow too."""
        self.fields["which"] = forms.ChoiceField(
            label=_("Was verschieben Sie?"), choices=WHICH, initial=ONE, error_messages={"required": _("Wählen Sie aus, was Sie verschieben.")}, widget=forms.RadioSelect,
            help_text=_("Die folgenden rücken um genauso viele Tage und auf dieselbe Uhrzeit."),
        )  # fmt: skip
        self.helper.layout.fields.insert(-1, "which")

    def clean_day(self) -> date:
        """Not while the other one is away."""
        day: date = self.cleaned_data["day"]
        away = self.partner.absent_from
        if away and away <= day <= (self.partner.absent_until or date.max):
            raise ValidationError(
                _("%(hint)s Wählen Sie einen anderen Tag."), params={"hint": absence_hint(self.partner)}
            )
        return day

    def clean_place(self) -> str:
        """A room, a number or a web address; nothing that runs."""
        return clean_place(self.cleaned_data["place"])

    def clean(self) -> dict[str, Any]:
        """A moment that exists and is still to come; a place that goes with the way of meeting."""
        values = super().clean() or {}
        fits = FORMAT_OF.get(values.get("where", ""))
        if fits and values.get("format") not in (fits, None):
            self.add_error("where", WRONG_FORMAT[fits])
        if values.get("day") and values.get("time") is not None:
            starts_at = moment(values["day"], values["time"], self.zone)
            if starts_at is None:
                self.add_error("time", _("Diese Uhrzeit gibt es an diesem Tag nicht: Die Uhren werden umgestellt."))
            elif starts_at <= clock.now():
                self.add_error("time", _("Diese Uhrzeit ist schon vorbei. Wählen Sie eine spätere."))
            else:
                values["starts_at"] = starts_at
        return values

    def meeting(self) -> Meeting:
        """When, how and where, as the domain wants it."""
        values = self.cleaned_data
        ends_at = values["starts_at"] + timedelta(minutes=values["duration"])
        place = self.places.address(values.get("where") or TYPED, values["place"])
        return Meeting(values["starts_at"], ends_at, values["format"], place)

    def chosen_kind(self) -> str:
        """The kind chosen, or the only one possible."""
        return self.cleaned_data.get("kind") or (self.only_kind.value if self.only_kind else "")

    def say_taken(self) -> None:
        """Beside the time: somebody was faster, or one of the two is busy."""
        self.add_error("time", TAKEN)


def moment(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """The moment in UTC; None in the hour that is skipped in spring. In the hour that comes twice, the first."""
    local = datetime.combine(day, at, tzinfo=zone)
    there = local.astimezone(UTC)
    return there if there.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def absence_hint(person: User) -> str:
    """When the other one is away, in words; nothing when no absence is declared or it is over."""
    if not person.absent_from or person.absent_until and person.absent_until < clock.today():
        return ""
    words = {"name": person.name, "from": formats.date_format(person.absent_from, "MONTH_DAY_FORMAT")}
    if not person.absent_until:
        return gettext("%(name)s ist ab %(from)s abwesend.") % words
    return gettext("%(name)s ist vom %(from)s bis %(until)s abwesend.") % (
        words | {"until": formats.date_format(person.absent_until, "MONTH_DAY_FORMAT")}
    )


def day_hint(person: User, partner: User) -> str:
    """What to know before choosing a day: when the other one is away, and the holidays of either."""
    return " ".join(filter(None, (absence_hint(partner), holidays_ahead(person, partner))))


def initial_of(appointment: Appointment, zone: ZoneInfo) -> dict[str, Any]:
    """The form as the appointment stands."""
    local = appointment.starts_at.astimezone(zone)
    return {
        "sequence": appointment.sequence,
        "kind": appointment.kind,
        "day": local.date(),
        "time": local.time(),
        "duration": int(appointment.duration().total_seconds() // 60),
        "format": appointment.format,
        "place": appointment.place,
    }
