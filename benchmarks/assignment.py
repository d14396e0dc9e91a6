"""Assigning everybody at once: from the database to a saved draft, against the solver alone; quality against greedy.

`python -m benchmarks.assignment` (part of `make bench`). The people are drawn from one seed: learners and companions of 300
agencies in ten regions, wishes as people have them, capacities that are scarce. What is kept are ratios of one run.
"""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from lernbegleitung import embedded

ROOT = Path(__file__).parents[1]
SIZES = ((1_000, 600), (10_000, 600))
LARGEST = (100_000, 5_000, 30)  # requests, companions, possible companions of each
ROUNDS = 3


def timed(job: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and the answer."""
    begun = time.perf_counter()
    answer = job()
    return time.perf_counter() - begun, answer


def peak() -> int:
    """The most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def lay(requests: int, companions: int) -> None:
    """People, profiles and requests; run as the owner of the tables."""
    from accounts.models import Agency, RoleGrant, User
    from engagements.models import CompanionLoad, CompanionProfile, ConflictDeclaration, Engagement, Occasion
    from lernbegleitung import clock

    dice, today = random.Random(7), clock.today()  # noqa: S311
    centre = Agency.objects.create(code="z", name="Zentrale", kind="centre", state="BY")
    agencies = []
    for region in range(10):
        above = Agency.objects.create(
            code=f"r{region}", name=f"Region {region}", kind="region", parent=centre, state="BY"
        )
        for number in range(30):
            code = f"r{region}a{number}"
            agencies.append(Agency.objects.create(code=code, name=code, kind="agency", parent=above, state="BY"))
    people = [
        User(
            email=f"p{number}@example.org",
            name=f"P {number}",
            agency=dice.choice(agencies),
            team=f"T{dice.randrange(9)}",
        )
        for number in range(requests + companions + 1)
    ]
    carla, *people = User.objects.bulk_create(people, batch_size=2000)
    RoleGrant.objects.create(user=carla, role="coordinator", agency=centre, starts_on=today)
    accompany, learn = people[:companions], people[companions:]
    year, occasions = today + timedelta(days=365), list(Occasion.objects.all())
    RoleGrant.objects.bulk_create(
        RoleGrant(user=p, role="companion", agency=p.agency, starts_on=today) for p in accompany
    )
    CompanionProfile.objects.bulk_create(
        CompanionProfile(
            user=p, qualified_until=year, in_training=dice.random() < 0.1,
            formats=dice.sample(["on_site", "video", "phone"], dice.randint(1, 3)), languages=dice.choice([["de"], ["de"], ["de", "en"]]),
        )
        for p in accompany
    )  # fmt: skip
    knows = CompanionProfile.occasions.through
    knows.objects.bulk_create(
        knows(companionprofile_id=p.pk, occasion=o)
        for p in accompany
        for o in dice.sample(occasions, dice.randint(1, 3))
    )
    places = max(3, round(1.15 * requests / companions))
    CompanionLoad.objects.bulk_create(
        CompanionLoad(companion=p, capacity=min(12, max(1, places + dice.randint(-2, 2)))) for p in accompany
    )
    now, wishes = clock.now(), ["no_matter", "no_matter", "elsewhere", "own_agency"]
    Engagement.objects.bulk_create(
        (
            Engagement(
                learner=p, state="requested", coordinating_agency=centre, requested_at=now - timedelta(hours=dice.randint(1, 2000)),
                occasion=dice.choice(occasions), wish=dice.choice(wishes), format=dice.choice(["any", "any", "video", "on_site", "phone"]),
                spoken=dice.choice(["de"] * 9 + ["en"]), trainee_welcome=dice.random() < 0.5,
            )
            for p in learn
        ),
        batch_size=2000,
    )  # fmt: skip
    ConflictDeclaration.objects.bulk_create(
        ConflictDeclaration(declared_by=p, other=dice.choice(accompany), rule="H1")
        for p in dice.sample(learn, requests // 10)
    )
    print(carla.pk)


def ask(maker: int) -> None:
    """A draft that waits; run as the owner of the tables."""
    from engagements.models import AssignmentDraft

    print(AssignmentDraft.objects.create(made_by_id=maker, seed=1).pk)


def solve_one(draft: str) -> None:
    """The whole task and the solver alone, in turn; run as the worker."""
    from django.db import connection

    from engagements import assignment_work, pairing, solving

    assignment_work._claim()
    pairs = pairing.Pairs(*assignment_work.read(draft))  # type: ignore[arg-type]
    problem = pairs.problem(range(len(pairs.asking)), {})
    solving.solve(problem, 1)  # OR-tools is loaded
    alone = [timed(lambda: solving.solve(problem, 1))[0] for _round in range(ROUNDS)]
    best, simple = solving.solve(problem, 1), greedy(problem)
    whole, saved = timed(lambda: assignment_work.solve_draft(draft, 1))  # type: ignore[arg-type]
    assert saved == 1
    connection.close()
    print(json.dumps({
        "requests": len(pairs.asking), "companions": len(pairs.offering), "groups": len(pairs.first),
        "possible_pairs": len(problem.edge_group), "solver_s": round(statistics.median(alone), 2), "whole_s": round(whole, 2),
        "ratio": round(whole / statistics.median(alone), 1), "matched": solving.value(problem, best)[0],
        "greedy_matched": solving.value(problem, simple)[0], "soft_cost": -solving.value(problem, best)[2],
        "greedy_soft_cost": -solving.value(problem, simple)[2], "peak_mb": peak(),
    }))  # fmt: skip


def greedy(problem: Any) -> list[int | None]:
    """Who waits longest takes the best companion that is still free, one after the other."""
    possible: dict[int, list[tuple[int, int]]] = {}
    for group, companion, cost in zip(problem.edge_group, problem.edge_companion, problem.edge_cost, strict=True):
        possible.setdefault(int(group), []).append((int(cost), int(companion)))
    for found in possible.values():
        found.sort()
    free, answer = [place.free() for place in problem.places], [None] * len(problem.groups)
    for request in sorted(range(len(problem.groups)), key=lambda r: -problem.weeks[r]):
        companion = next((c for _cost, c in possible.get(problem.groups[request], []) if free[c]), None)
        if companion is not None:
            free[companion] -= 1
            answer[request] = companion  # type: ignore[call-overload]
    return answer  # type: ignore[return-value]


def solve_largest() -> None:
    """The solver alone, where no two requests are alike."""
    import numpy as np

    from engagements.solving import LONGEST, WORST, Place, Problem, solve, value

    requests, companions, each = LARGEST
    dice = np.random.default_rng(7)
    capacity = dice.multinomial(round(requests * 1.15), [1 / companions] * companions).tolist()
    problem = Problem(
        groups=list(range(requests)),
        weeks=dice.integers(0, LONGEST + 1, requests).tolist(),
        places=[Place(places, 0) for places in capacity],
        edge_group=np.repeat(np.arange(requests), each),
        edge_companion=np.concatenate([dice.choice(companions, each, replace=False) for _request in range(requests)]),
        edge_cost=dice.integers(0, WORST + 1, requests * each),
    )
    seconds, answer = timed(lambda: solve(problem, 1))
    matched, memory = value(problem, answer)[0], peak()
    print(json.dumps({"requests": requests, "companions": companions, "solver_s": round(seconds, 1), "matched": matched,
                      "greedy_matched": value(problem, greedy(problem))[0], "peak_mb": memory}))  # fmt: skip


def run(var: Path, role: str, *command: str) -> str:
    """One part in a process of its own, as this role of the database; its last line."""
    env = {
        **os.environ, **embedded.secrets(var), "DATABASE_URL": embedded.database_url(role, var), "LERNBEGLEITUNG_DB_ROLE": role,
        "REDIS_URL": "redis://unused", "LERNBEGLEITUNG_DEMO": "1", "VAR_DIR": str(var), "DJANGO_SETTINGS_MODULE": "lernbegleitung.settings",
    }  # fmt: skip
    done = subprocess.run([sys.executable, *command], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().rpartition("\n")[2]


def measure() -> dict[str, Any]:
    """Each size in a database of its own, then the largest without one."""
    found: dict[str, Any] = {}
    for requests, companions in SIZES:
        with tempfile.TemporaryDirectory() as name:
            var = Path(name) / "var"
            embedded.start_postgres(var)
            try:
                run(var, "lern_owner", "manage.py", "migrate", "--verbosity=0")
                maker = run(var, "lern_owner", "-m", "benchmarks.assignment", "lay", str(requests), str(companions))
                draft = run(var, "lern_owner", "-m", "benchmarks.assignment", "ask", maker)
                found[f"{requests} × {companions}"] = json.loads(
                    run(var, "lern_worker", "-m", "benchmarks.assignment", "solve_one", draft)
                )
            finally:
                embedded.stop_postgres(var)
    done = subprocess.run([sys.executable, "-m", "benchmarks.assignment", "solve_largest"], cwd=ROOT, capture_output=True, text=True, check=True)  # fmt: skip
    found[f"{LARGEST[0]} × {LARGEST[1]}, solver alone"] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    part, *values = sys.argv[1:] or ["measure"]
    if part in ("lay", "ask", "solve_one"):
        import django

        django.setup()
    if part == "solve_one":
        solve_one(*values)
    elif part in ("lay", "ask"):
        {"lay": lay, "ask": ask}[part](*map(int, values))
    elif part == "solve_largest":
        solve_largest()
    else:
        print(json.dumps(measure(), indent=1))
