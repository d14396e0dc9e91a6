"""Open requests and companions: who is possible for whom, at what cost, and who gets whom. Values only, no queries.

The hard exclusions are those of the SQL function companion_rules (policies.sql), for all pairs at
once: H1 to H4, H7 and H8 come as pairs nobody can tell apart, the others are looked at here; tests/test_pairing.py compares
the two in random worlds. Requests that cannot be told apart share a row of these tables, which keeps them small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np

from .matching import same_town, soft_cost
from .programmes import region_of
from .solving import WORST, Place, Problem, solve, value

# What speaks against a pair, one bit each, so that "nothing but this" is one comparison.
EXCLUDED, FORMAT, LANGUAGE, AGENCY, TRAINEE, AWAY, FULL, SETTINGS = (1 << bit for bit in range(8))
Given = dict[Any, int]  # places given already, by the companion's column; requests served already, by their quota
WISHES = {FORMAT: "format", LANGUAGE: "language", AGENCY: "agency", TRAINEE: "trainee", SETTINGS: "settings"}


@dataclass(frozen=True)
class Asking:
    """An open request as the worker knows it, in the order of waiting; `kept`, `unwanted`, `left_out` are the maker's
    decisions, `before` is whom it had in the draft before."""

    engagement: UUID
    learner: int
    agency: int
    path: str
    wish: str
    format: str
    spoken: str
    trainee_welcome: bool
    occasion: int | None
    weeks: int
    kept: int | None = None
    unwanted: Sequence[int] = ()
    left_out: bool = False
    before: int | None = None
    needs: Sequence[str] = ()
    town: str = ""
    quota: str | None = None  # a programme and region with few places, of which `room` are left
    room: int | None = None


@dataclass(frozen=True)
class Offering:
    """A companion who accompanies at all today. `used` places are taken or held, `promised` ones proposed elsewhere."""

    person: int
    agency: int
    path: str
    formats: Sequence[str]
    languages: Sequence[str]
    occasions: Sequence[int]
    in_training: bool
    present: bool
    back_on: date | None
    capacity: int
    used: int
    promised: int
    settings: Sequence[str] = ()
    towns: Sequence[str] = ()

    def place(self, more: int = 0) -> Place:
        """The places the solver may give, when it has given so many already."""
        return Place(self.capacity, self.used + self.promised + more)


class Pairs:
    """What speaks against each pair of a kind of request and a companion, and what it costs."""

    def __init__(
        self, asking: Sequence[Asking], offering: Sequence[Offering], excluded: dict[int, frozenset[int]]
    ) -> None:
        self.asking, self.offering = asking, offering
        self.index = {offer.person: column for column, offer in enumerate(offering)}
        working = {offer.agency for offer in offering}
        kinds: dict[tuple[Any, ...], int] = {}
        self.group: list[int] = []
        self.first: list[Asking] = []
        self.outside: list[frozenset[int]] = []
        for one in asking:
            outside = excluded.get(one.learner, frozenset()).union(one.unwanted).intersection(self.index)
            asks_for_agency = one.wish != "no_matter" and one.agency in working
            where = one.agency if asks_for_agency else region_of(one.path)
            town = one.town if one.format == "on_site" else None
            wishes = (one.wish, one.format, town, one.spoken, frozenset(one.needs), one.trainee_welcome, one.occasion)
            kind = (where, *wishes, outside)
            if kind not in kinds:
                kinds[kind] = len(kinds)
                self.first.append(one)
                self.outside.append(outside)
            self.group.append(kinds[kind])

    def _offers(self, has: Any) -> Any:
        return np.array([has(offer) for offer in self.offering], dtype=bool)

    def _kinds(self, has: Any) -> Any:
        return np.array([has(one) for one in self.first], dtype=bool)[:, None]

    def _table(self, wished: Any, has: Any) -> Any:
        """Whether each companion has what each kind of request wishes: as few rows as there are different wishes."""
        wishes = [wished(one) for one in self.first]
        rows = {wish: row for row, wish in enumerate(dict.fromkeys(wishes))}
        table = np.array([[has(offer, wish) for offer in self.offering] for wish in rows], dtype=bool)
        return table.reshape(len(rows), len(self.offering))[[rows[wish] for wish in wishes]]

    @cached_property
    def same_agency(self) -> Any:
        """Whether both work in one agency; means nothing where the wish is none for an agency."""
        return self._table(lambda one: one.agency, lambda offer, agency: offer.agency == agency)

    @cached_property
    def same_region(self) -> Any:
        """Whether both work in one region."""
        return self._table(lambda one: region_of(one.path), lambda offer, region: region_of(offer.path) == region)

    @cached_property
    def against(self) -> Any:
        """The bits that speak against each pair; 0: the pair is possible (H5, H6, H9 and H10, and the excluded ones)."""
        suits = self._table(lambda one: one.format, lambda offer, wish: wish == "any" or wish in offer.formats)
        speaks = self._table(lambda one: one.spoken, lambda offer, wish: wish in offer.languages)
        bits = np.zeros((len(self.first), len(self.offering)), dtype=np.uint8)
        bits |= np.where(suits, 0, FORMAT).astype(np.uint8)
        bits |= np.where(speaks, 0, LANGUAGE).astype(np.uint8)
        arranges = self._table(lambda one: frozenset(one.needs), lambda offer, needs: needs <= set(offer.settings))
        bits |= np.where(arranges, 0, SETTINGS).astype(np.uint8)
        bits |= np.where(self.same_agency & self._kinds(lambda one: one.wish == "elsewhere"), AGENCY, 0).astype(
            np.uint8
        )
        trains, wary = self._offers(lambda offer: offer.in_training), self._kinds(lambda one: not one.trainee_welcome)
        bits |= np.where(trains & wary, TRAINEE, 0).astype(np.uint8)
        bits |= np.where(self._offers(lambda offer: offer.present), 0, AWAY).astype(np.uint8)
        bits |= np.where(self._offers(lambda offer: offer.used < offer.capacity), 0, FULL).astype(np.uint8)
        for row, outside in enumerate(self.outside):
            bits[row, [self.index[person] for person in outside]] |= EXCLUDED
        return bits

    @cached_property
    def cost(self) -> Any:
        """The soft cost of each pair, 0 to WORST."""
        own = self._kinds(lambda one: one.wish == "own_agency")  # "elsewhere" is a hard wish
        knows = self._table(lambda one: one.occasion, lambda offer, occasion: occasion in offer.occasions)
        meets_there = self._table(lambda one: one.town, lambda offer, town: same_town(town, offer.towns))
        costs = soft_cost(
            unwished=(own & ~self.same_agency).view(np.uint8),
            unknown=(~knows).view(np.uint8),
            elsewhere=(~self.same_region).view(np.uint8),
            other_town=(self._kinds(lambda one: one.format == "on_site") & ~meets_there).view(np.uint8),
        )
        assert costs.size == 0 or costs.max() <= WORST
        return costs

    def is_possible(self, request: int, person: int) -> bool:
        """Whether nothing speaks against this companion for this request."""
        return person in self.index and self.against[self.group[request], self.index[person]] == 0

    def problem(self, requests: Sequence[int], given: Given) -> Problem:
        """What the solver decides: these requests, when so much of places and quotas is given already."""
        rows = {group: row for row, group in enumerate(dict.fromkeys(self.group[request] for request in requests))}
        chosen = np.array(list(rows), dtype=np.int64)
        edge_row, edge_companion = (
            (self.against[chosen] == 0).nonzero() if rows else (np.array([], dtype=np.int64),) * 2
        )
        quotas = {one.quota: one.room or 0 for one in (self.asking[request] for request in requests) if one.quota}
        order: dict[str | None, int] = {quota: number for number, quota in enumerate(quotas)}
        return Problem(
            groups=[rows[self.group[request]] for request in requests],
            weeks=[self.asking[request].weeks for request in requests],
            places=[offer.place(given.get(column, 0)) for column, offer in enumerate(self.offering)],
            edge_group=edge_row,
            edge_companion=edge_companion,
            edge_cost=self.cost[chosen[edge_row], edge_companion].astype(np.int64),
            limits=[max(0, room - given.get(quota, 0)) for quota, room in quotas.items()],
            limit_of=[order.get(self.asking[request].quota) for request in requests],
        )


def assign(pairs: Pairs, seed: int) -> list[int | None]:
    """The column of each request's companion, None for nobody or left out. Keeps what the maker wants kept as far as it is
    possible; and where the draft before is as good as the optimum, its answers stay."""
    answer: list[int | None] = [None] * len(pairs.asking)
    given: Given = {}
    for request, one in enumerate(pairs.asking):
        if one.kept and not one.left_out and pairs.is_possible(request, one.kept):
            _give(pairs, request, pairs.index[one.kept], answer, given)
    left = [r for r, one in enumerate(pairs.asking) if answer[r] is None and not one.left_out]
    problem = pairs.problem(left, given)
    best = solve(problem, seed)
    if any(pairs.asking[request].before for request in left):
        best = _stay(pairs, left, given, problem, best, seed)
    for request, column in zip(left, best, strict=True):
        answer[request] = column
    return answer


def _give(pairs: Pairs, request: int, column: int, answer: list[int | None], given: Given) -> None:
    """One place of this companion, if there is one left, also in the request's programme."""
    one = pairs.asking[request]
    if one.quota and given.get(one.quota, 0) >= (one.room or 0):
        return
    if pairs.offering[column].place(given.get(column, 0)).free():
        answer[request], given[column] = column, given.get(column, 0) + 1
        if one.quota:
            given[one.quota] = given.get(one.quota, 0) + 1


