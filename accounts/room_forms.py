"""Forms about places: the video service of an agency."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from .forms import submit
from .rooms import IN_FULL, VideoService


class VideoServiceForm(forms.ModelForm):
    """Which service, and where; an empty address gives it up."""

    class Meta:
        model = VideoService
        fields = ("kind", "base")
        widgets = {
            "kind": forms.RadioSelect,
            "base": forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        }
        help_texts = {
            "base": _(
                "Mit https://. Für jedes Gespräch wird ein neuer, nicht zu erratender Name angehängt. Leer heißt: kein "
                "eigener Dienst, es gilt der einer übergeordneten Dienststelle."
            ),
        }
        error_messages = {"base": {"max_length": _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = VideoService.Kind.choices  # type: ignore[attr-defined]
        self.fields["base"].required = False
        self.helper = FormHelper()
        self.helper.layout = Layout("kind", "base", submit(_("Speichern")))

    def clean_base(self) -> str:
        """With its scheme; most people leave it out."""
        base: str = self.cleaned_data["base"].strip()
        if base and "://" not in base:
            raise forms.ValidationError(IN_FULL)
        return base
