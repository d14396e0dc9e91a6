"""Forms of preparing and documenting."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from engagements.forms import Fold, layout, words
from engagements.step_forms import StepForm

from .afterwards import TalkCheck
from .conversation import Observation
from .merging import lines_of

LONG = 20_000
TOO_LONG = {"max_length": _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte, Ihr Text ist noch da.")}


class Typed(forms.CharField):
    """A text as it is being typed: spaces at its end are part of it, line ends are the same everywhere."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, error_messages=TOO_LONG, **kwargs)

    def to_python(self, value: Any) -> str:
        """With "\\n" for every line end."""
        return lines_of(super().to_python(value) or "")


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


class OfferForm(forms.Form):
    """What the companion noticed, apart from what it may mean; or a wording for the record."""

    id = forms.UUIDField()
    part = forms.IntegerField(min_value=1, max_value=4)
    what = forms.ChoiceField(choices=Observation.What.choices)
    text = forms.CharField(
        max_length=2000,
        error_messages={**TOO_LONG, "required": _("Schreiben Sie, was Sie wahrgenommen haben oder vorschlagen.")},
    )
    meaning = forms.CharField(max_length=2000, required=False, error_messages=TOO_LONG)

    def clean(self) -> dict[str, Any]:
        """What one makes of it goes with what one has seen, not with a wording."""
        values = super().clean() or {}
        if values.get("meaning") and values.get("what") == Observation.What.SUGGESTION:
            words = _("Zu einem Vorschlag gehört keine Deutung. Löschen Sie sie, oder bieten Sie eine Beobachtung an.")
            self.add_error("meaning", words)
        return values


class AnswerForm(forms.Form):
    """What the learner makes of an offer."""

    WORDS: ClassVar = {
        "take": Observation.Answer.TAKEN,
        "idea": Observation.Answer.IDEA,
        "drop": Observation.Answer.DROPPED,
    }
    answer = forms.ChoiceField(choices=[(word, word) for word in WORDS])
    text = forms.CharField(
        max_length=2000,
        required=False,
        error_messages=TOO_LONG,
    )

    def clean(self) -> dict[str, Any]:
        """Changed to nothing is not taken."""
        values = super().clean() or {}
        if (
            "text" in self.data
            and values.get("answer") != "drop"
            and not values.get("text")
            and "text" not in self.errors
        ):
            self.add_error("text", _("Schreiben Sie, was ins Protokoll soll, oder wählen Sie „Nicht übernehmen“."))
        return values

    def chosen(self) -> str:
        """The answer as it is stored."""
        return str(self.WORDS[self.cleaned_data["answer"]])

    def words(self) -> str | None:
        """The changed words; None to take them as they were offered."""
        return self.cleaned_data["text"] or None


class IdeaForm(forms.Form):
    """One idea, in the learner's words."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    text = words(
        _("Was könnte anders gehen?"),
        rows=2,
        required=True,
        longest=2000,
        missing=_("Schreiben Sie die Idee in wenigen Worten auf."),
    )

    def __init__(self, *args: Any, button: Any = _("Idee festhalten"), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "id", "version", "text", button=button)


class DeskStepForm(StepForm):
    """A step planned during the talk: what and by when; the rest for those who want it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="schritt-%s", **kwargs)
        self.fields["due_on"].help_text = _("An diesem Tag erinnern wir Sie, wenn Sie mögen.")
        more = Fold(_("Genauer: wenn, dann, wo, mit wem"), "cue", "action", "where", "obstacle", "help")
        self.helper = layout(self, "id", "what", "due_on", more, "remind", "shared", button=_("Schritt planen"))
        self.helper.form_tag, self.helper.disable_csrf = False, True


class AdditionForm(forms.Form):
    """What is added to a record both have agreed to."""

    id = forms.UUIDField(widget=forms.HiddenInput)
    text = words(
        _("Was möchten Sie nachtragen oder richtigstellen?"),
        required=True,
        missing=_("Schreiben Sie, was Sie nachtragen möchten."),
        help_text=_("Mit Ihrem Namen und dem heutigen Tag. Was beide vereinbart haben, bleibt unverändert stehen."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "id", "text", button=_("Nachtragen"))


class CheckForm(forms.Form):
    """One's own look at a talk; every answer may stay open."""

    QUESTIONS: ClassVar = {
        "goal_clear": _("Ist unser Ziel klar?"),
        "way_helps": _("Hilft mir diese Art zu arbeiten?"),
        "asked": _("Ich habe gefragt, statt zu raten."),
        "listened": _("Ich habe zugehört und Pausen ausgehalten."),
        "mirrored": _("Ich habe gespiegelt, was ich gehört habe, ohne es zu deuten."),
    }
    note = words(_("Darauf achte ich beim nächsten Mal"), rows=2)

    def __init__(self, *args: Any, learns: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = TalkCheck.LEARNER if learns else TalkCheck.COMPANION
        for name in names:
            self.fields[name] = forms.ChoiceField(
                label=self.QUESTIONS[name],
                choices=[*TalkCheck.Says.choices, ("", _("Keine Angabe"))],
                required=False,
                widget=forms.RadioSelect(attrs={"row": True}),
            )
        self.order_fields([*names, "note"])
        self.helper = layout(self, *names, "note", button=_("Für mich sichern"))


class FeedbackForm(forms.Form):
    """What one tells the other about the talk."""

    id = forms.UUIDField(widget=forms.HiddenInput)
    text = words(
        _("Was möchten Sie der anderen Person sagen?"),
        required=True,
        missing=_("Schreiben Sie Ihre Rückmeldung, oder lassen Sie dieses Feld einfach leer und gehen weiter."),
        help_text=_("Zum Beispiel: was Ihnen geholfen hat, und was Sie sich anders wünschen."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "id", "text", button=_("Rückmeldung geben"))


class SheetForm(forms.Form):
    """One's own sheet; which fields there are depends on who prepares and when."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    before = words(_("Meine Gedanken vor dem Gespräch"))
    questions = words(_("Fragen, die ich mitnehme"), rows=4)
    hypotheses = words(
        _("Meine Vermutungen"),
        rows=2,
        help_text=_("Nur als Vermutung: „Vielleicht …?“ Die lernende Person kann Auskunft darüber verlangen."),
    )
    observations = words(_("Beobachtungen zum Spiegeln"), rows=4)
    reflection = words(_("Für meine Reflexion"), rows=2)

    def __init__(self, *args: Any, names: tuple[str, ...], learns: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in list(self.fields):
            if name not in names:
                del self.fields[name]
        for name in {"observations", "reflection"} & self.fields.keys():
            self.fields[name].strip = False  # type: ignore[attr-defined]  # saved while it is being typed
        if "observations" in self.fields and learns:
            self.fields["observations"].label = _("Was mir im Gespräch auffällt")
        if "before" in self.fields and not learns:
            self.fields["before"].label = _("Meine Haltung: Worauf möchte ich bei mir achten?")
            self.fields["before"].help_text = _("Es geht um Sie selbst; 30 Tage nach dem Abschluss wird es gelöscht.")


class TopicForm(forms.Form):
    """What the learner would like to talk about."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    text = words(_("Worüber möchte ich sprechen?"))
    shared = forms.BooleanField(label=_("Meiner Begleitung schicken"), required=False)
