"""Forms of preparing and documenting."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from engagements.forms import words

LONG = 20_000
TOO_LONG = {"max_length": _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte, Ihr Text ist noch da.")}


class Typed(forms.CharField):
    """A text as it is being typed: spaces at its end are part of it, line ends are the same everywhere."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, error_messages=TOO_LONG, **kwargs)

    def to_python(self, value: Any) -> str:
        """With "\\n" for every line end."""
        return (super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")


class MergingForm(forms.Form):
    """A text that may be written in two places at once; `base` is what the page knew when it sent."""

    text = Typed(max_length=LONG)
    base = Typed(max_length=LONG)

    def known(self) -> str | None:
        """What the page knew; None for a page without the script."""
        return self.cleaned_data["base"] if "base" in self.data else None


class PartForm(MergingForm):
    """The learner's words in one part."""

    version = forms.IntegerField(min_value=1)


class ClosingSentenceForm(MergingForm):
    """The talk in one sentence."""

    text = Typed(max_length=1000)


class ObservationForm(forms.Form):
    """What the companion noticed; not what it means."""

    id = forms.UUIDField()
    part = forms.IntegerField(min_value=1, max_value=4)
    text = forms.CharField(
        max_length=2000, error_messages={**TOO_LONG, "required": _("Schreiben Sie, was Sie wahrgenommen haben.")}
    )


class SheetForm(forms.Form):
    """One's own sheet; which fields there are depends on who prepares and when."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    before = words(_("Meine Gedanken vor dem Gespräch"))
    questions = words(_("Fragen, die ich mitnehme"), rows=4)
    observations = words(_("Beobachtungen zum Spiegeln"), rows=4)
    reflection = words(_("Für meine Reflexion"), rows=2)

    def __init__(self, *args: Any, names: tuple[str, ...], learns: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in list(self.fields):
            if name not in names:
                del self.fields[name]
        if "observations" in self.fields and learns:
            self.fields["observations"].label = _("Was mir im Gespräch auffällt")
        if "before" in self.fields and not learns:
            self.fields["before"].label = _("Meine Haltung: Worauf möchte ich bei mir achten?")
            self.fields["questions"].help_text = _("Vermutungen schreiben Sie als Vermutung: „Vielleicht …?“")


class TopicForm(forms.Form):
    """What the learner would like to talk about."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    text = words(_("Worüber möchte ich sprechen?"))
    shared = forms.BooleanField(label=_("Meiner Begleitung schicken"), required=False)
