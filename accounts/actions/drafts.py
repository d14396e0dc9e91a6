"""Keeping what is typed, and letting go of it once it is sent or no longer wanted."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.drafts import Draft, Values
from accounts.models import User
from lernbegleitung import clock

MOST = 40  # drafts of one person; the oldest gives way
LONGEST = 100_000  # signs of one draft


class TooLong(Exception):
    """More than a draft holds."""


@dataclass(frozen=True)
class Page:
    """One open page with a form: its own draft, and the draft it grew out of as it was then."""

    pk: uuid.UUID
    place: str
    base: int = 0
    grew_from: uuid.UUID | None = None
    seen_at: datetime | None = None


def keep(*, page: Page, values: Values, by: User) -> Draft | None:
    """Keep what stands in the page now. None when the id is somebody else's; raises TooLong."""
    text = json.dumps(values, ensure_ascii=False)
    if len(text) > LONGEST:
        raise TooLong
    draft = Draft.objects.filter(pk=page.pk, owner=by).first() or Draft(pk=page.pk, owner=by, place=page.place)
    draft.base, draft.values, draft.changed_at = page.base, text, clock.now()
    try:
        with transaction.atomic():
            draft.save()
    except IntegrityError:
        return None
    _forget_former(page, by)
    kept = Draft.objects.filter(owner=by).values_list("pk", flat=True)
    Draft.objects.filter(pk__in=list(kept[MOST : MOST * 2])).delete()
    return draft


def sent(*, page: Page, by: User) -> None:
    """What stood in the page is stored where it belongs; its draft is done with."""
    Draft.objects.filter(pk=page.pk, owner=by).delete()
    _forget_former(page, by)


def _forget_former(page: Page, by: User) -> None:
    """The draft that the page grew out of, unless another page has written into it since."""
    if page.grew_from and page.seen_at:
        Draft.objects.filter(pk=page.grew_from, owner=by, changed_at__lte=page.seen_at).delete()
