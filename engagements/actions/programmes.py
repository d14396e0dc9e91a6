"""What the administration does with occasions and programmes: write, change, copy, let rest. Running pairs keep theirs."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from engagements.actions.requests import Stale
from engagements.companions import Occasion
from engagements.programmes import Programme, ProgrammeVersion
from engagements.states import NotPossible
from lernbegleitung import ids

FRAME = ("name_de", "name_en", "agency", "is_pilot", "starts_on", "ends_on", "places")
SUGGESTED = (
    "about_de", "about_en", "occasion", "weeks", "talks", "first_guide", "purpose_de", "purpose_en", "introduction_expected",
)  # fmt: skip


def write_occasion(*, code: str, name_de: str, name_en: str, by: User) -> Occasion:
    """A new occasion, at the end of the list. The same `code` twice makes one."""
    if existing := Occasion.objects.filter(code=code).first():
        return existing
    last = Occasion.objects.aggregate(last=Max("position"))["last"] or 0
    occasion = Occasion.objects.create(code=code, name_de=name_de, name_en=name_en, position=last + 1)
    audit.write("occasion.written", by=by.pk)
    return occasion


def change_occasion(*, occasion: Occasion, version: int, name_de: str, name_en: str, by: User) -> None:
    """Other words; raises Stale when somebody else was faster, and changes nothing then."""
    stored = Occasion.objects.select_for_update(no_key=True).get(pk=occasion.pk)
    if (stored.name_de, stored.name_en) == (name_de, name_en):
        return
    if stored.version != version:
        raise Stale(stored)
    stored.name_de, stored.name_en, stored.version = name_de, name_en, stored.version + 1
    stored.save(update_fields=["name_de", "name_en", "version"])
    audit.write("occasion.changed", by=by.pk)


def let_occasion_rest(*, occasion: Occasion, rests: bool, by: User) -> None:
    """Offer an occasion no longer, or again; companionships that have it keep it. Twice is once."""
    if occasion.code == Occasion.OWN_TOPIC:
        raise NotPossible(_("Das eigene Thema bleibt immer möglich. Es kommt zuerst und braucht keine Zustimmung."))
    if Occasion.objects.filter(pk=occasion.pk, is_active=rests).update(is_active=not rests):
        audit.write("occasion.retired" if rests else "occasion.revived", by=by.pk)


def write_programme(*, pk: uuid.UUID, values: dict[str, Any], by: User) -> Programme:
    """A new programme with its first version. The same `pk` twice makes one."""
    programme = Programme(pk=pk, **{name: values[name] for name in FRAME})
    if ids.insert_once(programme):
        ProgrammeVersion.objects.create(programme=programme, made_by=by, **{name: values[name] for name in SUGGESTED})
        audit.write("programme.written", by=by.pk)
    return programme


def change_programme(*, programme: Programme, version: int, values: dict[str, Any], by: User) -> bool:
    """Store what was changed; True when it makes a new version, which pairs may accept. Raises Stale as above."""
    stored = Programme.objects.select_for_update(no_key=True).get(pk=programme.pk)
    last = stored.versions.select_related("occasion")[0]
    frame_differs = any(getattr(stored, name) != values[name] for name in FRAME)
    words_differ = any(getattr(last, name) != values[name] for name in SUGGESTED)
    if not frame_differs and not words_differ:
        return False
    if stored.version != version:
        raise Stale(stored)
    for name in FRAME:
        setattr(stored, name, values[name])
    stored.version += 1
    stored.save(update_fields=[*FRAME, "version"])
    if words_differ:
        suggested = {name: values[name] for name in SUGGESTED}
        ProgrammeVersion.objects.create(programme=stored, number=last.number + 1, made_by=by, **suggested)
    audit.write("programme.changed", by=by.pk)
    return words_differ
