"""Aufhören: a companion names a last day. Who is accompanied decides how it goes on."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, needs, posted
from accounts.roles import Role
from engagements.access import kindly
from engagements.actions import leaving as actions
from engagements.companion_forms import LeavingForm
from engagements.companions import CompanionProfile
from engagements.engagement import Engagement
from engagements.states import OCCUPYING


@needs(Role.COMPANION)
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def leaving(request: SignedRequest) -> HttpResponse:
    """Name the last day, move it, take it back."""
    profile = get_object_or_404(CompanionProfile, pk=request.user.pk)
    if request.method == "POST" and request.POST.get("what") == "stay":
        actions.stay(by=request.user)
        messages.success(
            request,
            _("Schön, dass Sie weitermachen. Neue Anfragen kommen, sobald Sie das in Ihrem Profil wieder erlauben."),
        )
        return redirect("engagements:own_profile")
    form = LeavingForm(posted(request), initial={"leaves_on": profile.leaves_on})
    if request.method == "POST" and form.is_valid():
        actions.leave(day=form.cleaned_data["leaves_on"], by=request.user)
        messages.success(request, _("Gespeichert. Ihre Lernenden erfahren es und wählen selbst, wie es weitergeht."))
        return redirect("engagements:leaving")
    context = {
        "form": form,
        "profile": profile,
        "accompanies": Engagement.objects.of_companion(request.user).filter(state__in=OCCUPYING).exists(),
    }
    return render(request, "engagements/leaving.html", context, status=422 if form.errors else 200)
