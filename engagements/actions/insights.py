"""Insights and rules of thumb: shared one by one and taken back, kept for good, changed, deleted."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction

from accounts.models import User
from engagements.actions.requests import Stale
from engagements.rules import RuleOfThumb
from engagements.states import NotPossible
from engagements.steps import Insight
from lernbegleitung import clock


def share(*, insight: Insight, shared: bool, by: User) -> None:
    """Show one insight to the companion, or take it back."""
    insight.shared_at = clock.now() if shared else None
    insight.save(update_fields=["shared_at"])


def keep(*, insights: list[Insight], by: User) -> int:
    """Keep what they say as rules of thumb, beyond the companionship. How many are new; twice is once."""
    had = set(RuleOfThumb.objects.filter(owner=by).values_list("insight", flat=True))
    new = [insight for insight in insights if insight.keep and insight.pk not in had]
    for insight in new:
        rule = RuleOfThumb(owner=by, insight=insight.pk)
        rule.text = insight.keep
        rule.save(force_insert=True)
    return len(new)


def write(*, pk: uuid.UUID, text: str, by: User) -> RuleOfThumb:
    """A rule of thumb of one's own; the same `pk` twice makes one."""
    if existing := RuleOfThumb.objects.filter(pk=pk, owner=by).first():
        return existing
    rule = RuleOfThumb(pk=pk, owner=by)
    rule.text = text
    try:
        with transaction.atomic():
            rule.save(force_insert=True)
    except IntegrityError as error:
        raise NotPossible() from error
    return rule


def change(*, rule: RuleOfThumb, version: int, text: str, by: User) -> None:
    """Other words; raises Stale when another tab was faster, and changes nothing then."""
    stored = RuleOfThumb.objects.select_for_update(no_key=True).get(pk=rule.pk)
    if stored.version != version:
        raise Stale(stored)
    stored.text = text
    stored.version += 1
    stored.save(update_fields=["text_sealed", "version"])