def _stay(
    pairs: Pairs, left: list[int], given: Given, problem: Problem, best: list[int | None], seed: int
) -> list[int | None]:
    """The answer with everybody who can stay where they were, if it is worth as much as the best one; else the best one,
    with those who cannot be told apart changing places until as many as possible are where they were."""
    answer, then = [None] * len(pairs.asking), dict(given)
    stays: list[int | None] = list(answer)
    for request in left:
        before = pairs.asking[request].before
        if before and pairs.is_possible(request, before):
            _give(pairs, request, pairs.index[before], stays, then)
    others = [request for request in left if stays[request] is None]
    for request, column in zip(others, solve(pairs.problem(others, then), seed), strict=True):
        stays[request] = column
    kept = [stays[request] for request in left]
    return kept if value(problem, kept) == value(problem, best) else _swap_back(pairs, left, best)


def _swap_back(pairs: Pairs, left: list[int], best: list[int | None]) -> list[int | None]:
    pools: dict[int, list[int]] = {}
    for request, column in zip(left, best, strict=True):
        if column is not None:
            pools.setdefault(pairs.group[request], []).append(column)
    answer: list[int | None] = [None] * len(left)
    served = [place for place, column in enumerate(best) if column is not None]
    for place in served:
        pool, before = pools[pairs.group[left[place]]], pairs.index.get(pairs.asking[left[place]].before or 0)
        if before in pool:
            pool.remove(before)  # type: ignore[arg-type]
            answer[place] = before
    for place in served:
        if answer[place] is None:
            answer[place] = pools[pairs.group[left[place]]].pop(0)
    return answer
