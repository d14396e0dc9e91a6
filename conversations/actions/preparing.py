"""Preparing a talk: the own sheet, and the learner's topic, kept or sent."""

from __future__ import annotations

from accounts.models import User
from conversations.conversation import Conversation
from conversations.preparation import Preparation, TopicWish
from lernbegleitung import clock

SHEET = ("before", "questions", "observations", "reflection")


def write_sheet(*, conversation: Conversation, texts: dict[str, str], by: User) -> Preparation:
    """Store the given parts of one's own sheet; nobody else can ever open it."""
    sheet = Preparation.objects.filter(conversation=conversation, owner=by).first()
    sheet = sheet or Preparation(conversation=conversation, owner=by)
    for name, text in texts.items():
        setattr(sheet, name, text)
    sheet.version += 1
    sheet.changed_at = clock.now()
    sheet.save()
    return sheet


def write_topic(*, conversation: Conversation, text: str, shared: bool, by: User) -> None:
    """What the learner would like to talk about; sent to the companion, or kept, or taken back."""
    wish = TopicWish.objects.filter(conversation=conversation).first() or TopicWish(conversation=conversation)
    wish.text = text
    wish.shared_at = (wish.shared_at or clock.now()) if shared else None
    wish.changed_at = clock.now()
    wish.save()
