"""Forms of the way from a wish to an agreement; they hand over domain values."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any
from uuid import UUID

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Fieldset, Layout, Submit
from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Agency
from lernbegleitung import clock
from lernbegleitung.audience import OwnWords

from .companions import ConflictDeclaration, Format, Occasion, Setting
from .engagement import Engagement
from .programmes import ProgrammeVersion

LONG = 4000


def words(
    label: Any, *, rows: int = 3, required: bool = False, help_text: Any = "", missing: Any = "", longest: int = LONG
) -> OwnWords:
    """A field for the person's own words, of at most `longest` characters."""
    errors = {"max_length": _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte, Ihr Text ist noch da.")}
    if missing:
        errors["required"] = missing
    widget = forms.Textarea(attrs={"rows": rows, "class": "area-voice", "maxlength": False})
    return OwnWords(
        label=label, max_length=longest, required=required, help_text=help_text, widget=widget, error_messages=errors
    )


class Fold(Fieldset):
    """Fields that are there for those who want them, folded away for the others; open once one says something."""

    template = "lb/layout/fold.html"
    opened = False

    def render(self, form: forms.BaseForm, *args: Any, **kwargs: Any) -> Any:
        """Open when one of the fields has a value or an error."""
        self.opened = any(form[name].value() or form[name].errors for name in self.fields)
        return super().render(form, *args, **kwargs)


def layout(form: forms.BaseForm, *names: Any, button: Any) -> FormHelper:
    """Fields in order, then one primary button."""
    helper = FormHelper(form)
    helper.layout = Layout(*names, Submit("save", button))
    return helper


def stand_again(form: forms.BaseForm, **hidden: object) -> None:
    """Let a form that was sent stand there once more as it was typed, with these hidden fields as they are now."""
    data = form.data.copy()  # type: ignore[union-attr]
    for name, value in hidden.items():
        data[name] = str(value)
    form.data = data


def check_absence(form: forms.BaseForm, values: dict[str, Any]) -> dict[str, Any]:
    """Say beside the field what is wrong with `absent_from` and `absent_until`."""
    begins, ends = values.get("absent_from"), values.get("absent_until")
    if ends and not begins:
        form.add_error("absent_from", _("Ab wann sind Sie abwesend?"))
    if begins and ends and ends < begins:
        form.add_error("absent_until", _("Das Ende liegt vor dem Anfang."))
    return values


class ConcernForm(forms.Form):
    """Page one: what. One sentence is enough."""

    id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False, initial=0)
    ability = words(
        _("Was möchten Sie in Ihrer Arbeit besser können?"),
        required=True,
        help_text=_("Ein Satz genügt. Zum Beispiel: Ich möchte Rückmeldungen ruhig und klar ansprechen."),
        missing=_("Schreiben Sie in einem Satz, was Sie besser können möchten."),
    )
    situation = words(
        _("In welcher Situation ist Ihnen das zuletzt begegnet?"),
        rows=4,
        help_text=_("Bitte ohne Angaben über Kundinnen und Kunden."),
    )
    signs = words(_("Woran würden Sie oder andere merken, dass es besser gelingt?"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "id", "version", "ability", "situation", "signs", button=_("Weiter"))

    def texts(self) -> dict[str, str]:
        """The learner's words."""
        return {name: self.cleaned_data[name] for name in ("ability", "situation", "signs")}


class WhyForm(forms.Form):
    """Page two: why now; and whether a programme belongs to it, where one is open. The own concern comes first."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False, initial=0)
    why_now = words(_("Warum gerade jetzt?"))
    occasion = forms.ModelChoiceField(
        label=_("Was ist der Anlass?"),
        queryset=Occasion.objects.filter(is_active=True),
        widget=forms.RadioSelect(attrs={"row": True}),
        empty_label=None,
        error_messages={
            "required": _("Wählen Sie den Anlass aus."),
            "invalid_choice": _("Wählen Sie einen der Anlässe aus."),
        },
    )

    programme = forms.ChoiceField(
        label=_("Gehört ein Programm dazu?"),
        required=False,
        widget=forms.RadioSelect,
        help_text=_(
            "Das Anliegen bleibt Ihres. Den Namen des Programms sehen die Koordination, wenn sie für Sie sucht, und wen Sie um "
            "Begleitung bitten. Wer das Programm verantwortet, erfährt nicht, dass Sie dabei sind."
        ),
        error_messages={
            "invalid_choice": _("Dieses Programm nimmt gerade keine Anfragen an. Wählen Sie ein anderes oder keines.")
        },
    )

    def __init__(
        self, *args: Any, programmes: Iterable[ProgrammeVersion] = (), full: Collection[UUID] = (), **kwargs: Any
    ) -> None:
        """`programmes`: the current versions of the open ones; `full`: those that have no place left in the region."""
        super().__init__(*args, **kwargs)
        self.versions = {str(version.programme_id): version for version in programmes}
        names = ["version", "why_now", "occasion", "programme"]
        if self.versions:
            choices = [(pk, _described(one, full=one.programme_id in full)) for pk, one in self.versions.items()]
            self.fields["programme"].choices = [("", _("Nein, es geht allein um mein Anliegen")), *choices]  # type: ignore[attr-defined]
        else:
            del self.fields[names.pop()]
        self.helper = layout(self, *names, button=_("Weiter"))

    def clean(self) -> dict[str, Any]:
        """Without an occasion of one's own, the programme's."""
        values = super().clean() or {}
        values["programme"] = self.versions.get(values.get("programme") or "")
        if values["programme"] and not values.get("occasion") and not self.data.get("occasion"):
            values["occasion"] = values["programme"].occasion
            self.errors.pop("occasion", None)
        return values

    def wishes(self) -> dict[str, Any]:
        """Occasion and programme, as the engagement keeps them."""
        version: ProgrammeVersion | None = self.cleaned_data["programme"]
        return {"occasion": self.cleaned_data["occasion"], "programme": version.programme if version else None}


def _described(version: ProgrammeVersion, *, full: bool) -> SafeString:
    """A programme to choose: its name, what it is about, and what one should know before."""
    lines = [version.about()]
    if version.introduction_expected:
        lines.append(
            gettext("Ein Kennenlernen gehört dazu. Danach dürfen Sie „Nein, danke“ sagen, ohne Grund und ohne Spur.")
        )
    if full:
        lines.append(
            gettext(
                "Gerade sind alle Plätze vergeben. Ihre Anfrage würde warten; ohne Programm geht sie gleich weiter."
            )
        )
    pilot = format_html(' <span class="tag tag-sky">{}</span>', gettext("Pilot")) if version.programme.is_pilot else ""
    below = format_html_join("", '<br><span class="fine">{}</span>', ([line] for line in lines))
    return format_html("<b>{}</b>{}{}", version.programme, pilot, below)


class WishesForm(forms.ModelForm):
    """Page three: wishes for the companion, and who shall look for one."""

    SEARCH = [
        ("coordination", _("Die Koordination schlägt mir bis zu drei Personen vor")),
        ("myself", _("Ich wähle selbst im Verzeichnis")),
    ]
    needs = forms.MultipleChoiceField(
        label=_("Was brauchen die Treffen?"),
        choices=Setting.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"row": True}),
        help_text=_(
            "Vorgeschlagen wird nur, wer das alles einrichten kann. Das sehen Sie, die Koordination, solange sie sucht, und wen Sie fragen. Warum Sie es brauchen, fragt niemand."
        ),
    )
    search = forms.ChoiceField(
        label=_("Wie möchten Sie Ihre Begleitung finden?"),
        choices=SEARCH,
        widget=forms.RadioSelect,
        initial="coordination",
    )
    agency = forms.ModelChoiceField(
        label=_("Welche Koordination soll suchen?"),
        queryset=Agency.objects.none(),
        empty_label=None,
        required=False,
        help_text=_(
            "Voreingestellt ist die Koordination, die für Ihre Dienststelle zuständig ist. Sie können auch eine andere wählen."
        ),
    )
    consent = forms.BooleanField(
        label=_(
            "Die Koordination darf meinen Namen, meine Dienststelle, den Anlass und diese Wünsche sehen. Meine Worte sieht sie nicht."
        ),
        required=False,
    )

    class Meta:
        model = Engagement
        fields = ("wish", "format", "spoken", "earliest_start", "trainee_welcome", "needs")
        labels = {"spoken": _("In welcher Sprache möchten Sie sprechen?")}
        widgets = {
            "wish": forms.RadioSelect,
            "format": forms.RadioSelect(attrs={"row": True}),
            "spoken": forms.RadioSelect(attrs={"row": True}),
            "earliest_start": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }
        help_texts = {"earliest_start": _("Wenn es Ihnen gleich ist, lassen Sie das Feld frei.")}
        error_messages = {"earliest_start": {"invalid": _("Schreiben Sie das Datum zum Beispiel so: 1.12.2026.")}}

    def __init__(
        self, *args: Any, coordinations: list[int], nearest: Agency | None, may_choose: bool = True, **kwargs: Any
    ) -> None:
        """`may_choose`: whether the learner may ask somebody from the directory directly."""
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["agency"].queryset = Agency.objects.filter(pk__in=coordinations).in_tree_order()
        fields["agency"].initial = nearest.pk if nearest else None
        if not may_choose:
            fields["search"].choices = self.SEARCH[:1]
        fields["format"].choices = Format.choices
        fields["earliest_start"].required = False
        needs = Fold(_("Was die Treffen brauchen"), "needs")
        names = ["wish", "format", "spoken", "earliest_start", "trainee_welcome"]
        self.helper = layout(self, *names, needs, "search", "agency", "consent", button=_("Anfrage senden"))

    def clean_earliest_start(self) -> date | None:
        """Not in the past."""
        day = self.cleaned_data["earliest_start"]
        if day and day < clock.today():
            raise forms.ValidationError(
                _("Dieser Tag ist schon vorbei. Wählen Sie einen späteren oder lassen Sie das Feld frei.")
            )
        return day

    def clean(self) -> dict[str, Any]:
        """The coordination is told only with the learner's consent."""
        values = super().clean() or {}
        if values.get("search") == "coordination":
            if not values.get("consent"):
                self.add_error(
                    "consent",
                    _("Ohne Ihr Einverständnis kann die Koordination nicht suchen. Sie können auch selbst wählen."),
                )
            if not values.get("agency"):
                self.add_error("agency", _("Wählen Sie aus, welche Koordination suchen soll."))
        return values

    def wishes(self) -> dict[str, Any]:
        """The values of the engagement's own fields."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


NO_CONFLICT = _(
    "Mir ist kein Rollenkonflikt bekannt: keine Führungs-, Prüfungs- oder Personalverantwortung in den letzten 24 Monaten und nicht dasselbe Team."
)


class NoConflictForm(forms.Form):
    """The declaration that nothing speaks against this pair."""

    no_conflict = forms.BooleanField(
        label=NO_CONFLICT,
        error_messages={"required": _("Bestätigen Sie das bitte, oder geben Sie unten an, was dagegen spricht.")},
    )


class ConflictForm(forms.Form):
    """What speaks against it: the rule, no more."""

    rule = forms.ChoiceField(
        label=_("Was verbindet Sie?"),
        choices=ConflictDeclaration.Rule.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Wählen Sie aus, was dagegen spricht.")},
    )


class AgreementForm(forms.Form):
    """The frame in the words of the two."""

    id = forms.UUIDField(widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput)
    purpose = words(
        _("Wozu treffen wir uns?"),
        required=True,
        missing=_("Schreiben Sie kurz, wozu Sie sich treffen."),
        help_text=_("Kein Leistungsziel. Wozu Sie sich Zeit füreinander nehmen."),
    )
    rhythm = words(
        _("Wie oft und wo?"), rows=2, help_text=_("Zum Beispiel: etwa alle drei Wochen eine Stunde, meist per Video.")
    )
    additions = words(_("Was ist uns noch wichtig?"), rows=2)
    programme_version = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ("id", "version", "programme_version", "purpose", "rhythm", "additions")
        self.helper = layout(self, *names, button=_("Speichern und annehmen"))

    def texts(self) -> dict[str, str]:
        """The words of the agreement."""
        return {name: self.cleaned_data[name] for name in ("purpose", "rhythm", "additions")}
