"""What the timetable rings about engagements; runs as the worker, who sees states and dates only."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from celery import shared_task
from django.db import connection, transaction
from django.utils import formats, translation

from accounts import audit, outbox
from accounts.models import User
from accounts.operation import written_down
from lernbegleitung import clock

from . import digest, leaving
from .companions import REMIND_BEFORE
from .engagement import Engagement
from .mails import ASKED_AGAIN, CHANGED, OTHERS_WISHED, PROPOSALS_WAIT, QUALIFICATION_ENDS, REQUEST_WAITS
from .reminders import working_days_between
from .states import State

NUDGE_AFTER, RETURN_AFTER = 3, 5  # working days without an answer
LEARNER_NUDGE_AFTER, COORDINATION_AFTER = 5, 10  # working days


@shared_task(name="engagements.tasks.return_unanswered_offers")
@written_down("engagements.tasks.return_unanswered_offers")
def return_unanswered_offers() -> dict[str, int]:
    """What waits for an answer on the way to a companion; nobody is reported for not having given one."""
    return {
        "returned": return_offers(),
        "told": tell_of_waiting_requests(),
        "qualifications": tell_of_qualifications() if clock.today().weekday() < 5 else 0,
    }


def return_offers() -> int:
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
                _tell_coordination(pk, f"{offered_at:%Y%m%d}")
            returned += 1
        elif waited >= NUDGE_AFTER:
            _post(ASKED_AGAIN, companion_id, f"nudge:{pk}:{offered_at:%Y%m%d}", f"/begleitungen/{pk}/antwort/")
    return returned


def tell_of_waiting_requests() -> int:
    """Requests without a companion: the learner hears once that proposals lie ready, the coordination once after two
    weeks that this request has nobody yet; whose answer is missing is not said. Answers how many mails were written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM requests_without_companion()")
        rows = cursor.fetchall()
        told = 0
        for pk, learner, state, coordination, requested_at, proposed_at in rows:
            if state == State.MATCHING and _waited(proposed_at) >= LEARNER_NUDGE_AFTER:
                key = f"proposals_wait:{pk}:{proposed_at:%Y%m%d}"
                told += _post(PROPOSALS_WAIT, learner, key, f"/begleitungen/{pk}/vorschlaege/")
            if _waited(requested_at) >= COORDINATION_AFTER:
                cursor.execute("SELECT user_id, language FROM coordinators_for_worker(%s)", [coordination])
                for person, language in cursor.fetchall():
                    key = f"request_waits:{pk}:{requested_at:%Y%m%d}:{person}"
                    told += _post(REQUEST_WAITS, person, key, f"/zuordnung/{pk}/", language)
    return told


def _day_in(language: str, day: date) -> str:
    """A day in figures, as the person reads it."""
    with translation.override(language):
        return formats.date_format(day, "SHORT_DATE_FORMAT")


def tell_of_qualifications() -> int:
    """Companions whose qualification ends within the next weeks hear of it, once for each end that is entered."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM qualifications_ending(%s)", [clock.today() + REMIND_BEFORE])
        rows = cursor.fetchall()
    return sum(
        outbox.post(
            f"qualification:{companion}:{ends_on}",
            kind=QUALIFICATION_ENDS,
            to=User(pk=companion, language=language),
            facts={"path": "/begleitende/mein-profil/", "day": _day_in(language, ends_on)},
        )
        for companion, language, ends_on in rows
    )


def _waited(since: datetime | None) -> int:
    return working_days_between(clock.day_of(since), clock.today(), "BE") if since else 0


@shared_task(name="engagements.tasks.plan_reminders")
@written_down("engagements.tasks.plan_reminders")
def plan_reminders() -> dict[str, int]:
    """The net: whoever has something to be told and no digest in the outbox gets one. A page of people at a time."""
    looked_at, planned, after = 0, 0, 0
    while people := digest.people_without_a_digest(after):
        planned += digest.arrange(people, as_worker=True)
        looked_at += len(people)
        after = people[-1].pk
    return {"looked_at": looked_at, "planned": planned}


@shared_task(name="engagements.tasks.rest_left_alone")
@written_down("engagements.tasks.rest_left_alone")
def rest_left_alone() -> dict[str, int]:
    """Companionships whose companion is gone rest, and their learners are asked how it shall go on."""
    return leaving.rest_left_alone()


@shared_task(name="engagements.tasks.freeze_waiting_figures")
@written_down("engagements.tasks.freeze_waiting_figures")
def freeze_waiting_figures() -> dict[str, int]:
    """How long requests took in the quarter that is over; once it is written, later rings change nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT freeze_waiting_figures()")
        (figures,) = cursor.fetchone() or (0,)
    return {"figures": figures}


@shared_task(name="engagements.tasks.assign_all")
@written_down("engagements.tasks.assign_all")
def assign_all() -> dict[str, int]:
    """Drafts of assignments that wait for being solved, published or taken back; most rings find none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT assignments_wait()")
        (something,) = cursor.fetchone() or (False,)
    if not something:
        return {}
    from .assignment_work import work_through  # with numpy, which only a worker with something to solve needs

    return work_through()


def _tell_coordination(pk: uuid.UUID, day: str) -> None:
    """A request that has nobody and no proposal again, as if the learner had asked for others."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coordination FROM requests_without_companion() WHERE engagement = %s AND state = %s", [
            pk, State.REQUESTED.value,
        ])  # fmt: skip
        for (coordination,) in cursor.fetchall():
            cursor.execute("SELECT user_id, language FROM coordinators_for_worker(%s)", [coordination])
            for person, language in cursor.fetchall():
                _post(OTHERS_WISHED, person, f"returned:{pk}:{day}:{person}", f"/zuordnung/{pk}/", language)


def _post(kind: outbox.Kind, user_id: int, key: str, path: str, language: str = "de") -> int:
    return outbox.post(key, kind=kind, to=User(pk=user_id, language=language), facts={"path": path})
