"""Switching the features of an agency."""

from __future__ import annotations

from accounts import audit
from accounts.features import AgencyFeature, Feature, forget_settings
from accounts.people import Agency, User
from lernbegleitung import clock


def switch(*, agency: Agency, wanted: dict[Feature, bool | None], by: User) -> bool:
    """Store what is wanted (None: as above); False when it was so already. What is there stays, whatever is switched off."""
    changed = False
    for feature, on in wanted.items():
        rows = AgencyFeature.objects.filter(agency=agency, feature=feature)
        if on is None:
            changed |= bool(rows.delete()[0])
        elif not rows.filter(is_on=on).exists():
            AgencyFeature.objects.update_or_create(
                agency=agency, feature=feature, defaults={"is_on": on, "changed_at": clock.now()}
            )
            changed = True
    if changed:
        audit.write("agency.features", by=by.pk)
        forget_settings()
    return changed
