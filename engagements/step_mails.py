"""Reminders of learning steps: written with the step, decided when sent (R1 to R9)."""

from __future__ import annotations

from typing import Any

from django.db import connection

from accounts import outbox
from accounts.models import OutgoingMail, User
from accounts.outbox import DROP, SEND, Decision
from lernbegleitung import clock

from .engagement import Engagement
from .reminders import TOO_LATE, Rhythm
from .states import State
from .steps import LearningStep, StepState


def rhythm_of(user: User) -> Rhythm:
    """The person's rhythm as values."""
    return Rhythm(
        state=user.agency.state,
        zone=user.zone(),
        hour=user.reminder_hour,
        work_days=user.work_days,
        absent_from=user.absent_from,
        absent_until=user.absent_until,
    )


def decide(mail: OutgoingMail) -> Decision:
    """Send only what is still asked for, within the person's hours; too late is dropped, never caught up.

    Runs as the worker, who may read a step's date and state, and nothing else of it.
    """
    step: Any = (
        LearningStep.objects.filter(pk=mail.subject_id).values("engagement_id", "due_on", "remind", "state").first()
    )
    if (
        not step
        or step["state"] != StepState.OPEN
        or not step["remind"]
        or f"{step['due_on']:%Y-%m-%d}" != mail.facts["due_on"]
    ):
        return DROP
    state = Engagement.objects.filter(pk=step["engagement_id"]).values_list("state", flat=True).first()
    recipient = mail.recipient
    if state != State.ACTIVE or not recipient or not recipient.is_active or recipient.reminders_stopped_at:
        return DROP
    now = clock.now()
    if later := rhythm_of(recipient).next_chance(now):
        return DROP if later - mail.due_at > TOO_LATE + (later - now) else Decision(later=later)
    return DROP if now - mail.due_at > TOO_LATE else SEND


STEP_DUE = outbox.kind("step_due", decide=decide)
STEP_FOLLOW_UP = outbox.kind("step_follow_up", decide=decide)


def write_reminders(step: LearningStep, learner: User) -> None:
    """The reminder on the day and the one follow-up, in the transaction of the step. The same day twice is once.

    What was dropped while the step stood on another day, or was answered, is wanted again.
    """
    if not step.remind:
        return
    rhythm = rhythm_of(learner)
    facts = {"path": f"/lernschritte/{step.pk}/antwort/", "due_on": f"{step.due_on:%Y-%m-%d}"}
    for kind, moment in (
        (STEP_DUE, rhythm.reminder_on(step.due_on)),
        (STEP_FOLLOW_UP, rhythm.follow_up_on(step.due_on)),
    ):
        outbox.post(
            f"{kind.name}:{step.pk}:{step.due_on:%Y-%m-%d}",
            kind=kind,
            to=learner,
            about=step.pk,
            facts=facts,
            due_at=moment,
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT want_reminders_again(%s)", [step.pk])
