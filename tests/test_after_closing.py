"""What comes after: securing and closing, the look back months later, the rating tied to nobody, starting again."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError
from django.test import Client
from django.urls import reverse

from accounts.models import OutgoingMail, User
from conversations.models import Appointment, Conversation, ConversationPart
from engagements.actions import lifecycle
from engagements.models import (
    BenefitRating,
    Engagement,
    Goal,
    Insight,
    RatingTicket,
    RuleOfThumb,
    SentReminder,
    TransferCheck,
)
from engagements.ratings import ITEMS, Help, last_day
from engagements.states import State
from engagements.transfer import months_later
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .test_delivery import Sink, at, deliver, sink
from .test_logs import Reader
from .test_retention import run_as_worker

pytestmark = pytest.mark.django_db
assert at and sink  # fixtures
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]
TOKEN = "T" * 43
SENTENCE = "Vor dem Antworten bis drei zählen"


@pytest.fixture
def engagement(engagement_in: Make) -> Engagement:
    return engagement_in(State.ACTIVE)


def address(engagement: Engagement) -> str:
    return reverse("engagements:close", args=[engagement.pk])


def goal_of(engagement: Engagement, title: str, **also: Any) -> Goal:
    with as_owner(), rls.acting_as(engagement.learner_id):
        goal = Goal(engagement=engagement, **also)
        goal.title = title
        goal.save()
    return goal


def check_of(user: User, *, due_on: date | None = None, months: int = 3, **also: Any) -> TransferCheck:
    with as_owner(), rls.acting_as(user.pk):
        check = TransferCheck(
            owner=user, engagement=also.pop("engagement", None) or ids.new_id(), months=months, due_on=due_on or clock.today(), **also
        )  # fmt: skip
        check.sentence = SENTENCE
        check.save()
    return check


def ticket(token: str = TOKEN, *, expires: str = "2999-Q4", region: int | None = None) -> str:
    """A ticket as issued; the address of its page."""
    with as_owner():
        RatingTicket.objects.create(
            token_hash=hashlib.sha256(token.encode()).hexdigest(), expires=expires, region_id=region
        )
    return reverse("engagements:rating", args=[token])


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def filled(page: str, **also: Any) -> dict[str, Any]:
    """The form as a browser without JavaScript would send it."""
    return {"id": hidden(page, "id"), "ticket": hidden(page, "ticket"), **also}


def stored(model: Any) -> list[dict[str, Any]]:
    with as_owner():
        return list(model.objects.values())


def html(client: Client, where: str) -> str:
    response = client.get(where)
    assert response.status_code == 200, where
    return response.content.decode()


# ── securing and closing ───────────────────────────────────────────────────


def test_the_whole_way_from_closing_to_the_rating(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    goals = [goal_of(engagement, title) for title in ("Früh etwas sagen", "Nein sagen", "Zuhören")]
    client = client_of(world.anna)
    page = html(client, address(engagement))
    assert "Sichern und abschließen" in page and "Früh etwas sagen" in page and 'name="told"' not in page
    answers = {f"goal-{goal.pk}": state for goal, state in zip(goals, ("reached", "let_go", "open"), strict=True)}
    sent = filled(
        page, keep="Pausen tragen.", as_rule="on", helped="Die Fragen.", months=["3", "6"], sentence=SENTENCE, **answers
    )
    response = client.post(address(engagement), sent)
    assert response.status_code == 302 and response["Location"] == f"/rueckmeldung/{sent['ticket']}/"
    with rls.acting_as(world.anna.pk):
        (insight,) = Insight.objects.all()
        assert (insight.keep, insight.helped, insight.shared_at) == ("Pausen tragen.", "Die Fragen.", None)
        assert [rule.text for rule in RuleOfThumb.objects.all()] == ["Pausen tragen."]
        assert {goal.title: goal.state for goal in Goal.objects.all()} == {
            "Früh etwas sagen": "reached", "Nein sagen": "let_go", "Zuhören": "open",
        }  # fmt: skip
        today = clock.today()
        assert [(check.months, check.due_on, check.sentence) for check in TransferCheck.objects.all()] == [
            (3, months_later(today, 3), SENTENCE),
            (6, months_later(today, 6), SENTENCE),
        ]
        assert Engagement.objects.get().state == State.CLOSED
    thanks = client.post(response["Location"], {"clarity": "5", "helped": ["questions"]}, follow=True)
    assert "Danke für Ihre Rückmeldung" in thanks.content.decode()
    assert [row["clarity"] for row in stored(BenefitRating)] == [5]
    said = "Die Lernbegleitung ist abgeschlossen."
    assert said not in thanks.content.decode() and said in html(client, "/heute/"), "it waits for a page that may know"
    body = html(client, reverse("engagements:insights"))
    assert "Pausen tragen." in body and "Die Fragen." in body and SENTENCE in body


def test_nothing_has_to_be_filled_in(engagement: Engagement, world: SimpleNamespace, client_of: ClientOf) -> None:
    client = client_of(world.anna)
    client.post(address(engagement), filled(html(client, address(engagement)), as_rule="on"))
    with as_owner():
        assert Engagement.objects.get().state == State.CLOSED
    assert not stored(Insight) and not stored(RuleOfThumb) and not stored(TransferCheck)


def test_what_is_taken_along_need_not_become_a_rule(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    page = html(client, address(engagement))
    assert re.search(r'name="as_rule"[^>]*checked', page), "it is offered"
    client.post(address(engagement), filled(page, keep="Nur hier."))
    assert len(stored(Insight)) == 1 and not stored(RuleOfThumb)


def test_sent_twice_is_kept_once_and_leads_to_the_same_place(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    sent = filled(html(client, address(engagement)), keep="Einmal.", as_rule="on", months=["3"], sentence="Weiter so.")
    answers = [client.post(address(engagement), sent) for _twice in range(2)]
    assert {answer["Location"] for answer in answers} == {f"/rueckmeldung/{sent['ticket']}/"}
    for model in (Insight, RuleOfThumb, TransferCheck, RatingTicket):
        assert len(stored(model)) == 1, model
    assert [mail["kind"] for mail in stored(OutgoingMail)].count("digest") == 1


def test_a_second_window_adds_its_words_but_gets_no_second_ticket(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    first, second = (filled(html(client, address(engagement))) for _window in range(2))
    client.post(address(engagement), {**first, "keep": "Das eine."})
    response = client.post(address(engagement), {**second, "keep": "Das andere."})
    assert response["Location"] == "/heute/"
    assert len(stored(Insight)) == 2 and len(stored(RatingTicket)) == 1


def test_a_sentence_without_a_day_is_asked_for_and_nothing_typed_is_lost(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    goal = goal_of(engagement, "Früh etwas sagen")
    client = client_of(world.anna)
    sent = filled(html(client, address(engagement)), keep="Bleibt stehen", helped="Auch das", sentence="Und das")
    response = client.post(address(engagement), {**sent, f"goal-{goal.pk}": "reached"})
    page = response.content.decode()
    assert response.status_code == 422 and "Wann möchten Sie daran erinnert werden?" in page
    assert all(words in page for words in ("Bleibt stehen", "Auch das", "Und das"))
    assert re.search(r'value="reached"[^>]*checked', page) and hidden(page, "id") == sent["id"]
    for wrong in ({f"goal-{goal.pk}": "nonsense"}, {"months": ["4"]}, {"id": "x"}, {"keep": "x" * 4001}):
        assert client.post(address(engagement), {**sent, "sentence": "", **wrong}).status_code == 422, wrong
    with as_owner():
        assert Engagement.objects.get().state == State.ACTIVE and not Insight.objects.exists()


def test_goals_of_others_cannot_be_answered_here(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    other = goal_of(engagement_in(State.ACTIVE, learner=world.stranger), "Fremd")
    client = client_of(world.anna)
    sent = filled(html(client, address(engagement)))
    client.post(address(engagement), {**sent, f"goal-{other.pk}": "reached"})
    with as_owner():
        assert Goal.objects.get(pk=other.pk).state == "open"


def test_the_companion_confirms_and_the_learner_secures_afterwards(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    ben, anna = client_of(world.ben), client_of(world.anna)
    page = html(ben, address(engagement))
    assert 'name="told"' in page and "<textarea" not in page and "Abschlussgespräch" in page
    assert ben.post(address(engagement), {"keep": "Nicht meins", "months": ["3"]}).status_code == 422
    assert ben.post(address(engagement), {"told": "on", "keep": "Nicht meins", "ticket": TOKEN}).status_code == 302
    assert not stored(Insight) and not stored(RatingTicket), "a companion gets no ticket"
    assert ben.get(address(engagement)).status_code == 302
    together = html(anna, reverse("conversations:engagement", args=[engagement.pk]))
    assert "Noch etwas sichern" in html(anna, "/heute/") and "Noch etwas sichern" in together
    page = html(anna, address(engagement))
    assert "Sichern, was trägt" in page and "Doch nicht" not in page
    sent = filled(page, keep="Später gesichert.", months=["6"])
    assert anna.post(address(engagement), sent)["Location"] == f"/rueckmeldung/{sent['ticket']}/"
    assert len(stored(Insight)) == 1 and [row["months"] for row in stored(TransferCheck)] == [6]
    assert 'value="6"' not in html(anna, address(engagement)), "what is wished for is not offered again"


@pytest.mark.parametrize("state", [State.OFFERED, State.INTRODUCTION, State.WITHDRAWN, State.REQUESTED])
def test_in_other_states_there_is_nothing_to_close(
    state: State, world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    engagement = engagement_in(state)
    client = client_of(world.anna)
    assert client.get(address(engagement)).status_code == 302
    assert client.post(address(engagement), {"keep": "x", "ticket": TOKEN})["Location"] == "/heute/"
    assert not stored(Insight) and not stored(RatingTicket)


def talk_of(engagement: Engagement, kind: str, *, hours: int = 1) -> Conversation:
    starts = clock.now() - timedelta(hours=hours)
    with as_owner(), rls.acting_as(engagement.learner_id):
        pair = {"engagement": engagement, "learner_id": engagement.learner_id, "companion_id": engagement.companion_id}
        appointment = Appointment.objects.create(
            **pair, kind=kind, starts_at=starts, ends_at=starts + timedelta(minutes=30), format="video"
        )
        talk = Conversation.objects.create(engagement=engagement, appointment=appointment)
        ConversationPart.objects.bulk_create(ConversationPart(conversation=talk, part=n) for n in (1, 2, 3, 4))
    return talk


def test_a_closing_talk_is_suggested_until_there_is_one(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    for user in (world.anna, world.ben):
        client = client_of(user)
        book, link = (f"/begleitungen/{engagement.pk}/termine/{way}/?art=closing" for way in ("buchen", "neu"))
        assert book in html(client, address(engagement)) and link in html(client, book)
        assert re.search(r'value="closing"[^>]*checked', html(client, link)), "the kind is chosen already"
        assert not re.search(r'value="closing"[^>]*checked', html(client, link.replace("closing", "x")))
    talk_of(engagement, "closing")
    assert "?art=closing" not in html(client_of(world.anna), address(engagement))


def test_the_desk_of_a_closing_talk_begins_with_securing_and_leads_to_closing(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    talk = talk_of(engagement, "closing")
    desk = reverse("conversations:desk", args=[talk.pk])
    page = html(client_of(world.anna), desk)
    fourth = page[page.index('id="teil-4"') :]
    assert re.search(r'id="teil-4" open', page) and not re.search(r'id="teil-1" open', page), "also as the first talk"
    assert fourth.index("Was können Sie heute, was am Anfang noch nicht ging?") < fourth.index("wie einen kurzen Film")
    assert f'href="{address(engagement)}"' in page
    assert f'href="{address(engagement)}"' not in html(client_of(world.ben), desk), "the learner's way"
    other = reverse(
        "conversations:desk", args=[talk_of(engagement_of(world.stranger, engagement), "check_in", hours=3).pk]
    )
    assert "was am Anfang noch nicht ging" not in html(client_of(world.stranger), other)


def engagement_of(learner: User, like: Engagement) -> Engagement:
    with as_owner(), rls.acting_as(learner.pk):
        from accounts.keys import create_key

        made = Engagement.objects.create(
            learner=learner, companion=like.companion, state=State.ACTIVE, started_at=clock.now()
        )
        create_key(made.pk)
    return made


# ── the look back ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 11, 25), 3, date(2027, 2, 25)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 12, 31), 6, date(2027, 6, 30)),
        (date(2026, 9, 1), 3, date(2026, 12, 1)),
    ],
)
def test_months_are_months(day: date, months: int, then: date) -> None:
    assert months_later(day, months) == then


def test_it_is_answered_in_a_minute_and_may_be_answered_anew(world: SimpleNamespace, client_of: ClientOf) -> None:
    check = check_of(world.anna)
    client, page = client_of(world.anna), reverse("engagements:transfer_check", args=[check.pk])
    assert page in html(client, "/heute/")
    before = stored(TransferCheck)
    body = html(client, page)
    assert SENTENCE in body and body.count('type="radio"') == 4 and "nur Sie" in body
    assert stored(TransferCheck) == before, "looking changes nothing"
    for empty in ({}, {"answer": "nonsense", "words": "Bleibt stehen"}):
        response = client.post(page, empty)
        assert response.status_code == 422 and empty.get("words", "") in response.content.decode()
    sent = {"answer": "sometimes", "words": "Montags gelingt es.", "as_rule": "on"}
    for _twice in range(2):
        assert client.post(page, sent)["Location"] == page
    body = html(client, page)
    assert "Manchmal" in body and "Montags gelingt es." in body and "Mit dem Gelernten neu beginnen" in body
    with rls.acting_as(world.anna.pk):
        assert [rule.text for rule in RuleOfThumb.objects.all()] == ["Montags gelingt es."]
    assert page not in html(client, "/heute/")
    client.post(page, {"answer": "often", "words": ""})
    assert [row["answer"] for row in stored(TransferCheck)] == ["often"]
    assert "Ja, oft" in html(client, page) and 'value="often"' in html(client, page + "?aendern")


def test_what_is_said_is_sealed_under_the_own_key(world: SimpleNamespace, client_of: ClientOf) -> None:
    check = check_of(world.anna)
    client_of(world.anna).post(
        reverse("engagements:transfer_check", args=[check.pk]), {"answer": "often", "words": "Geheime Worte"}
    )
    (row,) = stored(TransferCheck)
    sealed = bytes(row["sentence_sealed"]) + bytes(row["words_sealed"])
    assert SENTENCE.encode() not in sealed and b"Geheime" not in sealed and len(sealed) > 40
    with as_owner(), rls.acting_as(world.anna.pk):
        assert TransferCheck.objects.select_related("owner").get().words == "Geheime Worte"


def test_nobody_else_sees_that_there_is_one(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    check = check_of(world.anna, engagement=engagement.pk)
    for user in (world.ben, world.carla, world.dirk, world.eva, world.stranger):
        with rls.acting_as(user.pk):
            assert not TransferCheck.objects.exists(), user
        client = client_of(user)
        for name in ("transfer_check", "transfer_check_delete"):
            where = reverse(f"engagements:{name}", args=[check.pk])
            assert client.get(where).status_code == 404 and client.post(where, {"answer": "often"}).status_code == 404
    with rls.acting_as(world.anna.pk):
        assert TransferCheck.objects.count() == 1, "when nobody may see it, make sure somebody could"
    assert [row["answer"] for row in stored(TransferCheck)] == [""]


def test_what_was_wished_for_cannot_be_rewritten_in_the_database(world: SimpleNamespace) -> None:
    check_of(world.anna)
    with rls.acting_as(world.anna.pk), pytest.raises(ProgrammingError), transaction.atomic():
        TransferCheck.objects.update(due_on=clock.today())


def test_it_can_be_given_up_and_deleted(world: SimpleNamespace, client_of: ClientOf) -> None:
    client = client_of(world.anna)
    check = check_of(world.anna, due_on=clock.today() + timedelta(days=40))
    gone = reverse("engagements:transfer_check_delete", args=[check.pk])
    assert SENTENCE in html(client, reverse("engagements:insights")) and check.pk.hex not in html(client, "/heute/")
    assert "Nicht mehr danach fragen?" in html(client, gone) and len(stored(TransferCheck)) == 1
    assert client.post(gone).status_code == 302 and not stored(TransferCheck)
    assert client.post(gone).status_code == 404


def test_it_outlives_the_companionship_and_the_unanswered_one_goes_by_itself(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    client.post(address(engagement), filled(html(client, address(engagement)), months=["3", "6"], sentence=SENTENCE))
    with as_owner():
        Engagement.objects.update(closed_at=clock.now() - timedelta(days=91))
    assert run_as_worker()["engagements"] == 1
    with as_owner():
        assert TransferCheck.objects.count() == 2
        TransferCheck.objects.filter(months=3).update(due_on=clock.today() - timedelta(days=90))
    assert SENTENCE in html(client, reverse("engagements:insights")), "its key is the person's own"
    assert run_as_worker()["look-backs"] == 0
    with as_owner():
        TransferCheck.objects.filter(months=3).update(due_on=clock.today() - timedelta(days=91))
        TransferCheck.objects.filter(months=6).update(
            due_on=clock.today() - timedelta(days=91), answer="often", answered_at=clock.now()
        )
    assert run_as_worker()["look-backs"] == 1
    assert [row["months"] for row in stored(TransferCheck)] == [6], "what was answered stays"


TUESDAY = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def wished(
    at: Callable[[datetime], None], world: SimpleNamespace, engagement: Engagement, client_of: ClientOf
) -> TransferCheck:
    """Wished for on 1 September and due on 1 December, a Tuesday; it is that day, ten o'clock."""
    at(TUESDAY - timedelta(days=91))
    client = client_of(world.anna)
    client.post(address(engagement), filled(html(client, address(engagement)), months=["3"], sentence=SENTENCE))
    at(TUESDAY)
    with as_owner():
        check = TransferCheck.objects.get()
    assert check.due_on == TUESDAY.date()
    return check


