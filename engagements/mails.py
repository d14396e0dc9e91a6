"""The mails about the way of an engagement. They say that something waits, and where; never what, never who."""

from __future__ import annotations

from dataclasses import dataclass

from accounts import outbox


@dataclass(frozen=True)
class Recipient:
    """Somebody to write to whose account the writer may not see."""

    pk: int
    language: str


REQUEST_ARRIVED = outbox.kind("request_arrived")
OTHERS_WISHED = outbox.kind("others_wished")
PROPOSALS_READY = outbox.kind("proposals_ready")
ASKED = outbox.kind("asked")
ASKED_AGAIN = outbox.kind("asked_again")
ACCEPTED = outbox.kind("accepted")
RELEASED = outbox.kind("released")
AGREEMENT_WAITS = outbox.kind("agreement_waits")
STARTED = outbox.kind("started")
CHANGED = outbox.kind("changed")
PROPOSALS_WAIT = outbox.kind("proposals_wait")
COMPANION_LEAVES = outbox.kind("companion_leaves")
COMPANION_GONE = outbox.kind("companion_gone")
QUALIFICATION_ENDS = outbox.kind("qualification_ends")
SUBSTITUTE_ASKED = outbox.kind("substitute_asked")
SUBSTITUTE_ANSWERED = outbox.kind("substitute_answered")
REQUEST_WAITS = outbox.kind("request_waits")
LINE_WRITTEN = outbox.kind("line_written")
LINE_ANSWERED = outbox.kind("line_answered")
MAY_IT_GO = outbox.kind("may_it_go")
