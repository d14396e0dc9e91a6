"""Proposals, choice, answer, and every way to leave."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignedRequest, number_in, signed_in
from accounts.features import Feature, is_on, off
from accounts.keys import load_keys
from engagements.access import engagement_or_404, kindly, may, own_engagement_or_404
from engagements.actions import choice, lifecycle, undoing
from engagements.companions import CompanionProfile
from engagements.concerns import LearningConcern, concern_of
from engagements.engagement import CompanionProposal, Engagement
from engagements.forms import ConflictForm, NoConflictForm
from engagements.matching import reason_text
from engagements.states import UNFINISHED, State

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@signed_in
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """Where I learn, and whom I accompany."""
    rows = Engagement.objects.of_pair_member(request.user).select_related(
        "learner__agency", "companion__agency", "occasion"
    )
    engagements = list(rows.order_by("-created_at", "-pk")[:200])
    load_keys(engagement.pk for engagement in engagements)
    concerns: dict[uuid.UUID, Any] = {}
    by_id = {engagement.pk: engagement for engagement in engagements}
    for concern in LearningConcern.objects.filter(engagement__in=engagements):
        concern.engagement = by_id[concern.engagement_id]
        concerns.setdefault(concern.engagement_id, concern)
    items = [
        (engagement, concerns.get(engagement.pk), engagement.partner_of(request.user)) for engagement in engagements
    ]
    context = {
        "learning": [item for item in items if item[0].is_learner(request.user)],
        "accompanying": [item for item in items if item[0].is_companion(request.user)],
        "may_begin": not any(e.is_learner(request.user) and e.state in UNFINISHED for e in engagements),
    }
    return render(request, "engagements/index.html", context)


@signed_in
@require_safe
def proposals(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Proposed companions as cards, with reasons in words."""
    engagement = own_engagement_or_404(request.user, pk)
    if not may(engagement, request.user).see_proposals:
        return redirect("conversations:engagement", pk)
    found = engagement.proposals.filter(answer=CompanionProposal.Answer.OPEN).select_related(
        "companion__agency", "companion__companion_profile"
    )
    cards = [
        (p, p.companion.companion_profile, [reason_text(code) for code in p.reasons])
        for p in found.prefetch_related("companion__companion_profile__occasions")
    ]
    return render(request, "engagements/proposals.html", {"engagement": engagement, "cards": cards})


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def choose(request: SignedRequest, pk: uuid.UUID, companion_id: int) -> HttpResponse:
    """Ask a companion, after declaring that no other role stands between the two."""
    engagement = own_engagement_or_404(request.user, pk)
    profile = get_object_or_404(CompanionProfile.objects.select_related("user__agency"), pk=companion_id)
    proposed = engagement.proposals.filter(companion=profile.user).exists()
    if engagement.state != State.DRAFT and not proposed:
        raise Http404
    if engagement.state == State.DRAFT and not is_on(Feature.DIRECT_CHOICE, request.user.agency):
        return off(request, Feature.DIRECT_CHOICE)
    form, conflict = NoConflictForm(), ConflictForm()
    if request.method == "POST" and "conflict" in request.POST:
        conflict = ConflictForm(request.POST)
        if conflict.is_valid():
            choice.declare_conflict(other_id=profile.user_id, rule=conflict.cleaned_data["rule"], by=request.user)
            messages.info(request, _("Danke. Diese Person wird Ihnen nicht mehr vorgeschlagen."))
            return redirect("engagements:proposals", pk)
    elif request.method == "POST":
        form = NoConflictForm(request.POST)
        if form.is_valid():
            choice.ask(engagement=engagement, companion=profile.user, by=request.user)
            messages.success(
                request, _("Ihre Anfrage ist unterwegs. Antwort kommt meist innerhalb von fünf Arbeitstagen.")
            )
            return redirect("conversations:engagement", pk)
    status = 422 if form.errors or conflict.errors else 200
    context = {"engagement": engagement, "profile": profile, "form": form, "conflict": conflict}
    return render(request, "engagements/choose.html", context, status=status)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def ask_for_others(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """None of them: other proposals, please."""
    engagement = own_engagement_or_404(request.user, pk)
    if request.method == "POST":
        chosen = [number_in(value) for value in request.POST.getlist("never")]
        choice.ask_for_others(engagement=engagement, never_again=chosen, by=request.user)
        messages.success(request, _("Die Koordination sucht weiter. Warum, haben wir nicht gefragt."))
        return redirect("conversations:engagement", pk)
    engagement.require(State.MATCHING)
    found = engagement.proposals.filter(answer=CompanionProposal.Answer.OPEN).select_related("companion__agency")
    return render(request, "engagements/ask_for_others.html", {"engagement": engagement, "proposals": found})


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def answer(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The companion reads the concern and says yes or no."""
    engagement = engagement_or_404(request.user, pk)
    if not engagement.is_companion(request.user):
        raise PermissionDenied
    if engagement.state == State.INTRODUCTION:
        return redirect("conversations:engagement", pk)
    engagement.require(State.OFFERED)
    form, conflict = NoConflictForm(), ConflictForm()
    if request.method == "POST":
        what = request.POST.get("answer")
        if what == "accept" and (form := NoConflictForm(request.POST)).is_valid():
            choice.accept(engagement=engagement, by=request.user)
            messages.success(request, _("Schön. Vereinbaren Sie jetzt ein Kennenlernen."))
            return redirect("conversations:engagement", pk)
        if what == "conflict" and (conflict := ConflictForm(request.POST)).is_valid():
            choice.declare_conflict(other_id=engagement.learner_id, rule=conflict.cleaned_data["rule"], by=request.user)
        if what == "decline" or what == "conflict" and conflict.is_valid():
            choice.release(engagement=engagement, by=request.user, kind="engagement.declined")
            messages.success(request, _("Sie haben abgesagt. Gründe werden nicht gespeichert."))
            return redirect("conversations:today")
    context = {"engagement": engagement, "concern": concern_of(engagement), "form": form, "conflict": conflict}
    return render(request, "engagements/answer.html", context, status=422 if form.errors or conflict.errors else 200)


def confirmed(
    request: SignedRequest, engagement: Engagement, template: str, allowed: bool, do: Any, done: str, to: str = ""
) -> HttpResponse:
    """A page that explains, a POST that does it."""
    if request.method == "POST":
        do()
        messages.success(request, done)
        return redirect(to) if to else redirect("conversations:engagement", engagement.pk)
    if not allowed:
        return redirect("conversations:engagement", engagement.pk)
    context = {
        "engagement": engagement,
        "partner": engagement.partner_of(request.user),
        "learns": engagement.is_learner(request.user),
    }
    return render(request, f"engagements/{template}.html", context)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def not_a_fit(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """After getting to know each other: it does not fit. No reason is asked for."""
    engagement = engagement_or_404(request.user, pk)
    allowed = may(engagement, request.user).say_not_a_fit
    if request.method == "POST" and not allowed:
        engagement.require(State.INTRODUCTION)

    def do() -> None:
        choice.release(engagement=engagement, by=request.user, kind="engagement.not_a_fit")

    to = "" if engagement.is_learner(request.user) else "conversations:today"
    return confirmed(
        request, engagement, "not_a_fit", allowed, do, _("In Ordnung. Gründe werden nicht gespeichert."), to
    )


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def withdraw(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The learner takes the wish back."""
    engagement = own_engagement_or_404(request.user, pk)

    def do() -> None:
        lifecycle.withdraw(engagement=engagement, by=request.user)

    allowed = may(engagement, request.user).withdraw
    done = _("Ihre Anfrage ist zurückgezogen. 30 Tage lang können Sie sie zurückholen.")
    return confirmed(request, engagement, "withdraw", allowed, do, done)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def pause(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Let it rest."""
    engagement = engagement_or_404(request.user, pk)

    def do() -> None:
        lifecycle.pause(engagement=engagement, by=request.user)

    return confirmed(
        request,
        engagement,
        "pause",
        may(engagement, request.user).pause,
        do,
        _("Die Lernbegleitung ruht. Erinnerungen sind aus."),
    )


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def resume(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Go on."""
    engagement = engagement_or_404(request.user, pk)

    def do() -> None:
        lifecycle.resume(engagement=engagement, by=request.user)

    return confirmed(request, engagement, "resume", may(engagement, request.user).resume, do, _("Es geht weiter."))


TAKEN_BACK = {
    "reopen": gettext_lazy("Der Abschluss ist zurückgenommen. Abgesagte Termine bleiben abgesagt."),
    "stay": gettext_lazy("Es bleibt, wie es war, auch was Sie freigegeben hatten. Abgesagte Termine bleiben abgesagt."),
    "take_up": gettext_lazy("Ihre Anfrage ist wieder ein Entwurf. Senden Sie sie, wann Sie mögen."),
}


@signed_in
@require_POST
@kindly
def undo(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Take an ending back. A second click finds nothing to take back and says so."""
    taken_back = undoing.undo(engagement=engagement_or_404(request.user, pk), by=request.user)
    messages.success(request, TAKEN_BACK[taken_back.what])
    return redirect("conversations:engagement", pk)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def change_companion(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Somebody else, please."""
    engagement = own_engagement_or_404(request.user, pk)

    def do() -> None:
        lifecycle.change_companion(engagement=engagement, by=request.user)

    allowed = may(engagement, request.user).change_companion
    return confirmed(
        request,
        engagement,
        "change_companion",
        allowed,
        do,
        _("Die Koordination sucht eine andere Begleitung für Sie."),
    )
