"""Forms of goals and of how they feel."""

from __future__ import annotations

from datetime import date
from typing import Any

from crispy_forms.layout import Fieldset
from django import forms
from django.utils.translation import gettext_lazy as _

from .actions.goals import TEXTS
from .forms import Fold, layout, words
from .goals import LEVEL_NAMES, LEVELS, Goal
from .step_forms import FutureDate

LEVEL_LABELS = (
    _("−2: so wie am Anfang"),
    _("−1: ein Stück davon"),
    _("0: das wäre gut"),
    _("+1: besser als gedacht"),
    _("+2: viel besser als gedacht"),
)
SCALE = [("", "–"), *((str(number), str(number)) for number in range(11))]


class GoalForm(forms.Form):
    """One sentence is enough; everything else is for those who want it."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    title = words(
        _("Was ist mein Ziel?"),
        rows=2,
        required=True,
        missing=_("Schreiben Sie Ihr Ziel in einem Satz."),
        help_text=_("Etwas, das Sie selbst tun können. Zum Beispiel: In jeder Besprechung einmal früh etwas sagen."),
    )
    signs = words(_("Woran merke ich, dass ich auf dem Weg bin?"))
    target_on = FutureDate(label=_("Bis wann ungefähr?"), required=False)
    shared = forms.BooleanField(label=_("Meine Begleitung darf dieses Ziel sehen"), required=False)

    def __init__(
        self, *args: Any, button: Any = _("Ziel festhalten"), known_day: date | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target_on"].known = known_day  # type: ignore[attr-defined]
        for name, label in zip(LEVEL_NAMES, LEVEL_LABELS, strict=True):
            self.fields[name] = words(label, rows=1)
        scale = Fold(_("Eine eigene Skala in fünf Stufen"), *LEVEL_NAMES)
        when = Fieldset(_("Wann, und wer"), "target_on", "shared")
        self.helper = layout(self, "id", "version", "title", "signs", scale, when, button=button)

    @staticmethod
    def initial_of(goal: Goal) -> dict[str, Any]:
        """The values as they are."""
        values: dict[str, Any] = {name: getattr(goal, name) for name in TEXTS}
        return values | {"target_on": goal.target_on, "shared": bool(goal.shared_at), "version": goal.version}


class RatingForm(forms.Form):
    """How it feels today, 0 to 10; each of the answers may be left out."""

    importance = forms.ChoiceField(
        label=_("Wie wichtig ist es mir heute?"), choices=SCALE, required=False,
        help_text=_("0: gar nicht, 10: nichts ist wichtiger"),
    )  # fmt: skip
    confidence = forms.ChoiceField(
        label=_("Wie zuversichtlich bin ich heute?"), choices=SCALE, required=False,
        help_text=_("0: gar nicht, 10: ganz und gar"),
    )  # fmt: skip
    level = forms.ChoiceField(label=_("Wo stehe ich auf meiner Skala?"), required=False)

    def __init__(self, *args: Any, goal: Goal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        steps = [(str(number), f"{number:+d}" if number else "0") for number in LEVELS]
        self.fields["level"].choices = [("", "–"), *steps]  # type: ignore[attr-defined]
        names = ["importance", "confidence", *(["level"] if goal.levels() else [])]
        if not goal.levels():
            del self.fields["level"]
        self.helper = layout(self, *names, button=_("Für heute festhalten"))
