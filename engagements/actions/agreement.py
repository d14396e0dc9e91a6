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
from engagements.programmes import ProgrammeVersion, latest_version
from engagements.states import NotPossible, State
from lernbegleitung import clock

TEXTS = ("purpose", "rhythm", "additions")


def write(
    *,
    engagement: Engagement,
    pk: uuid.UUID,
    seen_version: int,
    texts: dict[str, str],
    by: User,
    suggested: ProgrammeVersion | None = None,
) -> Agreement:
    """A new version, accepted by its writer. Raises Stale when the other one has written meanwhile.

    `suggested`: what the programme suggested when it was written; None: as in the version before.
    """
    engagement = locked(engagement)
    engagement.require(State.INTRODUCTION, State.ACTIVE)
    latest = engagement.current_agreement()
    programme_version = _suggested(engagement, latest, suggested)
    if latest and (latest.pk == pk or _says(latest, texts) and latest.programme_version_id == programme_version):
        return latest
    if latest and latest.version != seen_version:
        raise Stale(latest)
    agreement = Agreement(
        pk=pk,
        engagement=engagement,
        companion=engagement.companion,
        version=latest.version + 1 if latest else 1,
        programme_version_id=programme_version,
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


def _suggested(
    engagement: Engagement, latest: Agreement | None, suggested: ProgrammeVersion | None
) -> uuid.UUID | None:
    if suggested and suggested.programme_id == engagement.programme_id:
        return suggested.pk
    return latest.programme_version_id if latest else None


def _says(agreement: Agreement, texts: dict[str, str]) -> bool:
    return all(getattr(agreement, name) == text for name, text in texts.items())


def take_over(
    *, engagement: Engagement, pk: uuid.UUID, seen_version: int, newer: ProgrammeVersion, by: User
) -> Agreement:
    """Offer the other one what the programme suggests now: a new version with the same words, which holds once both have
    accepted it. Raises NotPossible when it is not the newest, or there is nothing to agree on yet. Twice is once."""
    engagement = locked(engagement)
    latest, newest = engagement.current_agreement(), latest_version(engagement.programme_id)
    if not latest or not newest or newest.pk != newer.pk:
        raise NotPossible()
    texts = {name: getattr(latest, name) for name in TEXTS}
    return write(engagement=engagement, pk=pk, seen_version=seen_version, texts=texts, by=by, suggested=newest)


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
