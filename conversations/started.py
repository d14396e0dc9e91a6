"""What a person has begun to write and not sent yet: the places to go on, in words, without a word of the text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import Resolver404, resolve
from django.utils.translation import gettext_lazy as _

from accounts.models import Draft, User

PLACES: dict[str, Any] = {
    "engagements:begin": _("Ihr Anliegen"),
    "engagements:concern": _("Ihr Anliegen"),
    "engagements:why": _("Ihr Anliegen"),
    "engagements:agreement": _("Lernvereinbarung"),
    "engagements:step_create": _("Lernschritt planen"),
    "engagements:step_edit": _("Lernschritt ändern"),
    "engagements:step_review": _("Lernschritt auswerten"),
    "engagements:goal_create": _("Ziel festhalten"),
    "engagements:goal_edit": _("Ziel ändern"),
    "engagements:journal": _("Lerntagebuch"),
    "engagements:journal_edit": _("Lerntagebuch"),
    "engagements:insights": _("Faustregel"),
    "engagements:rule_edit": _("Faustregel"),
    "engagements:close": _("Abschluss"),
    "conversations:prepare": _("Gespräch vorbereiten"),
}
SHOWN = 5


@dataclass(frozen=True)
class Started:
    """A form with an unsent draft."""

    url: str
    words: Any
    at: datetime


def started(user: User) -> list[Started]:
    """The latest, one line a place."""
    rows = Draft.objects.filter(owner=user).order_by("-changed_at").values_list("place", "changed_at")
    found: dict[str, Started] = {}
    for place, at in rows[: SHOWN * 4]:
        found.setdefault(place, Started(place, PLACES.get(_name(place), _("Ein Text")), at))
    return list(found.values())[:SHOWN]


def _name(place: str) -> str:
    try:
        return resolve(place.partition("?")[0].partition("#")[0]).view_name
    except Resolver404:
        return ""
