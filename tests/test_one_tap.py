"""One tap answers a step on Heute and on Lernschritte, one tap in the same row takes it back exactly as it was."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import OutgoingMail, User
from engagements.actions import steps as actions
from engagements.models import Engagement, LearningStep, SentReminder
from engagements.states import State
from engagements.steps import StepState
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .test_delivery import TUESDAY, Sink, at, deliver, rows, sink
from .test_today import step_of, talk_of

__all__ = ["at", "sink"]  # fixtures
Make = Callable[..., Engagement]
ClientOf = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
PAGES = ["/heute/", "/lernschritte/"]


@pytest.fixture
def step(world: SimpleNamespace, engagement_in: Make) -> LearningStep:
    """Anna's step for in three days, with its reminders."""
    engagement = engagement_in(State.ACTIVE)
    with rls.acting_as(world.anna.pk):
        values = {
            "what": "Eine geheime Pause",
            "due_on": clock.today() + timedelta(days=3),
            "remind": True,
            "shared": True,
        }
        return actions.plan(engagement=engagement, pk=ids.new_id(), values=values, by=world.anna)


def facts(step: LearningStep) -> tuple[Any, ...]:
    """What undo has to bring back."""
    with as_owner():
        found = LearningStep.objects.get(pk=step.pk)
        mails = OutgoingMail.objects.filter(subject_id=step.pk, facts__due_on=f"{found.due_on:%Y-%m-%d}")
        waiting = sorted(mails.filter(sent_at=None, dropped_at=None).values_list("kind", flat=True))
    return found.state, found.answered_at, found.due_on, found.remind, found.shared_at, waiting


def forms_in(page: str) -> dict[str, dict[str, str]]:
    """The forms to tap, by their button's value: what each would send."""
    found = {}
    for form in re.findall(r"<form[^>]*>.*?</form>", page, re.DOTALL):
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        for value in re.findall(r'<button[^>]*name="answer" value="(\w+)"', form):
            found[value] = {name: html.unescape(text) for name, text in {**fields, "answer": value}.items()}
        if "answer" in fields:
            found[fields["answer"]] = fields
    return found


def tap(client: Client, step: LearningStep, sent: dict[str, str], **extra: Any) -> str:
    response = client.post(f"/lernschritte/{step.pk}/antwort/", sent, **extra)
    if response.status_code == 302:
        response = client.get(response.headers["Location"])
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("given", ["done", "later", "drop"])
def test_one_tap_answers_and_one_takes_it_back_exactly(
    client_of: ClientOf, anna: User, step: LearningStep, page: str, scripts: bool, given: str
) -> None:
    client, extra = client_of(anna), {"headers": HTMX} if scripts else {}
    before = facts(step)
    answered = tap(client, step, forms_in(client.get(page).content.decode())[given], **extra)
    assert facts(step) != before
    if scripts:
        assert answered.count("<li") == 1 and f'id="schritt-{step.pk}"' in answered and 'role="status"' in answered
    else:
        assert 'role="status"' in answered and "<h1" in answered  # the page again, with the undo in its message
    undo = forms_in(answered)["put_back" if given == "later" else "reopen"]
    assert undo["back"] == page
    after = tap(client, step, undo, **extra)
    assert facts(step) == before
    assert set(forms_in(after)) >= {"done", "later", "drop"}


def test_later_is_a_week_later_and_is_said_in_the_row(client_of: ClientOf, anna: User, step: LearningStep) -> None:
    client = client_of(anna)
    row = tap(client, step, forms_in(client.get("/heute/").content.decode())["later"], headers=HTMX)
    assert facts(step)[2] == step.due_on + timedelta(days=7)
    assert "Neu eingeplant: " in row and "Anderer Tag" in row and "überfällig" not in row.lower()


def test_a_day_that_is_over_moves_to_a_week_from_today_and_back(
    client_of: ClientOf, anna: User, step: LearningStep
) -> None:
    with rls.acting_as(anna.pk):
        actions.plan_anew(step=step, due_on=clock.today() - timedelta(days=9), by=anna)
    client, before = client_of(anna), facts(step)
    row = tap(client, step, forms_in(client.get("/heute/").content.decode())["later"], headers=HTMX)
    assert facts(step)[2] == clock.today() + timedelta(days=7)
    tap(client, step, forms_in(row)["put_back"], headers=HTMX)
    assert facts(step) == before


def test_a_double_tap_is_one_and_can_still_be_undone(client_of: ClientOf, anna: User, step: LearningStep) -> None:
    client, before = client_of(anna), facts(step)
    sent = forms_in(client.get("/heute/").content.decode())["later"]
    tap(client, step, sent, headers=HTMX)
    row = tap(client, step, sent, headers=HTMX)
    assert facts(step)[2] == step.due_on + timedelta(days=7)
    for _time in range(2):
        tap(client, step, forms_in(row)["put_back"], headers=HTMX)
    assert facts(step) == before


