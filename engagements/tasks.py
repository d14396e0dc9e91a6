"""What the timetable rings about engagements; runs as the worker, who sees states and dates only."""

from __future__ import annotations

from celery import shared_task
from django.db import connection, transaction

from accounts import audit, outbox
from accounts.models import User
from lernbegleitung import clock

from .engagement import Engagement
from .mails import ASKED_AGAIN, CHANGED
from .reminders import working_days_between
from .states import State

NUDGE_AFTER, RETURN_AFTER = 3, 5  # working days without an answer


@shared_task(name="engagements.tasks.return_unanswered_offers")
def return_unanswered_offers() -> int:
    """One friendly nudge to a companion after three working days, and back to the learner after five."""
    returned = 0
    rows = Engagement.objects.filter(state=State.OFFERED, offered_at__isnull=False).values_list(
        "pk", "companion_id", "learner_id", "offered_at"
    )
    for pk, companion_id, learner_id, offered_at in rows:
        waited = working_days_between(clock.day_of(offered_at), clock.today(), "BE")
        if waited >= RETURN_AFTER:
            with transaction.atomic(), connection.cursor() as cursor:
                audit.write("engagement.unanswered", by=None, subject=pk)
                cursor.execute("SELECT engagement_return_unanswered(%s)", [pk])
                if (cursor.fetchone() or (None,))[0] is None:
                    transaction.set_rollback(True)
                    continue
                _post(CHANGED, learner_id, f"unanswered:{pk}:{offered_at:%Y%m%d}", f"/begleitungen/{pk}/")
            returned += 1
        elif waited >= NUDGE_AFTER:
            _post(ASKED_AGAIN, companion_id, f"nudge:{pk}:{offered_at:%Y%m%d}", f"/begleitungen/{pk}/antwort/")
    return returned


def _post(kind: outbox.Kind, user_id: int, key: str, path: str) -> None:
    outbox.post(key, kind=kind, to=User(pk=user_id, language="de"), facts={"path": path})
