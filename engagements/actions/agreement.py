"""The learning agreement: written by either, accepted by both, in versions."""

from __future__ import annotations

import uuid

from accounts import audit
from accounts.models import User
from engagements.actions.choice import locked, moment, tell
from engagements.actions.requests import Stale
from engagements.agreements import Agreement
from engagements.engagement import Engagement
from engagements.mails import AGREEMENT_WAITS, STARTED
from engagements.states import NotPossible, State
from lernbegleitung import clock


def write(*, engagement: Engagement, pk: uuid.UUID, seen_version: int, texts: dict[str, str], by: User) -> Agreement:
    """A new version, accepted by its writer. Raises Stale when the other one has written meanwhile."""
    engagement = locked(engagement)
    engagement.require(State.INTRODUCTION, State.ACTIVE)
    latest = engagement.current_agreement()
    if latest and (latest.pk == pk or all(getattr(latest, name) == text for name, text in texts.items())):
        return latest
    if latest and latest.version != seen_version:
        raise Stale(latest)
    agreement = Agreement(
        pk=pk,
        engagement=engagement,
        companion=engagement.companion,
        version=latest.version + 1 if latest else 1,
        written_by=by,
    )
    for name, text in texts.items():
        setattr(agreement, name, text)
    setattr(agreement, _side(engagement, by), clock.now())
    agreement.save()
    audit.write("agreement.written", by=by.pk, subject=engagement.pk)
    path = f"/begleitungen/{engagement.pk}/vereinbarung/"
    tell(engagement, kind=AGREEMENT_WAITS, to=engagement.partner_of(by), occasion=str(agreement.version), path=path)
    return agreement


def accept(*, engagement: Engagement, version: int, by: User) -> bool:
    """Accept the version one has read; True when both have now, and the work begins. Twice is once."""
    engagement = locked(engagement)
    engagement.require(State.INTRODUCTION, State.ACTIVE)
    agreement = engagement.current_agreement()
    if not agreement or agreement.version != version:
        raise NotPossible()
    if not getattr(agreement, _side(engagement, by)):
        setattr(agreement, _side(engagement, by), clock.now())
        agreement.save(update_fields=[_side(engagement, by)])
        audit.write("agreement.accepted", by=by.pk, subject=engagement.pk)
    if agreement.is_accepted() and engagement.state == State.INTRODUCTION:
        engagement.move(State.ACTIVE, started_at=clock.now())
        audit.write("engagement.started", by=by.pk, subject=engagement.pk)
        for person in (engagement.learner, engagement.companion):
            tell(engagement, kind=STARTED, to=person, occasion=moment())
    return agreement.is_accepted()


def _side(engagement: Engagement, user: User) -> str:
    return "learner_accepted_at" if engagement.is_learner(user) else "companion_accepted_at"
