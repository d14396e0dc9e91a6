"""Forms about people, agencies and invitations; they hand over domain values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.forms import LoginForm
from allauth.mfa.adapter import get_adapter as second_factors
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from cryptography.exceptions import UnsupportedAlgorithm
from django import forms
from django.contrib.auth import password_validation
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock

from .people import Agency, User
from .roles import Role

NAME_MISSING = {"required": _("Tragen Sie den Namen ein, so wie er angezeigt werden soll.")}
EMAIL_ERRORS = {
    "required": _("Tragen Sie die E-Mail-Adresse ein."),
    "invalid": _("Das ist keine vollständige E-Mail-Adresse. Sie sieht zum Beispiel so aus: name@arbeitsagentur.de."),
}


class SignInForm(LoginForm):
    """The login; what was typed before the session ended comes along, sealed (accounts/drafting.py)."""

    held = forms.CharField(widget=forms.HiddenInput, required=False, max_length=400_000)

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        """Lay it aside until the person is signed in, which a second factor may delay."""
        if self.cleaned_data["held"]:
            request.session["held"] = self.cleaned_data["held"]
        return super().login(request, redirect_url=redirect_url)


class AgencyChoice(forms.ModelChoiceField):
    """Agencies in the order of the tree, indented by their depth."""

    def label_from_instance(self, obj: Any) -> str:
        """The name, after two dashes for each level above it."""
        return f"{'– ' * (obj.path.count('/') - 2)}{obj.name}"


def submit(label: Any) -> Submit:
    """The one primary button of a form."""
    return Submit("save", label)


class InvitationForm(forms.Form):
    """Whom to invite, for which agency, as what."""

    email = forms.EmailField(label=_("E-Mail-Adresse"), max_length=254, error_messages=EMAIL_ERRORS)
    name = forms.CharField(label=_("Name"), max_length=120, error_messages=NAME_MISSING)
    agency = AgencyChoice(
        label=_("Dienststelle"),
        queryset=Agency.objects.none(),
        empty_label=_("Bitte wählen"),
        error_messages={"required": _("Wählen Sie die Dienststelle aus.")},
    )
    role = forms.ChoiceField(label=_("Rolle"), required=False, widget=forms.RadioSelect)
    language = forms.ChoiceField(
        label=_("Sprache der Einladung"), choices=User.Language.choices, widget=forms.RadioSelect, initial="de"
    )

    def __init__(self, *args: Any, agencies: Any, roles: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = agencies  # type: ignore[attr-defined]
        choices = [("", _("Lernende Person")), *((r.value, r.label) for r in Role if r.value in roles)]
        self.fields["role"].choices = choices  # type: ignore[attr-defined]
        self.helper = FormHelper()
        self.helper.layout = Layout("email", "name", "agency", "role", "language", submit(_("Einladung senden")))


class AcceptForm(forms.Form):
    """The invited person's own name and password; the address is fixed by the invitation."""

    name = forms.CharField(
        label=_("Ihr Name"),
        max_length=120,
        error_messages=NAME_MISSING,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Passwort"),
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Mindestens zwölf Zeichen. Ein Satz, den nur Sie kennen, ist gut zu merken."),
        error_messages={"required": _("Denken Sie sich ein Passwort aus.")},
    )
    language = forms.ChoiceField(label=_("Sprache"), choices=User.Language.choices, widget=forms.RadioSelect)
    read = forms.BooleanField(
        label=_("Ich habe gelesen, wer meine Angaben sieht."),
        error_messages={"required": _("Bestätigen Sie, dass Sie den Hinweis gelesen haben.")},
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email
        self.helper = FormHelper()
        self.helper.layout = Layout("name", "password", "language", "read", submit(_("Konto anlegen")))

    def clean_password(self) -> str:
        """Long enough, not common, not the own name or address."""
        password = self.cleaned_data["password"]
        password_validation.validate_password(password, User(email=self.email, name=self.cleaned_data.get("name", "")))
        return password


class ProfileForm(forms.ModelForm):
    """What a person sets about themselves."""

    class Meta:
        model = User
        fields = ("name", "job", "team", "language")
        widgets = {"language": forms.RadioSelect}
        error_messages = {"name": NAME_MISSING}
        help_texts = {
            "team": _("Ein kurzes Kürzel genügt. Wer im selben Team arbeitet, wird Ihnen nicht vorgeschlagen."),
            "job": _("Zum Beispiel: Arbeitsvermittlung U25. Ihre Begleitung und die Koordination sehen das."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.layout = Layout("name", "job", "team", "language", submit(_("Speichern")))


class GrantForm(forms.Form):
    """A role for a person, for an agency and all below, for a time."""

    role = forms.ChoiceField(
        label=_("Rolle"),
        choices=Role.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Wählen Sie die Rolle aus.")},
    )
    agency = AgencyChoice(
        label=_("Für die Dienststelle und alle darunter"), queryset=Agency.objects.none(), empty_label=None
    )
    ends_on = forms.DateField(
        label=_("Bis"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Leer heißt: bis auf Weiteres."),
        error_messages={"invalid": _("Schreiben Sie das Datum zum Beispiel so: 31.12.2027.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = Agency.objects.open().in_tree_order()  # type: ignore[attr-defined]
        self.helper = FormHelper()
        self.helper.layout = Layout("role", "agency", "ends_on", submit(_("Rolle geben")))

    def clean_ends_on(self) -> Any:
        """Not before today."""
        day = self.cleaned_data["ends_on"]
        if day and day < clock.today():
            raise forms.ValidationError(_("Dieser Tag ist schon vorbei. Wählen Sie einen späteren."))
        return day


class AgencyForm(forms.ModelForm):
    """A new agency, or a changed one; where it hangs in the tree is chosen once."""

    parent = AgencyChoice(
        label=_("Gehört zu"),
        queryset=Agency.objects.none(),
        empty_label=_("Bitte wählen"),
        error_messages={"required": _("Wählen Sie aus, wozu die Dienststelle gehört.")},
    )

    class Meta:
        model = Agency
        fields = ("name", "code", "kind", "parent", "state", "city")
        help_texts = {"code": _("Ein kurzes Wort ohne Leerzeichen, zum Beispiel: augsburg.")}
        error_messages = {"name": {"required": _("Tragen Sie den Namen der Dienststelle ein.")}}

    state = forms.ChoiceField(label=_("Bundesland"), help_text=_("Danach richten sich die Feiertage."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"].queryset = Agency.objects.open().in_tree_order()  # type: ignore[attr-defined]
        self.fields["state"].choices = STATES  # type: ignore[attr-defined]
        if self.instance.pk:
            del self.fields["parent"]
        self.helper = FormHelper()
        names = ("name", "code", "kind", "parent", "state", "city")
        self.helper.layout = Layout(*(n for n in names if n in self.fields), submit(_("Speichern")))


STATES = [
    ("BW", "Baden-Württemberg"), ("BY", "Bayern"), ("BE", "Berlin"), ("BB", "Brandenburg"), ("HB", "Bremen"),
    ("HH", "Hamburg"), ("HE", "Hessen"), ("MV", "Mecklenburg-Vorpommern"), ("NI", "Niedersachsen"),
    ("NW", "Nordrhein-Westfalen"), ("RP", "Rheinland-Pfalz"), ("SL", "Saarland"), ("SN", "Sachsen"),
    ("ST", "Sachsen-Anhalt"), ("SH", "Schleswig-Holstein"), ("TH", "Thüringen"),
]  # fmt: skip


class ReadsPasskeys:
    """What a browser sends of a passkey is read by allauth and fido2; what they stumble over is no passkey."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """An error of reading becomes a message of the form."""
        try:
            yield
        except forms.ValidationError:
            raise
        except (KeyError, IndexError, AttributeError, TypeError, ValueError, UnsupportedAlgorithm):
            raise second_factors().validation_error("incorrect_code") from None


class PasskeyForm(ReadsPasskeys, AddWebAuthnForm):
    """A name for the passkey, so that one knows it again, and whether it stands in for the password too."""

    name = forms.CharField(
        label=_("Name des Passkeys"),
        required=False,
        max_length=60,
        help_text=_("Damit Sie ihn wiedererkennen, zum Beispiel: Diensthandy."),
    )
    passwordless = forms.BooleanField(
        label=_("Damit auch ohne Passwort anmelden"),
        required=False,
        initial=True,
        help_text=_("Das Gerät fragt dann nach Fingerabdruck, Gesicht oder PIN."),
    )

    def clean(self) -> dict[str, Any]:
        """The passkey is one, and answers what this session has asked."""
        with self.reading():
            return super().clean()


class PasskeyAtLogin(ReadsPasskeys, LoginWebAuthnForm):
    """Signing in with a passkey alone."""

    def clean_credential(self) -> Any:
        """It belongs to somebody, and answers what this session has asked."""
        with self.reading():
            return super().clean_credential()


class PasskeyAsSecondFactor(ReadsPasskeys, AuthenticateWebAuthnForm):
    """A passkey after the password."""

    def clean_credential(self) -> Any:
        """It belongs to this person, and answers what this session has asked."""
        with self.reading():
            return super().clean_credential()


class PasskeyOnceMore(ReadsPasskeys, ReauthenticateWebAuthnForm):
    """A passkey to confirm what matters."""

    def clean_credential(self) -> Any:
        """It belongs to this person, and answers what this session has asked."""
        with self.reading():
            return super().clean_credential()
