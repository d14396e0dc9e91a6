"""Learning steps: planned, planned anew, answered, reviewed, shared. The learner's own throughout."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from engagements.actions.requests import Stale
from engagements.engagement import Engagement
from engagements.states import NotPossible, State
from engagements.step_mails import write_reminders
from engagements.steps import Insight, LearningStep, StepState
from lernbegleitung import clock

TEXTS = ("what", "where", "cue", "action", "obstacle", "help")


def plan(
    *, engagement: Engagement, pk: uuid.UUID, values: dict[str, Any], by: User, talk: uuid.UUID | None = None
) -> LearningStep:
    """A new step with its reminder, planned in a `talk` or not; the same `pk` twice makes one."""
    if existing := LearningStep.objects.filter(pk=pk, engagement=engagement).first():
        return existing
    engagement.require(State.ACTIVE)
    step = LearningStep(pk=pk, engagement=engagement, talk=talk)
    _fill(step, values)
    try:
        with transaction.atomic():
            step.save(force_insert=True)
    except IntegrityError as error:
        raise NotPossible() from error
    write_reminders(step, by)
    return step


def change(*, step: LearningStep, version: int, values: dict[str, Any], by: User) -> None:
    """Change an open step; a new date gets its own reminder. Raises Stale when another tab was faster."""
    stored = _locked(step)
    if not stored.is_open():
        raise NotPossible()
    if stored.version != version:
        raise Stale(stored)
    _fill(stored, values)
    stored.version += 1
    stored.save()
    write_reminders(stored, by)


def answer(*, step: LearningStep, state: StepState, by: User) -> LearningStep:
    """Done, tried, dropped, or open again, reminder included. The same answer twice is once."""
    stored = _locked(step)
    if stored.state != state:
        stored.state = state
        stored.answered_at = None if state == StepState.OPEN else clock.now()
        stored.save(update_fields=["state", "answered_at"])
        if stored.is_open():
            write_reminders(stored, by)
    return stored


def tap(*, step: LearningStep, state: StepState, by: User) -> LearningStep:
    """Done or dropped with one tap, which can be undone: so only from open, never over another answer."""
    stored = _locked(step)
    if stored.state not in (StepState.OPEN, state):
        raise NotPossible()
    return answer(step=stored, state=state, by=by)


def plan_anew(*, step: LearningStep, due_on: date, by: User) -> LearningStep:
    """Another day. Planning anew is normal, so nothing is said about it."""
    stored = _locked(step)
    if not stored.is_open():
        raise NotPossible()
    _move(stored, due_on, by)
    return stored


def put_back(*, step: LearningStep, due_on: date, version: int, by: User) -> LearningStep:
    """Undo planning anew: the former day with its reminder, as long as the step has not changed since."""
    stored = _locked(step)
    if not stored.is_open() or stored.due_on != due_on and stored.version != version:
        raise NotPossible()
    _move(stored, due_on, by)
    return stored


def stop_reminding(*, step: LearningStep, by: User) -> LearningStep:
    """No more mails about this step."""
    stored = _locked(step)
    stored.remind = False
    stored.save(update_fields=["remind"])
    return stored


def review(
    *, step: LearningStep, version: int, state: StepState, texts: dict[str, str], shared: bool, by: User
) -> Insight:
    """What was learned from a step; a second review changes the first. Raises Stale when another tab was faster."""
    _locked(step)
    insight = Insight.objects.filter(step=step).first() or Insight(
        engagement_id=step.engagement_id, step=step, version=0
    )
    if insight.version != version and any(getattr(insight, name) != text for name, text in texts.items()):
        raise Stale(insight)
    answer(step=step, state=state, by=by)
    insight.version += 1
    for name, text in texts.items():
        setattr(insight, name, text)
    insight.shared_at = (insight.shared_at or clock.now()) if shared else None
    insight.save()
    return insight


def share(*, step: LearningStep, shared: bool, by: User) -> None:
    """Show the step to the companion, or take it back."""
    stored = _locked(step)
    stored.shared_at = clock.now() if shared else None
    stored.save(update_fields=["shared_at"])


def _locked(step: LearningStep) -> LearningStep:
    return LearningStep.objects.select_for_update(no_key=True).get(pk=step.pk)


def _move(step: LearningStep, due_on: date, by: User) -> None:
    """To another day; the same day twice is once."""
    if step.due_on != due_on:
        step.due_on, step.version = due_on, step.version + 1
        step.save(update_fields=["due_on", "version"])
        write_reminders(step, by)


def _fill(step: LearningStep, values: dict[str, Any]) -> None:
    for name in TEXTS:
        setattr(step, name, values.get(name, ""))
    step.due_on, step.remind = values["due_on"], values["remind"]
    step.shared_at = (step.shared_at or clock.now()) if values["shared"] else None
