"""Wie soll es weitergehen: the page behind the quiet question. Nothing changes by opening it; leaving it is an answer."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import SignedRequest, signed_in
from engagements.access import engagement_or_404, may
from engagements.leaving import is_over, last_day


@signed_in
@require_safe
def ways_on(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The ways there are, each of which is fine: a talk, a step, a pause, an end, or none of them for now."""
    engagement = engagement_or_404(request.user, pk)
    day = last_day(engagement)
    context = {
        "engagement": engagement,
        "may": may(engagement, request.user),
        "partner": engagement.partner_of(request.user),
        "learns": engagement.is_learner(request.user),
        "last_day": day,
        "gone": is_over(day),
    }
    return render(request, "engagements/ways_on.html", context)
