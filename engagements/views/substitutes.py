"""Vertretung: whom my learners may turn to while I am absent, and whom I stand in for."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, needs, number_in
from accounts.roles import Role
from engagements.access import kindly
from engagements.actions import substitutes as actions
from engagements.companion_forms import SubstituteForm
from engagements.substitutes import Substitution, coming_absence


@needs(Role.COMPANION)
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def substitute(request: SignedRequest) -> HttpResponse:
    """Ask, take back; answer those who ask me."""
    what, form = request.POST.get("what", ""), SubstituteForm()
    companion_id = number_in(request.POST.get("companion", ""), digits=9)
    if request.method == "POST" and what == "ask":
        form = SubstituteForm(request.POST)
        if form.is_valid():
            found = actions.companion_with_address(form.cleaned_data["email"], by=request.user)
            if found:
                actions.ask(substitute=found, by=request.user)
                messages.success(request, _("Die Bitte ist unterwegs."))
                return redirect("engagements:substitute")
            form.add_error("email", _("Zu dieser Adresse gibt es hier keine andere Lernbegleitung."))
    elif request.method == "POST":
        if what == "take_back":
            actions.take_back(by=request.user)
        elif what == "agree":
            actions.agree(companion_id=companion_id, by=request.user)
        elif what == "decline":
            actions.decline(companion_id=companion_id, by=request.user)
        messages.success(request, _("Gespeichert."))
        return redirect("engagements:substitute")
    rows = Substitution.objects.select_related("companion", "substitute__agency")
    context = {
        "form": form,
        "absence": coming_absence(request.user),
        "mine": rows.filter(companion=request.user).first(),
        "others": rows.filter(substitute=request.user).order_by("starts_on", "pk"),
    }
    return render(request, "engagements/substitute.html", context, status=422 if form.errors else 200)
