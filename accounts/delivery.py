"""Delivery: claim a few rows for a while, decide, send, write down at once. Any number of workers may do so.

A lease instead of one long transaction: nothing is lost when a worker dies (the lease ends and another sends), and at
most the mails it was just sending go twice, with the same Message-ID (measured in docs/decisions/0005-delivery.md).
"""

from __future__ import annotations

import logging
import smtplib
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import OperationalError, close_old_connections, connection, transaction
from django.template.loader import render_to_string
from django.utils import translation

from lernbegleitung import clock

from .outbox import KINDS, OutgoingMail

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)
BATCH = 20
GIVE_UP_AFTER = 8  # attempts
CLAIM = """
UPDATE accounts_outgoingmail SET claimed_until = %(until)s, attempts = attempts + 1
 WHERE id IN (SELECT id FROM accounts_outgoingmail
               WHERE due_at <= %(now)s AND sent_at IS NULL AND failed_at IS NULL AND dropped_at IS NULL
                 AND (claimed_until IS NULL OR claimed_until < %(now)s)
               ORDER BY due_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
RETURNING id"""
PERSON = ("id", "email", "name", "language", "time_zone", "work_days", "reminder_hour", "absent_from", "absent_until",
          "reminders_stopped_at", "is_active", "agency_id")  # fmt: skip


def deliver_due(batch: int = BATCH) -> dict[str, int]:
    """Send what is due, batch after batch, until nothing is left; answers how many were sent, dropped, put off, failed."""
    counts = {"sent": 0, "dropped": 0, "later": 0, "failed": 0}
    while mails := claim(batch):
        half_the_lease = time.monotonic() + LEASE.total_seconds() / 2
        with get_connection() as smtp:
            for mail in mails:
                if time.monotonic() > half_the_lease:
                    break
                counts[handle(mail, smtp)] += 1
    return counts


def claim(batch: int) -> list[OutgoingMail]:
    """Take up to `batch` due mails for the length of a lease; nobody else gets them meanwhile."""
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"until": now + LEASE, "now": now, "batch": batch})
        claimed = [row[0] for row in cursor.fetchall()]
    rows = OutgoingMail.objects.filter(pk__in=claimed).select_related("recipient__agency")
    fields = [f"recipient__{name}" for name in PERSON] + [f"recipient__agency__{name}" for name in ("id", "state")]
    own = [field.name for field in OutgoingMail._meta.fields if field.name != "recipient"]
    return list(rows.only("recipient", *own, *fields).order_by("due_at"))


def handle(mail: OutgoingMail, smtp: Any) -> str:
    """Decide about one claimed mail and do it; answers sent, dropped, later or failed."""
    kind = KINDS.get(mail.kind)
    decision = kind.decide(mail) if kind else None
    if not kind or not decision or not decision.send and not decision.later:
        write_down(mail, dropped_at=clock.now())
        return "dropped"
    if decision.later:
        write_down(mail, due_at=decision.later, claimed_until=None, attempts=0)
        return "later"
    if mail.kind.startswith("step_") and not first_of_the_day(mail):
        write_down(mail, dropped_at=clock.now())
        return "dropped"
    try:
        smtp.send_messages([message(mail, kind.template)])
    except (smtplib.SMTPException, OSError) as error:
        return put_off(mail, error)
    write_down(mail, sent_at=clock.now(), attachment="", smtp_code=250)
    return "sent"


def first_of_the_day(mail: OutgoingMail) -> bool:
    """One digest per person and working day: what has been sent today already covers further steps (R2)."""
    day = clock.now().date()
    return not OutgoingMail.objects.filter(recipient_id=mail.recipient_id, kind=mail.kind, sent_at__date=day).exists()


def message(mail: OutgoingMail, template: str) -> EmailMessage:
    """The mail as it goes out: neutral, plain text, in the recipient's language, the same Message-ID in every attempt."""
    recipient = mail.recipient
    with translation.override(recipient.language if recipient else mail.language):
        context = {
            "recipient": recipient,
            "url": settings.BASE_URL + mail.facts.get("path", "/"),
            "facts": mail.facts,
            "settings_url": f"{settings.BASE_URL}/erinnerungen/",
        }
        subject, _sep, body = render_to_string(f"mail/{template}.txt", context).strip().partition("\n")
    headers = {"Message-ID": mail.message_id(), "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    email = EmailMessage(
        subject.strip(), body.strip() + "\n", to=[recipient.email if recipient else mail.address], headers=headers
    )
    if mail.attachment:
        method = "CANCEL" if "\r\nMETHOD:CANCEL\r\n" in mail.attachment else "REQUEST"
        email.attach("termin.ics", mail.attachment, f"text/calendar; method={method}")
    return email


def put_off(mail: OutgoingMail, error: Exception) -> str:
    """Try again later, the longer the more often it failed; a clear refusal, or too many attempts, is a failure."""
    code = getattr(error, "smtp_code", None)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = next(iter(error.recipients.values()))[0]
    refused = code is not None and 500 <= code < 600
    log.warning("mail %s: attempt %s failed (%s, %s)", mail.pk, mail.attempts, type(error).__name__, code)
    if refused or mail.attempts >= GIVE_UP_AFTER:
        write_down(mail, failed_at=clock.now(), smtp_code=code)
        return "failed"
    write_down(mail, claimed_until=clock.now() + timedelta(minutes=2**mail.attempts), smtp_code=code)
    return "later"


def write_down(mail: OutgoingMail, **values: Any) -> None:
    """Note what happened, and try until the database is back: the mail is in the world, the note must follow."""
    for attempt in range(60):
        try:
            OutgoingMail.objects.filter(pk=mail.pk).update(**values)
            return
        except OperationalError:
            if connection.in_atomic_block:
                raise
            close_old_connections()
            time.sleep(min(5, 0.1 * 2**attempt))
