"""Goals: written, changed with their history, rated, answered, released. The learner's own throughout."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from engagements.actions.requests import Stale
from engagements.engagement import Engagement
from engagements.goals import LEVEL_NAMES, FormerWords, Goal, GoalRating, GoalState
from engagements.states import NotPossible
from lernbegleitung import clock

TEXTS = ("title", "signs", *LEVEL_NAMES)


def write(*, engagement: Engagement, pk: uuid.UUID, values: dict[str, Any], by: User) -> Goal:
    """A new goal; the same `pk` twice makes one."""
    if existing := Goal.objects.filter(pk=pk, engagement=engagement).first():
        return existing
    if engagement.is_over():
        raise NotPossible()
    goal = Goal(pk=pk, engagement=engagement)
    _fill(goal, values)
    try:
        with transaction.atomic():
            goal.save(force_insert=True)
    except IntegrityError as error:
        raise NotPossible() from error
    return goal


def change(*, goal: Goal, version: int, values: dict[str, Any], by: User) -> None:
    """Other words; what it said before is kept for the learner. Raises Stale when another tab was faster."""
    stored = Goal.objects.select_for_update(no_key=True).get(pk=goal.pk)
    stored.engagement = goal.engagement
    if stored.version != version:
        raise Stale(stored)
    remember(stored, {name: values[name] for name in TEXTS})
    _fill(stored, values)
    stored.version += 1
    stored.changed_at = clock.now()
    stored.save()
    GoalRating.objects.filter(goal=stored).update(shared_at=stored.shared_at)


def remember(item: Any, texts: dict[str, str]) -> None:
    """Keep the present words of those fields that are about to say something else."""
    for name, text in texts.items():
        if (former := getattr(item, name)) and former != text:
            words = FormerWords(engagement_id=item.engagement_id, item=item.pk, field=name)
            words.text = former
            words.save(force_insert=True)


def carry(*, goal: Goal, into: Engagement, by: User) -> Goal:
    """Go on with an open goal of an earlier companionship: its words under the new key, for nobody else yet. Twice is once."""
    if existing := Goal.objects.filter(engagement=into, carried_from=goal.pk).first():
        return existing
    if into.is_over() or not goal.engagement.is_over() or not goal.is_open():
        raise NotPossible()
    new = Goal(engagement=into, carried_from=goal.pk)
    for name in TEXTS:
        setattr(new, name, getattr(goal, name))
    new.target_on = goal.target_on if goal.target_on and goal.target_on >= clock.today() else None
    try:
        with transaction.atomic():
            new.save(force_insert=True)
    except IntegrityError:
        return Goal.objects.get(engagement=into, carried_from=goal.pk)
    return new


def rate(*, goal: Goal, importance: str, confidence: str, level: str, by: User) -> GoalRating | None:
    """How it feels today. On one day the latest counts; nothing said is nothing kept."""
    if not (importance or confidence or level):
        return None
    goal.ratings.filter(at__date=clock.today()).delete()
    rating = GoalRating(engagement_id=goal.engagement_id, goal=goal, shared_at=goal.shared_at)
    rating.importance, rating.confidence, rating.level = importance, confidence, level
    rating.save(force_insert=True)
    return rating


def answer(*, goal: Goal, state: GoalState, by: User) -> None:
    """Reached, let go, or open again. The same answer twice is once."""
    if goal.state != state:
        goal.state = state
        goal.answered_at = None if state == GoalState.OPEN else clock.now()
        goal.save(update_fields=["state", "answered_at"])


def share(*, goal: Goal, shared: bool, by: User) -> None:
    """Show a goal with its ratings to the companion, or take it back."""
    goal.shared_at = clock.now() if shared else None
    goal.save(update_fields=["shared_at"])
    GoalRating.objects.filter(goal=goal).update(shared_at=goal.shared_at)


def _fill(goal: Goal, values: dict[str, Any]) -> None:
    for name in TEXTS:
        setattr(goal, name, values[name])
    goal.target_on = values["target_on"]
    goal.shared_at = (goal.shared_at or clock.now()) if values["shared"] else None
