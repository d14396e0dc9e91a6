"""What companions set about themselves, and with whom people cannot or will not work."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from engagements.companions import CompanionLoad, CompanionProfile, ConflictDeclaration, Veto

OWN = ["about", "formats", "languages", "places", "settings", "teaches", "is_paused"]  # the companion's to say


def change_profile(
    *, profile: CompanionProfile, values: dict[str, Any], capacity: int, absence: dict[str, Any], by: User
) -> None:
    """Store profile, places and absence in one go."""
    for name in OWN:
        setattr(profile, name, values[name])
    profile.save(update_fields=OWN)
    profile.occasions.set(values["occasions"])
    CompanionLoad.objects.filter(companion=by).update(capacity=capacity)
    User.objects.filter(pk=by.pk).update(**absence)


def exclude(*, other: User, rule: str, by: User) -> None:
    """A declared conflict (H1 to H4), or with the rule "veto" a silent no. Twice is once."""
    if rule == "veto":
        Veto.objects.get_or_create(owner=by, other=other)
    else:
        ConflictDeclaration.objects.get_or_create(declared_by=by, other=other, rule=rule)
