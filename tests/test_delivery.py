"""Delivery through a real SMTP server, as the worker: once, decided when sent, retried, never twice by two workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection

from accounts import delivery, outbox
from accounts.models import OutgoingMail, User
from engagements.actions import steps as step_actions
from engagements.models import Engagement, LearningStep
from engagements.states import State
from engagements.steps import StepState
from lernbegleitung import clock, ids, rls
from lernbegleitung.serve import free_port

from .conftest import as_owner

pytestmark = pytest.mark.django_db
TUESDAY = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)  # ten o'clock in Germany, a working day everywhere


class Sink:
    """An SMTP server that keeps what it gets, and refuses when told to."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.answer = "250 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.messages.append(envelope.original_content)
        return self.answer


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    yield handler
    controller.stop()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Live at another moment."""

    def move(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    move(TUESDAY)
    return move


def deliver() -> dict[str, int]:
    """One ring of the doorbell, as lern_worker."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
    try:
        return delivery.deliver_due()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_app")


@pytest.fixture
def step(
    at: Callable[[datetime], None], world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> LearningStep:
    """A step of Anna's for today, with its reminder."""
    engagement = engagement_in(State.ACTIVE)
    with rls.acting_as(world.anna.pk):
        values = {"what": "Eine geheime Pause", "due_on": TUESDAY.date(), "remind": True, "shared": True}
        return step_actions.plan(engagement=engagement, pk=ids.new_id(), values=values, by=world.anna)


def rows(**filters: Any) -> list[OutgoingMail]:
    with as_owner():
        return list(OutgoingMail.objects.filter(**filters).order_by("due_at"))


def test_a_reminder_goes_out_once_and_says_nothing_of_the_step(step: LearningStep, sink: Sink) -> None:
    assert deliver() == {"sent": 1, "dropped": 0, "later": 0, "failed": 0}
    assert deliver() == {"sent": 0, "dropped": 0, "later": 0, "failed": 0}
    (message,) = sink.messages
    assert b"geheime" not in message
    assert f"/lernschritte/{step.pk}/antwort/".encode() in message
    assert rows(kind="step_due")[0].message_id().encode() in message


def test_the_same_day_planned_twice_is_one_reminder(step: LearningStep, world: SimpleNamespace) -> None:
    with rls.acting_as(world.anna.pk):
        step_actions.plan_anew(step=step, due_on=TUESDAY.date() + timedelta(days=1), by=world.anna)
        step_actions.plan_anew(step=step, due_on=TUESDAY.date(), by=world.anna)
    assert [mail.facts["due_on"] for mail in rows(kind="step_due")] == ["2026-12-01", "2026-12-02"]


@pytest.mark.parametrize("state", [StepState.DONE, StepState.TRIED, StepState.DROPPED])
def test_who_has_answered_is_not_reminded(
    step: LearningStep, world: SimpleNamespace, sink: Sink, state: StepState
) -> None:
    with rls.acting_as(world.anna.pk):
        step_actions.answer(step=step, state=state, by=world.anna)
    assert deliver()["dropped"] == 1
    assert sink.messages == []


@pytest.mark.parametrize("change", ["paused", "stopped", "inactive", "other day", "no reminder wished"])
def test_what_is_no_longer_wanted_is_dropped_when_it_would_be_sent(
    step: LearningStep, world: SimpleNamespace, sink: Sink, change: str
) -> None:
    with as_owner():
        if change == "paused":
            Engagement.objects.update(state=State.PAUSED)
        elif change == "stopped":
            User.objects.filter(pk=world.anna.pk).update(reminders_stopped_at=TUESDAY)
        elif change == "inactive":
            User.objects.filter(pk=world.anna.pk).update(is_active=False)
        elif change == "other day":
            LearningStep.objects.update(due_on=TUESDAY.date() + timedelta(days=9))
        else:
            LearningStep.objects.update(remind=False)
    assert deliver()["dropped"] == 1
    assert sink.messages == []


def test_outside_the_window_and_on_free_days_it_waits(
    step: LearningStep, at: Callable[[datetime], None], world: SimpleNamespace, sink: Sink
) -> None:
    at(TUESDAY.replace(hour=17))  # evening
    assert deliver()["later"] == 1
    assert rows(kind="step_due")[0].due_at == datetime(2026, 12, 2, 7, 0, tzinfo=UTC)
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(absent_from="2026-12-02", absent_until="2026-12-02")
    at(datetime(2026, 12, 2, 9, 0, tzinfo=UTC))
    assert deliver()["later"] == 1
    at(datetime(2026, 12, 3, 9, 0, tzinfo=UTC))
    assert deliver()["sent"] == 1


def test_what_could_not_be_sent_for_days_is_dropped_not_caught_up(
    step: LearningStep, at: Callable[[datetime], None], sink: Sink
) -> None:
    at(TUESDAY + timedelta(days=8))
    assert deliver()["dropped"] >= 1
    assert sink.messages == []


def test_a_refusal_for_now_is_tried_again_with_the_same_message_id(
    step: LearningStep, at: Callable[[datetime], None], sink: Sink
) -> None:
    sink.answer = "451 later please"
    assert deliver()["later"] == 1
    assert deliver() == {"sent": 0, "dropped": 0, "later": 0, "failed": 0}  # not at once
    sink.answer = "250 ok"
    at(TUESDAY + timedelta(minutes=10))
    assert deliver()["sent"] == 1
    assert rows(kind="step_due")[0].attempts == 2


def test_a_clear_refusal_is_a_failure_that_stays_visible(step: LearningStep, sink: Sink) -> None:
    sink.answer = "554 no such user"
    assert deliver()["failed"] == 1
    assert [mail.smtp_code for mail in rows(kind="step_due")] == [554]


def test_two_workers_never_claim_the_same_mail(step: LearningStep) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
    first, second = delivery.claim(20), delivery.claim(20)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_app")
    assert (len(first), len(second)) == (1, 0)


def test_one_digest_per_person_and_day(step: LearningStep, world: SimpleNamespace, sink: Sink) -> None:
    with rls.acting_as(world.anna.pk):
        values = {"what": "Noch einer", "due_on": TUESDAY.date(), "remind": True, "shared": True}
        step_actions.plan(engagement=step.engagement, pk=ids.new_id(), values=values, by=world.anna)
    assert deliver() == {"sent": 1, "dropped": 1, "later": 0, "failed": 0}


def test_a_key_already_used_sends_nothing(world: SimpleNamespace) -> None:
    for _time in range(2):
        with rls.acting_as(world.anna.pk):
            outbox.post("invitation:1", kind=outbox.KINDS["invitation"], address="x@example.org")
    assert len(rows()) == 1
