"""The candidates of one request, as the database tells them: the first ones in the soft order, or everybody by name.

Neither looks at more companions than a page shows, however many there are (decision 33).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from lernbegleitung.kept import kept

from .companions import CompanionProfile, towns_of
from .engagement import Engagement
from .matching import PRIVATE, Candidate, Wishes

Places = tuple[int, int, int]  # capacity, taken, held
Rules = dict[int, tuple[tuple[str, ...], Places]]  # companion id → the rules against this pair, and the places
NO_PLACES = (0, 0, 0)
A_FEW = 5  # read beyond a page of names, in place of those whom it may not show


class Possible(NamedTuple):
    """A companion with what orders and excludes them for one request."""

    person: User
    candidate: Candidate


def _asked(sql: str, *values: Any) -> Rules:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT companion_id, rules, capacity, taken, held FROM {sql}", values)  # noqa: S608  (ours)
        rows = cursor.fetchall()
    return {
        person: (tuple(rules), NO_PLACES if places[0] is None else tuple(places)) for person, rules, *places in rows
    }


def rules_by_companion(pk: uuid.UUID, people: list[int]) -> Rules:
    """What speaks against these companions (noughts as places for the learner's own eyes)."""
    return _asked("matching_candidates(%s, %s)", pk, people)


def candidates_of(engagement: Engagement, people: list[int]) -> dict[int, Possible]:
    """Of these companions, those whom the asking person may consider; who made a silent no is simply not among them."""
    return _possible(engagement, _profiles(engagement.occasion_id, people), rules_by_companion(engagement.pk, people))


def first_candidates(engagement: Engagement, number: int, *, skip: int = 0) -> list[Possible]:
    """The possible ones in the soft order, from the one after `skip` on; the order is made in SQL (policies.sql)."""
    found = _asked("matching_first(%s, %s) OFFSET %s", engagement.pk, skip + number, skip)
    people = _possible(engagement, _profiles(engagement.occasion_id, list(found)), found)
    return [people[pk] for pk in found]


def by_name(engagement: Engagement, number: int, *, text: str = "", after: tuple[str, int] = ("", 0)) -> list[Possible]:
    """Companions by name, possible or not; nobody who is out for a reason that only the two know (decision 23).

    Their places in the list are filled by those who come next: a list that is short of one would tell of them.
    """
    rows = _known_with(engagement.occasion_id).order_by("user__name", "pk")
    if text:
        rows = rows.filter(Q(user__name__icontains=text) | Q(user__agency__name__icontains=text))
    found: list[Possible] = []
    batch = number + A_FEW
    while len(found) < number:
        name, pk = after
        next_ones = list(rows.filter(Q(user__name__gt=name) | Q(user__name=name, pk__gt=pk))[:batch])
        rules = rules_by_companion(engagement.pk, [profile.pk for profile in next_ones])
        shown = _possible(engagement, next_ones, rules).values()
        found += [one for one in shown if not PRIVATE.intersection(one.candidate.rules)]
        if len(next_ones) < batch:
            break
        after = next_ones[-1].user.name, next_ones[-1].pk
    return found[:number]


def _possible(engagement: Engagement, profiles: Iterable[CompanionProfile], found: Rules) -> dict[int, Possible]:
    """These profiles in their order, with what was found; those of whom nothing was are not among them."""
    return {
        profile.pk: Possible(
            profile.user,
            Candidate(
                person=profile.pk,
                agency_path=profile.user.agency.path,
                rules=found[profile.pk][0],
                capacity=found[profile.pk][1][0],
                taken=found[profile.pk][1][1],
                held=found[profile.pk][1][2],
                formats=profile.formats,
                languages=profile.languages,
                occasion_ids=frozenset({engagement.occasion_id} if profile.knows else ()),  # type: ignore[attr-defined]
                in_training=profile.in_training,
                towns=towns_of(profile.formats, profile.places, profile.user.agency.city),
            ),
        )
        for profile in profiles
        if profile.pk in found
    }


@kept
def _profiles(occasion_id: int | None, people: list[int]) -> QuerySet[CompanionProfile]:
    return _known_with(occasion_id).filter(pk__any_of=people)


def _known_with(occasion_id: int | None) -> QuerySet[CompanionProfile]:
    """Companions, with `knows`: whether they have experience with the occasion."""
    knows = CompanionProfile.occasions.through.objects.filter(
        companionprofile_id=OuterRef("pk"), occasion_id=occasion_id
    )
    return CompanionProfile.objects.select_related("user__agency").annotate(knows=Exists(knows))


def wishes_of(engagement: Engagement) -> Wishes:
    """What orders the candidates."""
    return Wishes(
        wish=engagement.wish,
        format=engagement.format,
        spoken=engagement.spoken,
        occasion_id=engagement.occasion_id,
        agency_path=engagement.learner.agency.path,
        needs=tuple(engagement.needs),
        town=engagement.learner.agency.city,
    )