def test_a_tap_in_a_stale_tab_changes_no_other_answer(client_of: ClientOf, anna: User, step: LearningStep) -> None:
    client = client_of(anna)
    stale = forms_in(client.get("/heute/").content.decode())
    with rls.acting_as(anna.pk):
        actions.answer(step=step, state=StepState.TRIED, by=anna)
    answered = facts(step)
    for given in ("done", "drop", "later"):
        assert "nicht mehr möglich" in tap(client, step, stale[given], headers=HTMX)
    assert facts(step) == answered


def test_undo_does_not_reach_over_a_later_change(client_of: ClientOf, anna: User, step: LearningStep) -> None:
    client = client_of(anna)
    row = tap(client, step, forms_in(client.get("/heute/").content.decode())["later"], headers=HTMX)
    with rls.acting_as(anna.pk):
        actions.plan_anew(step=step, due_on=clock.today() + timedelta(days=20), by=anna)
    assert "nicht mehr möglich" in tap(client, step, forms_in(row)["put_back"], headers=HTMX)
    assert facts(step)[2] == clock.today() + timedelta(days=20)


@pytest.mark.parametrize(
    "sent",
    [
        {"answer": "later"},
        {"answer": "later", "due_on": "1999-01-01"},
        {"answer": "later", "due_on": "9999-12-31"},
        {"answer": "put_back", "former": "0001-01-01", "version": "1"},
        {"answer": "put_back", "former": "9999-12-31", "version": "1"},
        {"answer": "put_back", "former": "x", "version": "x"},
        {"answer": "nonsense"},
    ],
)
def test_nonsense_is_answered_kindly(client_of: ClientOf, anna: User, step: LearningStep, sent: dict[str, str]) -> None:
    before = facts(step)
    assert "nicht mehr möglich" in tap(client_of(anna), step, {**sent, "back": "/heute/"}, headers=HTMX)
    assert facts(step) == before


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/heute/", "/personen/", "javascript:1"])
def test_the_way_back_leads_to_the_two_pages_only(
    client_of: ClientOf, anna: User, step: LearningStep, back: str
) -> None:
    response = client_of(anna).post(f"/lernschritte/{step.pk}/antwort/", {"answer": "done", "back": back})
    assert response.headers["Location"] == f"/lernschritte/{step.pk}/auswerten/"


def test_no_word_of_the_step_is_kept_in_the_session(client_of: ClientOf, anna: User, step: LearningStep) -> None:
    client = client_of(anna)
    sent = forms_in(client.get("/heute/").content.decode())["drop"]
    assert client.post(f"/lernschritte/{step.pk}/antwort/", sent).status_code == 302
    with as_owner():
        kept = [str(session.get_decoded()) for session in Session.objects.all()]
    assert any("Auch das ist eine gute Antwort" in text for text in kept)
    assert not any("geheime" in text for text in kept)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_companion_may_not_tap(client_of: ClientOf, ben: User, step: LearningStep, scripts: bool) -> None:
    before, extra = facts(step), {"headers": HTMX} if scripts else {}
    for given in ("done", "drop", "later", "reopen", "put_back"):
        sent = {"answer": given, "back": "/heute/", "due_on": f"{clock.today():%Y-%m-%d}"}
        assert client_of(ben).post(f"/lernschritte/{step.pk}/antwort/", sent, **extra).status_code == 403
    assert facts(step) == before


# ── the reminder of the undone step ────────────────────────────────────────


@pytest.fixture
def today_step(at: Callable[..., None], world: SimpleNamespace, engagement_in: Make) -> Callable[[], LearningStep]:
    """Makes a step of Anna's for this Tuesday."""
    engagement = engagement_in(State.ACTIVE)

    def make() -> LearningStep:
        with rls.acting_as(world.anna.pk):
            values = {"what": "Eine Pause", "due_on": TUESDAY.date(), "remind": True, "shared": True}
            return actions.plan(engagement=engagement, pk=ids.new_id(), values=values, by=world.anna)

    return make


def away(step: LearningStep, by: User, how: str) -> Callable[[], Any]:
    """Answer it or move it; gives back how to undo that."""
    with rls.acting_as(by.pk):
        if how == "later":
            moved = actions.plan_anew(step=step, due_on=step.due_on + timedelta(days=7), by=by)
            return lambda: actions.put_back(step=step, due_on=step.due_on, version=moved.version, by=by)
        actions.tap(step=step, state=StepState(how), by=by)
        return lambda: actions.answer(step=step, state=StepState.OPEN, by=by)


@pytest.mark.parametrize("how", ["later", "done", "dropped"])
def test_a_reminder_dropped_meanwhile_goes_out_after_undo_and_only_once(
    today_step: Callable[[], LearningStep], anna: User, sink: Sink, how: str
) -> None:
    undo = away(today_step(), anna, how)
    assert deliver() == {"sent": 0, "dropped": 1, "later": 0, "failed": 0}
    with rls.acting_as(anna.pk):
        undo()
        undo()
    assert deliver()["sent"] == 1
    assert deliver()["sent"] == 0 and len(sink.messages) == 1


