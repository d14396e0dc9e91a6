"""One scenario after another on a house of its own: what is broken while reminders go out, and what came of it."""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .house import LEASE, House

Story = Callable[[House, random.Random], None]


@dataclass(frozen=True)
class Outcome:
    """What a scenario showed. `lost`: wanted and never accepted by the relay; `twice`: accepted again."""

    name: str
    reminders: int
    lost: int
    twice: int
    same_id: bool
    kills: int
    seconds: float
    failed: int
    flood: int  # most mails that one person got

    def line(self) -> str:
        per_kill = f"{self.twice / self.kills:.2f}" if self.kills else "–"
        return (
            f"{self.name:<44}{self.reminders:>9}{self.lost:>6}{self.twice:>7}{self.kills:>7}{per_kill:>10}"
            f"{'yes' if self.same_id else 'NO':>9}{self.flood:>7}{self.seconds:>8.0f}"
        )


HEAD = f"{'scenario':<44}{'reminders':>9}{'lost':>6}{'twice':>7}{'kills':>7}{'per kill':>10}{'same id':>9}{'flood':>7}{'sec':>8}"


def run(name: str, number: int, story: Story, *, steps: int = 1, patience: float = 120) -> Outcome:
    """Lay the ground, tell the story, then leave two healthy workers alone until nothing waits, and count."""
    dice = random.Random(name)
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), number, steps)
        try:
            house.plan()
            begun = time.monotonic()
            story(house, dice)
            house.relay("ok")
            house.drift = 0
            for worker in ("w1", "w2"):
                if worker not in house.processes:
                    house.start_worker(worker)
            if not any(beat in house.processes for beat in ("b1", "b2")):
                house.start_beat("b1")
            house.wait_until_done(patience)
            seconds = time.monotonic() - begun
            accepted, state = house.accepted(), house.state()
            people = Counter(person for person, _id in accepted)
            ids = Counter(message_id for _person, message_id in accepted)
            twice = len(accepted) - len(people)
            return Outcome(
                name=name,
                reminders=number,
                lost=number - len(people),
                twice=twice,
                same_id=len(accepted) - len(ids) == twice,
                kills=house.kills,
                seconds=seconds,
                failed=state["failed"],
                flood=max(people.values(), default=0),
            )
        finally:
            house.close()


def settle(house: House) -> None:
    """Two workers and two timetables."""
    for name in ("w1", "w2"):
        house.start_worker(name)
    for name in ("b1", "b2"):
        house.start_beat(name)


def everything(house: House, dice: random.Random, *, rounds: int = 12, pause: float = 1.0) -> None:
    """kill -9 at random, Redis lost, PostgreSQL crashed, the relay refusing, slow and cutting, a timetable dead for good."""
    settle(house)
    time.sleep(4)
    for number in range(rounds):
        victim = dice.choice(["w1", "w2"])
        house.strike(victim, dice)
        if number == rounds // 4:
            house.lose_redis()
        if number == rounds // 3:
            house.relay("refuse")
        if number == rounds // 2:
            house.relay("slow")
            house.crash_postgres()
        if number == 2 * rounds // 3:
            house.kill("b1")
            house.relay("ok")
            house.lose_redis()
        time.sleep(pause * (0.5 + dice.random()))


def quiet(house: House, dice: random.Random) -> None:
    """Two workers, two timetables, no fault."""
    settle(house)


def killed(house: House, dice: random.Random, *, rounds: int = 30) -> None:
    """kill -9 only."""
    settle(house)
    time.sleep(4)
    for _number in range(rounds):
        victim = dice.choice(["w1", "w2"])
        house.strike(victim, dice)
        time.sleep(0.4 + 0.8 * dice.random())


def redis(house: House, dice: random.Random) -> None:
    """Redis killed with all it held, four times."""
    settle(house)
    for _number in range(4):
        time.sleep(3)
        house.lose_redis()


def postgres(house: House, dice: random.Random) -> None:
    """PostgreSQL shut down as when the power goes, four times."""
    settle(house)
    time.sleep(3)
    for _number in range(4):
        time.sleep(3)
        house.crash_postgres()


def relay(house: House, dice: random.Random) -> None:
    """The relay refuses, hangs, is slow."""
    settle(house)
    time.sleep(2)
    for mode in ("refuse", "hang", "slow", "refuse", "ok", "hang"):
        house.relay(mode)
        time.sleep(4)


def cut(house: House, dice: random.Random) -> None:
    """The relay accepts and closes the line without saying so: nobody can know, the same Message-ID comes again."""
    settle(house)
    time.sleep(5)
    for _number in range(3):
        house.relay("cut")
        time.sleep(1.5)
        house.relay("ok")
        time.sleep(2)


def frozen(house: House, dice: random.Random) -> None:
    """Workers stopped for longer than a lease, who then go on."""
    settle(house)
    time.sleep(4)
    for victim in ("w1", "w2", "w1"):
        house.freeze(victim, LEASE + 2)


def clocks(house: House, dice: random.Random) -> None:
    """Workers whose clocks are wrong by more than a lease, forwards and backwards, and jump."""
    house.start_beat("b1")
    for number, drift in enumerate((3 * LEASE, -3 * LEASE, 0, 3600, -3600, 0)):
        house.drift = drift
        name = f"w{number % 2 + 1}"
        if name in house.processes:
            house.kill(name)
        house.start_worker(name)
        time.sleep(2.5)


def rolling(house: House, dice: random.Random) -> None:
    """Restarted one after the other, as with a new version: SIGTERM."""
    settle(house)
    time.sleep(4)
    for _round in range(3):
        for name in ("w1", "w2"):
            process = house.processes.pop(name)
            process.terminate()
            process.wait(60)
            house.start_worker(name)
            time.sleep(1)


def a_week_without_a_worker(house: House, dice: random.Random) -> None:
    """Nothing runs for seven days; then there is one mail for each, with what is not too old, and no flood."""
    house.shift = 7 * 24 * 3600
    settle(house)
    time.sleep(3)
