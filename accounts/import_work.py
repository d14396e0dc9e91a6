"""What the worker does for files that are taken over: batch after batch, each one transaction, through one narrow function
of the database. A file is leased, never held: what a dead worker left is gone on with by a later ring."""

from __future__ import annotations

import logging
import secrets
import time
from uuid import UUID

from django.db import connection, transaction

from . import outbox
from .actions.invitations import hash_of, post_links
from .actions.people import letter_of_transfer
from .people import User
from .roles import Role
from .signals import joined

log = logging.getLogger(__name__)
LEASE, SLICE = 120, 10  # seconds
BATCH = 500  # lines of one transaction


def work_through() -> dict[str, int]:
    """Every file that waits, until the time for a slice is over, so that mail gets its turn in between."""
    until, lines = time.monotonic() + SLICE, 0
    while time.monotonic() < until and (file := _claim()):
        try:
            while time.monotonic() < until and (number := take_batch(file)):
                lines += number
        except Exception as error:
            log.exception("import %s failed: %s", file, type(error).__name__)
            _let_go(file, went_well=False)
            raise
        _let_go(file, went_well=True)
    return {"lines": lines}


@transaction.atomic
def take_batch(file: UUID) -> int:
    """Take over the next lines in the name of the file's maker; how many. With none left the file is done.

    What was decided in the preview is decided again, line by line, by `import_batch` in policies.sql. The links of
    invitations are made here, so that the database keeps their hashes only.
    """
    tokens = [secrets.token_urlsafe(32) for _line in range(BATCH)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM import_batch(%s, %s, %s)", [file, [hash_of(token) for token in tokens], LEASE])
        rows = cursor.fetchall()
    post_links(
        [
            (invitation, address, language, tokens[place - 1])
            for place, invitation, address, language, _companion, _moved in rows
            if invitation
        ]
    )
    outbox.post_all([letter_of_transfer(User(pk=row[5], language=row[3])) for row in rows if row[5]])
    joined.send(sender=User, people=[row[4] for row in rows if row[4]], role=Role.COMPANION)
    return len(rows)


def _claim() -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT import_claim(%s)", [LEASE])
        return (cursor.fetchone() or (None,))[0]


def _let_go(file: UUID, *, went_well: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT import_let_go(%s, %s)", [file, went_well])
