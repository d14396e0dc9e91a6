"""Proposing dates, taking one, saying that none fits. At most one proposal of a companionship is open."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts import audit
from accounts.models import User
from conversations.appointments import Appointment
from conversations.mails import DATES_NONE_FITS, DATES_PROPOSED, tell_of_dates
from conversations.proposed_dates import DateAnswer, DateProposal
from engagements.actions.choice import locked
from engagements.engagement import Engagement
from engagements.states import NotPossible
from lernbegleitung import clock, ids

from . import appointments
from .appointments import Meeting
from .booking import place_for


@dataclass(frozen=True)
class Proposed:
    """What is proposed: beginnings in UTC, for how many minutes, how and where, for which kind of talk."""

    dates: list[datetime]
    minutes: int
    kind: str
    format: str
    place: str

    def length(self) -> timedelta:
        """How long the talk is to be."""
        return timedelta(minutes=self.minutes)


def propose(*, engagement: Engagement, pk: uuid.UUID, proposed: Proposed, by: User) -> DateProposal:
    """Up to three dates. What was open before is answered by it. The same form twice is once."""
    engagement = locked(engagement)
    if there := DateProposal.objects.filter(pk=pk, engagement=engagement).first():
        return there
    if not engagement.companion or proposed.kind not in appointments.kinds_in(engagement.state):
        raise NotPossible()
    before = DateProposal.objects.filter(engagement=engagement, answer=DateAnswer.OPEN)
    before.filter(proposed_by=by).update(answer=DateAnswer.BACK, answered_at=clock.now())
    before.update(answer=DateAnswer.NONE_FITS, answered_at=clock.now())
    proposal = DateProposal(
        pk=pk, engagement=engagement, companion=engagement.companion, proposed_by=by, proposed_at=clock.now(),
        until=max(proposed.dates), **vars(proposed),
    )  # fmt: skip
    if not ids.insert_once(proposal):  # an id that belongs to somebody else's
        raise NotPossible()
    audit.write("dates.proposed", by=by.pk, subject=engagement.pk)
    tell_of_dates(DATES_PROPOSED, proposal, to=engagement.partner_of(by))
    return proposal


def take(*, proposal: DateProposal, starts_at: datetime, by: User) -> Appointment:
    """One of the dates, as an appointment with the proposal's own id. TimeTaken where it is free no longer."""
    engagement, proposal = _locked(proposal)
    if there := Appointment.objects.filter(pk=proposal.pk, engagement=engagement).first():
        return there
    if not proposal.waits_for(by) or starts_at not in proposal.to_come():
        raise NotPossible()
    place = proposal.place or place_for(engagement, proposal.format, "", by)
    meeting = Meeting(starts_at, proposal.ends_of(starts_at), proposal.format, place)
    made = appointments.make(engagement=engagement, pk=proposal.pk, kind=proposal.kind, meeting=meeting, by=by)
    _answer(proposal, DateAnswer.TAKEN)
    return made


def say_none_fits(*, proposal: DateProposal, by: User) -> None:
    """None of them; the other one is told. Twice is once."""
    engagement, proposal = _locked(proposal)
    if proposal.answer == DateAnswer.NONE_FITS:
        return
    if not proposal.waits_for(by):
        raise NotPossible()
    _answer(proposal, DateAnswer.NONE_FITS)
    audit.write("dates.none_fits", by=by.pk, subject=engagement.pk)
    tell_of_dates(DATES_NONE_FITS, proposal, to=engagement.partner_of(by))


def take_back(*, proposal: DateProposal, by: User) -> None:
    """Who has proposed takes it back. Twice is once."""
    _engagement, proposal = _locked(proposal)
    if proposal.answer == DateAnswer.BACK:
        return
    if proposal.answer != DateAnswer.OPEN or proposal.proposed_by_id != by.pk:
        raise NotPossible()
    _answer(proposal, DateAnswer.BACK)


def _locked(proposal: DateProposal) -> tuple[Engagement, DateProposal]:
    """Both as they are now, the engagement held."""
    engagement = locked(proposal.engagement)
    found = DateProposal.objects.filter(pk=proposal.pk).first()
    if not found or found.companion_id != engagement.companion_id:  # proposed between the two of then
        raise NotPossible()
    return engagement, found


def _answer(proposal: DateProposal, answer: DateAnswer) -> None:
    DateProposal.objects.filter(pk=proposal.pk).update(answer=answer, answered_at=clock.now())
