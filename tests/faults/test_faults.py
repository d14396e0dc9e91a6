"""The short run of `make faults`: real workers, timetables, PostgreSQL, Redis and SMTP, killed and cut off at random."""

from __future__ import annotations

from . import scenarios
from .scenarios import run


def test_nothing_is_lost_whatever_breaks() -> None:
    outcome = run("all faults together", 400, lambda house, dice: scenarios.everything(house, dice, rounds=8))
    assert outcome.lost == outcome.failed == 0, outcome
    assert outcome.kills >= 8
    # At most what a killed worker was just sending, with the same Message-ID; what `make faults` measures over many kills.
    assert outcome.twice <= 4 and outcome.same_id, outcome


def test_after_a_week_without_a_worker_there_is_no_flood() -> None:
    outcome = run("a week", 150, scenarios.a_week_without_a_worker, steps=8)
    assert (outcome.lost, outcome.twice, outcome.flood) == (0, 0, 1), outcome
