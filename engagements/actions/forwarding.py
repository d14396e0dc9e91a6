"""A request goes to another agency's coordination: because the learner wishes it, or says yes when the coordination asks."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Agency, User
from engagements.actions.choice import locked, moment, tell
from engagements.actions.requests import coordinations, tell_coordinators
from engagements.engagement import Engagement
from engagements.mails import MAY_IT_GO
from engagements.states import SEARCHING, NotPossible


def places_for(engagement: Engagement) -> list[Agency]:
    """The agencies with a coordination of their own, but for the one that looks already."""
    found = Agency.objects.open().filter(pk__in=coordinations()).exclude(pk=engagement.coordinating_agency_id)
    return list(found.in_tree_order())


def ask(*, engagement: Engagement, agency: Agency, by: User) -> None:
    """The coordination asks the learner whether the request may go there. Twice is once; another one takes its place."""
    engagement = locked(engagement)
    engagement.require(*SEARCHING)
    if engagement.forward_to_id == agency.pk:
        return
    if agency not in places_for(engagement):
        raise NotPossible(_("Dort gibt es gerade keine andere Koordination."))
    _set(engagement, agency)
    audit.write("engagement.forward_asked", by=by.pk, subject=engagement.pk)
    path = f"/begleitungen/{engagement.pk}/weitergeben/"
    tell(engagement, kind=MAY_IT_GO, to=engagement.learner, occasion=moment(), path=path)


def take_back_question(*, engagement: Engagement, by: User) -> None:
    """The coordination no longer asks."""
    engagement = locked(engagement)
    engagement.require(*SEARCHING)
    _set(engagement, None)


def answer_no(*, engagement: Engagement, by: User) -> None:
    """It stays where it is. No line and no reason is kept."""
    _set(locked(engagement), None)


def forward(*, engagement: Engagement, agency: Agency, by: User) -> None:
    """The learner lets another coordination look; the former one sees the request no more. Twice is once."""
    engagement = locked(engagement)
    engagement.require(*SEARCHING)
    if engagement.coordinating_agency_id == agency.pk:
        return
    if agency not in places_for(engagement):
        raise NotPossible(_("Dort gibt es gerade keine andere Koordination."))
    engagement.coordinating_agency, engagement.forward_to = agency, None
    engagement.save(update_fields=["coordinating_agency", "forward_to"])
    audit.write("engagement.sent_on", by=by.pk, subject=engagement.pk)
    tell_coordinators(engagement, occasion=f"sent-on:{agency.pk}:{moment()}")


def _set(engagement: Engagement, agency: Agency | None) -> None:
    engagement.forward_to = agency
    engagement.save(update_fields=["forward_to"])
