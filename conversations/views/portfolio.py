"""Taking along: one's own words as paper and as data, and a confirmation without content."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.access import SignedRequest, confirmed, public, signed_in
from conversations.portfolio import confirmation_paper, learning_paper, portfolio_of
from engagements.access import own_engagement_or_404
from engagements.engagement import Engagement
from engagements.states import State
from lernbegleitung import clock, pdf

SCHEMA = Path(__file__).parents[1] / "data" / "portfolio.schema.json"
WITHOUT_COMPANION = (State.DRAFT, State.REQUESTED, State.MATCHING, State.OFFERED, State.WITHDRAWN)


@signed_in
@require_safe
@confirmed
def choose(request: SignedRequest) -> HttpResponse:
    """What there is to take along."""
    mine = Engagement.objects.of_learner(request.user).exclude(state=State.ERASED)
    engagements = list(mine.select_related("companion", "occasion").order_by("-created_at"))
    together = [e for e in engagements if e.state not in WITHOUT_COMPANION]
    return render(request, "conversations/take_along.html", {"engagements": engagements, "together": together})


@signed_in
@require_POST
@confirmed
def as_data(request: SignedRequest) -> HttpResponse:
    """Everything of the person, for a machine."""
    if not ratelimit.consume(request, action="export", user=request.user):
        return ratelimit.respond_429(request)
    audit.write("portfolio.taken", by=request.user.pk)
    body = json.dumps(portfolio_of(request.user), ensure_ascii=False, indent=1)
    return _file(body.encode(), "application/json; charset=utf-8", f"lernportfolio-{clock.today()}.json")


@signed_in
@require_POST
@confirmed
def as_paper(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """One companionship as PDF."""
    engagement = own_engagement_or_404(request.user, pk)
    if not ratelimit.consume(request, action="export", user=request.user):
        return ratelimit.respond_429(request)
    audit.write("portfolio.taken", by=request.user.pk)
    body = pdf.render(learning_paper(engagement, request.user))
    return _file(body, "application/pdf", f"lernportfolio-{clock.today()}.pdf")


@signed_in
@require_POST
@confirmed
def confirmation(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """That there was a companionship, without a word of it."""
    engagement = own_engagement_or_404(request.user, pk)
    if not ratelimit.consume(request, action="export", user=request.user):
        return ratelimit.respond_429(request)
    body = pdf.render(confirmation_paper(engagement, request.user))
    return _file(body, "application/pdf", f"bestaetigung-{clock.today()}.pdf")


@public
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The format of the file, for those who read it with a machine."""
    return HttpResponse(SCHEMA.read_bytes(), content_type="application/schema+json; charset=utf-8")


def _file(body: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
