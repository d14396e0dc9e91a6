"""Delivery through a real SMTP server, as the worker: once, decided when sent, retried, never twice by two workers."""

from __future__ import annotations

import email
import email.policy
import os
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection, transaction
from django.test import Client

from accounts import delivery, messages, notes, outbox, relay
from accounts.due import message_id
from accounts.messages import mail_id_of, message, one_click
from accounts.models import FreeDay, OutgoingMail, PausedAddress, User
from accounts.replies import reply_of
from engagements import digest
from engagements.actions import steps as step_actions
from engagements.models import Engagement, LearningStep, SentReminder
from engagements.states import State
from engagements.steps import StepState
from engagements.tasks import plan_reminders
from lernbegleitung import clock, ids, rls
from lernbegleitung.serve import free_port

from .conftest import as_owner

pytestmark = pytest.mark.django_db
TUESDAY = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)  # ten o'clock in Germany, a working day everywhere


class Sink:
    """An SMTP server that keeps what it gets, and refuses when told to."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.senders: list[str] = []
        self.answer = "250 ok"

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.messages.append(envelope.original_content)
            self.senders.append(envelope.mail_from)
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
    """Live at another moment, the database, too."""

    def move(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('app.clock_offset', extract(epoch FROM %s - now())::int::text, true)", [moment]
            )

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


def parsed(message: bytes) -> Any:
    return email.message_from_bytes(message, policy=email.policy.default)


def plan_step(step: LearningStep, anna: User, day: Any = None, **also: Any) -> LearningStep:
    """One more step of Anna's."""
    values = {
        "what": "Noch eine geheime Pause",
        "due_on": day or TUESDAY.date(),
        "remind": True,
        "shared": True,
        **also,
    }
    with rls.acting_as(anna.pk):
        return step_actions.plan(engagement=step.engagement, pk=ids.new_id(), values=values, by=anna)


