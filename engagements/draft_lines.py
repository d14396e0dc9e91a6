"""From the solver's answer to the lines of a draft: why this one, who else, and why nobody. Values only, no queries.

Whoever is excluded for a request is counted nowhere in it, as if that companion did not exist: a silent no must not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .matching import Candidate, Wishes, reasons
from .pairing import AWAY, FULL, WISHES, Asking, Offering, Pairs

SHOWN = 3  # alternatives of a line


def lines(pairs: Pairs, answer: Sequence[int | None]) -> list[dict[str, Any]]:
    """The lines of the draft, as the database takes them: reasons, why nobody, and who else would be possible."""
    given = np.bincount([column for column in answer if column is not None], minlength=len(pairs.offering))
    left = np.array([offer.place().free() for offer in pairs.offering], dtype=np.int64) - given
    others, room = _alternatives(pairs, left), _room(pairs, answer)
    known: dict[tuple[Any, ...], list[str]] = {}

    def why(group: int, one: Asking, column: int) -> list[str]:
        key = group, one.agency, column
        if key not in known:
            known[key] = _reasons(one, pairs.offering[column])
        return known[key]

    made = []
    for request, (one, column) in enumerate(zip(pairs.asking, answer, strict=True)):
        group = pairs.group[request]
        found = pairs.offering[column].person if column is not None else None
        made.append({
            "position": request,
            "engagement": str(one.engagement),
            "companion": found,
            "reasons": why(group, one, column) if column is not None else [],
            "why": _why(pairs, request, column, left, room),
            "alternatives": [] if column is None and one.quota and not room[one.quota] else [[pairs.offering[c].person, why(group, one, c)] for c in others[group] if c != column][:SHOWN],
            "pinned": one.kept is not None and found == one.kept,
            "unwanted": list(one.unwanted),
            "left_out": one.left_out,
            "before": one.before,
        })  # fmt: skip
    return made


def _alternatives(pairs: Pairs, left: Any) -> list[list[int]]:
    """For each kind of request the columns of the best companions who still have a place after all this."""
    if not pairs.offering or not pairs.first:
        return [[] for _kind in pairs.first]
    number, most = min(SHOWN + 1, len(pairs.offering)), np.iinfo(np.int64).max
    load = np.array([offer.place().fullness(1) if offer.capacity else 0 for offer in pairs.offering], dtype=np.int64)
    order = np.where((pairs.against == 0) & (left > 0), pairs.cost.astype(np.int64) * 1000 + load, most)
    best = np.argsort(order, axis=1, kind="stable")[:, :number]
    return [[int(c) for c in row if order[group, c] < most] for group, row in enumerate(best)]


def _reasons(one: Asking, offer: Offering) -> list[str]:
    candidate = Candidate(
        person=offer.person, agency_path=offer.path, rules=(), capacity=offer.capacity, taken=offer.used,
        held=offer.promised, formats=tuple(offer.formats), languages=tuple(offer.languages), occasion_ids=frozenset(offer.occasions),
        in_training=offer.in_training, towns=tuple(offer.towns),
    )  # fmt: skip
    return list(
        reasons(candidate, Wishes(one.wish, one.format, one.spoken, one.occasion, one.path, tuple(one.needs), one.town))
    )


def _room(pairs: Pairs, answer: Sequence[int | None]) -> dict[str, int]:
    """The places that are left in each programme and region after all this."""
    room = {one.quota: one.room or 0 for one in pairs.asking if one.quota}
    for one, column in zip(pairs.asking, answer, strict=True):
        if one.quota and column is not None:
            room[one.quota] -= 1
    return room


def _why(pairs: Pairs, request: int, column: int | None, left: Any, room: dict[str, int]) -> list[list[Any]]:
    """What is to be said of a line: that the person to be kept is lost, why there is nobody, or nothing."""
    one = pairs.asking[request]
    if one.left_out:
        return []
    lost = one.kept is not None and (column is None or pairs.offering[column].person != one.kept)
    nobody = why_nobody(pairs, request, left) if column is None else []
    if (
        column is None and one.quota and not room[one.quota]
    ):  # whoever fits would be taken by no one: the programme waits
        nobody = [["quota"], *(why for why in nobody if why[0] != "taken")]
    return ([["lost"]] if lost else []) + nobody


def why_nobody(pairs: Pairs, request: int, left: Any) -> list[list[Any]]:
    """Why nobody was found, as codes with numbers: whoever fits has no place for this one (taken), is full or comes back
    on a day (full, back), how many have a place if one wish were given up (format, language, agency, trainee, settings), or none."""
    against, found = pairs.against[pairs.group[request]], []
    if fits := int((against == 0).sum()):
        found.append(["taken", fits])
    if full := int((against == FULL).sum()):
        found.append(["full", full])
    days = [pairs.offering[column].back_on for column in (against == AWAY).nonzero()[0]]
    if known := [day for day in days if day]:
        found.append(["back", min(known).isoformat()])
    for bit, name in WISHES.items():
        if number := int(((against == bit) & (left > 0)).sum()):
            found.append([name, number])
    return found or [["none"]]