@pytest.mark.parametrize("how", ["later", "done", "dropped"])
def test_a_reminder_that_went_out_does_not_go_again_after_undo(
    today_step: Callable[[], LearningStep], anna: User, at: Callable[..., None], sink: Sink, how: str
) -> None:
    step = today_step()
    assert deliver()["sent"] == 1
    undo = away(step, anna, how)
    at(TUESDAY + timedelta(days=1))
    with rls.acting_as(anna.pk):
        undo()
    assert deliver()["sent"] == 0
    at(TUESDAY + timedelta(days=3))
    assert deliver()["sent"] == 1  # the follow-up, which is the second and last
    with as_owner():
        assert list(SentReminder.objects.order_by("pk").values_list("what", flat=True)) == ["step_due", "step_again"]


def test_what_the_digest_of_the_day_has_covered_stays_covered(
    today_step: Callable[[], LearningStep], anna: User, at: Callable[..., None], sink: Sink
) -> None:
    steps = [today_step(), today_step()]
    assert deliver() == {"sent": 1, "dropped": 0, "later": 0, "failed": 0}
    at(TUESDAY + timedelta(days=1))
    for step in steps:
        undo = away(step, anna, "done")
        with rls.acting_as(anna.pk):
            undo()
    assert deliver()["sent"] == 0 and len(sink.messages) == 1


def test_undone_days_later_nothing_is_caught_up(
    today_step: Callable[[], LearningStep], anna: User, at: Callable[..., None], sink: Sink
) -> None:
    undo = away(today_step(), anna, "later")
    deliver()
    at(TUESDAY + timedelta(days=13))
    with rls.acting_as(anna.pk):
        undo()
    assert deliver()["sent"] == 0 and sink.messages == []


def test_nobody_wakes_somebody_elses_reminders(
    today_step: Callable[[], LearningStep], anna: User, ben: User, sink: Sink
) -> None:
    from django.db import connection

    step = today_step()
    away(step, anna, "done")
    deliver()
    with as_owner():
        LearningStep.objects.update(state=StepState.OPEN, answered_at=None)
    for who in (ben.pk, None):
        with rls.acting_as(who), connection.cursor() as cursor:
            cursor.execute("SELECT arrange_digest(%s, %s)", [step.due_on, TUESDAY])
    assert deliver()["sent"] == 0 and sink.messages == []
    assert [mail.recipient_id for mail in rows() if mail.recipient_id != anna.pk] == [ben.pk], "one's own, and no more"


# ── the page around it ─────────────────────────────────────────────────────


@pytest.mark.parametrize("page", PAGES)
def test_more_steps_are_no_more_queries(
    client_of: ClientOf, anna: User, engagement_in: Make, page: str, assert_same_queries: Callable[..., None]
) -> None:
    engagement = engagement_in(State.ACTIVE)
    client = client_of(anna)

    def add(number: int) -> None:
        step_of(engagement, due_on=clock.today() + timedelta(days=number - 2))
        step_of(engagement, state="dropped", answered_at=clock.now())

    assert_same_queries(lambda: client.get(page), add, most=10)


def test_when_nothing_waits_the_page_is_calm(client_of: ClientOf, anna: User, ben: User, engagement_in: Make) -> None:
    engagement = engagement_in(State.ACTIVE)
    calm = "Heute wartet nichts auf Sie."
    assert calm not in client_of(anna).get("/heute/").content.decode()  # no next talk is arranged
    talk_of(engagement, days=5)
    for who in (anna, ben):
        assert calm in client_of(who).get("/heute/").content.decode()
    step_of(engagement)
    assert calm not in client_of(anna).get("/heute/").content.decode()
    assert calm in client_of(ben).get("/heute/").content.decode()


def test_learning_and_accompanying_stand_apart(
    client_of: ClientOf, world: SimpleNamespace, engagement_in: Make
) -> None:
    engagement_in(State.ACTIVE)
    assert "Hier lerne ich" not in client_of(world.anna).get("/heute/").content.decode()
    engagement_in(State.REQUESTED, learner=world.ben)
    page = client_of(world.ben).get("/heute/").content.decode()
    assert page.index("Hier lerne ich") < page.index("Mein Lernanliegen") < page.index("Hier begleite ich")


def test_a_week_later_counts_from_the_day_or_from_today() -> None:
    today = clock.today()
    for due, later in ((today + timedelta(days=3), 10), (today, 7), (today - timedelta(days=30), 7)):
        assert LearningStep(due_on=due).later_on() == today + timedelta(days=later)
    assert isinstance(LearningStep(due_on=today).later_on(), date)
