"""Ziele: what one works towards, how it feels over time, and what it said before."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import drafting
from accounts.access import SignedRequest, posted, signed_in
from accounts.drafting import with_draft
from accounts.keys import load_keys
from engagements.access import kindly, own_engagement_or_404
from engagements.actions import goals as actions
from engagements.actions.requests import Stale
from engagements.engagement import Engagement
from engagements.forms import stand_again
from engagements.goal_forms import GoalForm, RatingForm
from engagements.goals import FormerWords, Goal, GoalRating, GoalState
from engagements.states import UNFINISHED, NotPossible
from lernbegleitung import ids
from lernbegleitung.audience import show_readers

READ_AND_WRITE = ["GET", "HEAD", "POST"]
HINT_FROM = 2


def goal_or_404(request: SignedRequest, pk: uuid.UUID) -> Goal:
    """The goal, for the learner, or for the companion when it is shared."""
    goal = get_object_or_404(Goal.objects.select_related("engagement__learner", "engagement__companion"), pk=pk)
    pair = goal.engagement
    if not pair.is_learner(request.user) and not (pair.is_companion(request.user) and goal.shared_at):
        return get_object_or_404(Goal.objects.none())
    return goal


def own_goal_or_404(request: SignedRequest, pk: uuid.UUID) -> Goal:
    """The goal, for its learner; the companion may read but not write: 403."""
    goal = goal_or_404(request, pk)
    if not goal.engagement.is_learner(request.user):
        raise PermissionDenied
    return goal


@signed_in
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """The learner's own goals, the open ones first."""
    mine = Engagement.objects.of_learner(request.user)
    engagement = mine.filter(state__in=UNFINISHED).first()
    goals = list(
        Goal.objects.filter(engagement__learner=request.user)
        .select_related("engagement__learner", "engagement__companion")
        .order_by("-created_at")[:60]
    )
    load_keys({goal.engagement_id for goal in goals})
    carried = {goal.carried_from for goal in goals}
    goals = [goal for goal in goals if goal.pk not in carried]
    context = {
        "engagement": engagement,
        "open_goals": [goal for goal in goals if goal.is_open()],
        "closed_goals": [goal for goal in goals if not goal.is_open()],
    }
    return render(request, "engagements/goals.html", context)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def create(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """A new goal in a companionship."""
    engagement = own_engagement_or_404(request.user, pk)
    form = show_readers(
        GoalForm(posted(request), initial={"id": ids.new_id()}), Goal(engagement=engagement), request.user
    )
    with_draft(form, request)
    if request.method == "POST" and form.is_valid():
        goal = actions.write(
            engagement=engagement, pk=form.cleaned_data["id"] or ids.new_id(), values=form.cleaned_data, by=request.user
        )
        drafting.done(request)
        messages.success(request, _("Das Ziel ist festgehalten."))
        return redirect("engagements:goal", goal.pk)
    opened = Goal.objects.filter(engagement=engagement, state=GoalState.OPEN).count()
    context = {"form": form, "engagement": engagement, "many": opened >= HINT_FROM, "opened": opened}
    return render(request, "engagements/goal_form.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(READ_AND_WRITE)
def detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """One goal: its words, how it felt over time, what it said before. A POST keeps how it feels today."""
    goal = own_goal_or_404(request, pk) if request.method == "POST" else goal_or_404(request, pk)
    learns = goal.engagement.is_learner(request.user)
    ratings = list(goal.ratings.order_by("at", "pk"))
    for rating in ratings:
        rating.engagement = goal.engagement
    form = RatingForm(posted(request), goal=goal)
    if request.method == "POST" and form.is_valid():
        values = {"level": "", **form.cleaned_data}
        if actions.rate(goal=goal, **values, by=request.user):
            messages.success(request, _("Für heute festgehalten."))
        return redirect("engagements:goal", pk)
    former = list(FormerWords.objects.filter(item=goal.pk, field__in=("title", "signs"))[:30]) if learns else []
    for words in former:
        words.engagement = goal.engagement
    context: dict[str, Any] = {
        "goal": goal,
        "learns": learns,
        "ratings": ratings,
        "chart": chart_of(ratings),
        "form": form,
        "former": former,
    }
    return render(request, "engagements/goal.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(READ_AND_WRITE)
def edit(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Other words for a goal; a stale tab shows both versions."""
    goal = own_goal_or_404(request, pk)
    form = GoalForm(posted(request), initial=GoalForm.initial_of(goal), button=_("Speichern"), known_day=goal.target_on)
    with_draft(show_readers(form, goal, request.user), request)
    context: dict[str, Any] = {"form": form, "goal": goal, "engagement": goal.engagement}
    if request.method == "POST" and form.is_valid():
        try:
            actions.change(
                goal=goal, version=form.cleaned_data["version"] or 0, values=form.cleaned_data, by=request.user
            )
        except Stale as stale:
            stand_again(form, version=stale.stored.version)
            context["stored"] = [
                (form.fields[name].label, text) for name in actions.TEXTS if (text := getattr(stale.stored, name))
            ]
            return render(request, "engagements/goal_form.html", context, status=412)
        drafting.done(request)
        messages.success(request, _("Das Ziel ist gespeichert."))
        return redirect("engagements:goal", pk)
    return render(request, "engagements/goal_form.html", context, status=422 if form.errors else 200)


ANSWERS = {"reached": GoalState.REACHED, "let_go": GoalState.LET_GO, "open": GoalState.OPEN}


@signed_in
@require_POST
def answer(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Reached, let go, or open again."""
    goal = own_goal_or_404(request, pk)
    if state := ANSWERS.get(request.POST.get("answer", "")):
        actions.answer(goal=goal, state=state, by=request.user)
        words = {
            GoalState.REACHED: _("Erreicht. Was nehmen Sie daraus mit?"),
            GoalState.LET_GO: _("Losgelassen. Auch das ist ein Ergebnis."),
            GoalState.OPEN: _("Das Ziel ist wieder offen."),
        }
        messages.success(request, words[state])
    return redirect("engagements:goal", pk)


@signed_in
@require_POST
def share(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a goal to the companion, or take it back."""
    shared = request.POST.get("shared") == "1"
    actions.share(goal=own_goal_or_404(request, pk), shared=shared, by=request.user)
    words = _("Ihre Begleitung kann das Ziel jetzt lesen."), _("Das Ziel sehen jetzt nur Sie.")
    messages.success(request, words[0] if shared else words[1])
    return redirect("engagements:goal", pk)


@signed_in
@require_POST
@kindly
def carry(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Take an open goal of an earlier companionship into the present one."""
    goal = own_goal_or_404(request, pk)
    present = Engagement.objects.of_learner(request.user).filter(state__in=UNFINISHED).first()
    if not present:
        raise NotPossible(_("Dafür braucht es eine Lernbegleitung. Beginnen Sie mit Ihrem Anliegen."))
    new = actions.carry(goal=goal, into=present, by=request.user)
    messages.success(request, _("Das Ziel geht mit. Noch sehen es nur Sie."))
    return redirect("engagements:goal", new.pk)


@dataclass(frozen=True)
class Chart:
    """Two lines from 0 to 10 over time, as points of an SVG of 100 × 100; the table beside it says the same."""

    importance: str
    confidence: str
    dots_importance: str
    dots_confidence: str


def chart_of(ratings: list[GoalRating]) -> Chart | None:
    """The lines, once there are two days to connect."""
    said = [rating for rating in ratings if rating.importance or rating.confidence]
    if len(said) < 2:
        return None
    begins, ends = said[0].at.timestamp(), said[-1].at.timestamp()
    width = max(ends - begins, 1)

    def points(name: str) -> list[tuple[float, float]]:
        return [
            (round((row.at.timestamp() - begins) / width * 100, 2), 100 - int(getattr(row, name)) * 10)
            for row in said
            if getattr(row, name)
        ]

    def line(name: str) -> str:
        return " ".join(f"{x},{y}" for x, y in points(name))

    def dots(name: str) -> str:
        return "".join(f"M{x},{y}h0" for x, y in points(name))

    return Chart(line("importance"), line("confidence"), dots("importance"), dots("confidence"))
