"""What the timetable rings: every task may run twice, late or not at all without harm."""

from __future__ import annotations

import logging

from celery import current_app, shared_task
from django.db import connection

from lernbegleitung import clock

from .delivery import deliver_due as deliver
from .delivery import oldest_due
from .import_work import work_through
from .operation import STUCK_AFTER, written_down
from .push import deliver_pushes

log = logging.getLogger(__name__)


@shared_task(name="accounts.tasks.deliver_due")
@written_down("accounts.tasks.deliver_due")
def deliver_due() -> dict[str, int]:
    """Send the mail that is due; warn when something has been due for long and still is."""
    counts = deliver()
    since = oldest_due()
    if since and clock.now() - since > STUCK_AFTER:
        log.warning("the outbox is stuck: due since %s", f"{since:%Y-%m-%d %H:%M}")
    return {**counts, "rings_waiting": rings_waiting()}


@shared_task(name="accounts.tasks.push_due")
@written_down("accounts.tasks.push_due")
def push_due() -> dict[str, int]:
    """Send the notices that are due to the browsers of those who wish them."""
    return deliver_pushes()


@shared_task(name="accounts.tasks.take_over_imports")
@written_down("accounts.tasks.take_over_imports")
def take_over_imports() -> dict[str, int]:
    """Files that an administrator has decided to take over; most rings find none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT imports_wait()")
        (something,) = cursor.fetchone() or (False,)
    return work_through() if something else {}


def rings_waiting() -> int:
    """How many rings lie in Redis that no worker has heard; it grows when there are too few workers."""
    try:
        with current_app.connection_for_read() as link:
            return int(link.default_channel.queue_declare("celery", passive=True).message_count)
    except Exception:  # the bell is not needed to know that the mail has gone
        return 0
