"""Forms of occasions and programmes, in both languages."""

from __future__ import annotations

from datetime import date
from typing import Any

from crispy_forms.layout import Fieldset
from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.forms import AgencyChoice
from accounts.models import Agency

from .actions.programmes import FRAME, SUGGESTED
from .companions import Occasion
from .forms import layout
from .programmes import Programme, ProgrammeVersion

TOO_LONG = _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte, Ihr Text ist noch da.")
MISSING = _("Schreiben Sie etwas in beiden Sprachen.")
DAY = _("Schreiben Sie das Datum zum Beispiel so: 31.12.2027.")


def text(label: Any, longest: int, *, rows: int = 1, required: bool = True, help_text: Any = "") -> forms.CharField:
    """A field for words that everybody may read."""
    widget: Any = (
        forms.Textarea(attrs={"rows": rows, "maxlength": False})
        if rows > 1
        else forms.TextInput(attrs={"maxlength": False})
    )
    return forms.CharField(
        label=label, max_length=longest, required=required, widget=widget, help_text=help_text,
        error_messages={"max_length": TOO_LONG, "required": MISSING},
    )  # fmt: skip


def number(label: Any, least: int, most: int, *, help_text: Any = "") -> forms.IntegerField:
    """A whole number from `least` to `most`, or nothing."""
    wrong = format_lazy(
        _("Schreiben Sie eine ganze Zahl von {least} bis {most}, oder lassen Sie das Feld frei."),
        least=least,
        most=most,
    )
    return forms.IntegerField(
        label=label, required=False, min_value=least, max_value=most, help_text=help_text,
        error_messages={"invalid": wrong, "min_value": wrong, "max_value": wrong},
    )  # fmt: skip


def day(label: Any, help_text: Any = "") -> forms.DateField:
    """A day, or none."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(
        label=label, required=False, widget=widget, help_text=help_text, error_messages={"invalid": DAY}
    )


class OccasionForm(forms.Form):
    """What an occasion is called. `code` makes a form that is sent twice one occasion."""

    code = forms.SlugField(widget=forms.HiddenInput, required=False, max_length=40)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name_de = text(_("Name auf Deutsch"), 80)
    name_en = text(_("Name auf Englisch"), 80)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "code", "version", "name_de", "name_en", button=_("Speichern"))

    def names(self) -> dict[str, str]:
        """Both names."""
        return {name: self.cleaned_data[name] for name in ("name_de", "name_en")}


class ProgrammeForm(forms.Form):
    """For whom and when, and what it suggests to a pair."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name_de = text(_("Name auf Deutsch"), 80)
    name_en = text(_("Name auf Englisch"), 80)
    about_de = text(_("Worum es geht, auf Deutsch"), 400, rows=3)
    about_en = text(_("Worum es geht, auf Englisch"), 400, rows=3)
    occasion = forms.ModelChoiceField(
        label=_("Anlass"), queryset=Occasion.objects.all(), empty_label=_("Bitte wählen"),
        help_text=_("Danach wird nach Begleitungen mit Erfahrung gesucht, wenn die lernende Person keinen anderen nennt."),
        error_messages={"required": _("Wählen Sie den Anlass aus."), "invalid_choice": _("Wählen Sie einen der Anlässe aus.")},
    )  # fmt: skip
    agency = AgencyChoice(
        label=_("Für welche Dienststelle?"), queryset=Agency.objects.none(), empty_label=_("Bitte wählen"),
        help_text=_("Das Programm gilt auch für alle Dienststellen darunter, ein Pilot nur für diese eine."),
        error_messages={"required": _("Wählen Sie die Dienststelle aus.")},
    )  # fmt: skip
    is_pilot = forms.BooleanField(
        label=_("Das ist ein Pilot: in einer Dienststelle, für eine bestimmte Zeit"), required=False
    )
    starts_on = day(_("Anfragen ab"))
    ends_on = day(
        _("Anfragen bis"),
        _("Danach kommen keine neuen Anfragen dazu. Was schon läuft, geht bis zu seinem Ende weiter."),
    )
    places = number(
        _("Plätze zugleich in jeder Region"), 1, 999,
        help_text=_("So viele Begleitungen darf das Programm in einer Region zugleich belegen. Weitere Anfragen warten, damit für "
                    "selbst gewählte Anliegen Plätze bleiben. Leer heißt: keine Grenze."),
    )  # fmt: skip
    introduction_expected = forms.BooleanField(
        label=_("Ein Kennenlernen gehört zum Programm"), required=False,
        help_text=_("Nie mehr als das: Nach dem Kennenlernen darf jede Person „Nein, danke“ sagen, ohne Grund und ohne dass "
                    "jemand davon erfährt."),
    )  # fmt: skip
    weeks = number(_("Wochen zwischen zwei Gesprächen"), 1, 26)
    talks = number(_("Gespräche, ungefähr"), 1, 30)
    first_guide = forms.ChoiceField(
        label=_("Womit beginnt das erste Gespräch?"), choices=ProgrammeVersion.FirstGuide.choices, widget=forms.RadioSelect,
        initial=ProgrammeVersion.FirstGuide.INTRODUCTION,
    )  # fmt: skip
    purpose_de = text(_("Vorschlag für „Wozu treffen wir uns?“ auf Deutsch"), 400, rows=2, required=False)
    purpose_en = text(_("Vorschlag für „Wozu treffen wir uns?“ auf Englisch"), 400, rows=2, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = Agency.objects.open().in_tree_order()  # type: ignore[attr-defined]
        self.helper = layout(
            self, "id", "version",
            Fieldset(_("Was es ist"), "name_de", "name_en", "about_de", "about_en", "occasion"),
            Fieldset(_("Für wen und wie lange"), "agency", "is_pilot", "starts_on", "ends_on", "places", "introduction_expected"),
            Fieldset(_("Was es den beiden vorschlägt"), "weeks", "talks", "first_guide", "purpose_de", "purpose_en"),
            button=_("Speichern"),
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """An end after the start, a pilot with both, and a suggestion in both languages or in none."""
        values = super().clean() or {}
        starts, ends = values.get("starts_on"), values.get("ends_on")
        if starts and ends and ends < starts:
            self.add_error("ends_on", _("Das Ende liegt vor dem Anfang."))
        if values.get("is_pilot"):
            self._needs_day("starts_on", starts, _("Ein Pilot braucht einen Anfang."))
            self._needs_day("ends_on", ends, _("Ein Pilot braucht ein Ende."))
        purposes = ("purpose_de", "purpose_en")
        if bool(values.get("purpose_de")) != bool(values.get("purpose_en")) and not {*purposes} & set(self.errors):
            self.add_error("purpose_en" if values.get("purpose_de") else "purpose_de", MISSING)
        return values

    def _needs_day(self, name: str, value: date | None, words: Any) -> None:
        if not value and name not in self.errors:
            self.add_error(name, words)

    def in_words(self, name: str, value: Any) -> str:
        """A stored value of a field, as it is shown beside what was typed."""
        if isinstance(value, bool):
            return gettext("Ja") if value else gettext("Nein")
        return str(
            dict(ProgrammeVersion.FirstGuide.choices).get(value, value) if name == "first_guide" else value or ""
        )

    @staticmethod
    def initial_of(programme: Programme, last: ProgrammeVersion) -> dict[str, Any]:
        """The form as it is stored."""
        frame = {name: getattr(programme, name) for name in FRAME}
        return frame | {name: getattr(last, name) for name in SUGGESTED} | {"version": programme.version}
