"""Heute: what is next, what waits for me; learner part and companion part apart."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import SignedRequest, signed_in
from accounts.keys import load_keys
from accounts.models import User
from accounts.roles import Role, has_role
from conversations.appointments import Appointment
from conversations.conversation import Conversation
from engagements.models import Engagement, JournalEntry, LearningConcern, LearningStep
from engagements.states import UNFINISHED, State
from engagements.step_forms import JournalForm
from engagements.views.assignment import requests_of
from lernbegleitung import clock, ids
from lernbegleitung.templatetags.ui import Station, day

SHOWN = 60


def greeting() -> str:
    """By the time of day."""
    hour = timezone.localtime(clock.now()).hour
    if hour < 11:
        return _("Guten Morgen")
    return _("Guten Tag") if hour < 18 else _("Guten Abend")


def stations(engagement: Engagement, talks: list[Conversation]) -> list[Station]:
    """The way so far and what lies ahead, at most six stops."""
    stops = []
    standing = sorted((t for t in talks if not t.appointment.cancelled_at), key=lambda t: t.appointment.starts_at)
    next_found = False
    for talk in standing[-4:]:
        over = talk.is_locked() or talk.appointment.is_over()
        state = "done" if over else "later" if next_found else "next"
        next_found = next_found or state == "next"
        stops.append(Station(state, talk.appointment.get_kind_display(), day(talk.appointment.starts_at, "day")))
    if not next_found and engagement.state != State.CLOSED:
        stops.append(Station("next", _("Nächstes Gespräch"), _("noch offen")))
    stops.append(
        Station("done" if engagement.state == State.CLOSED else "later", _("Abschluss"), _("wenn Sie so weit sind"))
    )
    return stops


def learner_part(user: User, engagements: list[Engagement], upcoming: list[Appointment]) -> dict[str, Any]:
    """What concerns me as a learner: the one unfinished engagement, or the last one that ended."""
    mine = [e for e in engagements if e.is_learner(user)]
    current = next((e for e in mine if e.state in UNFINISHED), None)
    ended = next((e for e in mine if e.state == State.CLOSED), None) if not current else None
    if not current:
        return {"current": None, "ended": ended}
    steps = list(LearningStep.objects.filter(engagement=current).next_first()[:30])
    talks = list(Conversation.objects.filter(engagement=current).select_related("appointment").latest_first()[:12])
    last = next((talk for talk in talks if talk.is_locked()), None)
    return {
        "current": current,
        "concern": LearningConcern.objects.filter(engagement=current).first(),
        "open_steps": [step for step in steps if step.is_open()],
        "done_steps": [step for step in steps if not step.is_open()][-3:],
        "next": next((a for a in upcoming if a.engagement_id == current.pk), None),
        "stations": stations(current, talks) if talks or current.state in (State.ACTIVE, State.INTRODUCTION) else [],
        "to_agree": [
            talk for talk in talks if not talk.is_locked() and talk.companion_agreed_at and not talk.learner_agreed_at
        ],
        "to_document": [
            talk
            for talk in talks
            if not talk.is_locked() and talk.appointment.is_over() and not talk.appointment.cancelled_at
        ],
        "last": last,
        "last_text": next((text for part in last.parts.all() if (text := _text(part, last))), "") if last else "",
        "journal": list(JournalEntry.objects.filter(engagement=current)[:2]),
        "journal_form": JournalForm(initial={"id": ids.new_id()}),
    }


def _text(part: Any, conversation: Conversation) -> str:
    part.conversation = conversation
    return part.text


def companion_part(user: User, engagements: list[Engagement], upcoming: list[Appointment]) -> dict[str, Any]:
    """Whom I accompany: requests to answer first, then each with the next talk or none. From shared facts only."""
    theirs = [e for e in engagements if e.is_companion(user)]
    running = [e for e in theirs if e.state in (State.INTRODUCTION, State.ACTIVE, State.PAUSED)]
    nexts: dict[Any, Appointment] = {}
    for appointment in upcoming:
        nexts.setdefault(appointment.engagement_id, appointment)
    return {
        "asked": [e for e in theirs if e.state == State.OFFERED],
        "accompanied": [(e, nexts.get(e.pk)) for e in running],
    }


@signed_in
@require_safe
def today(request: SignedRequest) -> HttpResponse:
    """The page after signing in."""
    user = request.user
    rows = Engagement.objects.of_pair_member(user).select_related("learner__agency", "companion__agency", "occasion")
    engagements = list(rows.order_by("-created_at")[:SHOWN])
    if engagements:
        load_keys(e.pk for e in engagements)
    upcoming = (
        list(Appointment.objects.of_pair_member(user).upcoming().select_related("conversation")[:SHOWN])
        if engagements
        else []
    )
    context = {
        "greeting": greeting(),
        "today": clock.today(),
        **learner_part(user, engagements, upcoming),
        **companion_part(user, engagements, upcoming),
        "open_requests": requests_of(user).count() if has_role(user, Role.COORDINATOR) else None,
        "administers": has_role(user, Role.ADMINISTRATOR),
    }
    return render(request, "conversations/today.html", context)
