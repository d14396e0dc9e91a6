"""Sichern und abschließen: for the learner a page that asks what to keep, for the companion a confirmation."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import drafting
from accounts.access import SignedRequest, posted, signed_in
from accounts.drafting import with_draft
from accounts.features import Feature, is_on
from engagements.access import engagement_or_404, kindly, may
from engagements.actions import closing, lifecycle, ratings
from engagements.closing_forms import SecuringForm, ToldForm
from engagements.engagement import Engagement
from engagements.goals import Goal, GoalState
from engagements.states import State
from engagements.steps import Insight
from engagements.transfer import Months, TransferCheck
from lernbegleitung import ids
from lernbegleitung.audience import readers_of, show_readers


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def close(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Close; a learner may also secure something when it is closed already."""
    engagement = engagement_or_404(request.user, pk)
    learns, allowed = engagement.is_learner(request.user), may(engagement, request.user).close
    if request.method != "POST" and not allowed and not (learns and engagement.state == State.CLOSED):
        return redirect("conversations:engagement", pk)
    return secure(request, engagement) if learns else say_told(request, engagement)


def say_told(request: SignedRequest, engagement: Engagement) -> HttpResponse:
    """The companion closes, after the two have spoken."""
    form = ToldForm(posted(request))
    if request.method == "POST" and form.is_valid():
        lifecycle.close(engagement=engagement, by=request.user)
        messages.success(request, _("Die Lernbegleitung ist abgeschlossen."))
        return redirect("conversations:engagement", engagement.pk)
    context = {"engagement": engagement, "form": form, "learns": False}
    return render(request, "engagements/close.html", context, status=422 if form.errors else 200)


def secure(request: SignedRequest, engagement: Engagement) -> HttpResponse:
    """The learner keeps what carries, closes, and gets the one link to a rating that is tied to nobody."""
    closed = engagement.state == State.CLOSED
    form = securing_form(request, engagement, button=_("Sichern") if closed else _("Abschließen"))
    if request.method == "POST" and form.is_valid():
        secured = form.secured(ids.new_id())
        closing.secure(engagement=engagement, secured=secured, by=request.user)
        drafting.done(request)
        messages.success(request, _("Gesichert.") if closed else _("Die Lernbegleitung ist abgeschlossen."))
        if ratings.holds_until(secured.token):
            return redirect("engagements:rating", secured.token)
        return redirect("conversations:today")
    context = {"engagement": engagement, "form": form, "learns": True, "closed": closed}
    return render(request, "engagements/close.html", context, status=422 if form.errors else 200)


def securing_form(request: SignedRequest, engagement: Engagement, *, button: str) -> SecuringForm:
    """With the open goals, and the looks back not yet wished for."""
    goals = list(Goal.objects.filter(engagement=engagement, state=GoalState.OPEN).order_by("created_at"))
    for goal in goals:
        goal.engagement = engagement
    offers = is_on(Feature.LOOKS_BACK, request.user.agency)
    checks = TransferCheck.objects.filter(owner=request.user, engagement=engagement.pk)
    form = SecuringForm(
        posted(request),
        goals=goals,
        wished=set(checks.values_list("months", flat=True)) if offers else set(Months.values),
        button=button,
        initial={"id": ids.new_id(), "ticket": ratings.new_token()},
    )
    show_readers(form, Insight(engagement=engagement), request.user)
    if "sentence" in form.fields:
        own = readers_of(TransferCheck(owner=request.user)).field(request.user)
        form.fields["sentence"].seen = own  # type: ignore[attr-defined]
    return with_draft(form, request)
