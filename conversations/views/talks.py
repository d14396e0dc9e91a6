"""My talks, a page at a time."""

from __future__ import annotations

import uuid
from contextlib import suppress

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import SignedRequest, signed_in
from accounts.keys import load_keys
from accounts.models import User
from conversations.appointments import Appointment
from conversations.conversation import Conversation

PAGE = 30


def latest_of(user: User, before: str) -> list[uuid.UUID]:
    """The person's standing appointments, one page and one more, the latest first; `before` is the last one shown.

    Each half comes out of its index in this order, however many talks the person has had.
    """
    mine = Appointment.objects.standing().order_by("-starts_at", "-pk")
    with suppress(ValueError):
        last = Appointment.objects.of_pair_member(user).filter(pk=uuid.UUID(before)).first()
        if last:
            mine = mine.filter(starts_at__lte=last.starts_at).exclude(starts_at=last.starts_at, pk__gte=last.pk)
    halves = [
        mine.filter(**{role: user}).values_list("starts_at", "pk")[: PAGE + 1] for role in ("learner", "companion")
    ]
    return [pk for _starts_at, pk in halves[0].union(halves[1], all=True).order_by("-starts_at", "-pk")[: PAGE + 1]]


@signed_in
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """My talks, the latest first."""
    found = latest_of(request.user, before=request.GET.get("vor", ""))
    rows = Conversation.objects.filter(appointment__in=found).latest_first()
    page = list(rows.select_related("appointment", "engagement__learner", "engagement__companion"))
    load_keys({conversation.engagement_id for conversation in page})
    items = [(c, c.engagement.partner_of(request.user)) for c in page[:PAGE]]
    return render(
        request,
        "conversations/index.html",
        {"items": items, "more": page[PAGE - 1].appointment_id if len(page) > PAGE else None},
    )
