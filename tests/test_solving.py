"""Assigning everybody at once: the optimum, checked against an independent exact solver; the same for the same seed."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp

from engagements.solving import LONGEST, WORST, Place, Problem, solve, value


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Few requests in fewer groups, few companions with few places, any edges."""
    groups = draw(st.lists(st.integers(0, 3), max_size=8))
    groups = [sorted(set(groups)).index(group) for group in groups]
    weeks = draw(st.lists(st.integers(0, LONGEST), min_size=len(groups), max_size=len(groups)))
    places = []
    for _companion in range(draw(st.integers(1, 5))):
        capacity = draw(st.integers(0, 5))
        places.append(Place(capacity, draw(st.integers(0, 6))))
    pairs = [(g, c) for g in range(max(groups, default=-1) + 1) for c in range(len(places)) if draw(st.booleans())]
    costs = [draw(st.integers(0, WORST)) for _pair in pairs]
    return Problem(groups, weeks, places, [g for g, _c in pairs], [c for _g, c in pairs], costs)


def independent(problem: Problem) -> list[int | None]:
    """The optimum by the Hungarian method of scipy: each place a column, each request a column of its own for nobody."""
    columns = [(c, more) for c, place in enumerate(problem.places) for more in range(1, place.free() + 1)]
    number = len(problem.groups)
    if not number:
        return []
    most = min(number, len(columns)) + 1
    soft = most * 12 + 1
    week = most * (WORST * soft + 12) + 1
    nobody = most * (LONGEST * week + WORST * soft + 12) + 1
    costs = dict(zip(zip(problem.edge_group, problem.edge_companion, strict=True), problem.edge_cost, strict=True))
    impossible = nobody * (number + 1)
    if problem.limits:
        return within_limits(problem, columns, costs, soft, week, nobody)
    table = np.full((number, len(columns) + number), float(impossible))
    for request, group in enumerate(problem.groups):
        for column, (companion, more) in enumerate(columns):
            if (group, companion) in costs:
                waiting = (LONGEST - problem.weeks[request]) * week
                full = problem.places[companion].fullness(more)
                table[request, column] = waiting + costs[group, companion] * soft + full
        table[request, len(columns) + request] = nobody
    rows, chosen = linear_sum_assignment(table)
    answer: list[int | None] = [None] * number
    for request, column in zip(rows, chosen, strict=True):
        if column < len(columns):
            answer[request] = columns[column][0]
    return answer


def within_limits(
    problem: Problem, columns: list[tuple[int, int]], costs: dict[Any, Any], soft: int, week: int, nobody: int
) -> list[int | None]:
    """The same with limits, as an integer programme: each request once, each place once, each limit at most."""
    pairs = [
        (request, column)
        for request, group in enumerate(problem.groups)
        for column, (companion, _more) in enumerate(columns)
        if (group, companion) in costs
    ]
    answer: list[int | None] = [None] * len(problem.groups)
    if not pairs:
        return answer
    worth = []
    for request, column in pairs:
        companion, more = columns[column]
        waiting = (LONGEST - problem.weeks[request]) * week
        full = problem.places[companion].fullness(more)
        worth.append(waiting + costs[problem.groups[request], companion] * soft + full - nobody)
    rows = [[float(request == r) for request, _column in pairs] for r in range(len(problem.groups))]
    rows += [[float(column == c) for _request, column in pairs] for c in range(len(columns))]
    rows += [[float(problem.limit_of[request] == n) for request, _column in pairs] for n in range(len(problem.limits))]
    most = [1] * (len(problem.groups) + len(columns)) + list(problem.limits)
    found = milp(
        np.array(worth, dtype=float), integrality=np.ones(len(pairs)), bounds=Bounds(0, 1),
        constraints=LinearConstraint(np.array(rows), ub=np.array(most, dtype=float)), options={"mip_rel_gap": 0},
    )  # fmt: skip
    for (request, column), chosen in zip(pairs, found.x.round(), strict=True):
        if chosen:
            answer[request] = columns[column][0]
    return answer


@settings(max_examples=400, deadline=None)
@given(problems(), st.integers(0, 2**31))
def test_no_other_answer_is_better(problem: Problem, seed: int) -> None:
    answer = solve(problem, seed)
    assert value(problem, answer) == value(problem, independent(problem))
    assert solve(problem, seed) == answer, "the same for the same seed"


def big(number: int, companions: int, each: int, seed: int = 7) -> Problem:
    """Scarce places: some more than requests, each request with so many possible companions."""
    dice = random.Random(seed)
    places = [Place(12, dice.randint(0, 4)) for _companion in range(companions)]
    edges = [(r, c) for r in range(number) for c in dice.sample(range(companions), each)]
    return Problem(
        list(range(number)),
        [dice.randint(0, LONGEST) for _request in range(number)],
        places,
        [r for r, _c in edges],
        [c for _r, c in edges],
        [dice.randint(0, WORST) for _edge in edges],
    )


def test_a_thousand_requests_are_solved_exactly() -> None:
    problem = big(400, 60, 12)
    assert value(problem, solve(problem, 1)) == value(problem, independent(problem))


def test_lots_decide_among_equals_and_nobody_is_always_first() -> None:
    problem = Problem([0], [0], [Place(3, 0)] * 4, [0] * 4, [0, 1, 2, 3], [0] * 4)
    assert {solve(problem, seed)[0] for seed in range(40)} == {0, 1, 2, 3}


def test_whoever_waits_longer_gets_the_only_place() -> None:
    problem = Problem([0, 1], [2, 5], [Place(1, 0)], [0, 1], [0, 0], [0, WORST])
    assert solve(problem, 3) == [None, 0]


def test_the_emptiest_is_asked_first() -> None:
    problem = Problem([0, 0], [0, 0], [Place(4, 2), Place(4, 0)], [0, 0], [0, 1], [0, 0])
    assert solve(problem, 3) == [1, 1]


def test_an_answer_against_the_rules_is_noticed() -> None:
    problem = Problem([0, 0], [0, 0], [Place(1, 0), Place(1, 0)], [0], [0], [0])
    with pytest.raises(ValueError, match="not possible"):
        value(problem, [1, None])
    with pytest.raises(ValueError, match="more requests than places"):
        value(problem, [0, 0])
