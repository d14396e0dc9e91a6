"""The candidates of one request, as the database tells them: two queries, however many there are."""

from __future__ import annotations

import uuid

from django.db import connection

from .companions import CompanionProfile
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
    """Everybody the asking person may consider for this engagement; who made a silent no is simply not among them."""
    found = rules_by_companion(engagement.pk)
    profiles = (
        CompanionProfile.objects.filter(pk__in=found).select_related("user__agency").prefetch_related("occasions")
    )
    return [
        Candidate(
            person=profile.user,
            agency_path=profile.user.agency.path,
            rules=found[profile.pk][0],
            capacity=found[profile.pk][1][0],
            taken=found[profile.pk][1][1],
            held=found[profile.pk][1][2],
            formats=tuple(profile.formats),
            languages=tuple(profile.languages),
            occasion_ids=frozenset(occasion.pk for occasion in profile.occasions.all()),
            in_training=profile.in_training,
            towns=tuple(profile.towns()),
        )
        for profile in profiles.order_by("user__name", "pk")
    ]


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
