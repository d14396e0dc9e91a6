"""The outbox: a mail is a row written with the change it tells of. Celery rings, this table is the truth.

A row names an occasion (`key`); a key already used sends nothing. Whether the mail is still wanted is decided when
it is sent. The text never holds content: it says that something waits, and where.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids

from .due import DueMail


class OutgoingMail(models.Model):
    """A mail to be sent at or after `due_at`."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    key = models.CharField(max_length=160, unique=True)
    kind = models.CharField(max_length=60)
    recipient = models.ForeignKey("accounts.User", models.CASCADE, null=True, related_name="+")
    address = models.EmailField(blank=True)  # only for people who have no account yet
    language = models.CharField(max_length=2, default="de")
    subject_id = models.UUIDField(null=True, blank=True)  # the step, appointment or engagement it is about
    facts = models.JSONField(default=dict)  # neutral facts for the text: a path, a date; never content
    attachment = models.TextField(blank=True)  # a calendar object; emptied once sent
    due_at = models.DateTimeField(default=clock.now)
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    smtp_code = models.PositiveSmallIntegerField(null=True, blank=True)
    smtp_status = models.CharField(max_length=12, blank=True)  # enhanced code (RFC 3463), also of what came back later
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Ausgehende Nachricht")
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(sent_at=None, failed_at=None, dropped_at=None),
                name="mail_open_by_due",
            )
        ]

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True)
class Decision:
    """What to do with a due mail: send, drop for good, or look again at `later`.

    `context` is what the template gets besides, `pages` the addresses it names (paths); mails with the same `form` differ
    in nothing but those and their recipients. `note`, when given, is what is written down once it was sent, by the
    writer of that name (accounts/notes.py); `drop`, how it is dropped. Without them delivery marks the row.
    """

    send: bool = True
    later: datetime | None = None
    context: dict[str, Any] = field(default_factory=dict)
    pages: tuple[str, ...] = ()
    form: tuple[Any, ...] | None = None
    note: tuple[str, dict[str, Any]] | None = None
    drop: Callable[[DueMail], None] | None = None


SEND, DROP = Decision(), Decision(send=False)


@dataclass(frozen=True)
class Kind:
    """A kind of mail: its template (mail/<template>.txt: first line subject, then the text) and when it is wanted.

    `prepare` asks the database once for what `decide` needs of many mails. A `reminder` can be stopped with one click.
    """

    name: str
    template: str
    decide: Callable[[DueMail], Decision]
    prepare: Callable[[list[DueMail]], None] | None = None
    reminder: bool = False


KINDS: dict[str, Kind] = {}


def kind(
    name: str,
    *,
    template: str = "",
    decide: Callable[[DueMail], Decision] = lambda mail: SEND,
    prepare: Callable[[list[DueMail]], None] | None = None,
    reminder: bool = False,
) -> Kind:
    """Make a kind of mail known; called in each app's mails.py."""
    KINDS[name] = Kind(name, template or name, decide, prepare, reminder)
    return KINDS[name]


def post(
    key: str,
    *,
    kind: Kind,
    to: Any = None,
    address: str = "",
    language: str = "",
    about: uuid.UUID | None = None,
    facts: dict[str, Any] | None = None,
    attachment: str = "",
    due_at: datetime | None = None,
) -> int:
    """Write a mail into the outbox of the running transaction; a key already used changes nothing. Answers 1 or 0.

    `to` is a person; `address` is for somebody without an account. The row is not read back: the writer of a
    mail need not be allowed to see the recipient's outbox.
    """
    return post_all(
        [letter(key, kind=kind, to=to, address=address, language=language, about=about, facts=facts, attachment=attachment, due_at=due_at)]
    )  # fmt: skip


Letter = dict[str, Any]  # a row of the outbox by column


def letter(
    key: str,
    *,
    kind: Kind,
    to: Any = None,
    address: str = "",
    language: str = "",
    about: uuid.UUID | None = None,
    facts: dict[str, Any] | None = None,
    attachment: str = "",
    due_at: datetime | None = None,
) -> Letter:
    """A mail for `post_all`; everything as in `post`."""
    now = clock.now()
    return {
        "id": ids.new_id(), "key": key, "kind": kind.name, "recipient_id": to.pk if to else None,
        "address": address, "language": language or (to.language if to else "de"), "subject_id": about,
        "facts": connection.ops.adapt_json_value(facts or {}, None), "attachment": attachment,
        "due_at": due_at or now, "attempts": 0, "smtp_status": "", "created_at": now,
    }  # fmt: skip


def post_all(letters: list[Letter]) -> int:
    """Write mails into the outbox in one statement; answers how many were not there yet."""
    if not letters:
        return 0
    columns = ", ".join(letters[0])
    places = ", ".join([f"({', '.join(['%s'] * len(letters[0]))})"] * len(letters))
    sql = f"INSERT INTO accounts_outgoingmail ({columns}) VALUES {places} ON CONFLICT DO NOTHING"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for row in letters for value in row.values()])
        return int(cursor.rowcount)
