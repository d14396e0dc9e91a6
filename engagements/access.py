"""Who may do what with an engagement. The database is the second wall; this is the first."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import escape

from accounts.access import View
from accounts.keys import take_keys, with_keys
from accounts.models import User
from lernbegleitung.kept import first_or_404, kept

from .engagement import Engagement
from .journal import JournalEntry
from .states import OCCUPYING, NotPossible, State
from .steps import LearningStep


def engagement_or_404(user: User, pk: uuid.UUID) -> Engagement:
    """The engagement, for one of the pair, with its key at hand; strangers (and coordinators) get 404."""
    found = first_or_404(_engagement(user.pk, pk))
    take_keys([found], of="pk")
    return found


@kept
def _engagement(user_id: int, pk: uuid.UUID) -> QuerySet[Engagement]:
    related = ("learner__agency", "companion__agency", "companion__companion_profile", "occasion", "programme")
    return with_keys(Engagement.objects.of_pair_member(user_id).filter(pk=pk).select_related(*related), of="pk")


def own_engagement_or_404(user: User, pk: uuid.UUID) -> Engagement:
    """The engagement, for a change that is the learner's: 404 for strangers, 403 for the companion."""
    engagement = engagement_or_404(user, pk)
    if not engagement.is_learner(user):
        raise PermissionDenied
    return engagement


def step_or_404(user: User, pk: uuid.UUID) -> LearningStep:
    """The step, for the learner, or for the companion when it is shared."""
    step = get_object_or_404(LearningStep.objects.select_related("engagement__learner", "engagement__companion"), pk=pk)
    if not step.engagement.is_learner(user) and not (step.engagement.is_companion(user) and step.shared_at):
        return get_object_or_404(LearningStep.objects.none())
    return step


def own_step_or_404(user: User, pk: uuid.UUID) -> LearningStep:
    """The step, for its learner; the companion may read but not write: 403."""
    step = step_or_404(user, pk)
    if not step.engagement.is_learner(user):
        raise PermissionDenied
    return step


def own_entry_or_404(user: User, pk: uuid.UUID) -> JournalEntry:
    """The journal entry, for its learner."""
    rows = JournalEntry.objects.select_related("engagement__companion").filter(engagement__learner=user)
    entry = get_object_or_404(rows, pk=pk)
    entry.engagement.learner = user
    return entry


@dataclass(frozen=True)
class May:
    """What one of the pair may do now; templates ask nothing else."""

    edit_concern: bool
    see_proposals: bool
    answer_request: bool
    write_agreement: bool
    make_appointment: bool
    plan_steps: bool
    pause: bool
    resume: bool
    close: bool
    withdraw: bool
    say_not_a_fit: bool
    change_companion: bool


def may(engagement: Engagement, user: User) -> May:
    """The permissions of this person in this engagement."""
    state, learns, accompanies = engagement.state, engagement.is_learner(user), engagement.is_companion(user)
    together = state in (State.INTRODUCTION, State.ACTIVE)
    return May(
        edit_concern=learns and not engagement.is_over(),
        see_proposals=learns and state in (State.MATCHING, State.REQUESTED, State.DRAFT),
        answer_request=accompanies and state == State.OFFERED,
        write_agreement=together,
        make_appointment=together,
        plan_steps=learns and state == State.ACTIVE,
        pause=state == State.ACTIVE,
        resume=state == State.PAUSED,
        close=state in (State.ACTIVE, State.PAUSED),
        withdraw=learns and state in (State.DRAFT, State.REQUESTED, State.MATCHING, State.OFFERED, State.INTRODUCTION),
        say_not_a_fit=state == State.INTRODUCTION,
        change_companion=learns and state in (State.ACTIVE, State.PAUSED) and state in OCCUPYING,
    )


def kindly(view: View) -> View:
    """Turn NotPossible into its sentence and the way back: somebody was faster, or it was a double click.

    What a POST had changed until then is undone. A form sent in the background gets the sentence to show in its place.
    """

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if request.method != "POST":
                return view(request, *args, **kwargs)
            with transaction.atomic():
                return view(request, *args, **kwargs)
        except NotPossible as reason:
            if request.headers.get("X-Background"):
                return HttpResponse(escape(str(reason)), status=409)
            messages.warning(request, str(reason))
            return redirect("conversations:today")

    return answered
