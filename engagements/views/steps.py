"""Lernschritte: plan, answer with one tap, review, plan anew."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import drafting
from accounts.access import SignedRequest, number_in, posted, signed_in
from accounts.drafting import with_draft
from accounts.keys import take_keys, with_keys
from engagements.access import kindly, own_engagement_or_404, own_step_or_404, step_or_404
from engagements.actions import steps as actions
from engagements.actions.requests import Stale
from engagements.engagement import Engagement
from engagements.forms import stand_again
from engagements.states import State
from engagements.step_forms import LaterForm, ReviewForm, StepForm
from engagements.steps import Insight, LearningStep, StepState
from engagements.views import step_rows as rows
from lernbegleitung import clock, ids
from lernbegleitung.audience import show_readers
from lernbegleitung.kept import first, kept

READ_AND_WRITE = ["GET", "HEAD", "POST"]
PAGE = 30
HINT_FROM = 3
BEGINNING = (-1, date.min, uuid.UUID(int=0))  # before every step


@signed_in
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """My steps: the open ones first, by their day; then the answered ones, the latest first."""
    after = request.GET.get("nach", "")
    group, _sep, rest = after.partition("~")
    day, _sep, pk = rest.partition("~")
    try:
        mark = (number_in(group, digits=1), date.fromisoformat(day), uuid.UUID(pk)) if after else BEGINNING
    except ValueError:
        mark = BEGINNING
    page = _steps_after(request.user.pk, *mark)
    take_keys(page, of="engagement_id")
    last = page[PAGE - 1] if len(page) > PAGE else None
    context = {
        "open_steps": [step for step in page[:PAGE] if step.is_open()],
        "answered": [step for step in page[:PAGE] if not step.is_open()],
        "more": f"{last.group}~{last.due_on}~{last.pk}" if last else None,
        "active": first(_active(request.user.pk)),
    }
    return render(request, "engagements/steps.html", context)


@kept
def _steps_after(learner_id: int, group: int, day: date, pk: uuid.UUID) -> QuerySet[LearningStep]:
    answered_last = Case(When(state=StepState.OPEN, then=Value(0)), default=Value(1), output_field=IntegerField())
    same_day = Q(group=group, due_on=day, pk__gt=pk)
    rows = LearningStep.objects.filter(engagement__learner=learner_id).annotate(group=answered_last)
    rows = rows.filter(Q(group__gt=group) | Q(group=group, due_on__gt=day) | same_day).order_by("group", "due_on", "pk")
    return with_keys(rows.select_related("engagement__learner", "engagement__companion"), of="engagement_id")[
        : PAGE + 1
    ]


@kept
def _active(learner_id: int) -> QuerySet[Engagement]:
    return Engagement.objects.filter(learner=learner_id, state=State.ACTIVE)[:1]


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def create(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """A new step."""
    engagement = own_engagement_or_404(request.user, pk)
    last = engagement.steps.order_by("-created_at").first()
    opened = engagement.steps.open().count()
    initial: dict[str, Any] = {"id": ids.new_id(), "remind": last.remind if last else True, "shared": True}
    former = former_step(engagement, request.GET.get("nach", ""))
    if former:
        initial |= {name: getattr(former, name) for name in actions.TEXTS}
    form = show_readers(
        StepForm(posted(request), initial=initial),
        LearningStep(engagement=engagement, shared_at=None),
        request.user,
    )
    with_draft(form, request, place=f"{request.path}?nach={former.pk}" if former else "")
    if request.method == "POST" and form.is_valid():
        actions.plan(
            engagement=engagement, pk=form.cleaned_data["id"] or ids.new_id(), values=form.cleaned_data, by=request.user
        )
        drafting.done(request)
        messages.success(request, _("Der Schritt ist geplant."))
        back = request.GET.get("next", "")
        return redirect(back if back.startswith("/gespraeche/") else "engagements:steps")
    if not engagement.is_running():
        messages.info(
            request,
            _("Lernschritte planen Sie, sobald die Vereinbarung von beiden angenommen ist und die Begleitung läuft."),
        )
        return redirect("conversations:engagement", pk)
    context = {
        "form": form,
        "engagement": engagement,
        "many": opened >= HINT_FROM,
        "opened": opened,
        "next": request.GET.get("next", request.POST.get("next", "")),
    }
    return render(request, "engagements/step_form.html", context, status=422 if form.errors else 200)


def former_step(engagement: Engagement, pk: str) -> LearningStep | None:
    """The step that the next one grows out of; its words are there to be changed."""
    try:
        return engagement.steps.filter(pk=uuid.UUID(pk)).first()
    except ValueError:
        return None


@signed_in
@require_safe
def detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """One step, with what was learned from it."""
    step = step_or_404(request.user, pk)
    insight = step.own_insight()
    context = {"step": step, "insight": insight, "learns": step.engagement.is_learner(request.user)}
    return render(request, "engagements/step.html", context)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def edit(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Change an open step; a stale tab shows both versions."""
    step = own_step_or_404(request.user, pk)
    form = StepForm(posted(request), initial=StepForm.initial_of(step), button=_("Speichern"))
    with_draft(show_readers(form, step, request.user), request)
    context: dict[str, Any] = {"form": form, "engagement": step.engagement, "step": step}
    if request.method == "POST" and form.is_valid():
        try:
            actions.change(
                step=step, version=form.cleaned_data["version"] or 0, values=form.cleaned_data, by=request.user
            )
        except Stale as stale:
            stand_again(form, version=stale.stored.version)
            both = [
                (form.fields[name].label, getattr(stale.stored, name))
                for name in actions.TEXTS
                if getattr(stale.stored, name)
            ]
            return render(request, "engagements/step_form.html", {**context, "stored": both}, status=412)
        drafting.done(request)
        messages.success(request, _("Der Schritt ist gespeichert."))
        return redirect("engagements:step", pk)
    if not step.is_open():
        return redirect("engagements:step", pk)
    return render(request, "engagements/step_form.html", context, status=422 if form.errors else 200)


