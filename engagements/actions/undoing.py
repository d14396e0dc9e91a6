"""Taking an ending back, as long as nothing irrevocable has followed: closed, changed, withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import AuditEvent, User
from engagements.actions.choice import locked, moment, not_possible, tell
from engagements.engagement import Engagement
from engagements.goals import Goal, GoalRating
from engagements.journal import JournalEntry
from engagements.mails import CHANGED
from engagements.partings import UNDO_FOR, Parting
from engagements.states import NotPossible, State
from engagements.step_mails import write_reminders
from engagements.steps import Insight, LearningStep
from lernbegleitung import clock

RELEASABLE = (LearningStep, Insight, Goal, GoalRating, JournalEntry)
WITHDRAWN_FOR = timedelta(days=30)
ONLY_ONE = "one_unfinished_engagement_per_learner"


@dataclass(frozen=True)
class Undo:
    """What can be taken back: `reopen`, `stay` (with the former companion) or `take_up`, and until when."""

    what: str
    until: datetime
    companion: User | None = None


def undo_of(engagement: Engagement, user: User) -> Undo | None:
    """What this person may take back now; asks the database only where something has ended."""
    now, learns = clock.now(), engagement.is_learner(user)
    if engagement.state == State.CLOSED and engagement.closed_at:
        until = engagement.closed_at + UNDO_FOR
        return Undo("reopen", until) if until > now and _has_closed(engagement, user) else None
    if engagement.state == State.WITHDRAWN and engagement.closed_at and learns:
        until = engagement.closed_at + WITHDRAWN_FOR
        return Undo("take_up", until) if until > now else None
    if engagement.state == State.REQUESTED and learns:
        proposed_since = engagement.proposals.filter(proposed_at__gt=OuterRef("at"))
        lately = Parting.objects.filter(~Exists(proposed_since), pk=engagement.pk, at__gt=now - UNDO_FOR)
        if parting := lately.select_related("companion").first():
            return Undo("stay", parting.at + UNDO_FOR, parting.companion)
    return None


def _has_closed(engagement: Engagement, user: User) -> bool:
    lines = AuditEvent.objects.filter(subject=engagement.pk, kind="engagement.closed").order_by("-pk")
    return lines.values_list("actor_id", flat=True).first() == user.pk


def undo(*, engagement: Engagement, by: User) -> Undo:
    """Take it back. Raises NotPossible when it is too late, the place is taken or something new has begun."""
    engagement = locked(engagement)
    possible = undo_of(engagement, by)
    if not possible:
        raise NotPossible()
    with _refusals_in_words():
        {"reopen": _reopen, "stay": _stay, "take_up": _take_up}[possible.what](engagement, possible, by)
    return possible


def _reopen(engagement: Engagement, possible: Undo, by: User) -> None:
    engagement.move(State.PAUSED if engagement.paused_at else State.ACTIVE, closed_at=None)
    engagement.steps.open().filter(due_on__lt=clock.today()).update(remind=False)
    _remind_again(engagement, by)
    _tell(engagement, "engagement.reopened", by)


def _stay(engagement: Engagement, possible: Undo, by: User) -> None:
    released = Parting.objects.get(pk=engagement.pk).released
    engagement.move(State.ACTIVE, companion=possible.companion)
    for model in RELEASABLE:
        _release_again(model, released.get(model._meta.db_table, {}))
    Parting.objects.filter(pk=engagement.pk).delete()
    _remind_again(engagement, by)
    _tell(engagement, "engagement.stayed", by)


def _take_up(engagement: Engagement, possible: Undo, by: User) -> None:
    engagement.move(State.DRAFT, closed_at=None, requested_at=None)
    audit.write("engagement.taken_up", by=by.pk, subject=engagement.pk)


def _remind_again(engagement: Engagement, by: User) -> None:
    """Reminders that were dropped in between are wanted again; they are the learner's, so only the learner can."""
    for step in engagement.steps.open().filter(remind=True, due_on__gte=clock.today()):
        if engagement.is_learner(by):
            write_reminders(step, by)


def _release_again(model: Any, items: dict[str, str]) -> None:
    """Since when each was released, as it was; what the learner has released anew meanwhile stays."""
    if not items:
        return
    table = connection.ops.quote_name(model._meta.db_table)
    sql = (
        f"UPDATE {table} SET shared_at = r.value::timestamptz FROM jsonb_each_text(%s::jsonb) r"  # noqa: S608
        f" WHERE {table}.id = r.key::uuid AND {table}.shared_at IS NULL"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [connection.ops.adapt_json_value(items, None)])


@contextmanager
def _refusals_in_words() -> Iterator[None]:
    """Inside: a savepoint, and what the database refuses as a sentence."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") == ONLY_ONE:
            raise NotPossible(_("Sie haben inzwischen eine andere Begleitung begonnen.")) from error
        raise not_possible(error) from error


def _tell(engagement: Engagement, kind: str, by: User) -> None:
    audit.write(kind, by=by.pk, subject=engagement.pk)
    other = engagement.companion if engagement.is_learner(by) else engagement.learner
    tell(engagement, kind=CHANGED, to=other, occasion=f"{kind}:{moment()}")
