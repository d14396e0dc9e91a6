"""Forms about agencies that change."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from .actions.agencies import has_room_for
from .forms import AgencyChoice, submit
from .people import Agency, RoleGrant, User


class _OtherAgency(forms.Form):
    """One of the open agencies that are neither this one nor below it."""

    other = AgencyChoice(
        label="",
        queryset=Agency.objects.none(),
        empty_label=_("Bitte wählen"),
        error_messages={"required": _("Wählen Sie die Dienststelle aus.")},
    )
    button = _("Ansehen, was sich ändert")

    def __init__(self, *args: Any, agency: Agency, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agency = agency
        others = Agency.objects.open().exclude(path__startswith=agency.path)
        self.fields["other"].queryset = others.in_tree_order()  # type: ignore[attr-defined]
        self.helper = FormHelper()
        self.helper.layout = Layout("other", submit(self.button))

    def clean_other(self) -> Agency:
        """It may have moved below this one since the page was shown."""
        other: Agency = self.cleaned_data["other"]
        if not has_room_for(self.agency, other):
            raise forms.ValidationError(_("Dort kann die Dienststelle nicht hängen."))
        return other


class MoveForm(_OtherAgency):
    """Where it is to hang."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["other"].label = _("Wozu soll sie künftig gehören?")


class MergeForm(_OtherAgency):
    """What it goes up into."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["other"].label = _("In welche Dienststelle soll sie aufgehen?")


class WhatGoesOverForm(forms.Form):
    """Which roles are to hold for the other agency, and whether the free days do."""

    keep = forms.ModelMultipleChoiceField(
        label=_("Diese Rollen gelten künftig für die andere Dienststelle"),
        queryset=RoleGrant.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Ohne Haken endet die Rolle. Die Rollen der Lernbegleitenden gehen immer mit."),
    )
    free_days = forms.BooleanField(label=_("Die eigenen freien Tage gelten künftig auch dort"), required=False)

    def __init__(self, *args: Any, roles: list[RoleGrant], free_days: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        keep: Any = self.fields["keep"]
        keep.queryset = RoleGrant.objects.filter(pk__in=[grant.pk for grant in roles]).select_related("user")
        keep.label_from_instance = lambda grant: f"{grant.user.name}: {grant.get_role_display()}"
        if not roles:
            del self.fields["keep"]
        if not free_days:
            del self.fields["free_days"]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(*self.fields)


class TransferForm(forms.Form):
    """To which agency a person changes."""

    agency = AgencyChoice(
        label=_("Zu welcher Dienststelle gehört die Person künftig?"),
        queryset=Agency.objects.none(),
        empty_label=_("Bitte wählen"),
        error_messages={"required": _("Wählen Sie die Dienststelle aus.")},
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Agency.objects.open().exclude(pk=person.agency_id)
        self.fields["agency"].queryset = others.in_tree_order()  # type: ignore[attr-defined]
        self.helper = FormHelper()
        self.helper.layout = Layout("agency", submit(_("Ansehen, was sich ändert")))


class RolesToEndForm(forms.Form):
    """Which roles end with the change."""

    end = forms.ModelMultipleChoiceField(
        label=_("Diese Rollen enden mit dem Wechsel"),
        queryset=RoleGrant.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Ohne Haken gelten sie weiter, auch für die bisherige Dienststelle."),
    )

    def __init__(self, *args: Any, roles: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["end"].queryset = roles  # type: ignore[attr-defined]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout("end")