def test_the_mail_comes_once_on_its_day_and_says_nothing(wished: TransferCheck, at: Any, sink: Sink) -> None:
    at(TUESDAY - timedelta(days=1))
    sink.messages.clear()
    deliver()
    assert not any(b"rueckblick" in message for message in sink.messages), "not a day too early"
    at(TUESDAY)
    assert deliver()["sent"] == 1 and deliver()["sent"] == 0
    message = sink.messages[-1]
    assert f"/rueckblick/{wished.pk}/".encode() in message and b"zaehlen" not in message and b"drei z" not in message
    assert b"/erinnerungen/" in message


def test_in_english_too(wished: TransferCheck, world: SimpleNamespace, client_of: ClientOf, sink: Sink) -> None:
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(language="en")
    deliver()
    assert b"A look back, as you wished" in sink.messages[-1] and b"It takes a minute" in sink.messages[-1]
    page = html(client_of(world.anna), f"/rueckblick/{wished.pk}/")
    assert "A look back" in page and "Yes, often" in page and "Rückblick" not in page


def test_closing_and_rating_in_english(engagement: Engagement, world: SimpleNamespace, client_of: ClientOf) -> None:
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(language="en")
    client = client_of(world.anna)
    page = html(client, address(engagement))
    assert "Keep what matters and close" in page and "after 3 months" in page and "abschließen<" not in page
    rating = client.post(address(engagement), filled(page), follow=True).content.decode()
    assert "What did it bring you?" in rating and "the view from outside" in rating and "Wählen" not in rating


