"""The one form of the direct line."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .forms import layout, words


class LineForm(forms.Form):
    """A message without content of the work together."""

    id = forms.UUIDField(widget=forms.HiddenInput)
    text = words(
        _("Ihre Nachricht"),
        help_text=_("Ohne Inhalt der Begleitung: nur, was die Koordination wissen muss, um zu helfen."),
        rows=5,
        required=True,
        missing=_("Schreiben Sie mindestens ein Wort."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "id", "text", button=_("Senden"))
