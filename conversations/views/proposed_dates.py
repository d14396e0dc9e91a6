"""Termine vorschlagen, and the answer: one of the dates, none of them, or others."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, posted, signed_in
from accounts.models import User
from conversations.access import in_own_time
from conversations.actions import appointments
from conversations.actions import proposed_dates as actions
from conversations.appointment_forms import day_hint
from conversations.booking_forms import read_moment
from conversations.off_days import off_words
from conversations.proposed_date_forms import ProposalForm
from conversations.proposed_dates import DateProposal, open_proposal, still_free
from conversations.views.appointments import habits
from conversations.views.booking import both
from engagements.access import engagement_or_404, kindly
from engagements.engagement import Engagement
from engagements.states import NotPossible
from lernbegleitung import ids

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
@in_own_time
def propose(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Up to three dates for the other one to choose from."""
    engagement = engagement_or_404(request.user, pk)
    kinds, partner = appointments.kinds_in(engagement.state), engagement.partner_of(request.user)
    if not kinds or not partner:
        raise NotPossible(_("Zurzeit lässt sich kein Termin vereinbaren."))
    usual = {**habits(engagement), "id": ids.new_id()}
    form = ProposalForm(posted(request), initial=usual, kinds=kinds, person=request.user, partner=partner)
    if request.method == "POST" and form.is_valid():
        proposed, new_id = form.proposed(), form.cleaned_data["id"] or ids.new_id()
        free = still_free(engagement, proposed.dates, proposed.length())
        form.say_taken([at for at, is_free in free.items() if not is_free])
        if not form.errors:
            actions.propose(engagement=engagement, pk=new_id, proposed=proposed, by=request.user)
            messages.success(request, _("Vorgeschlagen. %(name)s bekommt eine Nachricht.") % {"name": partner.name})
            return redirect("conversations:dates", engagement.pk)
    hint = day_hint(request.user, partner)
    context = {"form": form, "hint": hint, "standing": open_proposal(engagement), **both(engagement, request)}
    return render(request, "conversations/propose_dates.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
@in_own_time
def answer(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The open proposal, to be answered by the one and taken back by the other."""
    engagement = engagement_or_404(request.user, pk)
    proposal = open_proposal(engagement)
    if request.method == "POST":
        return answered(request, engagement, proposal)
    if not proposal:
        messages.info(request, _("Zurzeit liegt kein Terminvorschlag vor."))
        return redirect("conversations:engagement", engagement.pk)
    return shown(request, engagement, proposal)


def answered(request: SignedRequest, engagement: Engagement, standing: DateProposal | None) -> HttpResponse:
    """What was pressed; about the proposal that stood on the page, whatever has become of it."""
    try:
        wanted = uuid.UUID(request.POST.get("vorschlag", ""))
    except ValueError as error:
        raise NotPossible() from error
    proposal = DateProposal.objects.filter(pk=wanted, engagement=engagement, companion=engagement.companion).first()
    if not proposal:
        raise NotPossible()
    proposal.engagement = engagement
    what = request.POST.get("antwort", "")
    if what == "keiner":
        actions.say_none_fits(proposal=proposal, by=request.user)
        messages.success(request, _("Gesagt. Möchten Sie selbst Termine vorschlagen?"))
        return redirect("conversations:propose_dates", engagement.pk)
    if what == "zurueck":
        actions.take_back(proposal=proposal, by=request.user)
        messages.success(request, _("Der Vorschlag ist zurückgenommen."))
        return redirect("conversations:engagement", engagement.pk)
    starts_at = read_moment(request.POST.get("beginn", ""))
    if not starts_at:
        return shown(request, engagement, proposal, problem=_("Wählen Sie einen der Termine aus."))
    try:
        made = actions.take(proposal=proposal, starts_at=starts_at, by=request.user)
    except appointments.TimeTaken:
        if not standing:
            raise NotPossible() from None
        return shown(request, engagement, proposal, problem=_("Dieser Termin ist inzwischen schon vergeben."))
    messages.success(request, _("Der Termin steht. Beide bekommen eine Nachricht mit dem Kalendereintrag."))
    return redirect("conversations:appointment", made.pk)


def shown(request: SignedRequest, engagement: Engagement, proposal: DateProposal, problem: str = "") -> HttpResponse:
    """The dates, each with whether it is still free and whether it is a day off for one of the two."""
    people = both(engagement, request)
    context = {
        "proposal": proposal,
        "own": proposal.proposed_by_id == request.user.pk,
        "dates": dates_of(proposal, engagement, request.user),
        "problem": problem,
        **people,
    }
    return render(request, "conversations/dates.html", context, status=422 if problem else 200)


def dates_of(proposal: DateProposal, engagement: Engagement, user: User) -> list[dict[str, object]]:
    """Each date that is still to come, in order."""
    partner = engagement.partner_of(user)
    to_come: list[datetime] = proposal.to_come()
    free = still_free(engagement, to_come, proposal.length())
    return [
        {
            "starts_at": at,
            "ends_at": proposal.ends_of(at),
            "is_free": free[at],
            "off": off_words(user, partner, at) if partner else "",
        }
        for at in to_come
    ]
