"""Four weeks after the quiet question, and still nothing planned: the companionship rests by itself, from facts that both
share; both are told kindly, nobody else is, and one tap goes on."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import ProgrammingError, connection, connections, transaction

from accounts.models import AuditEvent, OutgoingMail, User
from conversations.actions import appointments
from conversations.appointments import Appointment
from conversations.conversation import Conversation
from conversations.tasks import ask_quietly, rest_quietly
from engagements.actions import lifecycle
from engagements.actions import steps as step_actions
from engagements.models import CompanionLoad, Engagement, Insight, LearningStep
from engagements.states import State
from engagements.tasks import plan_reminders
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .test_delivery import TUESDAY, Sink, as_worker, at, deliver, parsed, sink
from .test_quiet import step, talk

__all__ = ["at", "sink"]  # fixtures
pytestmark = pytest.mark.django_db
ASKED = TUESDAY  # eight weeks after the last talk
RESTS = ASKED + timedelta(days=28)  # 29 December 2026, a working day

ClientOf = Callable[[User], Any]


@pytest.fixture
def days(at: Callable[[datetime], None]) -> Iterator[Callable[[datetime], None]]:
    """Live at another moment, the database as well."""

    def move(moment: datetime) -> None:
        at(moment)
        with connection.cursor() as cursor:
            offset = int((moment - datetime.now(moment.tzinfo)).total_seconds())
            cursor.execute("SELECT set_config('app.clock_offset', %s, false)", [str(offset)])

    yield move
    if not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('app.clock_offset', '', false)")


@pytest.fixture
def quiet(days: Callable[[datetime], None], engagement_in: Callable[..., Engagement]) -> Engagement:
    """Begun long ago, the last talk eight weeks ago."""
    days(ASKED - timedelta(days=70))
    engagement = engagement_in(State.ACTIVE)
    talk(engagement, ASKED - timedelta(days=56, hours=2))
    days(ASKED)
    return engagement


def night() -> int:
    """The jobs of a night, each of them twice; how many began to rest."""
    as_worker(ask_quietly)
    as_worker(ask_quietly)
    return int(as_worker(rest_quietly)["rested"] + as_worker(rest_quietly)["rested"])


def nights(days: Callable[[datetime], None], first: datetime, number: int) -> list[datetime]:
    """The nights of these in which it began to rest."""
    found = []
    for one in range(number):
        days(first + timedelta(days=one))
        if night():
            found.append(first + timedelta(days=one))
    return found


def now_of(engagement: Engagement) -> Engagement:
    with as_owner():
        return Engagement.objects.get(pk=engagement.pk)


def told() -> list[str]:
    with as_owner():
        return sorted(OutgoingMail.objects.filter(kind="rests").values_list("recipient__name", flat=True))


def test_it_rests_four_weeks_after_the_question_once_and_both_are_told(
    quiet: Engagement, days: Callable[[datetime], None], sink: Sink, world: SimpleNamespace
) -> None:
    assert nights(days, ASKED, 60) == [RESTS]
    assert told() == ["Anna Beispiel", "Ben Beispiel"]
    resting = now_of(quiet)
    assert (resting.state, resting.paused_at, resting.rests_by_itself()) == (State.PAUSED, RESTS, True)
    with as_owner():
        lines = list(AuditEvent.objects.filter(kind="engagement.rested").values_list("actor_id", "subject"))
    assert lines == [(None, quiet.pk)]
    days(RESTS)
    deliver()
    mails = [parsed(mail) for mail in sink.messages if b"fortsetzen" in mail]
    assert sorted(str(mail["To"]) for mail in mails) == ["anna@example.org", "ben@example.org"]
    assert {str(mail["Subject"]) for mail in mails} == {"Eine Lernbegleitung ruht"}
    assert not any(name in str(mail) for mail in mails for name in ("Anna Beispiel", "Ben Beispiel"))


@pytest.mark.parametrize("fact", ["a talk to come", "a talk held", "a shared step", "an answered step", "an insight"])
def test_what_both_share_keeps_it_awake(
    fact: str, quiet: Engagement, days: Callable[[datetime], None], world: SimpleNamespace
) -> None:
    nights(days, ASKED, 20)
    assert now_of(quiet).rests_on() == RESTS.date()
    moment = ASKED + timedelta(days=20)
    days(moment)
    if fact == "a talk to come":
        talk(quiet, RESTS + timedelta(days=20))
    elif fact == "a talk held":
        talk(quiet, moment - timedelta(hours=3))
    elif fact == "an insight":
        with as_owner():
            Insight.objects.create(engagement=quiet, shared_at=moment)
    else:
        taken = step(quiet, world, shared=True)
        if fact == "an answered step":
            with rls.acting_as(world.anna.pk):
                step_actions.answer(step=taken, state="done", by=world.anna)
    assert nights(days, moment, 40) == []
    assert now_of(quiet).rests_on() is None and told() == []


def test_what_only_the_learner_sees_and_who_wishes_no_mails_decide_nothing(
    quiet: Engagement, days: Callable[[datetime], None], world: SimpleNamespace
) -> None:
    step(quiet, world, shared=False)
    with as_owner():
        User.objects.filter(pk__in=[world.anna.pk, world.ben.pk]).update(reminders_stopped_at=ASKED)
    assert nights(days, ASKED, 40) == [RESTS]
    assert told() == ["Anna Beispiel", "Ben Beispiel"], "that it rests is a change of state, not a reminder"


def test_a_step_that_is_released_and_taken_back_does_not_shorten_the_four_weeks(
    quiet: Engagement, days: Callable[[datetime], None], world: SimpleNamespace
) -> None:
    nights(days, ASKED, 25)
    taken = step(quiet, world, shared=True)
    nights(days, ASKED + timedelta(days=25), 10)
    with as_owner():
        LearningStep.objects.filter(pk=taken.pk).update(shared_at=None)
    assert nights(days, ASKED + timedelta(days=35), 20) == []


def test_who_was_never_asked_does_not_rest(quiet: Engagement, days: Callable[[datetime], None]) -> None:
    """No worker for three months: nothing is caught up in bulk."""
    assert nights(days, ASKED + timedelta(days=90), 40) == []


def test_the_page_behind_the_question_says_when_it_will_rest_and_today_goes_on_with_one_tap(
    quiet: Engagement, days: Callable[[datetime], None], world: SimpleNamespace, client_of: ClientOf
) -> None:
    with as_owner():
        Conversation.objects.create(engagement=quiet, appointment=Appointment.objects.get())
    nights(days, ASKED, 2)
    for who in (world.anna, world.ben):
        page = client_of(who).get(f"/begleitungen/{quiet.pk}/wie-weiter/").content.decode()
        assert "ruht die Begleitung ab 29. Dezember 2026 von selbst" in page
    nights(days, ASKED + timedelta(days=2), 27)
    assert f'action="/begleitungen/{quiet.pk}/fortsetzen/"' in client_of(world.anna).get("/heute/").content.decode()
    assert "Ruht von selbst" in client_of(world.ben).get("/heute/").content.decode()


def test_one_tap_goes_on_and_nothing_is_different(
    quiet: Engagement, days: Callable[[datetime], None], world: SimpleNamespace, client_of: ClientOf, sink: Sink
) -> None:
    with as_owner():
        places = list(CompanionLoad.objects.order_by("pk").values_list("companion", "taken"))
    own = step(quiet, world, shared=False, due_on=(RESTS + timedelta(days=7)).date(), remind=True)
    nights(days, ASKED, 29)
    with as_owner():
        assert list(CompanionLoad.objects.order_by("pk").values_list("companion", "taken")) == places
    page = client_of(world.ben).get(f"/begleitungen/{quiet.pk}/fortsetzen/").content.decode()
    assert "Die Begleitung ruht von selbst" in page
    for who in (world.stranger, world.carla, world.dirk):
        assert client_of(who).post(f"/begleitungen/{quiet.pk}/fortsetzen/").status_code == 404
    for _twice in range(2):
        assert client_of(world.ben).post(f"/begleitungen/{quiet.pk}/fortsetzen/").status_code == 302
    awake = now_of(quiet)
    assert (awake.state, awake.paused_at, awake.quiet_asked_on) == (State.ACTIVE, None, None)
    assert nights(days, RESTS + timedelta(days=1), 50) == [], "eight weeks begin anew"
    assert now_of(quiet).quiet_asked_on is None
    days(datetime.combine(own.due_on, TUESDAY.timetz()))
    as_worker(plan_reminders)
    deliver()
    assert any(f"/lernschritte/{own.pk}/".encode() in mail for mail in sink.messages), "its reminder comes"


def test_the_mail_waits_for_a_working_day_and_is_dropped_when_somebody_has_gone_on(
    quiet: Engagement, days: Callable[[datetime], None], world: SimpleNamespace, sink: Sink
) -> None:
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(
            absent_from=RESTS.date(), absent_until=RESTS.date() + timedelta(days=9)
        )
    nights(days, ASKED, 29)
    deliver()
    assert [str(parsed(mail)["To"]) for mail in sink.messages if b"fortsetzen" in mail] == ["ben@example.org"]
    with rls.acting_as(world.ben.pk):
        lifecycle.resume(engagement=quiet, by=world.ben)
    days(RESTS + timedelta(days=14))
    deliver()
    assert [str(parsed(mail)["To"]) for mail in sink.messages if b"fortsetzen" in mail] == ["ben@example.org"]


def test_only_the_two_learn_of_it(
    quiet: Engagement, days: Callable[[datetime], None], world: SimpleNamespace, client_of: ClientOf
) -> None:
    def seen_by_the_coordination() -> list[str]:
        return [client_of(world.carla).get(path).content.decode() for path in ("/zuordnung/", "/zuordnung/pool/")]

    days(RESTS)
    before = seen_by_the_coordination()
    nights(days, ASKED, 29)
    assert [page.split("csrf")[0] for page in seen_by_the_coordination()] == [page.split("csrf")[0] for page in before]
    for who in (world.carla, world.dirk, world.stranger):
        with rls.acting_as(who.pk):
            assert not Engagement.objects.exists()
            assert not AuditEvent.objects.filter(subject=quiet.pk).exists()
    for call in ("note_quiet(now())", "quiet_to_rest(now())", "rest_if_quiet(gen_random_uuid(), now())"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            rls.acting_as(world.carla.pk),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"SELECT {call}")


@pytest.mark.parametrize("seed", range(4))
def test_over_random_lives_it_never_rests_while_something_is_planned(
    seed: int, quiet: Engagement, days: Callable[[datetime], None], world: SimpleNamespace
) -> None:
    """An independent account of the same life: what both share, day by day."""
    dice, last, asked, steps = random.Random(seed), ASKED - timedelta(days=56), None, []
    coming: datetime | None = None
    for number in range(260):
        today = ASKED + timedelta(days=number)
        days(today)
        if coming and coming < today:
            last, coming = max(last, coming), None
        engagement = now_of(quiet)
        if engagement.state == State.PAUSED and dice.random() < 0.1:
            with rls.acting_as(world.anna.pk):
                lifecycle.resume(engagement=engagement, by=world.anna)
            last, asked = today, None
        elif engagement.state == State.ACTIVE and dice.random() < 0.012:
            if dice.random() < 0.5 and not coming:
                coming = today + timedelta(days=dice.randint(1, 30), hours=1)
                talk(quiet, coming - timedelta(hours=1))
            else:
                steps.append(step(quiet, world, shared=True))
        elif steps and engagement.state == State.ACTIVE and dice.random() < 0.1:
            with rls.acting_as(world.anna.pk):
                step_actions.answer(step=steps.pop(), state="done", by=world.anna)
            last = today
        awake = engagement.state == State.ACTIVE
        is_quiet = not coming and not steps and (today.date() - last.date()).days >= 56
        asked = (asked or today) if is_quiet else None
        as_worker(ask_quietly)
        rested = as_worker(rest_quietly)["rested"]
        state = now_of(quiet).state
        if rested:
            assert not coming and not steps and (today.date() - last.date()).days >= 84, (seed, number)
            assert asked and (today - asked).days >= 28
        elif awake and state == State.ACTIVE:
            assert not asked or (today - asked).days < 28, (seed, number)


# ── at the same moment ─────────────────────────────────────────────────────


def committed(work: Callable[[], Any], found: list[Any]) -> None:
    """In a thread and a connection of its own, as the worker."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE lern_worker")
        found.append(work())
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_two_workers_let_it_rest_once_and_a_talk_just_being_made_is_seen(
    transactional_db: None, world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> None:
    long_ago = clock.now() - timedelta(days=100)
    tired, busy = (
        engagement_in(State.ACTIVE, learner=who, started_at=long_ago, quiet_asked_on=clock.today() - timedelta(days=28))
        for who in (world.anna, world.stranger)
    )
    found: list[Any] = []
    threads = [threading.Thread(target=committed, args=(lambda: rest_quietly()["rested"], found)) for _ in range(2)]
    with as_owner(), transaction.atomic():
        held = Engagement.objects.select_for_update(no_key=True).get(
            pk=busy.pk
        )  # as everybody who makes an appointment
        for thread in threads:
            thread.start()
        time.sleep(1)
        Appointment.objects.create(
            engagement=held, learner=held.learner, companion=held.companion, format="video",
            starts_at=clock.now() + timedelta(days=9), ends_at=clock.now() + timedelta(days=9, hours=1),
        )  # fmt: skip
    for thread in threads:
        thread.join()
    assert sum(found) == 1
    assert (now_of(tired).state, now_of(busy).state) == (State.PAUSED, State.ACTIVE)
    assert len(told()) == 2
    with rls.acting_as(world.anna.pk), pytest.raises(appointments.NotPossible):
        appointments.make(
            engagement=tired, pk=ids.new_id(), kind="conversation", by=world.anna,
            meeting=appointments.Meeting(clock.now() + timedelta(days=3), clock.now() + timedelta(days=4), "video", ""),
        )  # fmt: skip
