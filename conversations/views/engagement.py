"""Begleitung: one page for the two, one timeline, and every way on."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import SignedRequest, signed_in
from accounts.models import User
from conversations.access import in_own_time
from conversations.appointments import Appointment
from conversations.conversation import Conversation
from conversations.proposed_dates import DateProposal, open_proposal
from conversations.timeline import KINDS, Item, Mark, timeline
from engagements.access import engagement_or_404, may
from engagements.actions.requests import other_coordination
from engagements.actions.undoing import undo_of
from engagements.engagement import Engagement
from engagements.states import State
from engagements.substitutes import Away, away_of
from engagements.waiting import estimate_for
from lernbegleitung import clock
from lernbegleitung.kept import first
from lernbegleitung.together import together


@signed_in
@require_safe
@in_own_time
def detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """What the two share, in one order; what each sees of it, the database decides as well."""
    engagement = engagement_or_404(request.user, pk)
    kind = request.GET.get("art", "")
    before = Mark.read(request.GET.get("vor", ""))
    page = timeline(engagement, request.user, kind=kind, before=before)
    next_talk, dates = coming(engagement, page.items, whole=not kind and before is None)
    context = {
        "engagement": engagement,
        "partner": engagement.partner_of(request.user),
        "learns": engagement.is_learner(request.user),
        "together": engagement.state in (State.INTRODUCTION, State.ACTIVE, State.PAUSED),
        "may": may(engagement, request.user),
        "next_talk": next_talk,
        "dates": dates,
        "stand": stand(engagement, request.user),
        "other_coordination": other_coordination(engagement, request.user)
        if engagement.is_learner(request.user)
        else None,
        "away": away(engagement, request.user),
        "waits": engagement.is_learner(request.user) and engagement.is_searching(),
        "estimate": estimate_for(request.user)
        if engagement.is_learner(request.user) and engagement.is_searching()
        else None,
        "undo": undo_of(engagement, request.user),
        "page": page,
        "kinds": KINDS,
        "kind": kind if kind in KINDS else "",
        "is_older": before is not None,
    }
    return render(request, "conversations/engagement.html", context)


def away(engagement: Engagement, user: User) -> Away:
    """For the learner of a running companionship: that the companion is absent or leaves, and whom one may turn to."""
    running = engagement.state in (State.INTRODUCTION, State.ACTIVE, State.PAUSED)
    return away_of(engagement) if running and engagement.is_learner(user) else Away()


def coming(engagement: Engagement, items: list[Item], *, whole: bool) -> tuple[Appointment | None, DateProposal | None]:
    """The next appointment, and the dates that are proposed.

    What is to come stands at the top of the whole timeline; on a part of it, both are asked for together.
    """
    if not engagement.companion_id:
        return None, None
    meets = engagement.state in (State.INTRODUCTION, State.ACTIVE)
    if whole:
        talks = [
            item.thing
            for item in items
            if item.kind == "talk" and not item.thing.cancelled_at and not item.thing.is_over()
        ]
        next_talk = min(talks, key=lambda talk: talk.starts_at, default=None)
        return next_talk, open_proposal(engagement) if meets else None
    dates, talks, conversations = _coming(engagement.pk, clock.now())
    for talk, conversation in zip(talks, conversations, strict=False):  # not every viewer is shown the second
        talk.conversation = conversation
    for thing in (*dates, *talks):
        thing.engagement = engagement
    return first(talks), first(dates) if meets else None


@together
def _coming(engagement_id: uuid.UUID, now: datetime) -> tuple[QuerySet[Any], ...]:
    next_talk = Appointment.objects.filter(engagement=engagement_id).upcoming(now)[:1]
    return (
        DateProposal.objects.open(now).filter(engagement=engagement_id),
        next_talk,
        Conversation.objects.filter(appointment__in=next_talk.values("pk")),
    )


def stand(engagement: Engagement, user: User) -> str:
    """Where it stands and what comes next, in one or two sentences."""
    learns = engagement.is_learner(user)
    words = {
        State.DRAFT: _("Ihr Entwurf. Noch sehen ihn nur Sie."),
        State.REQUESTED: _("Die Koordination sucht nach Personen, die zu Ihren Wünschen passen. Sie bekommen eine Nachricht, sobald Vorschläge da sind."),
        State.MATCHING: _("Vorschläge liegen vor. Sie wählen, wen Sie fragen möchten."),
        State.OFFERED: _("Ihre Wunschbegleitung ist gefragt. Nach fünf Arbeitstagen ohne Antwort wählen Sie neu.") if learns else _("Sie sind gefragt. Ein Nein braucht keinen Grund."),
        State.INTRODUCTION: _("Sie lernen sich kennen. Wenn beide die Vereinbarung angenommen haben, beginnt die Lernbegleitung."),
        State.ACTIVE: _("Die Lernbegleitung läuft. Sie können jederzeit pausieren oder abschließen, ohne Gründe."),
        State.PAUSED: _("Die Lernbegleitung ruht von selbst, weil zwölf Wochen lang nichts geplant war. Weitermachen können beide jederzeit.") if engagement.rests_by_itself() else _("Die Lernbegleitung ruht, und alle Erinnerungen mit ihr."),
        State.CLOSED: _("Die Lernbegleitung ist abgeschlossen. Was Sie geschrieben haben, bleibt für Sie lesbar.") if learns else _("Die Lernbegleitung ist abgeschlossen. Sie können noch 30 Tage nach dem Abschluss mitlesen."),
        State.WITHDRAWN: _("Die Anfrage ist zurückgezogen."),
        State.ERASED: _("Die Inhalte sind gelöscht."),
    }  # fmt: skip
    return words[State(engagement.state)]
