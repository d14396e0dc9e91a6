"""Forms of questions: own ones, proposals to all, and those of the method owner."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from engagements.forms import layout
from engagements.models import Occasion
from lernbegleitung.audience import OwnWords, Seen

from .appointments import Kind
from .guide import GuidingQuestion
from .kept_questions import PLACES, OwnQuestion

LENGTH = 300
TOO_LONG = _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte, Ihr Text ist noch da.")
ONE_LANGUAGE = _("Schreiben Sie die Frage in mindestens einer der beiden Sprachen.")


def question_field(label: Any, *, missing: Any = "", private: bool = False, **also: Any) -> forms.CharField:
    """One question; `private`: shown only together with who reads it."""
    errors = {"max_length": TOO_LONG, **({"required": missing} if missing else {})}
    widget = forms.Textarea(attrs={"rows": 2, "class": "area-voice", "maxlength": False})
    make = OwnWords if private else forms.CharField
    return make(label=label, max_length=LENGTH, required=bool(missing), widget=widget, error_messages=errors, **also)


def place_field() -> forms.ChoiceField:
    """Where in a talk a question belongs."""
    wrong = _("Wählen Sie aus, wohin die Frage gehört.")
    return forms.ChoiceField(
        label=_("Wohin gehört sie?"), choices=PLACES, error_messages={"required": wrong, "invalid_choice": wrong}
    )


class OwnQuestionForm(forms.Form):
    """A question of one's own."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    text = question_field(_("Meine Frage"), missing=_("Schreiben Sie Ihre Frage."), private=True)
    part = place_field()

    def __init__(self, *args: Any, button: Any = _("Frage behalten"), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "id", "version", "text", "part", button=button)


class BothLanguages(forms.Form):
    """A question in German and English; one of them may be empty."""

    text_de = question_field(_("Auf Deutsch"))
    text_en = question_field(_("Auf Englisch"))
    part = place_field()

    def clean(self) -> dict[str, Any]:
        """One language at least."""
        values = super().clean() or {}
        if not self.errors and not values.get("text_de") and not values.get("text_en"):
            self.add_error("text_de", ONE_LANGUAGE)
        return values


class ProposalForm(BothLanguages):
    """An own question for all: from here on somebody else reads it, so the form says who."""

    text_de = question_field(_("Auf Deutsch"), private=True)
    text_en = question_field(_("Auf Englisch"), private=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("text_de", "text_en"):
            self.fields[name].seen = Seen(  # type: ignore[attr-defined]
                "shared", gettext("Sie und die Methodenverantwortung, mit Ihrem Namen, bis entschieden ist")
            )
        self.helper = layout(self, "text_de", "text_en", "part", button=_("Allen vorschlagen"))

    @staticmethod
    def initial_of(own: OwnQuestion, language: str) -> dict[str, str]:
        """The own words, in the language the person reads in."""
        return {f"text_{'en' if language.startswith('en') else 'de'}": own.text, "part": own.part}


class QuestionForm(BothLanguages):
    """A question for all: both languages, where it belongs, for which talks and occasions."""

    code = forms.SlugField(widget=forms.HiddenInput, required=False, max_length=20)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    text_de = question_field(_("Auf Deutsch"), missing=_("Schreiben Sie die Frage auf Deutsch."))
    text_en = question_field(_("Auf Englisch"), missing=_("Schreiben Sie die Frage auf Englisch."))
    kinds = forms.MultipleChoiceField(
        label=_("Für welche Gespräche?"),
        choices=Kind.choices,
        initial=[kind.value for kind in Kind],
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Wählen Sie mindestens eine Art von Gespräch."),
            "invalid_choice": _("Wählen Sie aus den genannten Gesprächen."),
        },
    )
    occasions = forms.MultipleChoiceField(
        label=_("Nur für bestimmte Anlässe?"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Kein Haken heißt: für jeden Anlass."),
        error_messages={"invalid_choice": _("Wählen Sie aus den genannten Anlässen.")},
    )

    def __init__(self, *args: Any, button: Any = _("Speichern"), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(occasion.code, str(occasion)) for occasion in Occasion.objects.all()]
        self.fields["occasions"].choices = known  # type: ignore[attr-defined]
        names = ("code", "version", "text_de", "text_en", "part", "kinds", "occasions")
        self.helper = layout(self, *names, button=button)

    @staticmethod
    def initial_of(question: GuidingQuestion) -> dict[str, Any]:
        """The values as they are."""
        names = ("text_de", "text_en", "part", "kinds", "occasions", "version")
        return {name: getattr(question, name) for name in names}
