"""The coordination proposes companions, and takes a proposal back."""

from __future__ import annotations

from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from engagements.actions.choice import locked, moment, not_possible, tell
from engagements.candidates import candidates_of, wishes_of
from engagements.engagement import CompanionProposal, Engagement
from engagements.mails import PROPOSALS_READY
from engagements.matching import reasons
from engagements.programmes import full_in_region, no_room
from engagements.states import NotPossible, State

AT_MOST = 3


def is_full(engagement: Engagement) -> bool:
    """Whether the request has to wait because its programme has no place left in the learner's region."""
    known = engagement.programme_id
    return known is not None and known in full_in_region(engagement.learner.agency)


def propose(*, engagement: Engagement, companion_ids: list[int], by: User) -> int:
    """Propose one to three companions; answers how many are new. Raises NotPossible, and proposes nobody then."""
    engagement = locked(engagement)
    engagement.require(State.REQUESTED, State.MATCHING)
    opened = set(engagement.proposals.filter(answer="open").values_list("companion_id", flat=True))
    new = [pk for pk in dict.fromkeys(companion_ids) if pk not in opened]
    if len(opened) + len(new) > AT_MOST:
        raise NotPossible(_("Es können höchstens drei Personen zugleich vorgeschlagen sein."))
    possible = {pk: one.candidate for pk, one in candidates_of(engagement, new).items() if not one.candidate.rules}
    if new and engagement.state == State.REQUESTED and is_full(engagement):
        raise NotPossible(no_room())
    if any(pk not in possible for pk in new):
        raise NotPossible(_("Eine dieser Personen ist nicht möglich. Sehen Sie sich die Liste noch einmal an."))
    for position, pk in enumerate(new, len(opened) + 1):
        proposal = CompanionProposal(
            engagement=engagement,
            companion_id=pk,
            position=position,
            reasons=list(reasons(possible[pk], wishes_of(engagement))),
            proposed_by=by,
        )
        try:
            with transaction.atomic():
                proposal.save(force_insert=True)
        except DatabaseError as error:
            raise not_possible(error) from error
    if new:
        try:
            with transaction.atomic():
                engagement.move(State.MATCHING)
        except DatabaseError as error:
            raise not_possible(error) from error
        audit.write("engagement.proposed", by=by.pk, subject=engagement.pk)
        tell(
            engagement,
            kind=PROPOSALS_READY,
            to=engagement.learner,
            occasion=moment(),
            path=f"/begleitungen/{engagement.pk}/vorschlaege/",
        )
    return len(new)


def take_back(*, engagement: Engagement, companion_id: int, by: User) -> None:
    """Undo a proposal that the learner has not chosen yet. Twice is once."""
    engagement = locked(engagement)
    engagement.require(State.REQUESTED, State.MATCHING)
    taken = engagement.proposals.filter(companion_id=companion_id, answer="open").update(
        answer=CompanionProposal.Answer.PASSED
    )
    if taken:
        audit.write("engagement.proposal_taken_back", by=by.pk, subject=engagement.pk)
        if not engagement.proposals.filter(answer="open").exists():
            engagement.move(State.REQUESTED)
