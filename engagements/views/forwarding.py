"""May this request go to another coordination? One page for the coordination to ask, one for the learner to decide."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, needs, posted, signed_in
from accounts.models import Agency
from accounts.roles import Role
from engagements.access import kindly, own_engagement_or_404
from engagements.actions import forwarding as actions
from engagements.engagement import Engagement
from engagements.forms import layout

from .assignment import back_to, while_open


class PlaceForm(forms.Form):
    """Which coordination."""

    agency = forms.ModelChoiceField(
        label=gettext_lazy("Welche Koordination?"),
        queryset=Agency.objects.none(),
        empty_label=gettext_lazy("Bitte wählen"),
        error_messages={"required": gettext_lazy("Wählen Sie eine Koordination.")},
    )

    def __init__(self, data: object, *, engagement: Engagement, button: str) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        places = [agency.pk for agency in actions.places_for(engagement)]
        self.fields["agency"].queryset = Agency.objects.filter(pk__in=places).in_tree_order()  # type: ignore[attr-defined]
        self.helper = layout(self, "agency", button=button)


@needs(Role.COORDINATOR)
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
@while_open
def ask(request: SignedRequest, engagement: Engagement) -> HttpResponse:
    """The coordination asks, or asks no longer."""
    if request.method == "POST" and "back" in request.POST:
        actions.take_back_question(engagement=engagement, by=request.user)
        messages.success(request, _("Die Frage ist zurückgenommen."))
        return back_to(engagement)
    form = PlaceForm(posted(request), engagement=engagement, button=_("Lernende Person fragen"))
    if request.method == "POST" and form.is_valid():
        actions.ask(engagement=engagement, agency=form.cleaned_data["agency"], by=request.user)
        messages.success(request, _("Die lernende Person ist gefragt. Bis sie Ja sagt, bleibt alles, wie es ist."))
        return back_to(engagement)
    context = {"engagement": engagement, "form": form}
    return render(request, "engagements/forward_ask.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def forward(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The learner answers the coordination's question, or sends the request elsewhere unasked."""
    engagement = own_engagement_or_404(request.user, pk)
    if not engagement.is_searching():
        return redirect("conversations:engagement", pk)
    answer, asked = request.POST.get("answer"), engagement.forward_to
    if answer and (not asked or request.POST.get("asked") != str(asked.pk)):
        messages.info(request, _("Diese Frage ist nicht mehr offen."))
        return redirect("conversations:engagement", pk)
    if request.method == "POST" and answer == "no":
        actions.answer_no(engagement=engagement, by=request.user)
        messages.success(request, _("Ihre Anfrage bleibt, wo sie ist."))
        return redirect("conversations:engagement", pk)
    form = PlaceForm(None if answer else posted(request), engagement=engagement, button=_("Dorthin geben"))
    there = asked if answer == "yes" else form.cleaned_data["agency"] if form.is_valid() else None
    if request.method == "POST" and there:
        actions.forward(engagement=engagement, agency=there, by=request.user)
        messages.success(request, _("Ihre Anfrage ist jetzt bei der anderen Koordination."))
        return redirect("conversations:engagement", pk)
    context = {"engagement": engagement, "asked": asked, "form": form}
    return render(request, "engagements/forward.html", context, status=422 if form.errors else 200)
