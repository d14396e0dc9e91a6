"""Forms of the page “Kalender und Termine”: what a person settles once for all talks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import TalkSettings
from engagements.forms import layout

from .places import clean_place

TOO_LONG = {"max_length": _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte.")}


class TalkSettingsForm(forms.ModelForm):
    """One's usual link and number."""

    class Meta:
        model = TalkSettings
        fields = ("own_link", "own_phone")
        widgets = {
            "own_link": forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
            "own_phone": forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel-national"}),
        }
        help_texts = {
            "own_link": _("Ein Raum, den Sie immer nutzen. Beginnt mit https://."),
            "own_phone": _("Unter der man Sie für ein Gespräch am Telefon erreicht."),
        }
        error_messages = {"own_link": TOO_LONG, "own_phone": TOO_LONG}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "own_link", "own_phone", button=_("Speichern"))
        self.helper.form_action = "conversations:calendars"

    def clean_own_link(self) -> str:
        """A whole https address."""
        link = clean_place(self.cleaned_data["own_link"])
        if link and (not link.startswith("https://") or " " in link):
            raise ValidationError(_("Der Link beginnt mit https://, zum Beispiel: https://video.example.org/raum."))
        return link

    def clean_own_phone(self) -> str:
        """A number, not a link."""
        number = " ".join(self.cleaned_data["own_phone"].split())
        if number and not any(sign.isdigit() for sign in number):
            raise ValidationError(_("Das ist keine Rufnummer. Sie sieht zum Beispiel so aus: 0821 123456."))
        return number
