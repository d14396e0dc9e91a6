"""When nothing is planned any more: a quiet question to both, once, from facts they share; and requests without a
companion reach the coordination without anybody being reported for silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from accounts.models import OutgoingMail, User
from conversations.appointments import Appointment
from conversations.tasks import ask_quietly
from engagements.actions import lifecycle
from engagements.actions import steps as step_actions
from engagements.models import CompanionProposal, Engagement, LearningStep
from engagements.states import State
from engagements.tasks import return_unanswered_offers
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .test_delivery import TUESDAY, Sink, as_worker, at, deliver, parsed, sink

__all__ = ["at", "sink"]  # fixtures
pytestmark = pytest.mark.django_db
LONG_AGO = TUESDAY - timedelta(days=70)


@pytest.fixture
def quiet(at: Callable[[datetime], None], engagement_in: Callable[..., Engagement]) -> Engagement:
    """Begun ten weeks ago, one talk nine weeks ago, nothing since."""
    at(LONG_AGO)
    engagement = engagement_in(State.ACTIVE)
    talk(engagement, TUESDAY - timedelta(days=63))
    at(TUESDAY)
    with connection.cursor() as cursor:  # the database's clock follows
        offset = int((TUESDAY - datetime.now(TUESDAY.tzinfo)).total_seconds())
        cursor.execute("SELECT set_config('app.clock_offset', %s, false)", [str(offset)])
    yield engagement
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.clock_offset', '', false)")


def talk(engagement: Engagement, starts: datetime) -> Appointment:
    with as_owner():
        return Appointment.objects.create(
            engagement=engagement, learner=engagement.learner, companion=engagement.companion,
            starts_at=starts, ends_at=starts + timedelta(hours=1), format="video",
        )  # fmt: skip


def step(engagement: Engagement, world: SimpleNamespace, *, shared: bool, **also: Any) -> LearningStep:
    values = {
        "what": "GEHEIM",
        "due_on": TUESDAY.date() + timedelta(days=20),
        "remind": False,
        "shared": shared,
        **also,
    }
    with rls.acting_as(world.anna.pk):
        return step_actions.plan(engagement=engagement, pk=ids.new_id(), values=values, by=world.anna)


def asked(sink: Sink) -> list[str]:
    return sorted(str(parsed(m)["To"]).partition("@")[0] for m in sink.messages if b"wie-weiter" in m)


def test_both_are_asked_once_and_nobody_else(
    quiet: Engagement, sink: Sink, at: Callable[[datetime], None], world: SimpleNamespace
) -> None:
    assert as_worker(ask_quietly)["people"] == 2
    assert deliver()["sent"] == 2
    assert asked(sink) == ["anna", "ben"]
    assert as_worker(ask_quietly)["people"] == 0, "twice is once"
    for number in range(1, 30):
        at(TUESDAY + timedelta(days=number))
        as_worker(ask_quietly)
        deliver()
    assert asked(sink) == ["anna", "ben"]
    assert {str(parsed(m)["Subject"]) for m in sink.messages} == {"Wie soll es weitergehen?"}


@pytest.mark.parametrize("fact", ["a talk to come", "a shared step", "a talk last month", "resumed lately", "paused"])
def test_where_something_is_planned_or_was_lately_nobody_is_asked(
    fact: str, quiet: Engagement, sink: Sink, world: SimpleNamespace
) -> None:
    if fact == "a talk to come":
        talk(quiet, TUESDAY + timedelta(days=3))
    elif fact == "a shared step":
        step(quiet, world, shared=True)
    elif fact == "a talk last month":
        talk(quiet, TUESDAY - timedelta(days=30))
    elif fact == "paused":
        with as_owner():
            Engagement.objects.update(state=State.PAUSED)
    else:
        with as_owner():
            Engagement.objects.update(state=State.PAUSED)
        with rls.acting_as(world.ben.pk):
            lifecycle.resume(engagement=Engagement.objects.get(pk=quiet.pk), by=world.ben)
    as_worker(ask_quietly)
    deliver()
    assert asked(sink) == []


def test_what_only_the_learner_sees_decides_nothing(quiet: Engagement, sink: Sink, world: SimpleNamespace) -> None:
    step(quiet, world, shared=False)
    as_worker(ask_quietly)
    deliver()
    assert asked(sink) == ["anna", "ben"], "else its absence would tell the companion"


def test_who_has_stopped_everything_is_not_asked(quiet: Engagement, sink: Sink, world: SimpleNamespace) -> None:
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(reminders_stopped_at=TUESDAY)
    as_worker(ask_quietly)
    deliver()
    assert asked(sink) == ["anna"]


def test_the_question_shares_the_one_mail_of_the_day(quiet: Engagement, sink: Sink, world: SimpleNamespace) -> None:
    step(quiet, world, shared=False, due_on=TUESDAY.date(), remind=True)
    as_worker(ask_quietly)
    deliver()
    (mail,) = [m for m in sink.messages if b"anna@" in m]
    assert b"wie-weiter" in mail and b"/antwort/" in mail
    assert str(parsed(mail)["Subject"]) == "Was heute ansteht"


def test_the_page_behind_it_is_for_the_two(
    quiet: Engagement, world: SimpleNamespace, client_of: Callable[[User], Any]
) -> None:
    for who, code in (
        (world.anna, 200),
        (world.ben, 200),
        (world.stranger, 404),
        (world.carla, 404),
        (world.dirk, 404),
    ):
        answer = client_of(who).get(f"/begleitungen/{quiet.pk}/wie-weiter/")
        assert answer.status_code == code
    page = client_of(world.ben).get(f"/begleitungen/{quiet.pk}/wie-weiter/").content.decode()
    assert "Termin vorschlagen" in page and "Pause machen" in page and "Lernschritt planen" not in page


def test_nobody_can_ask_about_the_quiet_of_others(quiet: Engagement, world: SimpleNamespace) -> None:
    for who, found in ((world.anna, 1), (world.ben, 1), (world.stranger, 0), (world.carla, 0), (None, 0)):
        with rls.acting_as(who.pk if who else None), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM quiet_for_me(now())")
            assert cursor.fetchone() == (found,)


# ── requests without a companion ───────────────────────────────────────────


def mails() -> list[tuple[str, str]]:
    with as_owner():
        return sorted(OutgoingMail.objects.values_list("kind", "recipient__name"))


def test_proposals_that_wait_are_mentioned_once_and_after_two_weeks_the_coordination_hears_of_the_request(
    engagement_in: Callable[..., Engagement], world: SimpleNamespace, at: Callable[[datetime], None]
) -> None:
    at(TUESDAY)
    engagement = engagement_in(State.MATCHING, requested_at=TUESDAY)
    with as_owner():
        CompanionProposal.objects.bulk_create(
            [
                CompanionProposal(
                    engagement=engagement, companion=world.ben, proposed_by=world.carla, proposed_at=TUESDAY
                )
            ]
        )
    found = {}
    for number in range(30):
        at(TUESDAY + timedelta(days=number))
        as_worker(return_unanswered_offers)
        as_worker(return_unanswered_offers)
        found[number] = [kind for kind, _name in mails()]
    assert found[6] == []
    assert found[7] == ["proposals_wait"]  # five working days, a weekend between
    assert found[13] == ["proposals_wait"]
    assert found[14] == found[29] == ["proposals_wait", "request_waits"]
    assert mails() == [("proposals_wait", "Anna Beispiel"), ("request_waits", "Carla Beispiel")]


def test_a_direct_choice_without_an_answer_stays_between_the_two(
    engagement_in: Callable[..., Engagement], world: SimpleNamespace, at: Callable[[datetime], None]
) -> None:
    at(clock.now())
    engagement_in(State.OFFERED, coordinating_agency=None, offered_at=clock.now() - timedelta(days=20))
    as_worker(return_unanswered_offers)
    assert [name for _kind, name in mails()] == ["Anna Beispiel"], "no coordination hears of it"