ANSWERS = {"done": StepState.DONE, "tried": StepState.TRIED, "drop": StepState.DROPPED, "reopen": StepState.OPEN}


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def answer(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The page behind a reminder: done, later, different, drop, stop. Nothing changes by opening it."""
    step = own_step_or_404(request.user, pk)
    if row := rows.row_of(request):
        return rows.answer(request, step, row)
    given = request.POST.get("answer", "")
    form = LaterForm(request.POST if given == "later" else None)
    if given in ANSWERS:
        step = actions.answer(step=step, state=ANSWERS[given], by=request.user)
        messages.success(request, _("Gut gemacht.") if given == "done" else _("Gespeichert."))
        return redirect("engagements:step_review" if given in ("done", "tried") else "engagements:step", pk)
    if given == "later":
        days = {"tomorrow": 1, "week": 7}.get(request.POST.get("when", ""))
        if days or form.is_valid():
            due = clock.today() + timedelta(days=days) if days else form.cleaned_data["due_on"]
            actions.plan_anew(step=step, due_on=due, by=request.user)
            messages.success(request, _("Neu eingeplant."))
            return redirect("engagements:step", pk)
    if given == "stop":
        actions.stop_reminding(step=step, by=request.user)
        messages.success(request, _("An diesen Schritt erinnern wir Sie nicht mehr."))
        return redirect("engagements:step", pk)
    return render(
        request, "engagements/step_answer.html", {"step": step, "form": form}, status=422 if form.errors else 200
    )


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def review(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """What happened, what surprised, what is kept."""
    step = own_step_or_404(request.user, pk)
    insight = step.own_insight()
    initial: dict[str, Any] = {
        "state": "" if step.is_open() else step.state,
        "shared": bool(insight and insight.shared_at),
        "version": insight.version if insight else 0,
    }
    if insight:
        initial |= {name: getattr(insight, name) for name in ("happened", "surprised", "keep")}
    form = ReviewForm(posted(request), initial=initial)
    with_draft(show_readers(form, insight or Insight(engagement=step.engagement), request.user), request)
    context: dict[str, Any] = {"form": form, "step": step}
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            actions.review(
                step=step,
                version=values["version"] or 0,
                state=StepState(values["state"]),
                texts=form.texts(),
                shared=values["shared"],
                by=request.user,
            )
        except Stale as stale:
            stand_again(form, version=stale.stored.version)
            context["stored"] = [(form.fields[name].label, getattr(stale.stored, name)) for name in form.texts()]
            return render(request, "engagements/step_review.html", context, status=412)
        drafting.done(request)
        messages.success(request, _("Gesichert. Das finden Sie jederzeit wieder."))
        if values["next"] and step.engagement.is_running():
            return redirect(
                reverse("engagements:step_create", args=[step.engagement_id]) + f"?nach={step.pk}&wie={values['next']}"
            )
        return redirect("engagements:step", pk)
    return render(request, "engagements/step_review.html", context, status=422 if form.errors else 200)


@signed_in
@require_POST
def share(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Show it to the companion, or take it back."""
    step = own_step_or_404(request.user, pk)
    shared = request.POST.get("shared") == "1"
    actions.share(step=step, shared=shared, by=request.user)
    messages.success(
        request, _("Ihre Begleitung kann den Schritt jetzt sehen.") if shared else _("Den Schritt sehen jetzt nur Sie.")
    )
    return redirect("engagements:step", pk)
