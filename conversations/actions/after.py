"""After a talk: the own look, and feedback to the other one."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction

from accounts import outbox
from accounts.models import User
from conversations.afterwards import Feedback, TalkCheck
from conversations.conversation import Conversation
from conversations.mails import FEEDBACK_GIVEN
from lernbegleitung import clock


def look(*, conversation: Conversation, answers: dict[str, str], by: User) -> None:
    """Keep one's own look at a talk; the last word counts, and only its author can ever open it. All empty deletes it."""
    mine = TalkCheck.objects.select_for_update(no_key=True).filter(conversation=conversation, owner=by).first()
    if not any(answers.values()):
        if mine:
            mine.delete()
        return
    mine = mine or TalkCheck(conversation=conversation, owner=by)
    for name, text in answers.items():
        setattr(mine, name, text)
    mine.changed_at = clock.now()
    mine.save()


def give(*, conversation: Conversation, pk: uuid.UUID, text: str, by: User) -> None:
    """Give the other one feedback, with a mail that something waits; the same `pk` twice is once."""
    feedback = Feedback(pk=pk, conversation=conversation, author=by)
    feedback.text = text
    try:
        with transaction.atomic():
            feedback.save(force_insert=True)
    except IntegrityError:
        return
    if partner := conversation.engagement.partner_of(by):
        facts = {"path": f"/gespraeche/{conversation.pk}/danach/"}
        outbox.post(f"feedback_given:{pk}", kind=FEEDBACK_GIVEN, to=partner, about=conversation.pk, facts=facts)


def take_back(*, feedback: Feedback, by: User) -> None:
    """The author takes feedback back; the other one no longer sees it."""
    Feedback.objects.filter(pk=feedback.pk, author=by).delete()