@pytest.mark.parametrize("change", ["answered", "given up", "stopped", "inactive"])
def test_what_is_no_longer_wanted_is_dropped(
    change: str, wished: TransferCheck, world: SimpleNamespace, sink: Sink
) -> None:
    deliver_others(wished)
    sink.messages.clear()
    with as_owner():
        anna = User.objects.filter(pk=world.anna.pk)
        if change == "answered":
            TransferCheck.objects.update(answer="often", answered_at=TUESDAY)
        elif change == "given up":
            TransferCheck.objects.all().delete()
        elif change == "stopped":
            anna.update(reminders_stopped_at=TUESDAY)
        else:
            anna.update(is_active=False)
    assert deliver()["dropped"] == 1 and sink.messages == []


def deliver_others(check: TransferCheck) -> None:
    """What else the outbox holds is not this test's matter."""
    with as_owner():
        OutgoingMail.objects.exclude(kind="digest").delete()


def test_it_waits_for_the_persons_hours_and_days_but_not_for_ever(
    wished: TransferCheck, at: Any, world: SimpleNamespace, sink: Sink
) -> None:
    deliver_others(wished)
    at(TUESDAY.replace(hour=18))
    assert deliver()["sent"] == 0
    with as_owner():
        User.objects.filter(pk=world.anna.pk).update(absent_from="2026-12-02", absent_until="2026-12-23")
    at(TUESDAY + timedelta(days=1))
    assert deliver()["sent"] == 0, "a holiday of three weeks moves it"
    at(datetime(2026, 12, 28, 9, 0, tzinfo=UTC))
    assert deliver()["sent"] == 1
    assert len(sink.messages) == 1


