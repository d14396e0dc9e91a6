"""`make faults`: every scenario with its own ten thousand or so reminders; prints the table."""

from __future__ import annotations

import os

from . import scenarios
from .scenarios import HEAD, run

NUMBER = int(os.environ.get("FAULT_REMINDERS", "3000"))


def main() -> int:
    everything = run(
        "all faults together", 4 * NUMBER, lambda h, d: scenarios.everything(h, d, rounds=40), patience=600
    )
    outcomes = [everything]
    print(HEAD, everything.line(), sep="\n", flush=True)
    for name, story in (
        ("two timetables, no fault", scenarios.quiet),
        ("kill -9 of workers and children", scenarios.killed),
        ("Redis lost", scenarios.redis),
        ("PostgreSQL crashed", scenarios.postgres),
        ("relay refuses, hangs, is slow", scenarios.relay),
        ("relay cuts the line after accepting", scenarios.cut),
        ("workers frozen beyond their lease", scenarios.frozen),
        ("clocks wrong by more than a lease", scenarios.clocks),
        ("rolling restart (SIGTERM)", scenarios.rolling),
        ("a week without a worker, 8 steps each", scenarios.a_week_without_a_worker),
    ):
        steps = 8 if story is scenarios.a_week_without_a_worker else 1
        outcome = run(name, NUMBER, story, steps=steps, patience=400)
        outcomes.append(outcome)
        print(outcome.line(), flush=True)
    lost, twice, kills = (sum(getattr(o, name) for o in outcomes) for name in ("lost", "twice", "kills"))
    print(f"{sum(o.reminders for o in outcomes)} reminders, {lost} lost, {twice} twice, {kills} kill -9")
    return 1 if lost or any(not o.same_id or o.failed for o in outcomes) else 0


raise SystemExit(main())
