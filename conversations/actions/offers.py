"""What the companion offers for the record, and what the learner makes of it."""

from __future__ import annotations

import uuid

from django.utils.translation import gettext as _

from accounts.models import User
from conversations.actions.documenting import LONGEST, changed, held
from conversations.conversation import Conversation, ConversationPart, Observation
from conversations.ideas import ChangeIdea
from engagements.states import NotPossible
from lernbegleitung import clock

Answer = Observation.Answer


def offer(
    *, conversation: Conversation, pk: uuid.UUID, part: int, what: str, text: str, meaning: str, by: User
) -> None:
    """The companion offers what they noticed, with what they make of it kept apart, or a wording for the record.

    The same `pk` twice is once.
    """
    conversation = held(conversation)
    if Observation.objects.filter(pk=pk).exists():
        return
    offered = Observation(pk=pk, conversation=conversation, part=part, author=by, what=what)
    offered.text = text
    offered.meaning = meaning if what == Observation.What.OBSERVATION else ""
    offered.save(force_insert=True)


def answer(*, observation: Observation, chosen: str, text: str | None = None, by: User) -> None:
    """The learner takes an offer into the own words, as it is or changed (`text`), takes it as an idea, or drops it.

    What the companion makes of it is never taken. Answered twice is once.
    """
    conversation = held(observation.conversation)
    observation = Observation.objects.select_related("conversation").get(pk=observation.pk)
    if observation.answer != Answer.OFFERED:
        return
    words = observation.text if text is None else text
    if chosen == Answer.TAKEN and words != observation.text:
        chosen = Answer.CHANGED
    observation.answer = chosen
    observation.save(update_fields=["answer"])
    if chosen == Answer.DROPPED:
        return
    if chosen == Answer.IDEA:
        idea = ChangeIdea(conversation=conversation)
        idea.text = words
        idea.save(force_insert=True)
    else:
        _into_the_words(conversation, observation.part, words)
    changed(conversation)


def _into_the_words(conversation: Conversation, number: int, words: str) -> None:
    part = ConversationPart.objects.select_related("conversation").get(conversation=conversation, part=number)
    text = f"{part.text}\n\n{words}".strip()
    if len(text) > LONGEST:
        raise NotPossible(_("So viel Text passt nicht in einen Teil des Protokolls."))
    part.text = text
    part.version, part.changed_at = part.version + 1, clock.now()
    part.save()


def take_back(*, observation: Observation, by: User) -> None:
    """The companion takes an unanswered offer back."""
    held(observation.conversation)
    observation.delete()