@pytest.mark.parametrize(("days", "answer"), [(29, "sent"), (36, "dropped")])
def test_a_month_late_it_is_on_heute_but_not_in_the_mail(
    days: int, answer: str, wished: TransferCheck, at: Any, sink: Sink
) -> None:
    deliver_others(wished)
    moment = TUESDAY + timedelta(days=days)
    at(moment)
    assert deliver()[answer] == 1


def test_it_never_is_the_second_reminder_of_a_day(
    wished: TransferCheck, at: Any, world: SimpleNamespace, sink: Sink
) -> None:
    deliver_others(wished)
    with as_owner():
        SentReminder.objects.create(
            owner=world.anna, what="step_due", subject=ids.new_id(), meant_for=TUESDAY, sent_on=TUESDAY
        )
    assert deliver()["sent"] == 0 and sink.messages == []
    at(TUESDAY + timedelta(days=1))
    assert deliver()["sent"] == 1


def test_the_page_of_reminders_says_that_it_will_come(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.anna)
    client.post(address(engagement), filled(html(client, address(engagement)), months=["3"]))
    assert "Ein Blick zurück, wie gewünscht" in html(client, reverse("engagements:reminders"))
    with as_owner():
        TransferCheck.objects.all().delete()
    assert "Ein Blick zurück, wie gewünscht" not in html(client, reverse("engagements:reminders"))


