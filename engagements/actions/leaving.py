"""A companion stops, or goes on after all."""

from __future__ import annotations

from datetime import date

from accounts import audit
from accounts.models import User
from engagements.actions.choice import moment, tell
from engagements.companions import CompanionProfile
from engagements.engagement import Engagement
from engagements.mails import CHANGED, COMPANION_LEAVES
from engagements.states import OCCUPYING


def leave(*, day: date, by: User) -> None:
    """Name the last day: nobody new comes, and the learners are told and choose. Twice is once; another day is told anew."""
    profile = CompanionProfile.objects.select_for_update(no_key=True).get(pk=by.pk)
    if profile.leaves_on == day:
        return
    profile.leaves_on, profile.is_paused = day, True
    profile.save(update_fields=["leaves_on", "is_paused"])
    audit.write("companion.leaves", by=by.pk)
    for engagement in _accompanied(by):
        path = f"/begleitungen/{engagement.pk}/wie-weiter/"
        tell(engagement, kind=COMPANION_LEAVES, to=engagement.learner, occasion=day.isoformat(), path=path)


def stay(*, by: User) -> None:
    """Take it back; whom the companion accompanies is told. Nobody new comes until the companion says so. Twice is once."""
    if CompanionProfile.objects.filter(pk=by.pk, leaves_on__isnull=False).update(leaves_on=None):
        audit.write("companion.stays", by=by.pk)
        for engagement in _accompanied(by):
            tell(engagement, kind=CHANGED, to=engagement.learner, occasion=f"stays:{moment()}")


def _accompanied(person: User) -> list[Engagement]:
    return list(Engagement.objects.of_companion(person).filter(state__in=OCCUPYING).select_related("learner"))
