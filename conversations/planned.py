"""What a talk leads to: the steps planned in it, and when the two meet next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from engagements.models import LearningStep

from .conversation import Conversation, later_talks


def planned_in(conversation: Conversation) -> QuerySet[LearningStep, Any]:
    """The released steps planned in this talk, for either of the two; they stay the learner's, released or not."""
    return conversation.engagement.steps.filter(talk=conversation.pk).exclude(shared_at=None)


def next_talk_at(conversation: Conversation) -> datetime | None:
    """When the two meet next after this talk, if they have said so; no query for a talk of `with_next_talk`."""
    if not hasattr(conversation, "next_at"):
        conversation.next_at = later_talks(conversation.engagement_id, conversation.appointment.starts_at).first()
    found: datetime | None = conversation.next_at
    return found
