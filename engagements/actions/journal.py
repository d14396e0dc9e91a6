"""The learning journal: write, share one entry, take it back, delete."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction

from accounts.models import User
from engagements.actions.requests import Stale
from engagements.engagement import Engagement
from engagements.journal import JournalEntry, talks_to_write_about
from engagements.states import NotPossible
from engagements.steps import LearningStep
from lernbegleitung import clock

LATEST = 8


def write(
    *, engagement: Engagement, pk: uuid.UUID, text: str, shared: bool, by: User, mood: str = "", about: str = ""
) -> JournalEntry:
    """A new entry; the same `pk` twice makes one. `about` is one of `things_to_write_about`."""
    if existing := JournalEntry.objects.filter(pk=pk, engagement=engagement).first():
        return existing
    if engagement.is_over():
        raise NotPossible()
    entry = JournalEntry(pk=pk, engagement=engagement, shared_at=clock.now() if shared else None)
    entry.text, entry.mood = text, mood
    _set_about(entry, about)
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError as error:
        raise NotPossible() from error
    return entry


def change(*, entry: JournalEntry, version: int, text: str, mood: str, about: str, shared: bool, by: User) -> None:
    """Other words for an entry; raises Stale when another tab was faster, and changes nothing then."""
    stored = JournalEntry.objects.select_for_update(no_key=True).get(pk=entry.pk)
    stored.engagement = entry.engagement
    if stored.version != version:
        raise Stale(stored)
    stored.text, stored.mood = text, mood
    _set_about(stored, about)
    stored.shared_at = (stored.shared_at or clock.now()) if shared else None
    stored.version += 1
    stored.changed_at = clock.now()
    stored.save()


def things_to_write_about(engagement: Engagement) -> list[tuple[str, str]]:
    """The latest steps and talks, as (value of a choice, words)."""
    steps = list(LearningStep.objects.filter(engagement=engagement).order_by("-created_at")[:LATEST])
    for step in steps:
        step.engagement = engagement  # known here, so that nobody asks for it again
    talks = [talk for ask in talks_to_write_about for talk in ask(engagement)]
    return [(f"step:{step.pk}", step.what[:80]) for step in steps] + [(f"talk:{pk}", words) for pk, words in talks]


def about_of(entry: JournalEntry) -> str:
    """The value of the choice that an entry was written with."""
    return f"step:{entry.step_id}" if entry.step_id else f"talk:{entry.talk}" if entry.talk else ""


def _set_about(entry: JournalEntry, about: str) -> None:
    kind, _colon, pk = about.partition(":")
    entry.step_id = uuid.UUID(pk) if kind == "step" else None
    entry.talk = uuid.UUID(pk) if kind == "talk" else None


def share(*, entry: JournalEntry, shared: bool, by: User) -> None:
    """Show one entry to the companion, or take it back."""
    entry.shared_at = clock.now() if shared else None
    entry.save(update_fields=["shared_at"])
