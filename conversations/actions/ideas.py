"""Change ideas: collect, mark, put into other words, leave out. Part of the record, so every change asks both again."""

from __future__ import annotations

import uuid

from django.utils.translation import gettext as _

from accounts.models import User
from conversations.actions.documenting import changed, held
from conversations.conversation import Conversation
from conversations.ideas import ChangeIdea, ideas_of
from conversations.merging import lines_of
from engagements.actions.requests import Stale
from engagements.states import NotPossible
from lernbegleitung import clock, ids

MOST = 40  # in one talk


def collect(*, conversation: Conversation, pk: uuid.UUID, text: str, by: User) -> None:
    """A new idea; the same `pk` twice is once. Raises NotPossible when the talk has as many as a page can hold."""
    conversation = held(conversation)
    if conversation.ideas.count() >= MOST:
        raise NotPossible(_("Mehr als %(most)d Ideen passen nicht in ein Gespräch.") % {"most": MOST})
    idea = ChangeIdea(pk=pk, conversation=conversation)
    idea.text = lines_of(text)
    if ids.insert_once(idea):
        changed(conversation)


def mark(*, idea: ChangeIdea, state: ChangeIdea.State, by: User) -> None:
    """Tried, chosen, parked, or only collected again. Twice is once."""
    conversation = held(idea.conversation)
    if ChangeIdea.objects.filter(pk=idea.pk).exclude(state=state).update(state=state, changed_at=clock.now()):
        changed(conversation)


def rewrite(*, idea: ChangeIdea, version: int, text: str, by: User) -> None:
    """Other words for an idea; raises Stale when another page was faster."""
    conversation = held(idea.conversation)
    stored = ChangeIdea.objects.select_related("conversation").filter(pk=idea.pk).first()
    if not stored:
        raise NotPossible(_("Diese Idee gibt es nicht mehr."))
    if stored.text == text:
        return
    if stored.version != version:
        raise Stale(stored)
    stored.text, stored.version, stored.changed_at = text, stored.version + 1, clock.now()
    stored.save()
    changed(conversation)


def leave_out(*, idea: ChangeIdea, by: User) -> None:
    """Delete an idea from the record."""
    conversation = held(idea.conversation)
    if ChangeIdea.objects.filter(pk=idea.pk).delete()[0]:
        changed(conversation)


def take_up(*, idea: ChangeIdea, conversation: Conversation, by: User) -> None:
    """Bring an idea parked in an earlier talk into this one; there it stays as it was agreed to. Twice is once."""
    if all(own.text != idea.text for own in ideas_of(conversation)):
        collect(conversation=conversation, pk=ids.new_id(), text=idea.text, by=by)
