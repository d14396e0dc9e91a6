"""Pause, go on, change the companion, close, withdraw: at any time, without reasons."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from engagements import digest
from engagements.actions.choice import locked, moment, tell
from engagements.actions.requests import nearest_coordination, tell_coordinators
from engagements.engagement import CompanionProposal, Engagement
from engagements.leaving import is_gone
from engagements.mails import CHANGED
from engagements.states import NotPossible, State
from lernbegleitung import clock


def pause(*, engagement: Engagement, by: User) -> None:
    """Let it rest; reminders stop. Twice is once."""
    engagement = locked(engagement)
    if engagement.state == State.PAUSED:
        return
    engagement.require(State.ACTIVE)
    engagement.move(State.PAUSED, paused_at=clock.now(), quiet_asked_on=None)
    _tell_other(engagement, "engagement.paused", by)


def resume(*, engagement: Engagement, by: User) -> None:
    """Go on. Steps are reminded of again only when the learner gives them a new date."""
    engagement = locked(engagement)
    if engagement.state == State.ACTIVE:
        return
    engagement.require(State.PAUSED)
    if is_gone(engagement):
        raise NotPossible(
            _("Ihre Begleitung ist nicht mehr da. Sie können mit jemand anderem weitermachen oder abschließen.")
        )
    engagement.move(State.ACTIVE, paused_at=None, quiet_asked_on=None)
    engagement.steps.open().filter(due_on__lt=clock.today()).update(remind=False)
    if engagement.is_learner(by):
        digest.arrange_own(by)
    _tell_other(engagement, "engagement.resumed", by)


def change_companion(*, engagement: Engagement, by: User) -> None:
    """Look for somebody else. The former companion loses sight of everything; the texts stay with the learner."""
    engagement = locked(engagement)
    engagement.require(State.ACTIVE, State.PAUSED)
    agency = engagement.coordinating_agency or nearest_coordination(by.agency_id)
    if not agency:
        raise NotPossible()
    _tell_other(engagement, "engagement.companion_changed", by)
    engagement.proposals.filter(answer=CompanionProposal.Answer.OPEN).update(answer=CompanionProposal.Answer.PASSED)
    values = {"companion": None, "coordinating_agency": agency, "requested_at": clock.now(), "offered_at": None}
    engagement.move(State.REQUESTED, **values, introduced_at=None, paused_at=None, quiet_asked_on=None)
    tell_coordinators(engagement, occasion=f"changed:{moment()}")


def close(*, engagement: Engagement, by: User) -> None:
    """Close; what the learner secures with it is in closing.py. Twice is once."""
    engagement = locked(engagement)
    if engagement.state == State.CLOSED:
        return
    engagement.require(State.ACTIVE, State.PAUSED)
    engagement.move(State.CLOSED, closed_at=clock.now())
    _tell_other(engagement, "engagement.closed", by)


def withdraw(*, engagement: Engagement, by: User) -> None:
    """Take the wish back. Who was asked meanwhile is told that it is no longer needed, and nothing more.

    A programme is taken off with it: a "no, thank you" leaves no trace of having been asked.
    """
    engagement = locked(engagement)
    if engagement.state == State.WITHDRAWN:
        return
    engagement.require(State.DRAFT, State.REQUESTED, State.MATCHING, State.OFFERED, State.INTRODUCTION)
    engagement.proposals.filter(answer=CompanionProposal.Answer.OPEN).update(answer=CompanionProposal.Answer.PASSED)
    _tell_other(engagement, "engagement.withdrawn", by, path="/heute/")
    engagement.agreements.exclude(programme_version=None).update(programme_version=None)
    engagement.move(State.WITHDRAWN, companion=None, closed_at=clock.now(), programme=None)


def _tell_other(engagement: Engagement, kind: str, by: User, path: str = "") -> None:
    audit.write(kind, by=by.pk, subject=engagement.pk)
    other = engagement.companion if engagement.is_learner(by) else engagement.learner
    tell(engagement, kind=CHANGED, to=other, occasion=f"{kind}:{moment()}", path=path)
