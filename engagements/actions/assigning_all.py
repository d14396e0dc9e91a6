"""What a coordinator does with a draft for all: ask for it, edit its lines, compute it anew, publish, take back, discard.

These write down what is wanted; the worker does it (engagements/assignment_work.py).
"""

from __future__ import annotations

import secrets
import uuid

from django.utils.translation import gettext as _

from accounts.models import Agency, User
from engagements.assignment import AssignmentDraft, DraftLine
from engagements.states import NotPossible
from lernbegleitung import clock, ids

State = AssignmentDraft.State
LOTS = 1_000_000


def ask(*, pk: uuid.UUID, agency: Agency | None, by: User) -> None:
    """Ask for a draft for all open requests from this agency and those below it, None for all. Twice is once."""
    ids.insert_once(
        AssignmentDraft(id=pk, made_by=by, agency=agency, seed=secrets.randbelow(LOTS), changed_at=clock.now())
    )


def compute_anew(*, draft: AssignmentDraft, pk: uuid.UUID) -> None:
    """A new draft that honours what was decided in this one, with the same lots. Twice is once."""
    draft = locked(draft)
    _require(draft, State.READY, State.TAKEN_BACK)
    ids.insert_once(
        AssignmentDraft(id=pk, made_by_id=draft.made_by_id, agency_id=draft.agency_id, seed=draft.seed, based_on=draft)
    )


def locked(draft: AssignmentDraft) -> AssignmentDraft:
    """The draft as it is now, held until the transaction ends. Raises NotPossible when it is gone."""
    found = AssignmentDraft.objects.select_for_update(no_key=True).filter(pk=draft.pk).first()
    if not found:
        raise NotPossible()
    return found


def _require(draft: AssignmentDraft, *states: State) -> None:
    if draft.state not in states:
        raise NotPossible(_("Dieser Entwurf ist inzwischen weiter. Der Stand hat sich geändert."))


def _move(draft: AssignmentDraft, state: State, *, total: int = 0) -> None:
    AssignmentDraft.objects.filter(pk=draft.pk).update(
        state=state, total=total, done=0, attempts=0, claimed_until=None, changed_at=clock.now()
    )


def publish(*, draft: AssignmentDraft) -> None:
    """Let the worker propose every companion of the draft to the learner. Twice is once."""
    draft = locked(draft)
    if draft.state in (State.PUBLISHING, State.PUBLISHED):
        return
    _require(draft, State.READY)
    number = draft.lines.with_somebody().count()
    if not number:
        raise NotPossible(_("In diesem Entwurf bekommt niemand einen Vorschlag."))
    _move(draft, State.PUBLISHING, total=number)


def take_back(*, draft: AssignmentDraft) -> None:
    """Let the worker take back every proposal of the draft that no learner has decided on. Twice is once."""
    draft = locked(draft)
    if draft.state in (State.TAKING_BACK, State.TAKEN_BACK):
        return
    _require(draft, State.PUBLISHED)
    _move(draft, State.TAKING_BACK, total=draft.lines.filter(outcome=DraftLine.Outcome.PROPOSED).count())


def discard(*, draft: AssignmentDraft) -> None:
    """Put a draft away that was never published. Twice is once."""
    draft = locked(draft)
    if draft.state == State.DISCARDED:
        return
    _require(draft, State.ASKED, State.WORKING, State.READY)
    _move(draft, State.DISCARDED)


def start_again(*, draft: AssignmentDraft) -> None:
    """Another three attempts for a worker, where all have failed."""
    draft = locked(draft)
    if draft.has_stopped():
        AssignmentDraft.objects.filter(pk=draft.pk).update(attempts=0, claimed_until=None, changed_at=clock.now())


# ── one line ───────────────────────────────────────────────────────────────


def _line(draft: AssignmentDraft, line_id: int) -> DraftLine:
    draft = locked(draft)
    _require(draft, State.READY)
    line = draft.lines.filter(pk=line_id).first()
    if not line:
        raise NotPossible()
    return line


def keep(*, draft: AssignmentDraft, line_id: int, kept: bool) -> None:
    """This person stays when the draft is computed anew; or need not any more."""
    line = _line(draft, line_id)
    line.pinned = kept and line.companion_id is not None
    line.save(update_fields=["pinned"])


def leave_out(*, draft: AssignmentDraft, line_id: int, out: bool) -> None:
    """This request is not in the draft: nobody is proposed, no place is used; or it is again."""
    line = _line(draft, line_id)
    line.left_out = out
    line.save(update_fields=["left_out"])


def not_this_person(*, draft: AssignmentDraft, line_id: int, companion_id: int) -> None:
    """Not this companion for this request: the next computation looks for somebody else. Twice is once."""
    line = _line(draft, line_id)
    if line.companion_id != companion_id:
        return
    line.unwanted = [*line.unwanted, companion_id]
    line.companion, line.reasons, line.why, line.pinned = None, [], [], False
    line.save(update_fields=["unwanted", "companion", "reasons", "why", "pinned"])


def forgive(*, draft: AssignmentDraft, line_id: int) -> None:
    """Whoever was not wanted for this request may be found again."""
    line = _line(draft, line_id)
    line.unwanted = []
    line.save(update_fields=["unwanted"])


def choose(*, draft: AssignmentDraft, line_id: int, companion_id: int) -> None:
    """One of the alternatives instead, and for good. Who stood there becomes an alternative. Twice is once."""
    line = _line(draft, line_id)
    if line.companion_id == companion_id:
        return
    found = [reasons for person, reasons in line.alternatives if person == companion_id]
    if not found:
        raise NotPossible(_("Diese Person steht hier nicht mehr zur Wahl."))
    rest = [[person, reasons] for person, reasons in line.alternatives if person != companion_id]
    line.alternatives = ([[line.companion_id, line.reasons]] if line.companion_id else []) + rest
    line.companion_id, line.reasons, line.why, line.pinned = companion_id, found[0], [], True
    line.unwanted = [person for person in line.unwanted if person != companion_id]
    line.save(update_fields=["alternatives", "companion", "reasons", "why", "pinned", "unwanted"])
