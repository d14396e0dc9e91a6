"""Forms about companions."""

from __future__ import annotations

from typing import Any

from crispy_forms.layout import Fieldset
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User

from .companions import CompanionProfile, ConflictDeclaration, Format, Occasion
from .forms import check_absence, layout

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer = Fieldset(_("Was ich anbiete"), "about", "occasions", "formats", "languages")
        when = Fieldset(_("Wie viel und wann"), "capacity", "is_paused", "absent_from", "absent_until")
        self.helper = layout(self, offer, when, button=_("Speichern"))

    def clean(self) -> dict[str, Any]:
        """The absence ends after it begins."""
        return check_absence(self, super().clean() or {})

    @staticmethod
    def initial_of(profile: CompanionProfile, capacity: int) -> dict[str, Any]:
        """The values as they are."""
        person = profile.user
        return {
            "about": profile.about,
            "occasions": [occasion.pk for occasion in profile.occasions.all()],
            "formats": profile.formats,
            "languages": profile.languages,
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
