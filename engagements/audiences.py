"""Who reads what the pair writes: the policies and the sentences on the page come from these lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.audiences import OWN
from accounts.models import User
from lernbegleitung.audience import ACCOMPANYING, LEARNING, ME, Audience, Pair, Readers, Tie, declare

from .agreements import Agreement
from .concerns import LearningConcern
from .direct_line import LineMessage
from .engagement import Engagement
from .goals import FormerWords, Goal, GoalRating
from .journal import JournalEntry
from .rules import RuleOfThumb
from .steps import Insight, LearningStep
from .told import SentReminder
from .transfer import TransferCheck


def pair_of(engagement: Engagement) -> Pair:
    """The learner, and the companion as long as that person reads along (30 days after closing)."""
    return engagement.learner, engagement.companion if engagement.companion_reads_along() else None


def _pair(item: Any) -> Pair:
    return pair_of(item.engagement)


def _writers_pair(item: Agreement) -> Pair:
    learner, companion = pair_of(item.engagement)
    return learner, companion if companion and companion.pk == item.companion_id else None


def _learner(item: Any) -> int:
    return item.engagement.learner_id


IN_ENGAGEMENT = Tie(f"engagement_id = {LEARNING}", f"engagement_id = {ACCOMPANYING}", _pair)
# An agreement is between two people: who accompanies later does not read it.
OF_THE_TWO = Tie(IN_ENGAGEMENT.learner, f"companion_id = {ME} AND {IN_ENGAGEMENT.companion}", _writers_pair)
THE_LEARNER = "app_is_learner(engagement_id)"


@dataclass(frozen=True)
class OfTheLine(Audience):
    """Whoever wrote to the coordination, and those who coordinate that agency today."""

    def readers(self, item: Any) -> Readers:
        """With the coordinators' names, which the writer learns from the database for this purpose only."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT user_id, name FROM coordination_in_force(%s)", [item.line.agency_id])
            coordination = [User(pk=pk, name=name) for pk, name in cursor.fetchall()]
        return Readers(tuple(dict.fromkeys((item.line.writer, *coordination))))


# The line's own policy says who sees it (policies.sql).
ON_A_LINE = Tie(
    "line_id IN (SELECT l.id FROM engagements_directline l)", "false", lambda item: (item.line.writer, None)
)

declare(
    Audience(LearningConcern, IN_ENGAGEMENT, _learner, writes=THE_LEARNER),
    Audience(
        Agreement,
        OF_THE_TWO,
        lambda item: item.written_by_id or item.engagement.learner_id,
        writes=f"app_is_pair(engagement_id) AND ({THE_LEARNER} OR companion_id = {ME})",
    ),
    Audience(LearningStep, IN_ENGAGEMENT, _learner, shared=True, writes=THE_LEARNER),
    Audience(Insight, IN_ENGAGEMENT, _learner, shared=True, writes=THE_LEARNER),
    Audience(JournalEntry, IN_ENGAGEMENT, _learner, shared=True, writes=THE_LEARNER),
    Audience(Goal, IN_ENGAGEMENT, _learner, shared=True, writes=THE_LEARNER),
    Audience(GoalRating, IN_ENGAGEMENT, _learner, shared=True, writes=THE_LEARNER),
    Audience(FormerWords, IN_ENGAGEMENT, _learner, companion_reads=False, writes=THE_LEARNER),
    Audience(RuleOfThumb, OWN, lambda item: item.owner_id, companion_reads=False, writes=f"owner_id = {ME}"),
    Audience(TransferCheck, OWN, lambda item: item.owner_id, companion_reads=False, writes=f"owner_id = {ME}"),
    OfTheLine(LineMessage, ON_A_LINE, lambda item: item.line.writer_id),
    Audience(SentReminder, OWN, lambda item: item.owner_id, companion_reads=False),
)
