"""Forms about companions."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from crispy_forms.layout import Fieldset
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lernbegleitung import clock

from .companions import CompanionProfile, ConflictDeclaration, Format, Occasion, Setting
from .forms import check_absence, layout

MOST_PLACES, LONGEST_PLACE = 8, 80
FORMATS = [choice for choice in Format.choices if choice[0] != Format.ANY]


class OwnProfileForm(forms.Form):
    """What a companion offers, how much of it, and when not."""

    about = forms.CharField(
        label=_("Über mich"),
        required=False,
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3, "class": "area-voice"}),
        help_text=_("Zwei Sätze, die alle Angemeldeten lesen."),
    )
    occasions = forms.ModelMultipleChoiceField(
        label=_("Womit ich Erfahrung habe"),
        queryset=Occasion.objects.filter(is_active=True),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"row": True}),
    )
    formats = forms.MultipleChoiceField(
        label=_("Wie ich mich treffe"),
        choices=FORMATS,
        widget=forms.CheckboxSelectMultiple(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie mindestens eine Art aus.")},
    )
    languages = forms.MultipleChoiceField(
        label=_("Sprachen"),
        choices=User.Language.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie mindestens eine Sprache aus.")},
    )
    places = forms.CharField(
        label=_("Wo ich mich vor Ort treffe"),
        required=False,
        max_length=300,
        help_text=_("Orte, mit Komma getrennt. Leer heißt: am Ort der eigenen Dienststelle."),
    )
    settings = forms.MultipleChoiceField(
        label=_("Wie ich Treffen einrichten kann"),
        choices=Setting.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"row": True}),
        help_text=_("Wer das für seine Treffen braucht, findet Sie damit. Kreuzen Sie an, was Sie zusagen können."),
    )
    teaches = forms.BooleanField(
        label=_("Ich bin auch Lehrkraft"),
        required=False,
        help_text=_("Das steht an Ihrem Namen, damit Lernende beide Rollen kennen."),
    )
    capacity = forms.IntegerField(
        label=_("Wie viele Lernende begleiten Sie höchstens zugleich?"),
        min_value=0,
        max_value=12,
        help_text=_("Sie können die Zahl jederzeit senken. Laufende Begleitungen bleiben davon unberührt."),
        error_messages={
            "required": _("Tragen Sie eine Zahl von 0 bis 12 ein."),
            "invalid": _("Tragen Sie eine Zahl von 0 bis 12 ein."),
        },
    )
    is_paused = forms.BooleanField(label=_("Ich nehme gerade niemanden Neues an"), required=False)
    absent_from = forms.DateField(
        label=_("Abwesend ab"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    absent_until = forms.DateField(
        label=_("Abwesend bis"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, leaves: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.leaves = leaves
        offer = Fieldset(
            _("Was ich anbiete"), "about", "teaches", "occasions", "formats", "places", "settings", "languages"
        )
        when = Fieldset(_("Wie viel und wann"), "capacity", "is_paused", "absent_from", "absent_until")
        self.helper = layout(self, offer, when, button=_("Speichern"))

    def clean_places(self) -> list[str]:
        """The towns, each once, in the order they were written."""
        towns = [" ".join(town.split()) for town in re.split(r"[,;\n]", self.cleaned_data["places"])]
        found: dict[str, str] = {}
        for town in filter(None, towns):
            found.setdefault(town.casefold(), town)
        if len(found) > MOST_PLACES:
            raise forms.ValidationError(_("Höchstens %(n)s Orte, bitte."), params={"n": MOST_PLACES})
        if any(len(town) > LONGEST_PLACE for town in found.values()):
            raise forms.ValidationError(_("Trennen Sie die Orte mit einem Komma."))
        return list(found.values())

    def clean(self) -> dict[str, Any]:
        """The absence ends after it begins."""
        return check_absence(self, super().clean() or {})

    def clean_is_paused(self) -> bool:
        """Whoever has named a last day takes nobody new."""
        if self.leaves and not self.cleaned_data["is_paused"]:
            raise forms.ValidationError(
                _("Sie haben einen letzten Tag genannt. Nehmen Sie das zuerst unter „Aufhören“ zurück.")
            )
        return bool(self.cleaned_data["is_paused"])

    @staticmethod
    def initial_of(profile: CompanionProfile, capacity: int) -> dict[str, Any]:
        """The values as they are."""
        person = profile.user
        return {
            "about": profile.about,
            "occasions": [occasion.pk for occasion in profile.occasions.all()],
            "formats": profile.formats,
            "languages": profile.languages,
            "places": ", ".join(profile.places),
            "settings": profile.settings,
            "teaches": profile.teaches,
            "is_paused": profile.is_paused,
            "capacity": capacity,
            "absent_from": person.absent_from,
            "absent_until": person.absent_until,
        }


class ExclusionForm(forms.Form):
    """Somebody with whom the person cannot work (a rule), or does not want to (a silent no)."""

    email = forms.EmailField(
        label=_("Dienstliche E-Mail-Adresse der Person"),
        error_messages={
            "required": _("Um wen geht es? Tragen Sie die E-Mail-Adresse ein."),
            "invalid": _("Das ist keine vollständige E-Mail-Adresse."),
        },
    )
    rule = forms.ChoiceField(
        label=_("Welche Verbindung besteht?"),
        choices=ConflictDeclaration.Rule.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Wählen Sie aus, was Sie verbindet.")},
    )

    def __init__(self, *args: Any, silent: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if silent:
            del self.fields["rule"]
        self.silent = silent


class QualificationForm(forms.ModelForm):
    """Until when a companion is qualified."""

    class Meta:
        model = CompanionProfile
        fields = ("qualified_until", "in_training")
        widgets = {"qualified_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        labels = {"in_training": _("Noch in Ausbildung, mit Supervision")}
        error_messages = {"qualified_until": {"invalid": _("Schreiben Sie das Datum zum Beispiel so: 31.12.2027.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "qualified_until", "in_training", button=_("Speichern"))

    def clean_qualified_until(self) -> date | None:
        """Not in a far away century."""
        day: date | None = self.cleaned_data["qualified_until"]
        if day and abs(day.year - clock.today().year) > 20:
            raise forms.ValidationError(_("Dieser Tag liegt sehr weit weg. Wählen Sie einen näheren."))
        return day


class LeavingForm(forms.Form):
    """The last day as a companion."""

    leaves_on = forms.DateField(
        label=_("Ihr letzter Tag als Begleitung"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Heute oder später. Ein paar Wochen helfen beim Abschließen."),
        error_messages={
            "required": _("Tragen Sie den Tag ein."),
            "invalid": _("Schreiben Sie das Datum zum Beispiel so: 31.12.2027."),
        },
    )

    def clean_leaves_on(self) -> date:
        """Not over yet, and within two years."""
        day: date = self.cleaned_data["leaves_on"]
        if day < clock.today():
            raise forms.ValidationError(_("Dieser Tag ist schon vorbei. Wählen Sie einen späteren."))
        if day > clock.today() + timedelta(days=730):
            raise forms.ValidationError(_("Das ist weit weg. Wählen Sie einen Tag in den nächsten zwei Jahren."))
        return day


class SubstituteForm(forms.Form):
    """Whom to ask to stand in."""

    email = forms.EmailField(
        label=_("Dienstliche E-Mail-Adresse der Lernbegleitung"),
        error_messages={
            "required": _("Um wen geht es? Tragen Sie die E-Mail-Adresse ein."),
            "invalid": _("Das ist keine vollständige E-Mail-Adresse."),
        },
    )
