"""Forms of closing and of what comes after: securing, the look back, the unlinked rating."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from crispy_forms.layout import Fieldset
from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .actions.closing import Secured
from .forms import layout, words
from .goals import Goal, GoalState
from .ratings import ITEMS, Help
from .transfer import Months, TransferAnswer, TransferCheck


class QuietChoice(forms.ChoiceField):
    """A choice that need not be made: saying nothing is one of the answers, so it is not called voluntary."""

    def __init__(self, *, silent: str = "", looks: str = "row", **kwargs: Any) -> None:
        super().__init__(widget=forms.RadioSelect(attrs={looks: True}), initial=silent, **kwargs)
        self.silent = silent

    def clean(self, value: Any) -> str:
        """The chosen value, or what silence means."""
        return str(super().clean(value)) if value else self.silent


class Wishes(forms.TypedMultipleChoiceField):
    """Shows what is not wished for yet; a wish that was sent twice is no mistake."""

    def valid_value(self, value: Any) -> bool:
        """Any of the possible months."""
        return value in {str(number) for number in Months.values}


class ToldForm(forms.Form):
    """For the companion: the learner knows."""

    told = forms.BooleanField(
        label=_("Ich habe das mit der lernenden Person besprochen."),
        error_messages={
            "required": _("Sprechen Sie zuerst miteinander. Die lernende Person soll es von Ihnen erfahren.")
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "told", button=_("Abschließen"))


class SecuringForm(forms.Form):
    """What the learner takes along; nothing of it has to be filled in."""

    use_required_attribute = False
    GOAL_STATES = (
        (GoalState.REACHED.value, GoalState.REACHED.label),
        (GoalState.LET_GO.value, GoalState.LET_GO.label),
        (GoalState.OPEN.value, _("bleibt offen")),
    )
    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    ticket = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100)
    keep = words(
        _("Was nehmen Sie mit?"), help_text=_("Ein Satz genügt. Sie finden ihn später bei Ihren Erkenntnissen.")
    )
    as_rule = forms.BooleanField(
        label=_("Auch als Faustregel behalten, damit der Satz nach dem Löschen bleibt"), required=False, initial=True
    )
    helped = words(_("Was hat Ihnen geholfen?"), rows=2)
    months = Wishes(
        label=_("Möchten Sie später noch einmal darauf zurückschauen?"),
        choices=Months.choices,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"row": True}),
        help_text=_("Dann kommt eine kurze Nachricht ohne Inhalt. Die Antwort braucht eine Minute."),
    )
    sentence = words(_("Was möchten Sie bis dahin noch tun?"), rows=2)

    def __init__(self, *args: Any, goals: Iterable[Goal], wished: set[int], button: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.goals = {f"goal-{goal.pk}": goal for goal in goals}
        for name, goal in self.goals.items():
            self.fields[name] = QuietChoice(label=goal.title, choices=self.GOAL_STATES, silent=GoalState.OPEN.value)
        left = [choice for choice in Months.choices if choice[0] not in wished]
        self.fields["months"].choices = left  # type: ignore[attr-defined]
        parts = [Fieldset(_("Was ich mitnehme"), "keep", "as_rule", "helped")]
        if self.goals:
            parts.append(Fieldset(_("Meine offenen Ziele"), *self.goals))
        if left:
            parts.append(Fieldset(_("Ein Blick zurück"), "months", "sentence"))
        else:
            del self.fields["months"], self.fields["sentence"]
        self.helper = layout(self, "id", "ticket", *parts, button=button)

    def clean(self) -> dict[str, Any]:
        """A sentence for later needs a later."""
        values = super().clean() or {}
        if values.get("sentence") and not values.get("months") and "months" not in self.errors:
            self.add_error(
                "months", _("Wann möchten Sie daran erinnert werden? Sonst lassen Sie den Satz darunter weg.")
            )
        return values

    def secured(self, new_id: uuid.UUID) -> Secured:
        """What was filled in, as the domain wants it."""
        values = self.cleaned_data
        return Secured(
            pk=values["id"] or new_id,
            keep=values["keep"],
            as_rule=values["as_rule"],
            helped=values["helped"],
            goals={goal.pk: GoalState(values[name]) for name, goal in self.goals.items()},
            months=frozenset(values.get("months", ())),
            sentence=values.get("sentence", ""),
            token=values["ticket"],
        )


class TransferForm(forms.Form):
    """The look back, in a minute."""

    answer = forms.ChoiceField(
        label=_("Und heute?"),
        choices=TransferAnswer.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Wählen Sie eine der Antworten. Jede ist gut.")},
    )
    words = words(_("Möchten Sie etwas dazu festhalten?"), rows=2)
    as_rule = forms.BooleanField(label=_("Diesen Satz als Faustregel behalten"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "answer", "words", "as_rule", button=_("Festhalten"))

    @staticmethod
    def initial_of(check: TransferCheck) -> dict[str, Any]:
        """What was said so far."""
        return {"answer": check.answer, "words": check.words}


STATEMENTS: dict[str, str | Promise] = {
    "clarity": _("Mir wurde klarer, was ich erreichen möchte."),
    "usefulness": _("Diese Art zu arbeiten hat mir genützt."),
    "confidentiality": _("Ich konnte vertraulich sprechen."),
    "own_solution": _("Ich habe eine eigene Lösung gefunden."),
    "again": _("Ich würde Lernbegleitung wieder nutzen."),
}
SCALE = [*((str(number), str(number)) for number in range(1, 6)), ("", _("sage ich nicht"))]


class BenefitForm(forms.Form):
    """Five statements from 1 to 5, and what helped, from a closed list."""

    use_required_attribute = False
    helped = forms.MultipleChoiceField(
        label=_("Was hat geholfen?"),
        choices=Help.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"row": True}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ITEMS:
            self.fields[name] = QuietChoice(label=STATEMENTS[name], choices=SCALE, looks="scale")
        self.helper = layout(self, *ITEMS, "helped", button=_("Ohne Namen absenden"))

    def clean(self) -> dict[str, Any]:
        """Nothing said is no rating."""
        values = super().clean() or {}
        if not self.errors and not any(values.values()):
            raise forms.ValidationError(_("Wählen Sie mindestens eine Antwort, oder lassen Sie es für jetzt."))
        return values

    def numbers(self) -> dict[str, int | None]:
        """The five answers; None: not said."""
        return {name: int(self.cleaned_data[name]) if self.cleaned_data[name] else None for name in ITEMS}
