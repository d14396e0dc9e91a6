"""Moving an agency, and letting it go up into another one: first a look at what changes, then for good."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, confirmed, needs, posted
from accounts.actions import agencies as actions
from accounts.agency_changes import Change, Merger, merged, moved
from accounts.agency_forms import MergeForm, MoveForm, WhatGoesOverForm
from accounts.people import Agency
from accounts.roles import Role


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def move(request: SignedRequest, pk: int) -> HttpResponse:
    """Below which other agency it is to hang."""
    agency = get_object_or_404(Agency.objects.select_related("parent"), pk=pk)
    if agency.merged_on:
        return redirect("accounts:agency_edit", pk)
    form = MoveForm(posted(request), agency=agency)
    if request.method != "POST" or not form.is_valid():
        return _ask(request, "accounts/agency_move.html", {"agency": agency, "form": form})
    other = form.cleaned_data["other"]
    change = moved(agency, other)
    if not agrees(request, change):
        return render(request, "accounts/agency_move.html", {"agency": agency, "change": change, "other": other})
    try:
        actions.move(agency=agency, parent=other, by=request.user)
    except actions.NotInTheTree:
        return _not_there(request, "accounts:agency_move", pk)
    messages.success(
        request,
        _("%(agency)s gehört jetzt zu: %(other)s.") % {"agency": agency.name, "other": other.name},
    )
    return redirect("accounts:agencies")


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def merge(request: SignedRequest, pk: int) -> HttpResponse:
    """Which other agency it is to go up into, and what goes over."""
    agency = get_object_or_404(Agency.objects.select_related("parent"), pk=pk)
    if agency.merged_on:
        return redirect("accounts:agency_edit", pk)
    form = MergeForm(posted(request), agency=agency)
    if request.method != "POST" or not form.is_valid():
        return _ask(request, "accounts/agency_merge.html", {"agency": agency, "form": form})
    other = form.cleaned_data["other"]
    merger = merged(agency, other)
    agreed = agrees(request, merger)
    over = WhatGoesOverForm(
        request.POST if agreed else None, roles=merger.roles, free_days=bool(merger.free_days),
        initial={"keep": [grant.pk for grant in merger.roles]},
    )  # fmt: skip
    if not agreed or not over.is_valid():
        context = {"agency": agency, "merger": merger, "change": merger.change, "other": other, "over": over}
        return render(request, "accounts/agency_merge.html", context, status=422 if over.errors else 200)
    keep = [grant.pk for grant in over.cleaned_data.get("keep", [])]
    free_days = over.cleaned_data.get("free_days", False)
    try:
        actions.merge(agency=agency, into=other, keep=keep, free_days=free_days, by=request.user)
    except actions.NotInTheTree:
        return _not_there(request, "accounts:agency_merge", pk)
    messages.success(
        request, _("%(agency)s ist aufgegangen in: %(other)s.") % {"agency": agency.name, "other": other.name}
    )
    return redirect("accounts:agencies")


def agrees(request: SignedRequest, shown: Change | Merger) -> bool:
    """Whether the person has seen just this, and says yes. What has changed meanwhile is shown again."""
    if "confirmed" not in request.POST:
        return False
    if request.POST.get("stamp") == shown.stamp():
        return True
    messages.warning(request, _("Inzwischen hat sich etwas geändert. Bitte sehen Sie noch einmal hin."))
    return False


def _ask(request: SignedRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, context, status=422 if context["form"].errors else 200)


def _not_there(request: SignedRequest, name: str, pk: int) -> HttpResponse:
    messages.warning(request, _("Dort kann die Dienststelle nicht mehr hängen. Bitte wählen Sie noch einmal."))
    return redirect(name, pk)
