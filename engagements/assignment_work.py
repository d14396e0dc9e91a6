"""What the worker does for drafts of an assignment: solve, publish, take back; through narrow functions of the database.

A draft is leased, never held: whatever dies half done is taken up by a later ring. Publishing works through one line after
the other, each in its own transaction, for some seconds at a time, so that mail gets its turn in between.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from uuid import UUID

from django.db import connection, transaction

from accounts import outbox
from accounts.models import User
from lernbegleitung import clock

from .draft_lines import lines
from .mails import PROPOSALS_READY
from .pairing import Asking, Offering, Pairs, assign
from .solving import LONGEST

log = logging.getLogger(__name__)
LEASE, SLICE = 120, 10  # seconds
# What the maker decided in the draft before; what the meetings need, and in which town the learner works; and the places
# a programme may take, with those that are left.
ALSO = ("kept", "unwanted", "left_out", "before", "needs", "town", "quota", "room")
STEPS = 3  # of solving: requests are read, companions are found, reasons are written


def work_through() -> dict[str, int]:
    """Every draft that waits, one after the other, until the time for a slice is over."""
    until, counts = time.monotonic() + SLICE, {"solved": 0, "proposed": 0, "taken_back": 0}
    while time.monotonic() < until and (claimed := _claim()):
        draft, state, seed = claimed
        try:
            if state == "working":
                counts["solved"] += solve_draft(draft, seed)
            else:
                step, name = (publish_line, "proposed") if state == "publishing" else (take_back_line, "taken_back")
                counts[name] += _line_by_line(draft, step, until)
        except Exception as error:
            log.exception("assignment %s failed: %s", draft, type(error).__name__)
            _let_go(draft, went_well=False)
            raise
        _let_go(draft, went_well=True)
    return counts


def _claim() -> tuple[UUID, str, int] | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT draft, state, seed FROM assignment_claim(%s)", [LEASE])
        return cursor.fetchone()


def _let_go(draft: UUID, *, went_well: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT assignment_let_go(%s, %s)", [draft, went_well])


def solve_draft(draft: UUID, seed: int) -> int:
    """Compute and save the lines; 0 when the draft was discarded, or saved by another worker, meanwhile."""
    _progress(draft, 0)
    pairs = Pairs(*read(draft))
    _progress(draft, 1)
    answer = assign(pairs, seed)
    _progress(draft, 2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT assignment_save(%s, %s)", [draft, json.dumps(lines(pairs, answer))])
        return int((cursor.fetchone() or (False,))[0])


def _progress(draft: UUID, done: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT assignment_progress(%s, %s, %s, %s)", [draft, done, STEPS, LEASE])


def read(draft: UUID) -> tuple[list[Asking], list[Offering], dict[int, frozenset[int]]]:
    """The requests of a draft, the companions, and whom each learner must not get. What changes meanwhile is noticed by
    the guard when the draft is published."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM assignment_requests(%s)", [draft])
        asking = [
            Asking(*row[:9], weeks=min(LONGEST, (now - row[9]).days // 7), **dict(zip(ALSO, row[10:], strict=True)))
            for row in cursor.fetchall()
        ]
        cursor.execute("SELECT * FROM assignment_companions(%s)", [draft])
        offering = [Offering(*row) for row in cursor.fetchall()]
        cursor.execute("SELECT learner, array_agg(companion) FROM assignment_exclusions(%s) GROUP BY learner", [draft])
        excluded = {learner: frozenset(people) for learner, people in cursor.fetchall()}
    return asking, offering, excluded


def _line_by_line(draft: UUID, step: Callable[[UUID], str], until: float) -> int:
    """Do lines until there is none left or the time is over; answers how many went as wished."""
    went = 0
    while time.monotonic() < until and (outcome := step(draft)):
        went += outcome in ("proposed", "taken_back")
    return went


@transaction.atomic
def publish_line(draft: UUID) -> str:
    """Propose the next line's companion in the name of the draft's maker; empty when there is none left.

    The learner gets the same mail as of a proposal made by hand (actions/assigning.py).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT engagement, learner, language, outcome FROM assignment_publish_line(%s)", [draft])
        engagement, learner, language, outcome = cursor.fetchone() or (None, None, "", "")
    if outcome == "proposed":
        outbox.post(
            f"{PROPOSALS_READY.name}:{engagement}:{learner}:{draft}",
            kind=PROPOSALS_READY,
            to=User(pk=learner, language=language),
            about=engagement,
            facts={"path": f"/begleitungen/{engagement}/vorschlaege/"},
        )
    return outcome


def take_back_line(draft: UUID) -> str:
    """Take the next proposal back unless the learner has chosen; empty when there is none left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT assignment_take_back_line(%s)", [draft])
        return (cursor.fetchone() or ("",))[0] or ""