@pytest.mark.parametrize("sees", ["sentence_sealed", "answer", "engagement", "months", "words_sealed"])
def test_the_worker_reads_day_and_whether_and_nothing_else(sees: str, wished: TransferCheck) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_worker")
        cursor.execute("SELECT id, due_on, answered_at FROM engagements_transfercheck")
        assert len(cursor.fetchall()) == 1
        with pytest.raises(ProgrammingError), transaction.atomic():
            cursor.execute(f"SELECT {sees} FROM engagements_transfercheck")  # noqa: S608
        cursor.execute("SET ROLE lern_app")


# ── the rating ─────────────────────────────────────────────────────────────


def test_a_rating_has_nothing_that_could_lead_to_anybody(world: SimpleNamespace) -> None:
    assert {field.column for field in BenefitRating._meta.local_fields} == {
        "id", "quarter", "region_id", *ITEMS, "helped",
    }  # fmt: skip
    assert {field.column for field in RatingTicket._meta.local_fields} == {"token_hash", "expires", "region_id"}
    for model in (BenefitRating, RatingTicket):
        targets = {field.related_model.__name__ for field in model._meta.local_fields if field.related_model}
        assert targets == {"Agency"}, "a region, no person, no companionship"
    assert BenefitRating().pk.version == 4, "an id that holds no time"


