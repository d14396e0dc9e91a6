"""What a person has begun to write and not sent yet: the places to go on, in words, without a word of the text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import DateTimeField, QuerySet, TextField, Value
from django.db.models.functions import Cast
from django.urls import Resolver404, resolve
from django.utils.translation import gettext_lazy as _

from accounts.models import Draft, User
from engagements.models import TransferCheck
from lernbegleitung import clock
from lernbegleitung.kept import kept

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
    "engagements:transfer_check": _("Blick zurück"),
    "conversations:prepare": _("Gespräch vorbereiten"),
}
SHOWN = 5


@dataclass(frozen=True)
class Started:
    """A form with an unsent draft."""

    url: str
    words: Any
    at: datetime


@dataclass(frozen=True)
class LookBack:
    """A look back whose day has come."""

    pk: str
    months: int


def waiting_of(user: User) -> tuple[list[Started], list[LookBack]]:
    """Unsent drafts, the latest first and one line a place, and looks back whose day has come: one query for both."""
    found: dict[str, Started] = {}
    come = []
    for months, place, moment in sorted(_waiting(user.pk, clock.today()), key=lambda row: row[2], reverse=True):
        if months:
            come.append(LookBack(place, months))
        else:
            found.setdefault(place, Started(place, PLACES.get(_name(place), _("Ein Text")), moment))
    return list(found.values())[:SHOWN], come[:SHOWN]


@kept
def _waiting(user_id: int, today: date) -> QuerySet[Any, tuple[int, str, datetime]]:
    """(months or 0 for a draft, its place or the id of the look back, since when)."""
    drafts = Draft.objects.filter(owner=user_id).order_by().values_list(Value(0), "place", "changed_at")
    looks = TransferCheck.objects.filter(owner=user_id).waiting(today).order_by()
    at = Cast("due_on", DateTimeField())
    return drafts.union(looks.values_list("months", Cast("pk", TextField()), at), all=True)


def _name(place: str) -> str:
    try:
        return resolve(place.partition("?")[0].partition("#")[0]).view_name
    except Resolver404:
        return ""
