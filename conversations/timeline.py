"""One timeline of an engagement: what there is, in the order of time. RLS decides what "there is" means for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts import audit_words
from accounts.models import AuditEvent, User
from engagements.models import Engagement, Insight, JournalEntry, LearningStep

from .conversation import Conversation

LATEST = 100


@dataclass(frozen=True)
class Item:
    """Something that happened. `kind`: agreement, talk, step, insight, entry or line."""

    kind: str
    at: datetime
    thing: Any
    text: str = ""


def items(engagement: Engagement, viewer: User, only: str = "") -> list[Item]:
    """The latest first; `only` one kind when asked for."""
    found: list[Item] = []
    wanted = {only} if only else {"agreement", "talk", "step", "insight", "entry", "line"}
    if "agreement" in wanted:
        found += [Item("agreement", a.written_at, a) for a in engagement.agreements.all()[:LATEST]]
    if "talk" in wanted:
        talks = Conversation.objects.filter(engagement=engagement).select_related("appointment").latest_first()
        found += [Item("talk", talk.appointment.starts_at, talk) for talk in talks[:LATEST]]
    if "step" in wanted:
        found += [
            Item("step", step.created_at, step)
            for step in LearningStep.objects.filter(engagement=engagement).order_by("-created_at")[:LATEST]
        ]
    if "insight" in wanted:
        found += [
            Item("insight", i.created_at, i)
            for i in Insight.objects.filter(engagement=engagement).select_related("step")[:LATEST]
        ]
    if "entry" in wanted:
        found += [Item("entry", e.created_at, e) for e in JournalEntry.objects.filter(engagement=engagement)[:LATEST]]
    if "line" in wanted:
        lines = AuditEvent.objects.filter(subject=engagement.pk).select_related("actor").order_by("-at")[:LATEST]
        found += [Item("line", line.at, line, audit_words.sentence(line, viewer)) for line in lines]
    return sorted(found, key=lambda item: item.at, reverse=True)
