"""Forms of the page “Kalender und Termine”: what a person settles once for all talks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import TalkSettings
from engagements.forms import layout

from .fetching import may_be_fetched
from .places import clean_place

TOO_LONG = {"max_length": _("Das sind mehr als %(limit_value)d Zeichen. Kürzen Sie bitte.")}


class TalkSettingsForm(forms.ModelForm):
    """One's usual link and number, and when one is reminded."""

    alarm_minutes = forms.TypedChoiceField(
        label=_("Wann soll der Kalendereintrag klingeln?"),
        choices=[(0, _("gar nicht")), *TalkSettings.Alarm.choices],
        coerce=lambda minutes: int(minutes) or None,
        widget=forms.RadioSelect(attrs={"row": True}),
        help_text=_("Gilt für Kalendereinträge, die Sie ab jetzt bekommen."),
    )

    class Meta:
        model = TalkSettings
        fields = ("own_link", "own_phone", "remind", "alarm_minutes")
        widgets = {
            "remind": forms.RadioSelect,
            "own_link": forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
            "own_phone": forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel-national"}),
        }
        help_texts = {
            "remind": _(
                "Zu Ihrer Uhrzeit, zusammen mit allem anderen von diesem Tag, mit einem Link zum Vorbereiten. Ohne "
                "Inhalte, höchstens einmal."
            ),
            "own_link": _("Ein Raum, den Sie immer nutzen. Beginnt mit https://."),
            "own_phone": _("Unter der man Sie für ein Gespräch am Telefon erreicht."),
        }
        error_messages = {"own_link": TOO_LONG, "own_phone": TOO_LONG}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["remind"].choices = TalkSettings.Remind.choices  # type: ignore[attr-defined]
        self.initial["alarm_minutes"] = self.instance.alarm_minutes or 0
        self.helper = layout(self, "own_link", "own_phone", "remind", "alarm_minutes", button=_("Speichern"))
        self.helper.form_action = "conversations:calendars"

    def clean_own_link(self) -> str:
        """A whole https address."""
        link = clean_place(self.cleaned_data["own_link"])
        if link and (not link.startswith("https://") or " " in link):
            raise ValidationError(_("Der Link beginnt mit https://, zum Beispiel: https://video.example.org/raum."))
        return link

    def clean_own_phone(self) -> str:
        """A number, not a link."""
        number = " ".join(self.cleaned_data["own_phone"].split())
        if number and not any(sign.isdigit() for sign in number):
            raise ValidationError(_("Das ist keine Rufnummer. Sie sieht zum Beispiel so aus: 0821 123456."))
        return number


class BusyCalendarForm(forms.Form):
    """The address under which one's own calendar is published. Whether it can be fetched is for the worker to find out."""

    address = forms.CharField(
        label=_("ICS-Adresse meines Kalenders"),
        max_length=1000,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Beginnt mit https:// oder webcal:// und endet oft auf .ics."),
        error_messages={
            **TOO_LONG,
            "required": _("Fügen Sie die Adresse ein, unter der Ihr Kalender veröffentlicht ist."),
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = layout(self, "address", button=_("Kalender verbinden"))
        self.helper.form_action = "conversations:busy_calendar"

    def clean_address(self) -> str:
        """An https address; nothing is looked up or fetched here."""
        address: str = self.cleaned_data["address"].strip()
        if address.lower().startswith(("webcal://", "webcals://")):
            address = "https://" + address.partition("://")[2]
        if not may_be_fetched(address):
            raise ValidationError(_("Die Adresse beginnt mit https:// oder webcal:// und enthält kein Passwort."))
        return address
