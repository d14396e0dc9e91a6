"""Due mails, as a worker holds them: rows of the outbox as plain values, each with its recipient, for the length of a lease.

Instances of models would cost more than all that is done with them: a worker makes hundreds in a second, and asks each for
a few values (docs/decisions/0005-delivery.md).
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from lernbegleitung import clock

# Leases and pauses are told by the database's clock: workers whose clocks differ do not take each other's mails for free.
CLAIM = """
WITH m AS (
  UPDATE accounts_outgoingmail SET claimed_until = app_now() + %(lease)s, attempts = attempts + 1
   WHERE id IN (SELECT id FROM accounts_outgoingmail
                 WHERE due_at <= %(now)s AND (kind = 'push') = %(push)s
                   AND sent_at IS NULL AND failed_at IS NULL AND dropped_at IS NULL
                   AND (claimed_until IS NULL OR claimed_until < app_now())
                 ORDER BY due_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
  RETURNING *)
SELECT m.id, m.key, m.kind, m.address, m.language, m.subject_id, m.facts, m.attachment, m.attempts,
       m.due_at::text, m.created_at::text, m.claimed_until::text,
       u.id, u.email, u.name, u.language, u.mail_style, u.is_active, u.reminders_stopped_at::text,
       u.time_zone, u.reminder_hour, u.work_days, u.absent_from, u.absent_until, a.state, a.path
  FROM m LEFT JOIN accounts_user u ON u.id = m.recipient_id LEFT JOIN accounts_agency a ON a.id = u.agency_id
 ORDER BY m.due_at, m.id"""
GIVE_BACK = """
UPDATE accounts_outgoingmail SET claimed_until = NULL, attempts = attempts - 1
 WHERE id = ANY (%s) AND sent_at IS NULL AND claimed_until = %s"""


class Place(NamedTuple):
    """Where somebody works: the Bundesland, and the agency's way down the tree."""

    state: str
    path: str


class Recipient(NamedTuple):
    """What a mail needs to know of the person it goes to; no more may be read by a worker."""

    pk: int
    email: str
    name: str
    language: str
    mail_style: str
    is_active: bool
    reminders_stopped_at: str | None
    time_zone: str
    reminder_hour: int
    work_days: int
    absent_from: date | None
    absent_until: date | None
    agency: Place


@dataclass(eq=False)
class DueMail:
    """A claimed row; moments are texts as PostgreSQL writes them, since hardly anybody asks for one."""

    pk: uuid.UUID
    key: str
    kind: str
    address: str
    language: str
    subject_id: uuid.UUID | None
    facts: Any
    attachment: str
    attempts: int
    due: str
    created: str
    claimed_until: str
    recipient: Recipient | None

    @property
    def due_at(self) -> datetime:
        """Since when it is due."""
        return datetime.fromisoformat(self.due)

    @property
    def created_at(self) -> datetime:
        """When it was put into the outbox."""
        return datetime.fromisoformat(self.created)

    @property
    def recipient_id(self) -> int | None:
        """The person's id."""
        return self.recipient.pk if self.recipient else None

    def goes_to(self) -> str:
        """Its address."""
        return self.recipient.email if self.recipient else self.address


def message_id(pk: uuid.UUID) -> str:
    """Of the mail of this row: the same in every attempt, so that a relay can drop a repetition."""
    return f"<{pk}@{_domain(settings.DEFAULT_FROM_EMAIL)}>"


@cache
def _domain(sender: str) -> str:
    return sender.rsplit("@", 1)[-1].strip("> ")


def lease() -> timedelta:
    """How long a claim lasts: far longer than the longest pause of a worker."""
    return timedelta(seconds=settings.MAIL_LEASE)


def claim(batch: int, *, push: bool = False) -> list[DueMail]:
    """Take up to `batch` due mails (or notices, push.py) for the length of a lease; nobody else gets them meanwhile."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"lease": lease(), "now": clock.now(), "batch": batch, "push": push}
        cursor.execute(CLAIM, values)
        return [_mail_of(row) for row in cursor.fetchall()]


def _mail_of(row: tuple[Any, ...]) -> DueMail:
    recipient = Recipient(*row[12:24], agency=Place(*row[24:])) if row[12] else None
    mail = DueMail(*row[:12], recipient=recipient)
    mail.facts = json.loads(mail.facts)
    return mail


def give_back(mails: list[DueMail]) -> None:
    """What was claimed and not tried: the next ring may take it at once."""
    if mails:
        with connection.cursor() as cursor:
            cursor.execute(GIVE_BACK, [[mail.pk for mail in mails], mails[0].claimed_until])
