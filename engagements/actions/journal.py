"""The learning journal: write, share one entry, take it back, delete."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction

from accounts.models import User
from engagements.engagement import Engagement
from engagements.journal import JournalEntry
from engagements.states import NotPossible
from lernbegleitung import clock


def write(*, engagement: Engagement, pk: uuid.UUID, text: str, shared: bool, by: User) -> JournalEntry:
    """A new entry; the same `pk` twice makes one."""
    if existing := JournalEntry.objects.filter(pk=pk, engagement=engagement).first():
        return existing
    if engagement.is_over():
        raise NotPossible()
    entry = JournalEntry(pk=pk, engagement=engagement, shared_at=clock.now() if shared else None)
    entry.text = text
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError as error:
        raise NotPossible() from error
    return entry


def share(*, entry: JournalEntry, shared: bool, by: User) -> None:
    """Show one entry to the companion, or take it back."""
    entry.shared_at = clock.now() if shared else None
    entry.save(update_fields=["shared_at"])
