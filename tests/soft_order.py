"""The soft order said a second time, over all candidates at once: what the database's way of finding the first is held against."""

from __future__ import annotations

from typing import Any

from django.db import connection

from engagements.matching import Candidate, Wishes, nearness, same_town


def lots(seed: str, people: list[int]) -> dict[int, int]:
    """The lot of each companion for this request: the same for everybody who looks, and whoever else there is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT p, hashint8extended(p, hashtextextended(%s, 0)) FROM unnest(%s) p", [seed, people])
        return dict(cursor.fetchall())


def rank(candidates: list[Candidate], wishes: Wishes, seed: str) -> list[Candidate]:
    """The possible ones: the wish for the agency, the load relative to own capacity, experience, the way; then lots."""

    lot = lots(seed, [candidate.person for candidate in candidates])

    def order(candidate: Candidate) -> tuple[Any, ...]:
        near = nearness(candidate, wishes)
        as_wished = {"own_agency": near == "own_agency", "elsewhere": near != "own_agency"}.get(wishes.wish, True)
        knows = wishes.occasion_id in candidate.occasion_ids
        travels = wishes.format == "on_site" and not same_town(wishes.town, candidate.towns)
        soft = (not knows, near == "elsewhere", travels)
        return (not as_wished, round(candidate.load(), 1), *soft, lot[candidate.person])

    possible = [candidate for candidate in candidates if not candidate.rules]
    return sorted(possible, key=order)
