"""Forms of steps, reviews, journal and reminders."""

from __future__ import annotations

from datetime import date
from typing import Any

from crispy_forms.layout import Fieldset
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from lernbegleitung import clock

from .actions.steps import TEXTS
from .forms import Fold, check_absence, layout, words
from .journal import Mood
from .steps import LearningStep, StepState

DATE_WRONG = {
    "required": _("Wählen Sie einen Tag."),
    "invalid": _("Schreiben Sie das Datum zum Beispiel so: 1.12.2026."),
}


class FutureDate(forms.DateField):
    """A day from today on, typed the German way or picked. A day that stood there before stays allowed."""

    known: date | None = None

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        formats = ["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y"]
        super().__init__(widget=widget, input_formats=formats, error_messages=DATE_WRONG, **kwargs)

    def clean(self, value: Any) -> date | None:
        """Not in the past, and not in a far away century."""
        day = super().clean(value)
        if day and day < clock.today() and day != self.known:
            raise forms.ValidationError(_("Dieser Tag ist schon vorbei. Wählen Sie heute oder einen späteren Tag."))
        if day and day.year > clock.today().year + 3:
            raise forms.ValidationError(_("Dieser Tag liegt sehr weit weg. Wählen Sie einen näheren."))
        return day


class StepForm(forms.Form):
    """A small try-out at work, as an if-then plan."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    what = words(
        _("Was möchten Sie ausprobieren?"),
        rows=2,
        required=True,
        missing=_("Schreiben Sie kurz, was Sie ausprobieren möchten."),
        help_text=_("Etwas Kleines in Ihrer eigenen Arbeit."),
    )
    cue = words(
        _("Wenn … (der Moment, der Sie daran erinnert)"),
        rows=2,
        help_text=_("Zum Beispiel: Wenn im Teamgespräch eine Pause entsteht,"),
    )
    action = words(_("… dann werde ich"), rows=2, help_text=_("Zum Beispiel: dann zähle ich innerlich bis drei."))
    where = words(_("Wo?"), rows=1)
    obstacle = words(_("Was könnte Sie in diesem Moment abhalten?"), rows=2)
    help = words(_("Was brauchen Sie von wem?"), rows=2)
    due_on = FutureDate(label=_("Bis wann?"))
    remind = forms.BooleanField(
        label=_("Erinnern Sie mich an diesem Tag"),
        required=False,
        help_text=_("Eine kurze Nachricht ohne Inhalt, höchstens zweimal."),
    )
    shared = forms.BooleanField(label=_("Meine Begleitung darf diesen Schritt sehen"), required=False)

    def __init__(self, *args: Any, button: Any = _("Schritt planen"), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plan = Fieldset(_("Der Schritt"), "what", "cue", "action")
        more = Fieldset(_("Wenn Sie mögen, genauer"), "where", "obstacle", "help")
        when = Fieldset(_("Wann"), "due_on", "remind", "shared")
        self.helper = layout(self, "id", "version", plan, when, more, button=button)

    @staticmethod
    def initial_of(step: LearningStep) -> dict[str, Any]:
        """The values as they are."""
        values: dict[str, Any] = {name: getattr(step, name) for name in TEXTS}
        return values | {
            "due_on": step.due_on,
            "remind": step.remind,
            "shared": bool(step.shared_at),
            "version": step.version,
        }


class ReviewForm(forms.Form):
    """What came of a step. Every answer is a good one."""

    STATES = [
        (StepState.DONE, _("Ich habe es gemacht")),
        (StepState.TRIED, _("Ich habe es versucht, es hat nicht geklappt")),
        (StepState.DROPPED, _("Ich lasse es")),
    ]
    NEXT = [
        ("", _("Das entscheide ich später")),
        ("bigger", _("etwas Größeres")),
        ("smaller", _("etwas Kleineres")),
        ("different", _("etwas anderes")),
    ]
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    state = forms.ChoiceField(
        label=_("Wie ging es aus?"),
        choices=STATES,
        widget=forms.RadioSelect,
        error_messages={"required": _("Wählen Sie aus, wie es ausging. Jede Antwort ist gut.")},
    )
    happened = words(_("Was geschah?"), help_text=_("Erzählen Sie es wie einen kurzen Film."))
    surprised = words(_("Was hat Sie überrascht?"), rows=2)
    keep = words(_("Was nehmen Sie mit?"), rows=2, help_text=_("Zum Beispiel eine Faustregel."))
    next = forms.ChoiceField(
        label=_("Und der nächste Schritt?"), choices=NEXT, required=False, widget=forms.RadioSelect(attrs={"row": True})
    )
    shared = forms.BooleanField(label=_("Meine Begleitung darf das lesen"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(
            self, "version", "state", "happened", "surprised", "keep", "next", "shared", button=_("Sichern")
        )

    def texts(self) -> dict[str, str]:
        """The learner's words."""
        return {name: self.cleaned_data[name] for name in ("happened", "surprised", "keep")}


class LaterForm(forms.Form):
    """Another day."""

    due_on = FutureDate(label=_("Neuer Tag"))


