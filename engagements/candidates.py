"""The candidates of one request, as the database tells them: two queries, however many there are."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from lernbegleitung.kept import kept

from .companions import CompanionProfile, towns_of
from .engagement import Engagement
from .matching import Candidate, Wishes

NO_PLACES = (0, 0, 0)


def rules_by_companion(pk: uuid.UUID) -> dict[int, tuple[tuple[str, ...], tuple[int, int, int]]]:
    """Companion id → the rules against this pair, and capacity, taken, held (noughts for the learner's own eyes)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT companion_id, rules, capacity, taken, held FROM matching_candidates(%s)", [pk])
        rows = cursor.fetchall()
    return {
        person: (tuple(rules), NO_PLACES if places[0] is None else tuple(places)) for person, rules, *places in rows
    }


def candidates_of(engagement: Engagement) -> list[Candidate]:
    """Everybody the asking person may consider for this engagement, by name; who made a silent no is simply not among
    them. Of all occasions only the one asked for is looked up.
    """
    found = rules_by_companion(engagement.pk)
    return [
        Candidate(
            person=pk,
            agency_path=path,
            rules=found[pk][0],
            capacity=found[pk][1][0],
            taken=found[pk][1][1],
            held=found[pk][1][2],
            formats=formats,
            languages=languages,
            occasion_ids=frozenset({engagement.occasion_id} if knows else ()),
            in_training=in_training,
            towns=towns_of(formats, places, city),
        )
        for pk, path, city, formats, languages, places, in_training, knows in _profiles(engagement.occasion_id)
        if pk in found
    ]


@kept
def _profiles(occasion_id: int | None) -> QuerySet[CompanionProfile, tuple[Any, ...]]:
    """What orders companions, without making objects of thousands of them."""
    knows = CompanionProfile.occasions.through.objects.filter(
        companionprofile_id=OuterRef("pk"), occasion_id=occasion_id
    )
    rows = CompanionProfile.objects.annotate(knows=Exists(knows)).order_by("user__name", "pk")
    return rows.values_list(
        "pk", "user__agency__path", "user__agency__city", "formats", "languages", "places", "in_training", "knows"
    )


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
