"""Starting again with what one has learned: own rules of thumb, and the concern of the companionship that ended last."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from accounts.models import User

from .concerns import LearningConcern
from .engagement import Engagement
from .rules import RuleOfThumb
from .states import State

SHOWN = 5


@dataclass(frozen=True)
class Learned:
    """What there is to begin from. `continues`: the person has chosen to take up that concern."""

    rules: list[RuleOfThumb]
    earlier: Engagement | None
    concern: LearningConcern | None
    continues: bool

    def texts(self) -> dict[str, str]:
        """The words to begin with, when the concern is taken up."""
        if not (self.continues and self.concern):
            return {}
        return {name: getattr(self.concern, name) for name in ("ability", "situation", "signs")}


def learned_by(user: User, wanted: str) -> Learned:
    """`wanted`: the id of an own closed companionship; anything else is ignored, and the latest is offered."""
    closed = Engagement.objects.of_learner(user).filter(state=State.CLOSED).order_by("-closed_at", "-pk")[:20]
    ended = list(closed.select_related("learner", "companion"))
    chosen = next((engagement for engagement in ended if engagement.pk == _uuid(wanted)), None)
    earlier = chosen or next(iter(ended), None)
    concern = earlier.concerns.first() if earlier else None
    if concern and earlier:
        concern.engagement = earlier
    rules = list(RuleOfThumb.objects.filter(owner=user).select_related("owner")[:SHOWN])
    return Learned(rules, earlier, concern, chosen is not None)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
