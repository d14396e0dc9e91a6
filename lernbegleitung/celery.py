"""The worker and the whole timetable in one table. Celery is the doorbell; the tables in PostgreSQL are the truth."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lernbegleitung.settings")

app = Celery("lernbegleitung")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_django_logging(**kwargs: object) -> None:
    """Leave logging to Django's settings, so that a worker logs like the web server: identifiers, no content."""


@worker_init.connect
def look_at_the_walls(**kwargs: object) -> None:
    """A worker with a hole in a wall, or with too strong a role, does not start."""
    from .checks import refuse_to_start_with_a_hole

    refuse_to_start_with_a_hole()


@app.on_after_finalize.connect
def timetable(sender: Celery, **kwargs: object) -> None:
    """What rings when. Every task may run twice, late, or not at all without harm: the next ring catches up."""
    from celery.schedules import crontab
    from django.conf import settings

    rings: list[tuple[str, Any, int]] = [
        ("accounts.tasks.deliver_due", settings.TICK, settings.TICK),
        ("engagements.tasks.return_unanswered_offers", crontab(minute="7", hour="6-18"), 3000),
        ("conversations.tasks.erase_due", crontab(minute="20", hour="3"), 36000),
    ]
    for name, schedule, expires in rings:
        sender.add_periodic_task(schedule, sender.signature(name), name=name, expires=expires)
