"""From a wish to a request: the draft, its three pages, and sending it."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Func, Q, Value

from accounts import audit, outbox
from accounts.features import Feature, is_on
from accounts.keys import create_key
from accounts.models import Agency, User
from engagements.concerns import LearningConcern
from engagements.engagement import Engagement
from engagements.mails import REQUEST_ARRIVED, Recipient
from engagements.programmes import Programme, no_longer_open
from engagements.states import SEARCHING, NotPossible, State
from lernbegleitung import clock


class Stale(Exception):
    """Somebody (the same person in another tab) has changed the text in between; carries the stored version."""

    def __init__(self, stored: Any) -> None:
        super().__init__()
        self.stored = stored


def begin(*, pk: uuid.UUID, ability: str, situation: str, signs: str, by: User) -> Engagement:
    """Make the draft with its concern; the same `pk` twice makes one. Raises NotPossible when one is unfinished."""
    if existing := Engagement.objects.of_learner(by).filter(pk=pk).first():
        return existing
    try:
        with transaction.atomic():
            engagement = Engagement.objects.create(pk=pk, learner=by)
            create_key(engagement.pk)
    except IntegrityError as error:
        raise NotPossible() from error
    concern = LearningConcern(engagement=engagement)
    concern.ability, concern.situation, concern.signs = ability, situation, signs
    concern.save()
    audit.write("engagement.begun", by=by.pk, subject=engagement.pk)
    return engagement


def write_concern(*, concern: LearningConcern, version: int, texts: dict[str, str], by: User) -> None:
    """Store changed texts of the concern; raises Stale when another tab was faster, and changes nothing then."""
    stored = LearningConcern.objects.select_for_update(no_key=True).get(pk=concern.pk)
    if all(getattr(stored, name) == text for name, text in texts.items()):
        return
    if stored.version != version:
        raise Stale(stored)
    from engagements.actions.goals import remember  # which needs Stale from here

    if concern.engagement.state != State.DRAFT:  # while it is a draft, nobody has read what it said
        remember(stored, texts)
    for name, text in texts.items():
        setattr(stored, name, text)
    stored.version += 1
    stored.changed_at = clock.now()
    stored.save()


def write_wishes(*, engagement: Engagement, values: dict[str, Any], by: User) -> None:
    """Store the wishes of a draft."""
    for name, value in values.items():
        setattr(engagement, name, value)
    engagement.save(update_fields=list(values))


def require_open_programme(engagement: Engagement) -> None:
    """Raise NotPossible when the programme of a draft takes no requests any more: it ended, or the learner has moved."""
    if engagement.programme and not is_programme_open(engagement):
        raise NotPossible(no_longer_open(engagement.programme))


def is_programme_open(engagement: Engagement) -> bool:
    """Whether the programme of a draft still takes requests from the learner's agency."""
    agency = engagement.learner.agency
    programmes = Programme.objects.open_for(agency, clock.today())
    return is_on(Feature.PROGRAMMES, agency) and programmes.filter(pk=engagement.programme_id).exists()


def send(*, engagement: Engagement, agency: Agency, by: User) -> None:
    """Send the request to the coordination of an agency. Twice is once."""
    engagement = Engagement.objects.select_for_update(no_key=True).get(pk=engagement.pk)
    if engagement.state == State.REQUESTED:
        return
    engagement.require(State.DRAFT)
    require_open_programme(engagement)
    engagement.move(State.REQUESTED, requested_at=clock.now(), coordinating_agency=agency)
    audit.write("engagement.requested", by=by.pk, subject=engagement.pk)
    tell_coordinators(engagement, occasion=f"requested:{engagement.requested_at:%Y%m%d%H%M%S}")


def other_coordination(engagement: Engagement, learner: User) -> Agency | None:
    """Whose coordination would be responsible since the learner changed the agency; None when nothing has changed.

    The agency whose coordination looks on now comes along.
    """
    since, asked = learner.agency_since, engagement.requested_at
    if not engagement.is_searching() or not since or not asked or since < asked:
        return None
    both = Agency.objects.filter(Q(pk=_nearest(learner.agency_id)) | Q(pk=engagement.coordinating_agency_id))
    other = None
    for agency in both:
        if agency.pk == engagement.coordinating_agency_id:
            engagement.coordinating_agency = agency
        else:
            other = agency
    return other


def send_on(*, engagement: Engagement, by: User) -> None:
    """Let the coordination of the learner's new agency look on; the former one sees the request no more. Twice is once."""
    engagement = Engagement.objects.select_for_update(no_key=True).get(pk=engagement.pk)
    engagement.require(*SEARCHING)
    if agency := other_coordination(engagement, by):
        engagement.coordinating_agency = agency
        engagement.save(update_fields=["coordinating_agency"])
        audit.write("engagement.sent_on", by=by.pk, subject=engagement.pk)
        tell_coordinators(engagement, occasion=f"sent-on:{agency.pk}:{clock.now():%Y%m%d%H%M%S}")


def tell_coordinators(engagement: Engagement, *, occasion: str) -> None:
    """A neutral mail to each coordinator of the request."""
    for recipient in coordinators_of(engagement.coordinating_agency_id):
        outbox.post(
            f"request:{engagement.pk}:{occasion}:{recipient.pk}",
            kind=REQUEST_ARRIVED,
            to=recipient,
            about=engagement.pk,
            facts={"path": f"/zuordnung/{engagement.pk}/"},
        )


def coordinators_of(agency_id: int | None) -> list[Recipient]:
    """Whom to tell, without seeing their accounts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, language FROM coordinators_of(%s)", [agency_id])
        return [Recipient(*row) for row in cursor.fetchall()]


def nearest_coordination(agency_id: int) -> Agency | None:
    """The agency whose coordination is responsible for this one."""
    return Agency.objects.filter(pk=_nearest(agency_id)).first()


def _nearest(agency_id: int) -> Func:
    return Func(Value(agency_id), function="nearest_coordination")


def coordinations() -> list[int]:
    """The ids of all agencies that have a coordination of their own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coordinations()")
        return [row[0] for row in cursor.fetchall()]


def discard(*, engagement: Engagement, by: User) -> None:
    """Delete a draft with its key and its texts; nobody has ever seen it."""
    engagement = Engagement.objects.select_for_update(no_key=True).get(pk=engagement.pk)
    engagement.require(State.DRAFT)
    from accounts.models import DataKey

    DataKey.objects.filter(pk=engagement.pk).delete()
    engagement.delete()
