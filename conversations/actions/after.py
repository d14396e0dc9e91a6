"""After a talk: the own look, and feedback to the other one."""

from __future__ import annotations

import uuid

from accounts import outbox
from accounts.models import User
from conversations.access import other_reader
from conversations.afterwards import Feedback, TalkCheck
from conversations.conversation import Conversation
from conversations.mails import FEEDBACK_GIVEN
from lernbegleitung import clock, ids


def look(*, conversation: Conversation, answers: dict[str, str], by: User) -> None:
    """Keep one's own look at a talk; the last word counts, and only its author can ever open it. All empty deletes it."""
    if not any(answers.values()):
        TalkCheck.objects.filter(conversation=conversation, owner=by).delete()
        return
    TalkCheck.objects.bulk_create([TalkCheck(conversation=conversation, owner=by)], ignore_conflicts=True)
    mine = TalkCheck.objects.select_for_update(no_key=True).get(conversation=conversation, owner=by)
    for name, text in answers.items():
        setattr(mine, name, text)
    mine.changed_at = clock.now()
    mine.save()


def give(*, conversation: Conversation, pk: uuid.UUID, text: str, by: User) -> None:
    """Give the other one feedback, with a mail that something waits; the same `pk` twice is once."""
    feedback = Feedback(pk=pk, conversation=conversation, author=by)
    feedback.text = text
    if not ids.insert_once(feedback):
        return
    if partner := other_reader(conversation, by):
        facts = {"path": f"/gespraeche/{conversation.pk}/danach/"}
        outbox.post(f"feedback_given:{pk}", kind=FEEDBACK_GIVEN, to=partner, about=conversation.pk, facts=facts)


def take_back(*, feedback: Feedback, by: User) -> None:
    """The author takes feedback back; the other one no longer sees it."""
    Feedback.objects.filter(pk=feedback.pk, author=by).delete()
