"""A companion offers times, takes them away and back, and says how they may be booked."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from conversations.offered_times import AT_MOST, BookingRules, OfferedTime
from engagements.states import NotPossible
from lernbegleitung import clock, ids


def offer(*, line: OfferedTime) -> None:
    """One more line. The same form twice is once."""
    if OfferedTime.objects.in_force_of(line.companion).count() >= AT_MOST:
        raise NotPossible(_("Mehr als %(most)s Zeiten lassen sich nicht eintragen.") % {"most": AT_MOST})
    ids.insert_once(line)


def take_away(*, pk: uuid.UUID, by: User) -> bool:
    """The line no longer holds; what was booked stays. Twice is once. False where there is no such line."""
    mine = OfferedTime.objects.filter(pk=pk, companion=by)
    return bool(mine.filter(removed_at=None).update(removed_at=clock.now()) or mine.exists())


def take_back(*, pk: uuid.UUID, by: User) -> bool:
    """The line holds again. False where there is no such line."""
    return bool(OfferedTime.objects.filter(pk=pk, companion=by).update(removed_at=None))


def set_rules(*, companion: User, **values: Any) -> None:
    """How long between talks, how early, how far ahead, or whether it all rests."""
    BookingRules.objects.update_or_create(companion=companion, defaults=values)
