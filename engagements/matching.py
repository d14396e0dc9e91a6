"""Who fits whom: reasons in words instead of a score. Plain functions of values; no queries.

The hard exclusions themselves live in one place, the SQL function companion_rules (policies.sql); here they get words.
So does the soft order: matching_first, beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

RULES: dict[str, str | Promise] = {
    "H1": _("Zwischen beiden besteht oder bestand in den letzten 24 Monaten eine Führungsbeziehung."),
    "H2": _("Lehrt, prüft oder bewertet in der Qualifizierung, um die es geht."),
    "H3": _("Arbeitet im selben Team."),
    "H4": _("Bereitet Personalentscheidungen über die lernende Person vor."),
    "H5": _("Die Qualifizierung ist nicht gültig, oder die Person ist in Ausbildung und das war nicht gewünscht."),
    "H6": _("Hat gerade keinen freien Platz, ist abwesend oder nimmt niemanden an."),
    "H8": _("Wird von der lernenden Person selbst begleitet."),
    "H9": _("Arbeitet in derselben Dienststelle. Gewünscht ist eine andere."),
    "H10": _("Sprache, Art oder Einrichtung der Treffen passen nicht."),
}

# What only the two know. Whoever is out for one of these is named to nobody: else those who are in no list were those
# with a silent no (H7).
PRIVATE = frozenset({"H1", "H2", "H4", "H8"})

REASONS: dict[str, str | Promise] = {
    "elsewhere": _("Andere Dienststelle"),
    "same_region": _("Andere Dienststelle in derselben Region"),
    "own_agency": _("Aus der eigenen Dienststelle, wie gewünscht"),
    "own_agency_neutral": _("Aus derselben Dienststelle"),
    "occasion": _("Erfahrung mit diesem Anlass"),
    "format": _("Trifft sich auf die gewünschte Art"),
    "language": _("Spricht die gewünschte Sprache"),
    "meets_here": _("Trifft sich am selben Ort"),
    "meets_elsewhere": _("Vor Ort nur an einem anderen Ort"),
    "settings": _("Kann die Treffen so einrichten, wie gewünscht"),
    "free_places": _("Mehrere freie Plätze, kann bald beginnen"),
    "last_place": _("Nur noch ein freier Platz"),
    "in_training": _("In Ausbildung, mit Supervision"),
    "other_than_wished": _("Nicht aus der eigenen Dienststelle, die gewünscht war"),
}
CAREFUL = {"meets_elsewhere", "last_place", "in_training", "other_than_wished", "own_agency_neutral"}


def rule_text(rule: str) -> str:
    """A hard exclusion in words. There are none for the silent no: it is never shown."""
    return str(RULES.get(rule, ""))


def reason_text(code: str) -> str:
    """A reason for a proposal in words."""
    return str(REASONS.get(code, ""))


@dataclass(frozen=True)
class Wishes:
    """What a request wishes, as far as it orders candidates."""

    wish: str
    format: str
    spoken: str
    occasion_id: int | None
    agency_path: str
    needs: tuple[str, ...] = ()
    town: str = ""


@dataclass(frozen=True)
class Candidate:
    """A companion as the database knows them for one request; `person` is their id, `rules` empty means: possible."""

    person: int
    agency_path: str
    rules: tuple[str, ...]
    capacity: int
    taken: int
    held: int
    formats: Sequence[str]
    languages: Sequence[str]
    occasion_ids: frozenset[int | None]
    in_training: bool
    towns: Sequence[str] = ()

    def free(self) -> int:
        """Free places."""
        return max(0, self.capacity - self.taken - self.held)

    def load(self) -> float:
        """How full, relative to the own capacity: 0 to 1."""
        return (self.taken + self.held) / self.capacity if self.capacity else 1.0


def nearness(candidate: Candidate, wishes: Wishes) -> str:
    """Where the companion works, seen from the learner: own_agency, same_region or elsewhere."""
    if candidate.agency_path == wishes.agency_path:
        return "own_agency"
    ours, theirs = wishes.agency_path.strip("/").split("/"), candidate.agency_path.strip("/").split("/")
    return "same_region" if len(ours) > 1 and ours[:2] == theirs[:2] else "elsewhere"


def same_town(town: str, towns: Iterable[str]) -> bool:
    """Whether one of the towns is this one, however its letters are written."""
    return town.strip().casefold() in {other.strip().casefold() for other in towns}


def reasons(candidate: Candidate, wishes: Wishes) -> tuple[str, ...]:
    """What speaks for this companion, and what to keep in mind."""
    near = nearness(candidate, wishes)
    if near == "own_agency" and wishes.wish != "own_agency":
        near = "own_agency_neutral"
    found = [near]
    if wishes.wish == "own_agency" and near != "own_agency":
        found.append("other_than_wished")
    if wishes.occasion_id in candidate.occasion_ids:
        found.append("occasion")
    if wishes.format != "any" and wishes.format in candidate.formats:
        found.append("format")
    if wishes.format == "on_site" and wishes.town:
        found.append("meets_here" if same_town(wishes.town, candidate.towns) else "meets_elsewhere")
    if wishes.needs:
        found.append("settings")
    if wishes.spoken != "de" and wishes.spoken in candidate.languages:
        found.append("language")
    found.append("free_places" if candidate.free() > 1 else "last_place")
    if candidate.in_training:
        found.append("in_training")
    return tuple(found)


def soft_cost(*, unwished: Any, unknown: Any, elsewhere: Any, other_town: Any) -> Any:
    """The soft order as a number, 0 (best) to 15, for the solver; load is not in it, the solver balances that itself.

    Each argument says whether: the wish for the agency is not met, the occasion is new to the companion, they work in
    another region, meeting on site is wished and they do not meet in the learner's town. Truth values or arrays of them.
    """
    return 8 * unwished + 4 * unknown + 2 * elsewhere + other_town