def test_the_page_is_for_nobody_and_sets_no_trail(world: SimpleNamespace, client_of: ClientOf) -> None:
    where = ticket(region=world.south.pk)
    for client in (Client(), client_of(world.anna)):
        response = client.get(where)
        page = response.content.decode()
        assert response.status_code == 200 and world.anna.name not in page and "Abmelden" not in page
        assert response["Referrer-Policy"] == "strict-origin" and response["Cache-Control"] == "no-store"
        assert page.count('type="radio"') == 6 * len(ITEMS) and page.count('type="checkbox"') == len(Help.values)
        assert 'href="/heute/"' in page
    sent = dict.fromkeys(ITEMS, "4") | {"own_solution": "", "helped": ["questions", "writing"]}
    assert client_of(world.anna).post(where, sent)["Location"] == "/rueckmeldung/danke/"
    (row,) = stored(BenefitRating)
    assert (row["clarity"], row["own_solution"], row["helped"], row["region_id"]) == (
        4, None, ["questions", "writing"], world.south.pk,
    )  # fmt: skip
    assert re.fullmatch(r"20\d\d-Q[1-4]", row["quarter"]) and not stored(RatingTicket)


def test_used_expired_or_forged_the_answer_is_the_same_and_friendly(world: SimpleNamespace) -> None:
    used, late = ticket(), ticket("L" * 43, expires="2020-Q1")
    assert Client().post(used, {"clarity": "3"}).status_code == 302
    answers = set()
    for where in (used, late, reverse("engagements:rating", args=["F" * 43]), "/rueckmeldung/x/"):
        for response in (Client().get(where), Client().post(where, {"clarity": "1"})):
            assert response.status_code == 410
            answers.add(re.sub(r'(csrfmiddlewaretoken|next)" value="[^"]*"', "", response.content.decode()))
    assert len(answers) == 1 and "Wenn Sie gerade geantwortet haben, ist alles angekommen." in answers.pop()
    assert len(stored(BenefitRating)) == 1, "one ticket, one rating"


@pytest.mark.parametrize(
    "wrong", [{}, {"clarity": "6"}, {"clarity": "0"}, {"again": "x"}, {"helped": ["my name"]}, {"clarity": ""}]
)
def test_a_wrong_answer_keeps_the_ticket(wrong: dict[str, Any]) -> None:
    where = ticket()
    assert Client().post(where, wrong).status_code == 422
    assert not stored(BenefitRating) and len(stored(RatingTicket)) == 1


@pytest.mark.parametrize("role", ["lern_app", "lern_worker", "lern_keys"])
@pytest.mark.parametrize("table", ["engagements_benefitrating", "engagements_ratingticket"])
@pytest.mark.parametrize(
    "sql", ["SELECT * FROM {}", "DELETE FROM {}", "UPDATE {} SET region_id = NULL", "INSERT INTO {} DEFAULT VALUES"]
)
def test_neither_web_nor_worker_nor_keys_reads_or_writes_them(
    sql: str, table: str, role: str, world: SimpleNamespace
) -> None:
    ticket()
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role}")
        try:
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                cursor.execute(sql.format(table))
        finally:
            cursor.execute("SET ROLE lern_app")


@pytest.mark.parametrize("numbers", ["{6,1,1,1,1}", "{0,1,1,1,1}"])
def test_the_database_takes_no_other_numbers_and_no_other_words(numbers: str) -> None:
    ticket()
    token_hash = hashlib.sha256(TOKEN.encode()).hexdigest()
    for these, helped in ((numbers, "{}"), ("{1,1,1,1,1}", "{Anna}")):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT use_rating_ticket(%s, %s::smallint[], %s::text[])", [token_hash, these, helped])
    assert len(stored(RatingTicket)) == 1 and not stored(BenefitRating)


