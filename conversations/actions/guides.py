"""The guide's way: a draft beside the published version, edited, then published for the talks to come."""

from __future__ import annotations

from django.db.models import Max

from accounts import audit
from accounts.models import User
from conversations.guide_versions import GuideState, GuideVersion, Section
from engagements.actions.requests import Stale
from lernbegleitung import clock


def write_draft(*, kind: str, version: int, sections: list[Section], by: User) -> GuideVersion:
    """Store the draft of a kind; `version` 0 begins one. Raises Stale when somebody else was faster."""
    draft = GuideVersion.objects.select_for_update(no_key=True).filter(kind=kind, state=GuideState.DRAFT).first()
    if draft and draft.sections == sections:
        return draft
    if draft and draft.version != version:
        raise Stale(draft)
    if not draft:
        last = GuideVersion.objects.filter(kind=kind).aggregate(last=Max("number"))["last"] or 0
        draft = GuideVersion(kind=kind, number=last + 1, version=0)
    draft.sections, draft.version, draft.changed_at = sections, draft.version + 1, clock.now()
    draft.save()
    return draft


def publish(*, kind: str, version: int, by: User) -> bool:
    """The draft as one has read it is in force for talks made from now on. False: there is none; twice is once."""
    draft = _draft_as_seen(kind, version)
    if not draft:
        return False
    GuideVersion.objects.filter(kind=kind, state=GuideState.PUBLISHED).update(state=GuideState.FORMER)
    draft.state, draft.published_at, draft.published_by = GuideState.PUBLISHED, clock.now(), by
    draft.save(update_fields=["state", "published_at", "published_by"])
    audit.write("guide.published", by=by.pk)
    return True


def discard(*, kind: str, version: int, by: User) -> bool:
    """Throw the draft away as one has seen it; what is published goes on. False: there is none. Raises Stale."""
    draft = _draft_as_seen(kind, version)
    if not draft:
        return False
    draft.delete()
    return True


def _draft_as_seen(kind: str, version: int) -> GuideVersion | None:
    """The draft, held until the transaction ends; raises Stale when it has changed since the page was made."""
    draft = GuideVersion.objects.select_for_update(no_key=True).filter(kind=kind, state=GuideState.DRAFT).first()
    if draft and draft.version != version:
        raise Stale(draft)
    return draft
