"""Choosing and being chosen: proposals answered, a companion asked, yes and no. A no keeps no reason."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from accounts import audit, outbox
from accounts.features import Feature, is_on
from accounts.models import User
from accounts.outbox import Kind
from engagements.actions.requests import require_open_programme, tell_coordinators
from engagements.companions import ConflictDeclaration, Veto
from engagements.engagement import CompanionProposal, Engagement
from engagements.mails import ACCEPTED, ASKED, RELEASED
from engagements.programmes import no_room
from engagements.signals import parting
from engagements.states import NotPossible, State
from lernbegleitung import clock

EXCLUDED = ("companion_possible",)
NO_ROOM = "programme_has_room"


def locked(engagement: Engagement) -> Engagement:
    """The engagement as it is now, held until the transaction ends."""
    found = Engagement.objects.select_for_update(no_key=True, of=("self",)).filter(pk=engagement.pk).first()
    if not found:
        raise NotPossible()
    return found


def tell(engagement: Engagement, *, kind: Kind, to: User | None, occasion: str, path: str = "") -> None:
    """A mail to one of the two about this engagement."""
    if to:
        path = path or f"/begleitungen/{engagement.pk}/"
        outbox.post(
            f"{kind.name}:{engagement.pk}:{to.pk}:{occasion}",
            kind=kind,
            to=to,
            about=engagement.pk,
            facts={"path": path},
        )


def moment() -> str:
    """The part of a mail's key that tells two occasions of the same kind apart."""
    return f"{clock.now():%Y%m%d%H%M%S}"


def ask(*, engagement: Engagement, companion: User, by: User) -> None:
    """The learner chooses: a proposed companion, or for a draft one from the directory. Twice is once."""
    engagement = locked(engagement)
    if engagement.state == State.OFFERED and engagement.companion_id == companion.pk:
        return
    engagement.require(State.DRAFT, State.MATCHING)
    if engagement.state == State.MATCHING:
        proposal = engagement.proposals.filter(companion=companion, answer=CompanionProposal.Answer.OPEN).first()
        if not proposal:
            raise NotPossible()
        proposal.answer = CompanionProposal.Answer.CHOSEN
        proposal.save(update_fields=["answer"])
    now = clock.now()
    if engagement.state == State.DRAFT:
        require_open_programme(engagement)
        if not is_on(Feature.DIRECT_CHOICE, engagement.learner.agency):
            raise NotPossible(_("In Ihrer Dienststelle suchen Sie über die Koordination."))
    asked = {"companion": companion, "offered_at": now, "requested_at": engagement.requested_at or now}
    try:
        with transaction.atomic():
            engagement.move(State.OFFERED, **asked)
    except DatabaseError as error:
        raise not_possible(error) from error
    audit.write("engagement.chosen", by=by.pk, subject=engagement.pk)
    tell(engagement, kind=ASKED, to=companion, occasion=moment(), path=f"/begleitungen/{engagement.pk}/antwort/")


def not_possible(error: DatabaseError) -> NotPossible:
    """What to say when the database refuses a companion; which rule it was must not show."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
    if name == NO_ROOM:
        return NotPossible(no_room())
    if name not in EXCLUDED:
        raise error
    return NotPossible(_("Diese Begleitung ist gerade nicht möglich. Bitte wählen Sie eine andere."))


def ask_for_others(*, engagement: Engagement, never_again: Iterable[int], by: User) -> None:
    """None of the proposals fits: ask the coordination for others. Silent vetoes stay with the learner."""
    engagement = locked(engagement)
    if engagement.state == State.REQUESTED:
        return
    engagement.require(State.MATCHING)
    proposals = engagement.proposals.filter(answer=CompanionProposal.Answer.OPEN)
    for person in set(proposals.values_list("companion_id", flat=True)) & set(never_again):
        Veto.objects.get_or_create(owner=by, other_id=person)
    proposals.update(answer=CompanionProposal.Answer.PASSED)
    engagement.move(State.REQUESTED)
    audit.write("engagement.others_wished", by=by.pk, subject=engagement.pk)
    tell_coordinators(engagement, occasion=f"others:{moment()}")


def accept(*, engagement: Engagement, by: User) -> None:
    """The companion says yes; the two get to know each other. Twice is once."""
    engagement = locked(engagement)
    if engagement.state == State.INTRODUCTION:
        return
    engagement.require(State.OFFERED)
    try:
        with transaction.atomic():
            engagement.move(State.INTRODUCTION, introduced_at=clock.now())
    except DatabaseError as error:
        raise not_possible(error) from error
    audit.write("engagement.accepted", by=by.pk, subject=engagement.pk)
    for person in (engagement.learner, engagement.companion):
        tell(engagement, kind=ACCEPTED, to=person, occasion=moment())


def release(*, engagement: Engagement, by: User, kind: str) -> None:
    """The companion declines, or either says "not a fit": the companion loses sight of it, no reason is kept."""
    engagement = locked(engagement)
    engagement.require(State.OFFERED, State.INTRODUCTION)
    learner, companion = engagement.learner, engagement.companion
    other = companion if engagement.is_learner(by) else learner
    audit.write(kind, by=by.pk, subject=engagement.pk)
    path = f"/begleitungen/{engagement.pk}/" if other == learner else "/heute/"
    tell(engagement, kind=RELEASED, to=other, occasion=moment(), path=path)
    if engagement.coordinating_agency_id:
        tell_coordinators(engagement, occasion=f"again:{moment()}")
    parting.send(sender=Engagement, engagement=engagement, by=by)
    with connection.cursor() as cursor:
        cursor.execute("SELECT engagement_release(%s)", [engagement.pk])
        if (cursor.fetchone() or (None,))[0] is None:
            raise NotPossible()


def declare_conflict(*, other_id: int, rule: str, by: User) -> None:
    """Store that another role connects the two; twice is once."""
    ConflictDeclaration.objects.get_or_create(declared_by=by, other_id=other_id, rule=rule)