def test_only_the_learner_of_a_closed_companionship_gets_a_ticket_and_once(
    world: SimpleNamespace, engagement_in: Make
) -> None:
    engagement = engagement_in(State.CLOSED)

    def issued(user: User) -> bool:
        with rls.acting_as(user.pk), connection.cursor() as cursor:
            cursor.execute("SELECT issue_rating_ticket(%s, %s)", [engagement.pk, user.email])
            return cursor.fetchone()[0]

    assert [issued(user) for user in (world.ben, world.carla, world.stranger)] == [False] * 3
    assert [issued(world.anna), issued(world.anna)] == [True, False]
    (row,) = stored(RatingTicket)
    assert row["region_id"] == world.south.pk, "the region of the learner's agency"
    with rls.acting_as(world.anna.pk), pytest.raises(ProgrammingError), transaction.atomic():
        Engagement.objects.update(rating_offered=False)


def test_running_or_with_a_made_up_token_there_is_none(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    with rls.acting_as(world.anna.pk), connection.cursor() as cursor:
        cursor.execute("SELECT issue_rating_ticket(%s, 'x')", [engagement.pk])
        assert cursor.fetchone()[0] is False, "not while it runs"
    client = client_of(world.anna)
    sent = filled(html(client, address(engagement))) | {"ticket": "../../heute"}
    assert client.post(address(engagement), sent)["Location"] == "/heute/"
    assert not stored(RatingTicket)


def test_every_night_the_ratings_get_other_ids_and_another_order(world: SimpleNamespace) -> None:
    with as_owner():
        for number in range(40):
            BenefitRating.objects.create(
                quarter="2999-Q1", clarity=number % 5 + 1, region=world.south, helped=["questions"]
            )
        BenefitRating.objects.create(quarter="2001-Q1", clarity=1)
        RatingTicket.objects.create(token_hash="late", expires="2001-Q1")
        RatingTicket.objects.create(token_hash="open", expires="2999-Q1")

    def as_they_lie() -> list[tuple[Any, int]]:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("SELECT id, clarity FROM engagements_benefitrating WHERE quarter = '2999-Q1'")
            return list(cursor.fetchall())

    before = as_they_lie()
    run_as_worker()
    after = as_they_lie()
    assert not {pk for pk, _clarity in before} & {pk for pk, _clarity in after}
    assert sorted(c for _pk, c in before) == sorted(c for _pk, c in after), "nothing is lost, nothing is changed"
    assert [c for _pk, c in before] != [c for _pk, c in after]
    assert all(row["quarter"] == "2999-Q1" and row["helped"] == ["questions"] for row in stored(BenefitRating))
    assert [row["token_hash"] for row in stored(RatingTicket)] == ["open"]
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT mix_ratings()")


def test_no_line_of_the_log_holds_the_ticket(world: SimpleNamespace) -> None:
    reader, root = Reader(), logging.getLogger()
    root.addHandler(reader)
    try:
        where = ticket()
        Client().post(where, {})
        Client(enforce_csrf_checks=True).post(where, {"clarity": "1"})
        Client().get(f"/accounts/einladung/{TOKEN}/")
    finally:
        root.removeHandler(reader)
    log = "\n".join(reader.lines)
    assert "/rueckmeldung/…/" in log and "/accounts/einladung/…/" in log, "that something was refused is said"
    assert TOKEN not in log


def test_the_limit_counts_all_together(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "rating": "2/m/key"}
    where = ticket()
    assert [Client().post(where, {}).status_code for _n in range(3)] == [422, 422, 429]
    assert Client().get(where).status_code == 200, "looking is not limited"


@pytest.mark.parametrize(
    ("quarter", "day"),
    [("2026-Q4", date(2026, 12, 31)), ("2027-Q1", date(2027, 3, 31)), ("2027-Q2", date(2027, 6, 30))],
)
def test_a_quarter_ends_on_its_last_day(quarter: str, day: date) -> None:
    assert last_day(quarter) == day


# ── starting again ─────────────────────────────────────────────────────────


def test_a_new_concern_begins_with_what_was_learned(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    assert "Was Sie schon mitbringen" not in html(client_of(world.stranger), "/anfragen/"), "who begins has nothing yet"
    earlier = engagement_in(State.CLOSED)
    with as_owner(), rls.acting_as(world.anna.pk):
        rule = RuleOfThumb(owner=world.anna)
        rule.text = "Vierte ist auch früh."
        rule.save()
    client = client_of(world.anna)
    page = html(client, "/anfragen/")
    assert "Vierte ist auch früh." in page and f"?nach={earlier.pk}" in page
    assert not re.search(r"<textarea[^>]*>\s*Ich möchte Rückmeldungen", page), "only when asked for"
    page = html(client, f"/anfragen/?nach={earlier.pk}")
    assert re.search(r"<textarea[^>]*>\s*Ich möchte Rückmeldungen ruhig ansprechen.", page)
    assert re.search(r"<textarea[^>]*>\s*Im Teamgespräch", page)


def test_a_concern_of_somebody_else_is_not_taken_up(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    closed, running = engagement_in(State.CLOSED), engagement_in(State.ACTIVE, learner=world.stranger)
    for user, wanted in (
        (world.ben, closed.pk),
        (world.eva, closed.pk),
        (world.ben, running.pk),
        (world.anna, running.pk),
        (world.anna, "x"),
        (world.anna, ids.new_id()),
    ):
        page = html(client_of(user), f"/anfragen/?nach={wanted}")
        assert not re.search(r"<textarea[^>]*>\s*Ich möchte", page), (user, wanted)


def test_an_open_goal_goes_along_once_with_its_words_for_nobody_else(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    earlier = engagement_in(State.CLOSED)
    old = goal_of(earlier, "Früh etwas sagen", shared_at=clock.now(), target_on=clock.today() - timedelta(days=3))
    client, carry = client_of(world.anna), reverse("engagements:goal_carry", args=[old.pk])
    assert "mitnehmen" not in html(client, "/ziele/")
    assert client.post(carry).status_code == 302 and len(stored(Goal)) == 1, "nowhere to go yet"
    present = engagement_in(State.DRAFT)
    assert carry in html(client, "/ziele/")
    assert client.get(carry).status_code == 405
    for _twice in range(2):
        assert client.post(carry).status_code == 302
    with rls.acting_as(world.anna.pk):
        new = Goal.objects.select_related("engagement").get(engagement=present)
        assert (new.title, new.shared_at, new.target_on, new.state) == ("Früh etwas sagen", None, None, "open")
        assert bytes(new.title_sealed) != bytes(Goal.objects.get(pk=old.pk).title_sealed), "sealed under the new key"
    page = html(client, "/ziele/")
    assert page.count("Früh etwas sagen") == 1 and carry not in page
    assert client_of(world.ben).post(carry).status_code in (403, 404)
    assert client_of(world.stranger).post(carry).status_code == 404


def test_a_goal_of_the_running_companionship_has_nowhere_to_go(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf
) -> None:
    goal = goal_of(engagement, "Bleibt hier")
    client_of(world.anna).post(reverse("engagements:goal_carry", args=[goal.pk]))
    assert len(stored(Goal)) == 1


# ── lists ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("engagements:insights", 10),
        ("conversations:today", 10),
        ("engagements:reminders", 10),
        ("engagements:begin", 10),
    ],
)
def test_three_looks_back_and_rules_ask_no_more_than_one(
    name: str, most: int, world: SimpleNamespace, client_of: ClientOf, engagement_in: Make,
    assert_same_queries: Callable[..., None],
) -> None:  # fmt: skip
    engagement_in(State.CLOSED)
    client = client_of(world.anna)

    def add(number: int) -> None:
        check_of(world.anna)
        with as_owner(), rls.acting_as(world.anna.pk):
            rule = RuleOfThumb(owner=world.anna)
            rule.text = f"Regel {number}"
            rule.save()

    assert_same_queries(lambda: client.get(reverse(name)), add, most=most)


def test_three_goals_at_closing_ask_no_more_than_one(
    engagement: Engagement, world: SimpleNamespace, client_of: ClientOf, assert_same_queries: Callable[..., None]
) -> None:
    client = client_of(world.anna)
    assert_same_queries(lambda: client.get(address(engagement)), lambda n: goal_of(engagement, f"Ziel {n}"))


def test_three_goals_to_take_along_ask_no_more_than_one(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Make, assert_same_queries: Callable[..., None]
) -> None:
    earlier = engagement_in(State.CLOSED)
    engagement_in(State.DRAFT)
    client = client_of(world.anna)
    assert_same_queries(lambda: client.get("/ziele/"), lambda n: goal_of(earlier, f"Ziel {n}"))


def test_closing_by_the_action_alone_is_safe_twice(engagement: Engagement, world: SimpleNamespace) -> None:
    with rls.acting_as(world.anna.pk):
        lifecycle.close(engagement=engagement, by=world.anna)
        lifecycle.close(engagement=engagement, by=world.anna)
        assert Engagement.objects.get().state == State.CLOSED
