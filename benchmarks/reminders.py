"""Reminders: how many a second against the bare sink, what planning a million costs, and how fast today's are found.

`python -m benchmarks.reminders` (part of `make bench`). Each rate is taken in turn with the others in one run, and what
is kept are ratios. The floor is a process that sends the same bytes over one kept connection and writes nothing down.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from lernbegleitung import embedded
from lernbegleitung.serve import free_port
from tests.faults.house import House

NUMBER = int(os.environ.get("BENCH_REMINDERS", "2000"))  # ten claims: as many for each of two
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
MILLION = int(os.environ.get("BENCH_STEPS", "1000000"))
BARE = """
import smtplib, sys, time
port, number, body = int(sys.argv[1]), int(sys.argv[2]), open(sys.argv[3], "rb").read()
smtp = smtplib.SMTP("127.0.0.1", port)
print("ready", flush=True); sys.stdin.readline()
begun = time.perf_counter()
for n in range(number):
    smtp.sendmail("a@example.org", ["p%d@example.org" % n], body)
print(time.perf_counter() - begun)
"""
SINK = """
import asyncio, sys
from aiosmtpd.smtp import SMTP
class Taker:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]]
    async def handle_DATA(self, server, session, envelope):
        return "250 ok"
async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Taker(), enable_SMTPUTF8=False), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()
asyncio.run(serve())
"""
OURS = """
import django, sys, time; django.setup()
from accounts import delivery
first = delivery.claim(1)  # a worker has made mails before: templates read, statements prepared; as the bare one has its line
delivery.prepare(first)
delivery.decided(first[0])
delivery.give_back(first)
print("ready", flush=True); sys.stdin.readline()
begun = time.perf_counter()
sent = 0
while True:
    counts = delivery.deliver_due()
    sent += counts["sent"]
    if not counts["sent"]:
        break
print(time.perf_counter() - begun, sent)
"""
PROFILE = """
import cProfile, pstats, django; django.setup()
from accounts import delivery
profile = cProfile.Profile(); profile.enable(); delivery.deliver_due(); profile.disable()
pstats.Stats(profile).sort_stats("cumtime").print_stats(75)
"""
PLAN = """
import django, resource, time; django.setup()
from engagements.tasks import plan_reminders
begun = time.perf_counter()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(plan_reminders(), time.perf_counter() - begun, before // 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
AGAIN = """
UPDATE accounts_outgoingmail SET sent_at = NULL, claimed_until = NULL, attempts = 0 WHERE facts ->> 'day' = %(day)s;
DELETE FROM accounts_outgoingmail WHERE facts ->> 'day' <> %(day)s;
DELETE FROM engagements_sentreminder;
"""


def owner(house: House) -> psycopg.Connection:
    return psycopg.connect(
        host=str(house.var / "postgres"), user="lern_owner", dbname=embedded.DATABASE, autocommit=True
    )


def again(house: House) -> None:
    """All reminders of the day are due once more."""
    with owner(house) as link:
        for statement in AGAIN.strip().split(";\n"):
            link.execute(statement.rstrip(";"), {"day": f"{house.now:%Y-%m-%d}"})
        link.execute("VACUUM ANALYZE accounts_outgoingmail")
    (house.folder / "accepted").unlink(missing_ok=True)


def rate(house: House, command: list[list[str]]) -> float:
    """Mails a second of these processes together, by the time that the slowest needed; all begin when all are ready."""
    env, pipe = house.env("lern_worker"), subprocess.PIPE
    running = [subprocess.Popen([sys.executable, *one], env=env, stdin=pipe, stdout=pipe, text=True) for one in command]
    for one in running:
        assert one.stdout and one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()
    answers = [one.communicate()[0].split() for one in running]
    return NUMBER / max(float(answer[0]) for answer in answers)


def speed(folder: Path) -> dict[str, Any]:
    """Bare sink (aiosmtpd, as the demo's mail catcher) and ours, with one and two processes, in turn."""
    house = House(folder, NUMBER)
    house.port = free_port()
    house.start("aiosmtpd", "-c", SINK, str(house.port))
    time.sleep(2)
    try:
        house.plan()
        if "--profile" in sys.argv:
            print(house.run("-c", PROFILE, role="lern_worker")[:6000])
            return {}
        again(house)
        body = folder / "body"
        sample = house.run("-c", SAMPLE, role="lern_worker")
        body.write_bytes(sample.strip().replace("\n", "\r\n").encode() + b"\r\n")
        found: dict[str, list[float]] = {"bare 1": [], "ours 1": [], "bare 2": [], "ours 2": []}
        for _round in range(ROUNDS):
            for processes in (1, 2):
                bare = ["-c", BARE, str(house.port), str(NUMBER // processes), str(body)]
                found[f"bare {processes}"].append(rate(house, [bare] * processes))
                again(house)
                found[f"ours {processes}"].append(rate(house, [["-c", OURS]] * processes))
                again(house)
        middle = {name: round(statistics.median(rates)) for name, rates in found.items()}
        ratios = {
            f"ratio {n}": round(statistics.median(
                o / b for o, b in zip(found[f"ours {n}"], found[f"bare {n}"], strict=True)), 2)
            for n in (1, 2)
        }  # fmt: skip
        return {**middle, **ratios}
    finally:
        house.close()


SAMPLE = """
import django; django.setup()
from accounts import delivery, outbox
from accounts.messages import message
mail = delivery.claim(1)[0]
delivery.prepare([mail])
kind = outbox.KINDS[mail.kind]
print(message(mail, kind, kind.decide(mail)).raw.decode().replace(chr(13), ""))
"""


def planning(folder: Path) -> dict[str, Any]:
    """A planning run over a million open steps (ten for each learner), its memory, and finding today's among all."""
    house = House(folder, MILLION // 10, steps=10)
    try:
        answer = house.run("-c", PLAN, role="lern_worker")
        print(answer.strip())
        seconds, before, after = (float(value) for value in answer.rpartition("}")[2].split())
        with owner(house) as link:
            link.execute("VACUUM ANALYZE")
            link.execute("SET app.clock_offset = '0'")
            due, index = [], []
            for _try in range(30):
                begun = time.perf_counter()
                link.execute(
                    "SELECT id FROM accounts_outgoingmail WHERE due_at <= %s AND sent_at IS NULL AND failed_at IS NULL AND"
                    " dropped_at IS NULL AND (claimed_until IS NULL OR claimed_until < %s) ORDER BY due_at LIMIT 50"
                    " FOR UPDATE SKIP LOCKED", [house.now, house.now],
                ).fetchall()  # fmt: skip
                due.append(time.perf_counter() - begun)
                begun = time.perf_counter()
                link.execute(
                    "SELECT due_at FROM accounts_outgoingmail WHERE due_at <= %s AND sent_at IS NULL AND failed_at IS NULL"
                    " AND dropped_at IS NULL ORDER BY due_at LIMIT 50", [house.now],
                ).fetchall()  # fmt: skip
                index.append(time.perf_counter() - begun)
        return {
            "steps": MILLION, "people": MILLION // 10, "planning seconds": round(seconds),
            "memory before MB": before, "memory after MB": after,
            "find 50 due ms": round(1000 * statistics.median(due), 2),
            "index only ms": round(1000 * statistics.median(index), 2),
        }  # fmt: skip
    finally:
        house.close()


def measure() -> dict[str, Any]:
    """Both, each in a house of its own."""
    found: dict[str, Any] = {}
    for part in (speed, planning) if "--profile" not in sys.argv else (speed,):
        with tempfile.TemporaryDirectory() as name:
            found |= part(Path(name))
    return found


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
