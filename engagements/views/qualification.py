"""The qualification of a companion, as the administration enters it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.access import SignedRequest, needs, posted
from accounts.roles import Role
from engagements.companion_forms import QualificationForm
from engagements.companions import CompanionProfile


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def qualification(request: SignedRequest, pk: int) -> HttpResponse:
    """Until when it is valid, and whether the person is still in training; the rest of the profile is the companion's."""
    profile = get_object_or_404(CompanionProfile.objects.select_related("user__agency"), pk=pk)
    form = QualificationForm(posted(request), instance=profile)
    if request.method == "POST" and form.is_valid():
        form.save()
        audit.write("person.qualified", by=request.user.pk)
        messages.success(request, _("Die Qualifizierung ist gespeichert."))
        return redirect("accounts:person", pk)
    context = {"form": form, "profile": profile}
    return render(request, "engagements/qualification.html", context, status=422 if form.errors else 200)
