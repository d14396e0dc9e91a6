"""From the start of gunicorn to its first answers, in turn with a Django that has one page and nothing else."""

from __future__ import annotations

import statistics
import time
from typing import Any

from lernbegleitung.serve import House

from . import processes
from .house import CONFIG, FLAGS, served
from .visitor import Visitor

ROUNDS = 5


def measure(house: House, cookie: str, *flags: str, rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians: seconds, and seconds of CPU, to the first answer and to the first Heute; and their ratios."""
    found: dict[str, list[float]] = {}

    def start(name: str, page: str, *command: str) -> None:
        begun = time.perf_counter()
        with served(house.env("lern_app"), *command) as (base, pid):
            found.setdefault(f"{name}: first answer s", []).append(time.perf_counter() - begun)
            Visitor.signed_in(base, cookie).get(page)
            found.setdefault(f"{name}: first page s", []).append(time.perf_counter() - begun)
            found.setdefault(f"{name}: CPU s", []).append(processes.cpu(pid))

    for _round in range(rounds):
        start("ours", "/heute/", *(flags or CONFIG))
        start("empty", "/", "benchmarks.empty", *FLAGS)
    middle = {name: round(statistics.median(of), 2) for name, of in found.items()}
    return middle | {
        f"ratio: {what}": round(middle[f"ours: {what}"] / middle[f"empty: {what}"], 1)
        for what in ("first answer s", "first page s", "CPU s")
    }
