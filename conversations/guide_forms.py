"""The form of a guide's draft: words in both languages and first questions for each of the four parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crispy_forms.layout import Fieldset
from django import forms
from django.utils.translation import gettext_lazy as _

from engagements.forms import layout

from .guide import PARTS, GuidingQuestion
from .guide_versions import LANGUAGES, TEXTS, Section

LABELS = {
    "title_de": _("Überschrift auf Deutsch"), "title_en": _("Überschrift auf Englisch"),
    "aim_de": _("Worum es geht, auf Deutsch"), "aim_en": _("Worum es geht, auf Englisch"),
    "hint_de": _("Hinweis auf Deutsch"), "hint_en": _("Hinweis auf Englisch"),
}  # fmt: skip
LENGTHS = {"title": 80, "aim": 200, "hint": 400}
TOO_LONG = _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte, Ihr Text ist noch da.")
MISSING = _("Schreiben Sie etwas in beiden Sprachen.")


class GuideForm(forms.Form):
    """Four parts, always four. A hint may be left out in both languages, or stand in both."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, questions: Iterable[GuidingQuestion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows, groups = list(questions), []
        for part in PARTS:
            names = [f"p{part.number}_{name}_{language}" for name in TEXTS for language in LANGUAGES]
            for name in names:
                self.fields[name] = self._words(name.partition("_")[2])
            asked = f"p{part.number}_questions"
            self.fields[asked] = forms.MultipleChoiceField(
                label=_("Fragen, die gleich dastehen"),
                choices=[(row.code, str(row)) for row in rows if row.part == str(part.number)],
                required=False,
                widget=forms.CheckboxSelectMultiple,
                help_text=_("Die übrigen sind einen Klick entfernt. Drei bis fünf sind gut zu überblicken."),
                error_messages={"invalid_choice": _("Wählen Sie aus den genannten Fragen.")},
            )
            groups.append(Fieldset(f"{part.number}. {part.title}", *names, asked))
        self.helper = layout(self, "version", *groups, button=_("Entwurf sichern"))

    @staticmethod
    def _words(name: str) -> forms.CharField:
        kind = name.partition("_")[0]
        widget = forms.TextInput if kind == "title" else forms.Textarea(attrs={"rows": 2, "maxlength": False})
        return forms.CharField(
            label=LABELS[name], max_length=LENGTHS[kind], required=kind != "hint", widget=widget,
            error_messages={"max_length": TOO_LONG, "required": MISSING},
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """A hint in one language only would be missing in the other."""
        values = super().clean() or {}
        for part in PARTS:
            de, en = (f"p{part.number}_hint_{language}" for language in LANGUAGES)
            if bool(values.get(de)) != bool(values.get(en)) and not {de, en} & set(self.errors):
                self.add_error(en if values.get(de) else de, MISSING)
        return values

    def sections(self) -> list[Section]:
        """What a version stores."""
        names = [f"{name}_{language}" for name in TEXTS for language in LANGUAGES] + ["questions"]
        return [{name: self.cleaned_data[f"p{part.number}_{name}"] for name in names} for part in PARTS]

    @staticmethod
    def initial_of(sections: list[Section]) -> dict[str, Any]:
        """The words of a version."""
        pairs = zip(PARTS, sections, strict=True)
        return {f"p{part.number}_{name}": value for part, section in pairs for name, value in section.items()}
