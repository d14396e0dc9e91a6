"""What the timetable rings at night: erase what is due, and ask quietly where nothing is planned any more, or let it rest."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import connection

from accounts.operation import written_down

from . import quiet

log = logging.getLogger(__name__)


@shared_task(name="conversations.tasks.ask_quietly")
@written_down("conversations.tasks.ask_quietly")
def ask_quietly() -> dict[str, int]:
    """The quiet question, once for each time that nothing is planned."""
    return quiet.ask()


@shared_task(name="conversations.tasks.rest_quietly")
@written_down("conversations.tasks.rest_quietly")
def rest_quietly() -> dict[str, int]:
    """What has stayed quiet since the question rests by itself; one tap goes on."""
    return quiet.rest()


@shared_task(name="conversations.tasks.erase_due")
@written_down("conversations.tasks.erase_due")
def erase_due() -> dict[str, int]:
    """Run the retention rules; the log line proves when, by what and how much (design/domain.md, L9), never what."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT what, number FROM erase_due()")
        counts = dict(cursor.fetchall())
    log.warning("erased by rule: %s", counts)
    return counts