class TapForm(forms.Form):
    """What a row of Heute or Lernschritte sends with one tap; `former` is the day to go back to."""

    due_on = FutureDate(required=False)
    former = forms.DateField(required=False)
    version = forms.IntegerField(required=False)

    def clean_former(self) -> date | None:
        """A day that a step can have stood on."""
        day: date | None = self.cleaned_data["former"]
        if day and abs(day.year - clock.today().year) > 3:
            raise forms.ValidationError(_("Dieser Tag liegt sehr weit weg. Wählen Sie einen näheren."))
        return day


class JournalForm(forms.Form):
    """One entry; private unless said otherwise."""

    AUDIENCE = [("me", _("Nur ich")), ("pair", _("Auch meine Begleitung"))]
    id = forms.UUIDField(widget=forms.HiddenInput)
    text = words(_("Was ist mir aufgefallen?"), required=True, missing=_("Schreiben Sie mindestens ein Wort."))
    audience = forms.ChoiceField(
        label=_("Wer darf das lesen?"), choices=AUDIENCE, initial="me", widget=forms.RadioSelect
    )

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    mood = forms.ChoiceField(
        label=_("Wie war es?"),
        choices=[("", _("sage ich nicht")), *Mood.choices],
        required=False,
        widget=forms.RadioSelect(attrs={"row": True}),
    )
    about = forms.ChoiceField(label=_("Wozu gehört es?"), required=False)

    def __init__(self, *args: Any, things: list[tuple[str, str]], changes: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["about"].choices = [("", _("zu nichts Bestimmtem")), *things]  # type: ignore[attr-defined]
        more = Fold(_("Wie war es, und wozu gehört es?"), "mood", *(("about",) if things else ()))
        button = _("Speichern") if changes else _("Eintrag sichern")
        if changes:
            del self.fields["id"]
        names = ("version",) if changes else ("id",)
        self.helper = layout(self, *names, "text", more, "audience", button=button)
        if not changes:
            self.helper.form_action = "engagements:journal"


class RuleForm(forms.Form):
    """A rule of thumb: one sentence to remember."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    text = words(
        _("Faustregel"),
        rows=2,
        required=True,
        missing=_("Schreiben Sie einen Satz, den Sie behalten möchten."),
        help_text=_("Zum Beispiel: Vierte ist auch früh."),
    )

    def __init__(self, *args: Any, button: Any = _("Behalten"), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "id", "version", "text", button=button)


DAYS = [
    ("0", _("Montag")),
    ("1", _("Dienstag")),
    ("2", _("Mittwoch")),
    ("3", _("Donnerstag")),
    ("4", _("Freitag")),
    ("5", _("Samstag")),
    ("6", _("Sonntag")),
]


class ReminderSettingsForm(forms.Form):
    """When I want to hear from the application."""

    reminder_hour = forms.TypedChoiceField(
        label=_("Um welche Uhrzeit?"), coerce=int, choices=[(h, f"{h}:00") for h in range(8, 16)]
    )
    work_days = forms.MultipleChoiceField(
        label=_("An welchen Tagen arbeite ich?"),
        choices=DAYS,
        widget=forms.CheckboxSelectMultiple(attrs={"row": True}),
        error_messages={"required": _("Wählen Sie mindestens einen Arbeitstag aus.")},
    )
    absent_from = forms.DateField(
        label=_("Abwesend ab"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages=DATE_WRONG,
    )
    absent_until = forms.DateField(
        label=_("Abwesend bis"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages=DATE_WRONG,
    )

    mail_style = forms.ChoiceField(
        label=_("Was steht in den Nachrichten?"),
        choices=User.MailStyle.choices,
        widget=forms.RadioSelect,
        help_text=_(
            "Ihre eigenen Worte stehen nie in einer E-Mail: Vertretungen lesen mit, und was verschickt ist, kann niemand "
            "mehr löschen. Sie lesen sie mit einem Klick nach der Anmeldung."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ("reminder_hour", "work_days", "absent_from", "absent_until", "mail_style")
        self.helper = layout(self, *names, button=_("Speichern"))

    def clean(self) -> dict[str, Any]:
        """The absence ends after it begins."""
        return check_absence(self, super().clean() or {})

    def values(self) -> dict[str, Any]:
        """The columns of the person."""
        data = self.cleaned_data
        bits = sum(1 << int(day) for day in data["work_days"])
        return {
            "reminder_hour": data["reminder_hour"],
            "work_days": bits,
            "absent_from": data["absent_from"],
            "absent_until": data["absent_until"],
            "mail_style": data["mail_style"],
        }

    @staticmethod
    def initial_of(user: User) -> dict[str, Any]:
        """The settings as they are."""
        days = [str(day) for day in range(7) if user.work_days >> day & 1]
        return {
            "reminder_hour": user.reminder_hour,
            "work_days": days,
            "absent_from": user.absent_from,
            "absent_until": user.absent_until,
            "mail_style": user.mail_style,
        }
