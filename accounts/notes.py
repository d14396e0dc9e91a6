"""Writing down that mails have gone: at once into a journal beside the worker, in groups into the database.

Between "the relay has it" and "the database knows" a worker can be killed, and its mail would go again. The journal is
a file that the worker appends to the moment the relay has accepted; it outlives the process, and the next ring on this
machine writes down what a dead worker could not. So a group may be written in one transaction without risking more than
the machine's own death would cost: the last group, again, with the same Message-IDs.

A file holds identifiers and days, nothing of anybody's words. It is locked by its worker as long as that one lives.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection

log = logging.getLogger(__name__)
GROUP = 200  # notes in one transaction
TRIES = 60  # to write into a database that is away: some five minutes
AT_LATEST = 0.5  # seconds that a note waits for others
Note = dict[str, Any]
WRITERS: dict[str, Callable[[list[Note]], None]] = {}


def writer(name: str) -> Callable[[Callable[[list[Note]], None]], Callable[[list[Note]], None]]:
    """Make known how notes of a sort are written into the database; writing one twice changes nothing."""

    def known(write: Callable[[list[Note]], None]) -> Callable[[list[Note]], None]:
        WRITERS[name] = write
        return write

    return known


@writer("mail")
def write_mails(notes: list[Note]) -> None:
    """The plain sort: a mail was sent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_outgoingmail m SET sent_at = coalesce(m.sent_at, n.at), attachment = '', smtp_code = 250"
            " FROM jsonb_to_recordset(%s::jsonb) AS n(mail uuid, at timestamptz) WHERE m.id = n.mail",
            [json.dumps(notes)],
        )


class Notes:
    """What one worker has to write down: a list, and its journal."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, Note]] = []
        self.since = 0.0
        folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = Path()
        while not self.path.is_file():  # another worker may take a journal away that has no lock yet
            number, name = tempfile.mkstemp(prefix="notes-", suffix=".jsonl", dir=folder())
            self.path, self.file = Path(name), os.fdopen(number, "w")
            fcntl.flock(self.file, fcntl.LOCK_EX)

    def add(self, sort: str, note: Note) -> None:
        """The relay has it: into the journal at once, into the database with the next group."""
        self.since = self.since or time.monotonic()
        self.waiting.append((sort, note))
        self.file.write(json.dumps([sort, note]) + "\n")
        self.file.flush()
        if len(self.waiting) >= GROUP or time.monotonic() - self.since > AT_LATEST:
            self.flush()

    def flush(self) -> None:
        """Into the database, and try until it is back; then the journal is empty again."""
        if self.waiting:
            write(self.waiting)
            self.waiting, self.since = [], 0.0
            self.file.seek(0)
            self.file.truncate()

    def close(self) -> None:
        """The last group, and the journal is gone."""
        self.flush()
        self.path.unlink(missing_ok=True)
        self.file.close()


def folder() -> Path:
    """Where journals lie: on the worker's own machine, and there as long as its container."""
    return Path(settings.MAIL_JOURNAL or Path(tempfile.gettempdir()) / f"lernbegleitung-{os.geteuid()}-journal")


def take_over() -> int:
    """Write down what workers could not; answers how many notes.

    Whoever lives holds a lock on the journal; what a dead worker left is written and gone. A journal that lies still for
    a quarter of a lease belongs to a worker that is held up: its notes are written for it, before the mails' leases end.
    """
    found = 0
    for path in sorted(folder().glob("notes-*.jsonl")):
        with suppress(OSError), path.open("r+") as file:
            lives = not _locked(file)
            if not path.exists() or (lives and time.time() - path.stat().st_mtime < settings.MAIL_LEASE / 4):
                continue
            notes = [(sort, note) for sort, note in map(_read, file) if note]
            if notes:
                write(notes)
                log.warning(
                    "wrote down %s notes of a worker that %s", len(notes), "is held up" if lives else "has died"
                )
            found += len(notes)
            if not lives:
                path.unlink()
    return found


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(line: str) -> tuple[str, Note]:
    """A line; a half one, of a worker killed while writing it, is none."""
    try:
        sort, note = json.loads(line)
    except ValueError:
        return "", {}
    return sort, note if sort in WRITERS else {}


def write(notes: list[tuple[str, Note]]) -> None:
    """Each sort in its own transaction."""
    for sort in dict(notes):
        mine = [note for one, note in notes if one == sort]
        until_the_database_is_back(lambda sort=sort, mine=mine: WRITERS[sort](mine))  # type: ignore[misc]


def until_the_database_is_back(note: Callable[[], Any]) -> None:
    """Try for some minutes: the mail is in the world, the note must follow. Raises when it could not; a journal stays."""
    for attempt in range(TRIES):
        try:
            note()
            return
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or attempt == TRIES - 1:
                raise
            close_old_connections()
            connection.close()
            time.sleep(min(5, 0.1 * 2**attempt))
