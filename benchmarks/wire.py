"""One page again and again: request by request in turn with others, or by several at once."""

from __future__ import annotations

import http.client
import os
import random
import statistics
import threading
import time

Asked = tuple[str, str, str]  # where, with which cookie, for what
ROUNDS = int(os.environ.get("ROUNDS", "150"))


class Wire:
    """One kept connection."""

    def __init__(self, base: str, cookie: str = "") -> None:
        self.host, self.headers, self.connection = base.split("//")[1], {"Cookie": cookie}, None

    def get(self, path: str) -> float:
        start = time.perf_counter()
        for _try in range(2):
            try:
                self.connection = self.connection or http.client.HTTPConnection(self.host, timeout=60)
                self.connection.request("GET", path, headers=self.headers)
                response = self.connection.getresponse()
                response.read()
                assert response.status == 200, (path, response.status)
                if response.will_close:
                    self.connection.close()
                    self.connection = None
                return (time.perf_counter() - start) * 1000
            except (http.client.HTTPException, OSError):
                self.connection = None
        raise AssertionError(path)


def in_turn(targets: dict[str, tuple[Wire, str]]) -> dict[str, list[float]]:
    """One request to every target per round, in random order."""
    times: dict[str, list[float]] = {name: [] for name in targets}
    for _round in range(ROUNDS):
        for name in random.sample(list(targets), len(targets)):
            wire, path = targets[name]
            times[name].append(wire.get(path))
    return times


def at_once(base: str, cookie: str, path: str, number: int = 8, seconds: float = 1) -> float:
    """Median latency of `number` clients asking at the same time."""
    times: list[float] = []

    def client() -> None:
        wire, until = Wire(base, cookie), time.perf_counter() + seconds
        while time.perf_counter() < until:
            times.append(wire.get(path))

    threads = [threading.Thread(target=client) for _n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statistics.median(times)


def at_once_in_turn(pairs: dict[str, tuple[Asked, Asked]], rounds: int = 5) -> dict[str, float]:
    """How many times as long each first page takes as the second one when eight ask at once: the median of the rounds.

    A round before them is for all connections of both servers to be open and their statements prepared.
    """
    ratios: dict[str, list[float]] = {name: [] for name in pairs}
    for _round in range(rounds + 1):
        for name, (one, other) in pairs.items():
            ratios[name].append(at_once(*one) / at_once(*other))
    return {name: statistics.median(found[1:]) for name, found in ratios.items()}
