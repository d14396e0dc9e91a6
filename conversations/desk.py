"""What lies on the desk of a talk, before it and in it, as one of the two sees it: fetched in one statement."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from engagements.concerns import LearningConcern
from engagements.models import JournalEntry, LearningStep
from lernbegleitung.kept import first
from lernbegleitung.together import together

from .conversation import Conversation, ConversationPart, Observation
from .preparation import Preparation

MANY = 100  # steps looked at
ENTRIES = 2


@dataclass(frozen=True)
class Desk:
    """The texts, ready to be read. Steps and entries are those of the companionship, the others are of this talk."""

    sheet: Preparation | None  # the person's own
    parts: list[ConversationPart]
    observations: list[Observation]  # in the order in which they were offered
    concern: LearningConcern | None
    steps: list[LearningStep]  # by the day they are meant for
    shared_entries: list[JournalEntry]  # the latest first


def desk_of(conversation: Conversation, person: User) -> Desk:
    """The desk of this person in a talk that came from `conversation_or_404`, which has brought the key."""
    sheets, parts, observations, *carried = _lies_on_it(conversation.pk, conversation.engagement_id, person.pk)
    pair = {
        somebody.pk: somebody for somebody in (conversation.appointment.learner, conversation.appointment.companion)
    }
    for item in (*sheets, *parts, *observations):
        item.conversation = conversation
    for observation in observations:  # offered by the companion of the talk
        observation.author = pair.get(observation.author_id) or observation.author
    for item in (thing for things in carried for thing in things):
        item.engagement = conversation.engagement
    concerns, steps, entries = carried
    return Desk(first(sheets), parts, observations, first(concerns), steps, entries)


@together
def _lies_on_it(talk_id: uuid.UUID, engagement_id: uuid.UUID, person_id: int) -> tuple[QuerySet[Any], ...]:
    return (
        Preparation.objects.filter(conversation=talk_id, owner=person_id),
        ConversationPart.objects.filter(conversation=talk_id),
        Observation.objects.filter(conversation=talk_id),
        LearningConcern.objects.filter(engagement=engagement_id)[:1],
        LearningStep.objects.filter(engagement=engagement_id).next_first()[:MANY],
        JournalEntry.objects.filter(engagement=engagement_id).exclude(shared_at=None).order_by("-pk")[:ENTRIES],
    )
