"""The timeline of an engagement: everything the two share, and what happened, in one order, page by page.

Each viewer gets what the database shows them; the learner's unshared entries are left out here as well, so that one
wall alone is never the only one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.audit_words import sentence
from accounts.keys import load_keys
from accounts.models import AuditEvent, User
from engagements.agreements import Agreement
from engagements.concerns import LearningConcern
from engagements.engagement import Engagement
from engagements.goals import Goal
from engagements.journal import JournalEntry
from engagements.steps import Insight, LearningStep
from lernbegleitung.audience import audience_of
from lernbegleitung.kept import kept
from lernbegleitung.together import together

from .access import conversation_of
from .appointments import Appointment

PAGE = 50
LARGEST_ID = 2**63 - 1
Kinds = tuple[str, ...]
KINDS = {
    "talk": _("Gespräche"),
    "step": _("Lernschritte"),
    "insight": _("Erkenntnisse"),
    "journal": _("Lerntagebuch"),
    "goal": _("Ziele"),
    "concern": _("Anliegen"),
    "agreement": _("Vereinbarung"),
    "audit": _("Ablauf"),
}


@dataclass(frozen=True)
class Mark:
    """A place in the order: the moment, and the id for those of the same moment."""

    at: datetime
    pk: uuid.UUID

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.pk}"

    @classmethod
    def read(cls, text: str) -> Mark | None:
        """From an address; None for anything that is not one."""
        at, _sep, pk = text.partition("~")
        try:
            moment = datetime.fromisoformat(at)
            return cls(moment, uuid.UUID(pk)) if moment.tzinfo else None
        except ValueError:
            return None


END = Mark(datetime.max.replace(tzinfo=UTC), uuid.UUID(int=2**128 - 1))  # after everything


@dataclass(frozen=True)
class Item:
    """One thing on the timeline, and the words that it is shown with; they are opened only for what is shown."""

    kind: str
    mark: Mark
    thing: Any
    words: str = ""

    @property
    def at(self) -> datetime:
        """The moment it stands at."""
        return self.mark.at


@dataclass(frozen=True)
class Page:
    """Some items, the latest first, and where the older ones begin."""

    items: list[Item]
    older: Mark | None


class Texts(NamedTuple):
    """A kind of thing that the two write: at which of its moments it stands, and its words."""

    model: Any
    moment: str
    words: Callable[[Any], str]


TEXTS = {
    "step": Texts(LearningStep, "created_at", LearningStep.if_then),
    "insight": Texts(Insight, "created_at", attrgetter("keep")),
    "journal": Texts(JournalEntry, "created_at", attrgetter("text")),
    "goal": Texts(Goal, "created_at", attrgetter("title")),
    "concern": Texts(LearningConcern, "changed_at", attrgetter("ability")),
    "agreement": Texts(Agreement, "written_at", attrgetter("purpose")),
}


def timeline(
    engagement: Engagement, viewer: User, *, kind: str = "", before: Mark | None = None, size: int = PAGE
) -> Page:
    """One page in three queries: the talks, what is written, and what happened."""
    load_keys([engagement.pk])
    wanted = (kind,) if kind in KINDS else tuple(KINDS)
    mark = before or END
    found = [*_talks(engagement, wanted, mark, size + 1), *_texts(engagement, viewer, wanted, mark, size + 1)]
    found += _events(engagement, wanted, mark, size + 1)
    found.sort(key=lambda item: (item.mark.at, item.mark.pk.int), reverse=True)
    shown = [replace(item, words=_words(item, viewer)) for item in found[:size]]
    return Page(shown, shown[-1].mark if len(found) > size else None)


def _words(item: Item, viewer: User) -> str:
    if item.kind == "audit":
        return sentence(item.thing, viewer)
    if item.kind == "talk":
        conversation = conversation_of(item.thing)
        return conversation.closing_sentence if conversation else ""
    return TEXTS[item.kind].words(item.thing)


def _talks(engagement: Engagement, wanted: Kinds, mark: Mark, size: int) -> list[Item]:
    found = _talks_before(size)(engagement.pk, mark.at, mark.pk) if "talk" in wanted else []
    for talk in found:  # known here, so that nobody asks for it again
        talk.engagement = engagement
    return [Item("talk", Mark(talk.starts_at, talk.pk), talk) for talk in found]


def _texts(engagement: Engagement, viewer: User, wanted: Kinds, mark: Mark, size: int) -> list[Item]:
    kinds = tuple(kind for kind in wanted if kind in TEXTS)
    only_shared = not engagement.is_learner(viewer)
    found = _texts_before(kinds, only_shared, size)(engagement.pk, mark.at, mark.pk) if kinds else []
    items = []
    for kind, things in zip(kinds, found, strict=True):
        for thing in things:
            thing.engagement = engagement
            items.append(Item(kind, Mark(getattr(thing, TEXTS[kind].moment), thing.pk), thing))
    return items


def _events(engagement: Engagement, wanted: Kinds, mark: Mark, size: int) -> list[Item]:
    last = min(mark.pk.int, LARGEST_ID)
    found = _events_before(size)(engagement.pk, mark.at, last) if "audit" in wanted else []
    return [Item("audit", Mark(event.at, uuid.UUID(int=event.pk)), event) for event in found]


def _before(rows: QuerySet[Any], moment: str, at: datetime, pk: Any, size: int) -> QuerySet[Any]:
    """Those before the mark, the latest first."""
    earlier = Q(**{f"{moment}__lt": at}) | Q(**{moment: at, "pk__lt": pk})
    return rows.filter(earlier).order_by(f"-{moment}", "-pk")[:size]


@cache
def _talks_before(size: int) -> Callable[[uuid.UUID, datetime, uuid.UUID], list[Appointment]]:
    @kept
    def talks(engagement_id: uuid.UUID, at: datetime, pk: uuid.UUID) -> QuerySet[Appointment]:
        rows = Appointment.objects.filter(engagement=engagement_id).select_related("conversation")
        return _before(rows, "starts_at", at, pk, size)

    return talks


@cache
def _texts_before(
    kinds: Kinds, only_shared: bool, size: int
) -> Callable[[uuid.UUID, datetime, uuid.UUID], list[list[Any]]]:
    """The rows of each of the kinds; of what is released one by one, for others than the learner only what is."""

    @together
    def texts(engagement_id: uuid.UUID, at: datetime, pk: uuid.UUID) -> tuple[QuerySet[Any], ...]:
        found = []
        for model, moment, _words in (TEXTS[kind] for kind in kinds):
            rows = model.objects.filter(engagement=engagement_id)
            rows = rows.exclude(shared_at=None) if only_shared and audience_of(model).shared else rows
            found.append(_before(rows, moment, at, pk, size))
        return tuple(found)

    return texts


@cache
def _events_before(size: int) -> Callable[[uuid.UUID, datetime, int], list[AuditEvent]]:
    @kept
    def events(engagement_id: uuid.UUID, at: datetime, pk: int) -> QuerySet[AuditEvent]:
        rows = AuditEvent.objects.filter(subject=engagement_id).select_related("actor")
        return _before(rows.only("kind", "subject", "at", "actor__name"), "at", at, pk, size)

    return events
