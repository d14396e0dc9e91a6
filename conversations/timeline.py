"""The timeline of an engagement: everything the two share, and what happened, in one order, page by page.

Each viewer gets what the database shows them; the learner's unshared entries are left out here as well, so that one
wall alone is never the only one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

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
from lernbegleitung.kept import kept

from .access import conversation_of
from .appointments import Appointment

PAGE = 50
LARGEST_ID = 2**63 - 1
END = (datetime.max.replace(tzinfo=UTC), uuid.UUID(int=2**128 - 1))  # after everything
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


@dataclass(frozen=True)
class Item:
    """One thing on the timeline. `shared`: whether the other one sees it, too."""

    kind: str
    mark: Mark
    thing: Any
    shared: bool = True
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


def timeline(
    engagement: Engagement, viewer: User, *, kind: str = "", before: Mark | None = None, size: int = PAGE
) -> Page:
    """One page; one query per kind, and one for the key."""
    load_keys([engagement.pk])
    wanted = [kind] if kind in KINDS else list(KINDS)
    found = [item for name in wanted for item in SOURCES[name](engagement, viewer, before, size + 1)]
    found.sort(key=lambda item: (item.mark.at, item.mark.pk.int), reverse=True)
    return Page(found[:size], found[size - 1].mark if len(found) > size else None)


def _latest(
    engagement: Engagement,
    model: Any,
    moment: str,
    before: Mark | None,
    size: int,
    *,
    related: str = "",
    viewer: User | None = None,
) -> Iterable[Any]:
    """The rows before the mark, the latest first; for a viewer who is not the learner only the shared ones."""
    at, pk = (before.at, before.pk) if before else END
    only_shared = viewer is not None and not engagement.is_learner(viewer)
    ask = _rows_before(model, moment, related, only_shared, size)
    if model is AuditEvent:
        return ask(engagement.pk, at, min(pk.int, LARGEST_ID))
    found = ask(engagement.pk, at, pk)
    for row in found:  # known here, so that nobody asks for it again
        row.engagement = engagement
    return found


@cache
def _rows_before(model: Any, moment: str, related: str, only_shared: bool, size: int) -> Callable[..., list[Any]]:
    @kept
    def rows(engagement_id: uuid.UUID, at: datetime, pk: Any) -> QuerySet[Any, Any]:
        whose = "subject" if model is AuditEvent else "engagement"
        earlier = Q(**{f"{moment}__lt": at}) | Q(**{moment: at, "pk__lt": pk})
        found = model.objects.filter(earlier, **{whose: engagement_id}).order_by(f"-{moment}", "-pk")
        found = found.exclude(shared_at=None) if only_shared else found
        return (found.select_related(related) if related else found)[:size]

    return rows


def _talks(engagement: Engagement, viewer: User, before: Mark | None, size: int) -> list[Item]:
    found = _latest(engagement, Appointment, "starts_at", before, size, related="conversation")
    return [Item("talk", Mark(row.starts_at, row.pk), row, words=_closing_sentence(row)) for row in found]


def _closing_sentence(appointment: Appointment) -> str:
    conversation = conversation_of(appointment)
    return conversation.closing_sentence if conversation else ""


def _steps(engagement: Engagement, viewer: User, before: Mark | None, size: int) -> list[Item]:
    found = _latest(engagement, LearningStep, "created_at", before, size, viewer=viewer)
    return [Item("step", Mark(row.created_at, row.pk), row, bool(row.shared_at), row.if_then()) for row in found]


def _insights(engagement: Engagement, viewer: User, before: Mark | None, size: int) -> list[Item]:
    found = _latest(engagement, Insight, "created_at", before, size, viewer=viewer)
    return [Item("insight", Mark(row.created_at, row.pk), row, bool(row.shared_at), row.keep) for row in found]


def _journal(engagement: Engagement, viewer: User, before: Mark | None, size: int) -> list[Item]:
    found = _latest(engagement, JournalEntry, "created_at", before, size, viewer=viewer)
    return [Item("journal", Mark(row.created_at, row.pk), row, bool(row.shared_at), row.text) for row in found]


def _goals(engagement: Engagement, viewer: User, before: Mark | None, size: int) -> list[Item]:
    found = _latest(engagement, Goal, "created_at", before, size, viewer=viewer)
    return [Item("goal", Mark(row.created_at, row.pk), row, bool(row.shared_at), row.title) for row in found]


def _concerns(engagement: Engagement, viewer: User, before: Mark | None, size: int) -> list[Item]:
    found = _latest(engagement, LearningConcern, "changed_at", before, size)
    return [
        Item("concern", Mark(row.changed_at, row.pk), row, engagement.companion_id is not None, row.ability)
        for row in found
    ]


def _agreements(engagement: Engagement, viewer: User, before: Mark | None, size: int) -> list[Item]:
    found = _latest(engagement, Agreement, "written_at", before, size)
    return [Item("agreement", Mark(row.written_at, row.pk), row, words=row.purpose) for row in found]


def _audit(engagement: Engagement, viewer: User, before: Mark | None, size: int) -> list[Item]:
    found = _latest(engagement, AuditEvent, "at", before, size, related="actor")
    return [Item("audit", Mark(row.at, uuid.UUID(int=row.pk)), row, words=sentence(row, viewer)) for row in found]


Source = Callable[[Engagement, User, Mark | None, int], list[Item]]
SOURCES: dict[str, Source] = {
    "talk": _talks,
    "step": _steps,
    "insight": _insights,
    "journal": _journal,
    "goal": _goals,
    "concern": _concerns,
    "agreement": _agreements,
    "audit": _audit,
}
