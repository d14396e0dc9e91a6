"""Many requests, many companions, one best answer: a flow of minimum cost, solved exactly. Values only, no queries.

What "best" means, in this order: as many requests as possible get somebody; those who wait longest first; the soft order
(matching.soft_cost); and whoever has most room relative to the own capacity is asked first. Where two answers are equally
good, lots drawn from a seed decide, so that the same input and seed give the same answer.

Requests that cannot be told apart (same wishes, same exclusions) share one node, which keeps the network small.
OR-tools is heavy and is imported when something is solved, which only the worker does.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LONGEST = 8  # weeks of waiting that count
WORST = 16  # the highest soft cost
FULL = 12  # steps between empty and full, for fairness; nobody has more places than that


@dataclass(frozen=True)
class Place:
    """What a companion has: places in all, and those that are free now. `used` counts running and promised ones."""

    capacity: int
    used: int

    def free(self) -> int:
        """Free places."""
        return max(0, self.capacity - self.used)

    def fullness(self, more: int) -> int:
        """How full with so many more, 0 to FULL; grows with every place, so that equal shares cost least."""
        return round(FULL * (self.used + more) / self.capacity)


@dataclass(frozen=True)
class Problem:
    """`groups[r]` is the group of request r, `weeks[r]` its weeks of waiting (0 to LONGEST).

    `limit_of[r]` is the limit that request r counts against, None for none; of `limits[i]` requests at most get somebody.
    Without any, both are empty.

    An edge says that the companion is possible for the group, at a soft cost from 0 to WORST; the three arrays are of one
    length.
    """

    groups: Sequence[int]
    weeks: Sequence[int]
    places: Sequence[Place]
    edge_group: Any
    edge_companion: Any
    edge_cost: Any
    limits: Sequence[int] = ()
    limit_of: Sequence[int | None] = ()

    def limit(self, request: int) -> int:
        """The number of the request's limit, -1 for none."""
        found = self.limit_of[request] if self.limit_of else None
        return -1 if found is None else found


@dataclass(frozen=True)
class Weights:
    """Each term weighs more than all lower terms together can."""

    soft: int
    week: int

    @classmethod
    def of(cls, problem: Problem) -> Weights:
        """As small as they may be: the solver multiplies costs by the number of nodes."""
        most = min(len(problem.groups), sum(place.free() for place in problem.places)) + 1
        soft = most * FULL + 1
        return cls(soft=soft, week=most * (WORST * soft + FULL) + 1)


def solve(problem: Problem, seed: int) -> list[int | None]:
    """The companion of each request, None where there is none. Raises ArithmeticError when the solver gives up."""
    import numpy as np
    from ortools.graph.python import min_cost_flow

    lots = random.Random(seed)  # noqa: S311  (fairness, no secret)
    groups, companions = max(problem.groups, default=-1) + 1, len(problem.places)
    if not groups or not len(problem.edge_group):
        return [None] * len(problem.groups)
    weights = Weights.of(problem)
    source, sink = groups + companions, groups + companions + 1
    # Which node a group or a companion gets is drawn: among equals, the solver takes what comes first.
    group_node = np.array(lots.sample(range(groups), groups), dtype=np.int64)
    companion_node = groups + np.array(lots.sample(range(companions), companions), dtype=np.int64)

    alike = _alike(problem, lots)
    asking, weeks, limits = np.array(list(alike), dtype=np.int64).reshape(-1, 3).T
    size = np.array([len(requests) for requests in alike.values()], dtype=np.int64)
    edge_group, edge_companion = np.asarray(problem.edge_group), np.asarray(problem.edge_companion)
    order = np.lexsort((companion_node[edge_companion], group_node[edge_group]))
    edge_group, edge_companion = edge_group[order], edge_companion[order]
    edge_cost = np.asarray(problem.edge_cost)[order] * weights.soft
    free = np.array([place.free() for place in problem.places], dtype=np.int64)
    owner = np.repeat(np.arange(companions), free)
    fullness = [place.fullness(more) for place in problem.places for more in range(1, place.free() + 1)]

    flow = min_cost_flow.SimpleMinCostFlow()
    add = flow.add_arcs_with_capacity_and_unit_cost
    # What counts against a limit comes through a node of that limit.
    first = sink + 1
    number = len(problem.limits)
    rooms = np.array(problem.limits, dtype=np.int64)
    add(np.full(number, source), first + np.arange(number), rooms, np.zeros(number, dtype=np.int64))
    asked = add(
        np.where(limits < 0, source, first + limits), group_node[asking], size, (LONGEST - weeks) * weights.week
    )
    many = np.bincount(asking, weights=size, minlength=groups).astype(np.int64)
    chosen = add(
        group_node[edge_group],
        companion_node[edge_companion],
        np.minimum(many[edge_group], free[edge_companion]),
        edge_cost,
    )
    ones = np.ones(len(owner), dtype=np.int64)
    add(companion_node[owner], np.full(len(owner), sink), ones, np.array(fullness, dtype=np.int64))
    flow.set_node_supply(source, len(problem.groups))
    flow.set_node_supply(sink, -len(problem.groups))
    status = flow.solve_max_flow_with_min_cost()
    if status != flow.OPTIMAL:
        raise ArithmeticError(f"no optimum: {status}")

    served: dict[int, list[int]] = {}
    for ((group, _weeks, _limit), requests), amount in zip(alike.items(), flow.flows(asked).tolist(), strict=True):
        served.setdefault(group, []).extend(requests[:amount])
    answer: list[int | None] = [None] * len(problem.groups)
    amounts = flow.flows(chosen)
    for index in amounts.nonzero()[0].tolist():
        for _place in range(int(amounts[index])):
            answer[served[int(edge_group[index])].pop()] = int(edge_companion[index])
    return answer


def _alike(problem: Problem, lots: random.Random) -> dict[tuple[int, int, int], list[int]]:
    """(group, weeks, limit) → the requests of this kind, in an order that is drawn."""
    found: dict[tuple[int, int, int], list[int]] = {}
    for request in lots.sample(range(len(problem.groups)), len(problem.groups)):
        key = problem.groups[request], problem.weeks[request], problem.limit(request)
        found.setdefault(key, []).append(request)
    return dict(sorted(found.items()))


def value(problem: Problem, answer: Sequence[int | None]) -> tuple[int, int, int, int]:
    """What an answer is worth, to be compared: (matched, weeks waited, minus soft cost, minus fullness).

    Raises ValueError when it gives somebody a companion who is not possible, or more requests than places or limits.
    """
    cost = {
        (int(g), int(c)): int(k)
        for g, c, k in zip(problem.edge_group, problem.edge_companion, problem.edge_cost, strict=True)
    }
    more: dict[int, int] = {}
    matched = weeks = soft = 0
    for request, companion in enumerate(answer):
        if companion is None:
            continue
        if (problem.groups[request], companion) not in cost:
            raise ValueError(f"companion {companion} is not possible for request {request}")
        matched, weeks = matched + 1, weeks + problem.weeks[request]
        soft += cost[problem.groups[request], companion]
        more[companion] = more.get(companion, 0) + 1
    if any(number > problem.places[companion].free() for companion, number in more.items()):
        raise ValueError("more requests than places")
    counted = Counter(problem.limit(request) for request, companion in enumerate(answer) if companion is not None)
    if any(counted[limit] > most for limit, most in enumerate(problem.limits)):
        raise ValueError("more requests than a limit")
    fullness = sum(problem.places[c].fullness(k) for c, number in more.items() for k in range(1, number + 1))
    return matched, weeks, -soft, -fullness
