"""Begleitung: one page, one timeline."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.access import SignedRequest, signed_in
from conversations.appointments import Appointment
from conversations.timeline import items
from engagements.access import engagement_or_404, may

KINDS = [
    ("", _("Alles")), ("talk", _("Gespräche")), ("step", _("Lernschritte")), ("insight", _("Erkenntnisse")),
    ("entry", _("Lerntagebuch")), ("agreement", _("Vereinbarung")), ("line", _("Ablauf")),
]  # fmt: skip


@signed_in
@require_safe
def detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """For the two; what each sees of it, the database decides."""
    engagement = engagement_or_404(request.user, pk)
    only = request.GET.get("nur", "")
    only = only if only in dict(KINDS) else ""
    context = {
        "engagement": engagement,
        "concern": engagement.concerns.first(),
        "partner": engagement.partner_of(request.user),
        "learns": engagement.is_learner(request.user),
        "may": may(engagement, request.user),
        "next": Appointment.objects.filter(engagement=engagement).upcoming().select_related("conversation").first(),
        "items": items(engagement, request.user, only),
        "kinds": KINDS,
        "only": only,
    }
    return render(request, "conversations/engagement.html", context)
