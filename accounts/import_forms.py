"""The form by which a file is brought in."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from lernbegleitung import ids

from .forms import submit
from .import_reading import MOST_BYTES
from .imports import ImportFile


class ImportForm(forms.Form):
    """Which kind of file, and the file. `pk` is the import to be, so that sending twice is sending once."""

    pk = forms.UUIDField(widget=forms.HiddenInput, required=False)
    art = forms.ChoiceField(
        label=_("Was steht in der Datei?"),
        choices=ImportFile.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Wählen Sie aus, was in der Datei steht.")},
    )
    file = forms.FileField(
        label=_("Datei"),
        max_length=255,
        help_text=_("CSV mit Überschriften in der ersten Zeile, höchstens 5 MB und 20.000 Zeilen."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
        error_messages={
            "required": _("Wählen Sie die Datei aus."),
            "empty": _("Die Datei ist leer."),
            "invalid": _("Wählen Sie die Datei aus."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.layout = Layout("pk", "art", "file", submit(_("Hochladen und ansehen")))

    def clean_pk(self) -> Any:
        """A new one where the page brought none."""
        return self.cleaned_data["pk"] or ids.new_id()

    def clean_file(self) -> UploadedFile:
        """Not larger than can be looked over at once."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MOST_BYTES:
            raise forms.ValidationError(_("Die Datei ist größer als 5 MB. Teilen Sie sie auf."))
        return file
