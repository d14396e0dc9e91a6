"""The record over time: the version one agrees to is kept; after both have agreed, what is missing is added, not changed."""

from __future__ import annotations

import uuid

from accounts import audit, outbox
from accounts.models import User
from conversations.access import other_reader
from conversations.conversation import Conversation
from conversations.mails import RECORD_ADDITION
from conversations.record import Addition, RecordVersion, Words
from engagements.states import NotPossible
from lernbegleitung import clock, ids


def keep_version(conversation: Conversation, by: User) -> None:
    """Keep the record as it is being agreed to; the second one to agree to the same words adds nothing."""
    if conversation.agreed_version == conversation.version:
        return
    version = RecordVersion(conversation=conversation, number=conversation.version, agreed_by=by)
    version.keep(Words.of(conversation))
    version.save(force_insert=True)
    conversation.agreed_version = conversation.version


def forget_version(*, version: RecordVersion, by: User) -> None:
    """The learner deletes an earlier version for good; raises NotPossible for the record itself."""
    if version.number >= version.conversation.version:
        raise NotPossible()
    version.delete()


def add(*, conversation: Conversation, pk: uuid.UUID, text: str, by: User) -> None:
    """Add to a record both have agreed to, and tell the other reader that something waits; the same `pk` twice is once."""
    if not conversation.is_locked():
        raise NotPossible()
    addition = Addition(pk=pk, conversation=conversation, author=by)
    addition.text = text
    if not ids.insert_once(addition):
        return
    audit.write("conversation.added", by=by.pk, subject=conversation.engagement_id)
    if partner := other_reader(conversation, by):
        facts = {"path": f"/gespraeche/{conversation.pk}/protokoll/"}
        outbox.post(f"record_addition:{pk}", kind=RECORD_ADDITION, to=partner, about=conversation.pk, facts=facts)


def note_read(*, addition: Addition, by: User) -> None:
    """The other one has read it: from now on it stays."""
    Addition.objects.filter(pk=addition.pk, read_at=None).exclude(author=by).update(read_at=clock.now())


def take_back(*, addition: Addition, by: User) -> None:
    """The author takes an addition back; raises NotPossible once the other one has read it."""
    if not Addition.objects.filter(pk=addition.pk, author=by, read_at=None).delete()[0]:
        raise NotPossible()
