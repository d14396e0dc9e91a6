"""A person who changes to another agency: first a look at what changes, then for good."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, confirmed, needs, posted
from accounts.actions import people as actions
from accounts.agency_changes import passes_to
from accounts.agency_forms import RolesToEndForm, TransferForm
from accounts.people import RoleGrant, User
from accounts.roles import Role
from accounts.views.agency_changes import agrees
from lernbegleitung import clock


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def transfer(request: SignedRequest, pk: int) -> HttpResponse:
    """To which agency, and which roles end with it. Whether the person learns with somebody is not known here."""
    person = get_object_or_404(User.objects.select_related("agency"), pk=pk)
    form = TransferForm(posted(request), person=person)
    if request.method != "POST" or not form.is_valid():
        context = {"person": person, "form": form}
        return render(request, "accounts/person_transfer.html", context, status=422 if form.errors else 200)
    agency = form.cleaned_data["agency"]
    change = passes_to(person, agency)
    roles = RoleGrant.objects.filter(user=person).in_force(clock.today()).select_related("agency").order_by("pk")
    if person.pk == request.user.pk:  # the own administration is ended by somebody else
        roles = roles.exclude(role=Role.ADMINISTRATOR)
    agreed = agrees(request, change)
    ends = RolesToEndForm(request.POST if agreed else None, roles=roles)
    if not agreed or not ends.is_valid():
        context = {"person": person, "agency": agency, "change": change, "ends": ends}
        return render(request, "accounts/person_transfer.html", context, status=422 if ends.errors else 200)
    actions.transfer(user=person, agency=agency, end=ends.cleaned_data["end"], by=request.user)
    messages.success(request, _("%(name)s gehört jetzt zu: %(agency)s.") % {"name": person.name, "agency": agency.name})
    return redirect("accounts:person", pk)