def as_worker(call: Callable[[], Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
    try:
        return call()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_app")


def told() -> list[tuple[str, Any]]:
    with as_owner():
        return list(SentReminder.objects.order_by("pk").values_list("what", "meant_for"))


NOTHING = {"sent": 0, "dropped": 0, "later": 0, "failed": 0}


# ── what goes out ──────────────────────────────────────────────────────────


def test_a_reminder_goes_out_once_and_says_nothing_of_the_step(step: LearningStep, sink: Sink) -> None:
    assert deliver() == NOTHING | {"sent": 1}
    assert deliver() == NOTHING
    (message,) = sink.messages
    assert b"geheime" not in message
    assert f"/lernschritte/{step.pk}/antwort/".encode() in message.replace(b"=\r\n", b"")
    assert message_id(rows(kind="digest")[0].pk).encode() in message
    assert told() == [("step_due", TUESDAY.date())]


def test_all_steps_of_a_day_stand_in_one_mail(step: LearningStep, world: SimpleNamespace, sink: Sink) -> None:
    others = [plan_step(step, world.anna), plan_step(step, world.anna)]
    assert deliver() == NOTHING | {"sent": 1}
    mail = parsed(sink.messages[0])
    text = mail.get_body(("plain",)).get_content()
    assert str(mail["Subject"]) == "Ihre Lernschritte für heute"
    assert [text.count(str(one.pk)) for one in (step, *others)] == [1, 1, 1]
    assert text.count("Ein Lernschritt für heute") == 3
    assert len(told()) == 3


def test_plain_text_comes_first_and_the_html_says_the_same(step: LearningStep, sink: Sink) -> None:
    deliver()
    mail = parsed(sink.messages[0])
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = list(mail.iter_parts())
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    page = html.get_content()
    assert '<html lang="de">' in page and "<title>Ihr Lernschritt für heute</title>" in page
    assert f'/lernschritte/{step.pk}/antwort/" style="color:#0b5a48">Ein Lernschritt für heute</a>' in page
    assert "<img" not in page and "<script" not in page and "src=" not in page, "nothing is fetched, nothing is counted"
    assert "List-Unsubscribe-Post" in mail and mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("style", ["neutral", "discreet"])
def test_a_mail_filled_in_says_what_the_one_put_together_for_it_says(
    style: str, step: LearningStep, world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan_step(step, world.anna)
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(mail_style=style, email="100%anna@example.org")
    monkeypatch.setattr(messages, "_date", lambda second: "Tue, 01 Dec 2026 09:00:00 -0000")
    (mail,) = as_worker(lambda: delivery.claim(9))
    as_worker(lambda: delivery.prepare([mail]))
    decision = digest.decide(mail)
    filled = [message(mail, digest.DIGEST, decision).raw for _ in range(2)]
    alone = message(mail, digest.DIGEST, replace(decision, form=None)).raw
    assert decision.form is not None and filled[0] == filled[1]
    whole, once = parsed(alone), parsed(filled[0])
    headers = [
        {name: str(value).strip() for name, value in one.items() if name != "Content-Type"} for one in (whole, once)
    ]
    assert headers[0] == headers[1], "but for where lines are folded, and the boundary"
    assert [part.get_content() for part in once.iter_parts()] == [part.get_content() for part in whole.iter_parts()]


def test_what_would_not_stand_in_a_header_or_in_html_as_it_is_is_not_filled_in(
    step: LearningStep, world: SimpleNamespace
) -> None:
    plan_step(step, world.anna)
    odd = "o'neill&sons=3D@example.org"
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(email=odd)
    (mail,) = as_worker(lambda: delivery.claim(9))
    as_worker(lambda: delivery.prepare([mail]))
    decision = digest.decide(mail)
    with pytest.raises(ValueError, match="newline"):
        message(
            replace(mail, recipient=mail.recipient._replace(email="a@b.org\r\nBcc: c@d.org")), digest.DIGEST, decision
        )
    made = parsed(message(mail, digest.DIGEST, decision).raw)
    assert str(made["To"]) == odd
    form = parsed(
        message(replace(mail, recipient=mail.recipient._replace(email="a@b.org")), digest.DIGEST, decision).raw
    )
    for part in form.iter_parts():
        assert ".invalid" not in part.get_content() and f"/lernschritte/{step.pk}/antwort/" in part.get_content()


def test_the_digest_speaks_the_persons_language(step: LearningStep, world: SimpleNamespace, sink: Sink) -> None:
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(language="en")
    deliver()
    mail = parsed(sink.messages[0])
    assert str(mail["Subject"]) == "Your learning step for today"
    assert '<html lang="en">' in mail.get_body(("html",)).get_content()


def test_who_wishes_it_is_told_only_that_something_waits(
    step: LearningStep, world: SimpleNamespace, sink: Sink
) -> None:
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(mail_style="discreet")
    deliver()
    mail = parsed(sink.messages[0])
    whole = str(mail["Subject"]) + mail.get_body(("plain",)).get_content() + mail.get_body(("html",)).get_content()
    assert "ernschritt" not in whole and str(step.pk) not in whole
    assert "/heute/" in whole and "/erinnerungen/" in whole


def test_the_follow_up_comes_once_three_working_days_later_and_then_silence(
    step: LearningStep, at: Callable[[datetime], None], sink: Sink
) -> None:
    for number in range(20):
        at(TUESDAY + timedelta(days=number))
        deliver()
    assert [str(parsed(m)["Subject"]) for m in sink.messages] == [
        "Ihr Lernschritt für heute",
        "Wie war Ihr Lernschritt?",
    ]
    assert [mail.sent_at.date() for mail in rows(kind="digest", dropped_at=None)] == [
        TUESDAY.date(), datetime(2026, 12, 4).date(),
    ]  # fmt: skip
    assert told() == [("step_due", TUESDAY.date()), ("step_again", TUESDAY.date())]


def test_the_same_day_planned_twice_is_one_reminder(step: LearningStep, world: SimpleNamespace, sink: Sink) -> None:
    with rls.acting_as(world.anna.pk):
        step_actions.plan_anew(step=step, due_on=TUESDAY.date() + timedelta(days=1), by=world.anna)
        step_actions.plan_anew(step=step, due_on=TUESDAY.date(), by=world.anna)
    deliver()
    assert len(sink.messages) == 1
    with rls.acting_as(world.anna.pk):  # there and back once more, after it has gone
        step_actions.plan_anew(step=step, due_on=TUESDAY.date() + timedelta(days=1), by=world.anna)
        step_actions.plan_anew(step=step, due_on=TUESDAY.date(), by=world.anna)
    assert deliver()["sent"] == 0
    assert told() == [("step_due", TUESDAY.date())]


def test_what_is_planned_for_today_after_todays_mail_comes_tomorrow(
    step: LearningStep, world: SimpleNamespace, at: Callable[[datetime], None], sink: Sink
) -> None:
    deliver()
    plan_step(step, world.anna)
    at(TUESDAY + timedelta(minutes=5))
    assert deliver() == NOTHING, "one mail a day"
    at(TUESDAY + timedelta(days=1))
    assert deliver()["sent"] == 1
    assert "Ein Lernschritt, gedacht für Dienstag, 1. Dezember" in parsed(sink.messages[1]).get_body().get_content()


def test_what_is_planned_while_the_mail_is_on_its_way_is_not_lost(
    step: LearningStep, world: SimpleNamespace, at: Callable[[datetime], None], sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    meanwhile: list[LearningStep] = []
    hand_over = relay.Line.hand_over

    def slow(*args: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_app")
        if not meanwhile:
            meanwhile.append(plan_step(step, world.anna))
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_worker")
        hand_over(*args)

    monkeypatch.setattr(relay.Line, "hand_over", slow)
    deliver()
    assert len(told()) == 1
    at(TUESDAY + timedelta(days=1))
    deliver()
    assert len(told()) == 2 and len(sink.messages) == 2


def test_what_is_made_ahead_is_decided_again_when_the_relay_keeps_it_waiting(
    step: LearningStep, world: SimpleNamespace, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        outbox.post(f"note:{number}", kind=outbox.KINDS["changed"], to=world.ben)
    decided: list[str] = []
    monkeypatch.setattr(delivery, "JUST_NOW", 0)
    with monkeypatch.context() as watched:
        watched.setattr(delivery, "message", lambda mail, *rest: decided.append(mail.key) or message(mail, *rest))
        assert deliver()["sent"] == 4
    assert len(decided) == 4 + 3, "the first once; the others ahead, and again on their turn"


def test_a_mail_that_cannot_be_made_keeps_no_other_waiting(
    step: LearningStep, world: SimpleNamespace, at: Callable[[datetime], None], sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for key in ("broken", "whole"):
        outbox.post(key, kind=outbox.KINDS["changed"], to=world.ben)

    def broken(mail: OutgoingMail, *rest: Any) -> Any:
        if mail.key == "broken":
            raise ValueError("geheim")
        return message(mail, *rest)

    monkeypatch.setattr(delivery, "message", broken)
    assert deliver() == NOTHING | {"sent": 2, "later": 1}
    assert [mail.key for mail in rows(kind="changed", sent_at=None)] == ["broken"], "it is tried again, later and later"
    at(TUESDAY + timedelta(days=4))
    assert deliver()["failed"] == 1
    assert rows(key="broken")[0].failed_at, "and then the operator sees it"


def test_what_is_planned_while_an_empty_mail_is_dropped_is_not_lost(
    step: LearningStep, world: SimpleNamespace, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rls.acting_as(world.anna.pk):
        step_actions.answer(step=step, state=StepState.DONE, by=world.anna)
    drop = digest.drop

    def late(mail: OutgoingMail) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_app")
        plan_step(step, world.anna)
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_worker")
        monkeypatch.setattr(digest, "drop", drop)
        drop(mail)

    monkeypatch.setattr(digest, "drop", late)
    deliver()
    deliver()
    assert len(sink.messages) == 1


# ── decided when sent ──────────────────────────────────────────────────────


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
    assert deliver() == NOTHING | {"dropped": 1}
    assert rows(kind="digest", dropped_at=None)[0].due_at == datetime(2026, 12, 2, 7, 0, tzinfo=UTC)
    with as_owner():
        FreeDay.objects.create(day="2026-12-02", agency=world.south, name_de="Betriebsausflug")
    at(datetime(2026, 12, 2, 9, 0, tzinfo=UTC))
    assert deliver()["sent"] == 0
    at(datetime(2026, 12, 3, 6, 59, tzinfo=UTC))
    assert deliver()["sent"] == 0
    at(datetime(2026, 12, 3, 7, 0, tzinfo=UTC))
    assert deliver()["sent"] == 1


def test_who_is_away_hears_of_it_afterwards(
    step: LearningStep, at: Callable[[datetime], None], world: SimpleNamespace, sink: Sink
) -> None:
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(absent_from="2026-12-01", absent_until="2026-12-14")
    for number in range(14):
        at(TUESDAY + timedelta(days=number))
        assert deliver()["sent"] == 0
    at(TUESDAY + timedelta(days=14))
    assert deliver()["sent"] == 1


def test_what_could_not_be_sent_for_days_is_dropped_not_caught_up(
    step: LearningStep, at: Callable[[datetime], None], sink: Sink
) -> None:
    at(TUESDAY + timedelta(days=8))
    assert deliver()["dropped"] >= 1
    assert sink.messages == []


# ── the net below ──────────────────────────────────────────────────────────


def test_a_lost_row_is_planned_again_at_night(step: LearningStep, sink: Sink) -> None:
    with as_owner():
        OutgoingMail.objects.all().delete()
    assert deliver() == NOTHING
    assert as_worker(plan_reminders)["planned"] == 1
    assert as_worker(plan_reminders)["planned"] == 0, "twice is once"
    assert deliver()["sent"] == 1


def test_the_worker_reads_no_word_for_it(step: LearningStep) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
        for column in ("what_sealed", "version", "shared_at"):
            with pytest.raises(Exception, match="permission denied"), transaction.atomic():
                cursor.execute(f"SELECT {column} FROM engagements_learningstep")
        cursor.execute("SET ROLE lern_app")


def test_nobody_arranges_or_reads_somebody_elses_reminders(step: LearningStep, world: SimpleNamespace) -> None:
    deliver_first = rows(kind="digest")
    with rls.acting_as(world.ben.pk), connection.cursor() as cursor:
        assert SentReminder.objects.count() == 0
        cursor.execute("SELECT arrange_digest('2026-12-01', now())")
        for call in ("write_digests('[]')", "digests_sent('[]')", "people_without_a_digest(0, 9)"):
            with pytest.raises(Exception, match="permission denied"), transaction.atomic():
                cursor.execute(f"SELECT {call}")
    assert [mail.pk for mail in rows(kind="digest", recipient=world.anna)] == [mail.pk for mail in deliver_first]
    assert len(rows(kind="digest", recipient=world.ben)) == 1, "his own"


def test_what_a_killed_worker_had_sent_is_written_down_by_the_next(
    step: LearningStep, sink: Sink, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, settings: Any
) -> None:
    settings.MAIL_JOURNAL = str(tmp_path)

    def die(self: notes.Notes) -> None:
        raise SystemExit("kill -9")

    with monkeypatch.context() as killed:
        killed.setattr(notes.Notes, "flush", die)
        with pytest.raises(SystemExit):
            deliver()
    assert len(sink.messages) == 1 and rows(kind="digest", sent_at__isnull=False) == []
    (journal,) = tmp_path.iterdir()
    assert "geheim" not in journal.read_text().lower()
    journal.write_text(journal.read_text() + '["digest", {"half a li')
    assert deliver() == NOTHING, "nothing goes twice"
    assert told() == [("step_due", TUESDAY.date())] and len(sink.messages) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_worker_whose_clock_is_wrong_takes_nobodys_mail(
    step: LearningStep, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(as_worker(lambda: delivery.claim(20))) == 1
    monkeypatch.setattr(clock, "now", lambda: TUESDAY + timedelta(hours=3))
    assert deliver() == NOTHING, "by its own clock the lease ended long ago, by the database's it has just begun"


def test_the_journal_of_a_living_worker_is_left_alone(step: LearningStep, tmp_path: Any, settings: Any) -> None:
    settings.MAIL_JOURNAL = str(tmp_path)
    living = notes.Notes()
    living.add("mail", {"mail": str(step.pk), "at": TUESDAY.isoformat()})
    assert as_worker(notes.take_over) == 0
    os.utime(living.path, (0, 0))
    assert as_worker(notes.take_over) == 1 and living.path.exists(), "held up for long: written for it"
    as_worker(living.close)
    assert list(tmp_path.iterdir()) == []


# ── answers of the relay ───────────────────────────────────────────────────


def test_a_refusal_for_now_is_tried_again_with_the_same_message_id(
    step: LearningStep, at: Callable[[datetime], None], sink: Sink
) -> None:
    sink.answer = "451 4.3.0 later please"
    assert deliver()["later"] == 1
    assert deliver() == NOTHING  # not at once
    sink.answer = "250 ok"
    at(TUESDAY + timedelta(minutes=10))
    assert deliver()["sent"] == 1
    assert rows(kind="digest", smtp_code=250)[0].attempts == 2


def test_pauses_grow_to_hours_and_no_further(step: LearningStep) -> None:
    mail = rows(kind="digest")[0]
    pauses = []
    for attempts in (1, 2, 3, 8, 30):
        mail.attempts = attempts
        pauses.append(delivery.pause_after(mail).total_seconds())
    assert 96 <= pauses[0] <= 144 and pauses[0] < pauses[1] < pauses[2] < pauses[3] == pauses[4] <= 4 * 3600 * 1.2


def test_a_clear_refusal_is_a_failure_that_stays_visible(step: LearningStep, sink: Sink) -> None:
    sink.answer = "554 5.7.1 we do not like this"
    assert deliver()["failed"] == 1
    assert [(mail.smtp_code, mail.smtp_status) for mail in rows(kind="digest", failed_at__isnull=False)] == [
        (554, "5.7.1")
    ]
    with as_owner():
        assert not PausedAddress.objects.exists(), "the mail was refused, not the address"


def test_an_address_that_does_not_exist_gets_nothing_more(
    step: LearningStep, world: SimpleNamespace, at: Callable[[datetime], None], sink: Sink
) -> None:
    sink.answer = "550 5.1.1 no such user"
    assert deliver()["failed"] == 1
    sink.answer = "250 ok"
    with rls.acting_as(world.anna.pk):
        outbox.post("changed:1", kind=outbox.KINDS["changed"], to=world.anna)
        assert [p.reason for p in PausedAddress.objects.all()] == ["refused"], "the person is told on the page"
    with rls.acting_as(world.ben.pk):
        assert list(PausedAddress.objects.all()) == []
    assert deliver() == NOTHING | {"failed": 1}, "visible to the operator, not sent"
    assert sink.messages == []
    with rls.acting_as(world.anna.pk):
        PausedAddress.objects.all().delete()
    plan_step(step, world.anna, TUESDAY.date() + timedelta(days=1))
    at(TUESDAY + timedelta(days=1))
    assert deliver()["sent"] == 1


def test_when_the_relay_is_down_everything_waits_and_nothing_is_given_up(
    step: LearningStep, world: SimpleNamespace, at: Callable[[datetime], None], sink: Sink, settings: Any
) -> None:
    for number in range(5):
        with rls.acting_as(world.anna.pk):
            outbox.post(f"changed:{number}", kind=outbox.KINDS["changed"], to=world.anna)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, free_port()
    for minute in range(30):
        at(TUESDAY + timedelta(minutes=minute))
        assert deliver()["failed"] == 0
    settings.EMAIL_PORT = port
    for minute in range(40):
        at(TUESDAY + timedelta(minutes=30 + 2 * minute))
        deliver()
    assert len(sink.messages) == 6
    assert len({parsed(message)["Message-ID"] for message in sink.messages}) == 6


def test_what_is_put_off_for_three_days_is_given_up(
    world: SimpleNamespace, at: Callable[[datetime], None], sink: Sink
) -> None:
    at(TUESDAY)
    with rls.acting_as(world.anna.pk):
        outbox.post("changed:1", kind=outbox.KINDS["changed"], to=world.anna)
    sink.answer = "452 4.2.2 mailbox full"
    for hour in range(0, 80, 5):
        at(TUESDAY + timedelta(hours=hour))
        deliver()
    assert [(mail.smtp_code, mail.smtp_status) for mail in rows(failed_at__isnull=False)] == [(452, "4.2.2")]


@pytest.mark.parametrize(
    ("error", "about", "never"),
    [
        (smtplib.SMTPRecipientsRefused({"x": (550, b"5.1.1 unknown")}), "address", True),
        (smtplib.SMTPRecipientsRefused({"x": (550, b"no such user")}), "address", True),
        (smtplib.SMTPRecipientsRefused({"x": (550, b"5.7.1 spam")}), "mail", True),
        (smtplib.SMTPRecipientsRefused({"x": (452, b"4.2.2 full")}), "mail", False),
        (smtplib.SMTPRecipientsRefused({"x": (421, b"busy")}), "relay", False),
        (smtplib.SMTPSenderRefused(550, b"who are you", "x"), "relay", False),
        (smtplib.SMTPAuthenticationError(535, b"no"), "relay", False),
        (smtplib.SMTPDataError(554, b"5.6.0 odd"), "mail", True),
        (smtplib.SMTPDataError(451, b"try later"), "mail", False),
        (smtplib.SMTPDataError(550, b"5.1.1 unknown"), "address", True),
        (smtplib.SMTPServerDisconnected("gone"), "relay", False),
        (smtplib.SMTPConnectError(554, b"go away"), "relay", False),
        (TimeoutError(), "relay", False),
        (ConnectionRefusedError(), "relay", False),
    ],
)
def test_whose_fault_an_answer_is(error: Exception, about: str, never: bool) -> None:
    reply = reply_of(error)
    assert (reply.about, reply.never) == (about, never)


def test_two_workers_never_claim_the_same_mail(step: LearningStep) -> None:
    first, second = as_worker(lambda: (delivery.claim(20), delivery.claim(20)))
    assert (len(first), len(second)) == (1, 0)


def test_a_key_already_used_sends_nothing(world: SimpleNamespace) -> None:
    for _time in range(2):
        with rls.acting_as(world.anna.pk):
            outbox.post("invitation:1", kind=outbox.KINDS["invitation"], address="x@example.org")
    assert len(rows()) == 1


# ── the way back, and the way out ──────────────────────────────────────────


def test_each_mail_has_a_sender_of_its_own_to_come_back_to(step: LearningStep, sink: Sink, settings: Any) -> None:
    settings.BOUNCE_ADDRESS = "bounces@lern.example.org"
    deliver()
    (sender,) = sink.senders
    assert sender.startswith("bounces+") and sender.endswith("@lern.example.org")
    assert mail_id_of(sender) == rows(kind="digest", sent_at__isnull=False)[0].pk.hex
    assert mail_id_of(sender.replace("-", "-0")[:-1]) is None
    assert str(parsed(sink.messages[0])["From"]) == "Lernbegleitung <lernbegleitung@example.org>"


def test_one_click_in_the_mail_stops_everything_without_a_login(
    step: LearningStep, world: SimpleNamespace, sink: Sink, at: Callable[[datetime], None], client: Any
) -> None:
    deliver()
    mail = parsed(sink.messages[0])
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = mail["List-Unsubscribe"].strip(" <>").removeprefix("http://localhost:8000")
    strict = Client(enforce_csrf_checks=True)
    assert strict.get(address).status_code == 200  # a scanner opens it: nothing changes
    with as_owner():
        assert User.objects.get(pk=world.anna.pk).reminders_stopped_at is None
    answer = strict.post(address, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200 and "Erinnerungen sind aus" in answer.content.decode()
    plan_step(step, world.anna, TUESDAY.date() + timedelta(days=1))
    at(TUESDAY + timedelta(days=1))
    deliver()
    assert len(sink.messages) == 1


def test_a_forged_link_stops_nobody(world: SimpleNamespace) -> None:
    good = one_click(world.anna.pk).rstrip("/").rpartition("/")[2]
    for token in (
        str(world.anna.pk),
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        f"{world.ben.pk}:{good.partition(':')[2]}",
    ):
        assert Client().post(f"/erinnerungen/aus/{token}/").status_code == 404
    with as_owner():
        assert not User.objects.filter(reminders_stopped_at__isnull=False).exists()


def test_a_row_of_the_outbox_and_one_of_what_was_told_are_in_no_index_that_nobody_asks(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT regexp_replace(indexdef, '.* USING btree ', '') FROM pg_indexes"
            " WHERE tablename IN ('accounts_outgoingmail', 'engagements_sentreminder') ORDER BY 1"
        )
        found = [row[0] for row in cursor.fetchall()]
    open_ones = "(due_at) WHERE ((dropped_at IS NULL) AND (failed_at IS NULL) AND (sent_at IS NULL))"
    assert found == [open_ones, "(id)", "(id)", "(key)", "(owner_id, what, subject, meant_for)", "(recipient_id)"]
