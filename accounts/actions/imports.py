"""Bringing in a file: looking it over, taking it over, putting it away. The worker does the writing (import_work.py)."""

from __future__ import annotations

import uuid

from accounts import audit
from accounts.import_columns import COLUMNS
from accounts.import_comparing import compared
from accounts.import_reading import read
from accounts.imports import ImportFile, ImportLine
from accounts.people import User
from lernbegleitung import clock, ids

State = ImportFile.State
AT_ONCE = 2000  # lines of one statement


def look_over(*, pk: uuid.UUID, kind: str, data: bytes, by: User) -> None:
    """Keep what a file would do; nothing of it is done. Twice is once. Raises NotReadable."""
    table = read(data, COLUMNS[kind])
    file = ImportFile(id=pk, made_by=by, kind=kind, unknown=table.unknown)
    if not ids.insert_once(file):
        return
    lines = compared(kind, table.rows)
    for line in lines:
        line.file = file
    ImportLine.objects.bulk_create(lines, batch_size=AT_ONCE)
    audit.write(f"import.{kind}_looked_over", by=by.pk)


def take_over(*, file: ImportFile, invite: bool, by: User) -> bool:
    """Let the worker write what the preview shows; with `invite` also send the invitations, then or later.

    False when there is nothing (more) to be done: somebody was faster, or it was a double click.
    """
    found = _locked(file)
    if not found or found.state == State.TAKING_OVER or found.state == State.DONE and not invite:
        return False
    sums = found.lines.summary()
    if not (sums["held"] if found.state == State.DONE else sums["wanted"]):
        return False
    _become(found, state=State.TAKING_OVER, invite=found.invite or invite, attempts=0)
    audit.write(f"import.{file.kind}_taken_over", by=by.pk)
    return True


def start_again(*, file: ImportFile) -> None:
    """For a file at which every attempt has failed: it goes on where it stopped."""
    found = _locked(file)
    if found and found.has_stopped():
        _become(found, attempts=0, claimed_until=None)


def discard(*, file: ImportFile, by: User) -> bool:
    """Put a file away with all that was in it; False while it is being taken over."""
    found = _locked(file)
    if not found or found.is_at_work():
        return False
    found.delete()
    audit.write("import.discarded", by=by.pk)
    return True


def _locked(file: ImportFile) -> ImportFile | None:
    """The file as it is now, held until the transaction ends; None when it is gone."""
    return ImportFile.objects.select_for_update(no_key=True).filter(pk=file.pk).first()


def _become(file: ImportFile, **changes: object) -> None:
    ImportFile.objects.filter(pk=file.pk).update(changed_at=clock.now(), **changes)
