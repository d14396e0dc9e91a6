"""The worker and the whole timetable in one table. Celery is the doorbell; the tables in PostgreSQL are the truth."""

import os
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.utils.translation import gettext_lazy as _

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


# Every job: what it is for, and within which time it should have succeeded again.
JOBS: dict[str, tuple[Any, timedelta]] = {
    "accounts.tasks.deliver_due": (_("Nachrichten senden"), timedelta(minutes=5)),
    "accounts.tasks.push_due": (_("Mitteilungen an Browser senden"), timedelta(minutes=5)),
    "accounts.tasks.take_over_imports": (_("Dateien mit Dienststellen und Personen übernehmen"), timedelta(minutes=5)),
    "engagements.tasks.return_unanswered_offers": (_("Unbeantwortete Anfragen"), timedelta(hours=16)),
    "engagements.tasks.plan_reminders": (_("Erinnerungen planen"), timedelta(hours=25)),
    "engagements.tasks.rest_left_alone": (_("Ruhen lassen, was seine Begleitung verloren hat"), timedelta(hours=25)),
    "engagements.tasks.freeze_waiting_figures": (_("Wartezeiten des Quartals festhalten"), timedelta(hours=25)),
    "engagements.tasks.assign_all": (_("Alle zuordnen"), timedelta(minutes=5)),
    "conversations.tasks.ask_quietly": (_("Leise nachfragen"), timedelta(hours=25)),
    "conversations.tasks.rest_quietly": (_("Ruhen lassen, was still ist"), timedelta(hours=25)),
    "conversations.tasks.remind_of_talks": (_("An Gespräche erinnern"), timedelta(hours=3)),
    "conversations.tasks.fetch_busy_calendars": (_("Eigene Kalender abrufen"), timedelta(minutes=15)),
    "conversations.tasks.erase_due": (_("Löschen, was fällig ist"), timedelta(hours=25)),
}


@app.on_after_finalize.connect
def timetable(sender: Celery, **kwargs: object) -> None:
    """What rings when. Every task may run twice, late, or not at all without harm: the next ring catches up."""
    from celery.schedules import crontab
    from django.conf import settings

    rings: dict[str, tuple[Any, int]] = {
        "accounts.tasks.deliver_due": (settings.TICK, settings.TICK),
        "accounts.tasks.push_due": (settings.TICK, settings.TICK),
        # Somebody sits before the page and waits; when nobody does, a ring is one look into an index.
        "accounts.tasks.take_over_imports": (min(settings.TICK, 5), min(settings.TICK, 5)),
        "engagements.tasks.return_unanswered_offers": (crontab(minute="7", hour="6-18"), 3000),
        "engagements.tasks.plan_reminders": (crontab(minute="40", hour="*/4"), 10000),
        "engagements.tasks.rest_left_alone": (crontab(minute="20", hour="4"), 36000),
        "engagements.tasks.freeze_waiting_figures": (crontab(minute="30", hour="2"), 36000),
        "engagements.tasks.assign_all": (min(settings.TICK, 5), min(settings.TICK, 5)),
        "conversations.tasks.ask_quietly": (crontab(minute="50", hour="4"), 36000),
        "conversations.tasks.rest_quietly": (crontab(minute="10", hour="5"), 36000),
        "conversations.tasks.remind_of_talks": (crontab(minute="10"), 3000),
        "conversations.tasks.fetch_busy_calendars": (settings.TICK, settings.TICK),
        "conversations.tasks.erase_due": (crontab(minute="20", hour="3"), 36000),
    }
    assert rings.keys() == JOBS.keys()
    for name, (schedule, expires) in rings.items():
        sender.add_periodic_task(schedule, sender.signature(name), name=name, expires=expires)
