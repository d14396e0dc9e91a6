"""Funktionen: what an agency, and all below it, has switched on."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, needs, posted
from accounts.actions import features as actions
from accounts.actions.agencies import coordination_above
from accounts.feature_forms import FeaturesForm, own_of
from accounts.features import EFFECTS, Feature, all_settings, decided_by
from accounts.people import Agency
from accounts.roles import Role


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedRequest, pk: int) -> HttpResponse:
    """Each feature with what it does and who loses what; chosen for this agency and all below."""
    agency = get_object_or_404(Agency.objects.open().select_related("parent"), pk=pk)
    settings, (*trail, _own) = all_settings(), agency.trail()
    decided = {feature: decided_by(feature, trail, settings) for feature in Feature}
    above = {feature: by is None or settings[by, feature.value] for feature, by in decided.items()}
    form = FeaturesForm(
        posted(request),
        own=own_of(pk, settings),
        above=above,
        may_switch=bool(coordination_above(agency)),
        is_root=agency.parent is None,
    )
    if request.method == "POST" and form.is_valid():
        changed = actions.switch(agency=agency, wanted=form.settings(), by=request.user)
        if changed:
            messages.success(request, _("Gespeichert. Es gilt ab sofort; was schon da ist, bleibt erhalten."))
        return redirect("accounts:features", pk)
    context: dict[str, Any] = {
        "agency": agency,
        "form": form,
        "form_show_errors": True,
        "rows": [(form[feature.value], EFFECTS[feature]) for feature in Feature],
    }
    return render(request, "accounts/features.html", context, status=422 if form.errors else 200)
