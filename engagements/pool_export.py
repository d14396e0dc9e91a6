"""The pool as rows for a file: what the page of the pool shows of companions, for a coordination. No learner, ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Agency, User
from lernbegleitung import clock
from lernbegleitung.spreadsheets import Cell

from .companions import CompanionProfile, Format

AT_ONCE = 500  # companions of one question to the database
HEADINGS = (
    gettext_lazy("Name"), gettext_lazy("Dienststelle"), gettext_lazy("Region"), gettext_lazy("Anlässe"),
    gettext_lazy("Treffen"), gettext_lazy("Sprachen"), gettext_lazy("Plätze"), gettext_lazy("Belegt"),
    gettext_lazy("Vorgemerkt"), gettext_lazy("Frei"), gettext_lazy("Pausiert"), gettext_lazy("Abwesend"),
    gettext_lazy("Qualifiziert bis"), gettext_lazy("In Ausbildung"), gettext_lazy("Lehrkraft"),
)  # fmt: skip


def rows_of(profiles: QuerySet[CompanionProfile]) -> Iterator[list[Cell]]:
    """A row for each companion, by name; some hundreds of them are in memory at a time."""
    regions = list(Agency.objects.filter(kind=Agency.Kind.REGION).values_list("path", "name"))
    ordered = profiles.select_related("user__agency", "user__load").order_by("user__name", "pk")
    for profile in ordered.iterator(chunk_size=AT_ONCE):
        yield _row(profile, regions)


def _row(profile: CompanionProfile, regions: list[tuple[str, str]]) -> list[Cell]:
    user, load, today = profile.user, getattr(profile.user, "load", None), clock.today()
    places: list[Cell] = [load.capacity, load.taken, load.held, load.free()] if load else [None] * 4
    away = bool(
        user.absent_from and user.absent_from <= today and (not user.absent_until or user.absent_until >= today)
    )
    return [
        user.name,
        user.agency.name,
        next((name for path, name in regions if user.agency.path.startswith(path)), ""),
        ", ".join(str(occasion) for occasion in profile.occasions.all()),
        _words(Format.choices, profile.formats),
        _words(User.Language.choices, profile.languages),
        *places,
        _yes(profile.is_paused),
        _yes(away),
        profile.qualified_until,
        _yes(profile.in_training),
        _yes(profile.teaches),
    ]


def _words(choices: list[tuple[str, Any]], codes: list[str]) -> str:
    return ", ".join(str(label) for code, label in choices if code in codes)


def _yes(value: bool) -> str:  # noqa: FBT001  (a value, not a switch)
    return _("ja") if value else _("nein")
