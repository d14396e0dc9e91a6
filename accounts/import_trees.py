"""In which order new agencies can be written, parents first, and which of them hang nowhere. A function of values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set

DEEPEST = 10  # levels of a tree


def in_tree_order(
    parents: dict[str, str], levels: dict[str, int], *, refused: Set[str]
) -> tuple[list[str], dict[str, str]]:
    """The codes in the order of writing, and the code of a fault for each of the others.

    `parents`: the parent's code of each new code, empty for a root. `levels`: how deep the codes that are there lie, a root
    at 1. `refused`: codes of the same file that will not be written.
    """
    children = defaultdict(list)
    for code, parent in parents.items():
        children[parent].append(code)
    depth, order, faults = {"": 0, **levels}, [], {}
    waiting = [code for parent in depth for code in children[parent]]
    for code in waiting:  # grows while it is walked through
        depth[code] = depth[parents[code]] + 1
        if depth[code] > DEEPEST:
            faults[code] = "too_deep"
        else:
            order.append(code)
        waiting += children[code]
    for code in parents.keys() - depth.keys():
        faults[code] = _why_nowhere(code, parents, refused)
    return order, faults


def _why_nowhere(code: str, parents: dict[str, str], refused: Set[str]) -> str:
    """Why a code is reached from no root: a parent that is unknown, one that is refused, or a ring above it."""
    if parents[code] in refused:
        return "parent_refused"
    if parents[code] not in parents:
        return "parent_unknown"
    above, seen = code, set()
    while above in parents and above not in seen:
        seen.add(above)
        above = parents[above]
    return "cycle" if above in seen else "parent_refused"
