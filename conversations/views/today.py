"""Heute: what comes next, the learner's part and the companion's part apart."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet, Value
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import SignedRequest, signed_in
from accounts.drafting import new_page
from accounts.models import User
from accounts.operation import mail_is_stuck
from accounts.roles import Role, has_role
from conversations.access import in_own_time
from conversations.kept_questions import QuestionProposal
from conversations.overview import overview
from conversations.started import waiting_of
from conversations.stations import stations
from engagements.access import may
from engagements.actions.undoing import undo_of
from engagements.queue import requests_of
from engagements.states import State
from lernbegleitung import clock, ids


@signed_in
@require_safe
@in_own_time
def today(request: SignedRequest) -> HttpResponse:
    """The first page after signing in."""
    user = request.user
    facts = overview(user)
    learning = facts.learning
    drafts, looks_back = waiting_of(user)
    waiting = duties(user)
    context = {
        "today": timezone.localtime(clock.now()).date(),
        "greeting": greeting(user),
        "learning": learning,
        "may": may(learning.engagement, user) if learning else None,
        "undo": undo_of(learning.engagement, user) if learning else None,
        "stations": stations(learning) if learning else [],
        "journal_id": ids.new_id(),
        "journal_page": new_page(user, reverse("engagements:journal")),
        "drafts": drafts,
        "looks_back": looks_back,
        "asked": facts.asked,
        "accompanied": facts.accompanied,
        "rests": facts.rests,
        "open_requests": waiting.get(Role.COORDINATOR),
        "administers": has_role(user, Role.ADMINISTRATOR),
        "mail_is_stuck": has_role(user, Role.ADMINISTRATOR) and mail_is_stuck(),
        "proposed_questions": waiting.get(Role.METHOD_OWNER),
    }
    return render(request, "conversations/today.html", context)


def greeting(user: User) -> str:
    """By the time of day, with the full name: no title to get wrong."""
    hour = timezone.localtime(clock.now()).hour
    if hour < 11:
        return _("Guten Morgen, %(name)s") % {"name": user.name}
    if hour < 18:
        return _("Guten Tag, %(name)s") % {"name": user.name}
    return _("Guten Abend, %(name)s") % {"name": user.name}


def duties(user: User) -> dict[str, int]:
    """How many requests of their agencies, and how many proposed questions, wait for somebody with these roles: one query
    for both. The database shows nobody else any but their own.
    """
    waiting: dict[Role, QuerySet[Any]] = {}
    if has_role(user, Role.COORDINATOR):
        waiting[Role.COORDINATOR] = requests_of(user).filter(state=State.REQUESTED)
    if has_role(user, Role.METHOD_OWNER):
        waiting[Role.METHOD_OWNER] = QuestionProposal.objects.filter(answer="open")
    if not waiting:
        return {}
    first, *others = (_number(role, rows) for role, rows in waiting.items())
    return dict.fromkeys(waiting, 0) | dict(first.union(*others, all=True))


def _number(role: Role, rows: QuerySet[Any]) -> QuerySet[Any, tuple[str, int]]:
    return rows.order_by().values_list(Value(role.value)).annotate(Count("pk"))
