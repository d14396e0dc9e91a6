"""What the timetable rings: look into own calendars, remind of talks, ask quietly, let it rest, erase what is due."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import connection

from accounts.operation import written_down

from . import busy_calendars, quiet, talk_reminders

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


@shared_task(name="conversations.tasks.remind_of_talks")
@written_down("conversations.tasks.remind_of_talks")
def remind_of_talks() -> dict[str, int]:
    """Everybody with a talk ahead has a digest before it."""
    return talk_reminders.arrange()


@shared_task(name="conversations.tasks.fetch_busy_calendars")
@written_down("conversations.tasks.fetch_busy_calendars")
def fetch_busy_calendars() -> dict[str, int]:
    """Look when people are busy by their own calendars; what is not due is left alone."""
    return busy_calendars.fetch_due()


@shared_task(name="conversations.tasks.erase_due")
@written_down("conversations.tasks.erase_due")
def erase_due() -> dict[str, int]:
    """Run the retention rules; the log line proves when, by what and how much (design/domain.md, L9), never what."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT what, number FROM erase_due()")
        counts = dict(cursor.fetchall())
    log.warning("erased by rule: %s", counts)
    return counts
