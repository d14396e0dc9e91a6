"""Sichern und abschließen: what the learner takes along, the open goals, and the wish for a look back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction

from accounts.models import User
from engagements.actions import goals, insights, lifecycle, ratings
from engagements.actions.choice import locked
from engagements.engagement import Engagement
from engagements.goals import Goal, GoalState
from engagements.states import NotPossible, State
from engagements.steps import Insight
from engagements.transfer import TransferCheck, months_later
from engagements.transfer_mails import write_mail
from lernbegleitung import clock


@dataclass(frozen=True)
class Secured:
    """What the learner has filled in. `pk`: the insight's id, so that sent twice is kept once; `token`: for the rating."""

    pk: uuid.UUID
    keep: str = ""
    as_rule: bool = True
    helped: str = ""
    goals: dict[uuid.UUID, GoalState] = field(default_factory=dict)
    months: frozenset[int] = frozenset()
    sentence: str = ""
    token: str = ""


def secure(*, engagement: Engagement, secured: Secured, by: User) -> None:
    """Keep it, and close if that has not happened yet: the companion may have closed, and the learner secures after."""
    engagement = locked(engagement)
    engagement.require(State.ACTIVE, State.PAUSED, State.CLOSED)
    _keep(engagement, secured, by)
    answer_goals(engagement=engagement, answers=secured.goals, by=by)
    if engagement.state != State.CLOSED:
        lifecycle.close(engagement=engagement, by=by)
        engagement.refresh_from_db(fields=["state", "closed_at"])
    wish_look_back(engagement=engagement, months=secured.months, sentence=secured.sentence, by=by)
    if secured.token:
        ratings.issue(engagement=engagement, token=secured.token)


def _keep(engagement: Engagement, secured: Secured, by: User) -> None:
    if not (secured.keep or secured.helped):
        return
    insight = Insight.objects.filter(pk=secured.pk, engagement=engagement).first()
    if not insight:
        insight = Insight(pk=secured.pk, engagement=engagement)
        insight.keep, insight.helped = secured.keep, secured.helped
        try:
            with transaction.atomic():
                insight.save(force_insert=True)
        except IntegrityError as error:
            raise NotPossible() from error
    if secured.as_rule:
        insights.keep(insights=[insight], by=by)


def answer_goals(*, engagement: Engagement, answers: dict[uuid.UUID, GoalState], by: User) -> None:
    """Reached, let go, or still open: for those goals of this companionship that are open."""
    for goal in Goal.objects.filter(engagement=engagement, state=GoalState.OPEN, pk__in=answers):
        goals.answer(goal=goal, state=answers[goal.pk], by=by)


def wish_look_back(*, engagement: Engagement, months: Iterable[int], sentence: str, by: User) -> None:
    """A transfer check with its mail for each wish, counted from the day of closing; the same wish twice is one."""
    wished = set(TransferCheck.objects.filter(owner=by, engagement=engagement.pk).values_list("months", flat=True))
    for number in sorted(set(months) - wished):
        due_on = months_later(clock.day_of(engagement.closed_at), number)
        check = TransferCheck(owner=by, engagement=engagement.pk, months=number, due_on=due_on)
        check.sentence = sentence
        check.save(force_insert=True)
        write_mail(check, by)
