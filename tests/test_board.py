"""The assignment page: who waits since when, filters, what stands still, what colleagues do meanwhile, and the last places."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.urls import reverse

from accounts.models import Agency, User
from engagements.models import CompanionLoad, CompanionProposal, Engagement, Occasion
from engagements.queue import AGES, LONG, PAGE, STANDS, UNANSWERED, at_a_glance, overview, within
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, make_role, person

pytestmark = pytest.mark.django_db
BOARD = "/zuordnung/"


@pytest.fixture
def carla_at(world: SimpleNamespace, client_of: Callable[[User], Client]) -> Client:
    return client_of(world.carla)


@pytest.fixture
def waiting(world: SimpleNamespace, engagement_in: Callable[..., Engagement]) -> Callable[..., Engagement]:
    """A request of a person of this name, waiting for so many days."""

    def make(name: str, days: float = 0, *, proposed: float | None = None, **also: object) -> Engagement:
        with as_owner():
            learner = person(name, also.pop("agency", world.augsburg))  # type: ignore[arg-type]
        state = State.REQUESTED if proposed is None else State.MATCHING
        since = clock.now() - timedelta(days=days)
        engagement = engagement_in(state, learner=learner, requested_at=since, **also)
        if proposed is not None:
            with as_owner():
                CompanionProposal.objects.bulk_create([CompanionProposal(
                    engagement=engagement, companion=world.ben, proposed_at=clock.now() - timedelta(days=proposed),
                )])  # fmt: skip
        return engagement

    return make


def names(client: Client, **asked: str) -> list[str]:
    """Who stands in the list, in its order."""
    page = client.get(BOARD, asked).content.decode()
    return re.findall(r"<b>(\w+) Beispiel</b><span class=\"fine\">seit", page)


def test_the_longest_waiting_come_first_and_it_says_since_when(
    carla_at: Client, waiting: Callable[..., Engagement]
) -> None:
    for name, days in (("Neu", 0), ("Alt", 20), ("Mittel", 1)):
        waiting(name, days)
    page = carla_at.get(BOARD).content.decode()
    assert names(carla_at) == ["Alt", "Mittel", "Neu"]
    assert [words in page for words in ("seit 20 Tagen", "seit 1 Tag<", "seit heute")] == [True] * 3


def test_each_filter_leaves_what_it_says(
    world: SimpleNamespace, carla_at: Client, waiting: Callable[..., Engagement]
) -> None:
    with as_owner():
        other = Occasion.objects.create(code="neu-hier", name_de="Neue Stelle", name_en="New job")
    waiting("Ulmer", 1, agency=world.ulm, occasion=world.occasion, format="video")
    waiting("Lange", 15, occasion=other, format="on_site")
    waiting("Egal", 30, occasion=world.occasion, format="any", proposed=6)
    found = {
        (name, value): names(carla_at, **{name: value})
        for name, value in [
            ("dienststelle", "ulm"), ("dienststelle", "bayern"), ("anlass", "neu-hier"), ("treffen", "video"),
            ("wartet", "neu"), ("wartet", "woche"), ("wartet", "zwei"), ("wartet", "vier"), ("wartet", "quatsch"),
            ("stand", "ohne"), ("stand", "draussen"), ("stand", "lange"), ("stand", "quatsch"), ("q", "lang"),
        ]
    }  # fmt: skip
    everybody = ["Egal", "Lange", "Ulmer"]
    assert found == {
        ("dienststelle", "ulm"): ["Ulmer"], ("dienststelle", "bayern"): everybody, ("anlass", "neu-hier"): ["Lange"],
        ("treffen", "video"): ["Egal", "Ulmer"], ("wartet", "neu"): ["Ulmer"], ("wartet", "woche"): ["Egal", "Lange"],
        ("wartet", "zwei"): ["Egal", "Lange"], ("wartet", "vier"): ["Egal"], ("wartet", "quatsch"): everybody,
        ("stand", "ohne"): ["Lange", "Ulmer"], ("stand", "draussen"): ["Egal"], ("stand", "lange"): ["Egal"],
        ("stand", "quatsch"): everybody, ("q", "lang"): ["Lange"],
    }  # fmt: skip
    assert names(carla_at, wartet="woche", treffen="video", stand="draussen") == ["Egal"]
    page = carla_at.get(BOARD, {"wartet": "woche", "anlass": "neu-hier"}).content.decode()
    assert '<option value="woche" selected>' in page and '<option value="neu-hier" selected>' in page
    assert all(str(label) in page for label in [*AGES.values(), *STANDS.values()])
    assert re.search(r'<option value="bayern">Bayern</option><option value="[a-z]+">– ', page), (
        "regions above their own"
    )


def test_page_after_page_nobody_is_missing_or_there_twice(
    world: SimpleNamespace, carla_at: Client, waiting: Callable[..., Engagement]
) -> None:
    """Also where many were sent in the same moment, while others leave the list; the filters go along."""
    with as_owner():
        learners = User.objects.bulk_create([
            User(email=f"l{n:02}@example.org", name=f"L{n:02} Beispiel", agency=world.augsburg) for n in range(65)
        ])  # fmt: skip
        since = clock.now() - timedelta(days=9)
        Engagement.objects.bulk_create([
            Engagement(learner=learner, state="requested", coordinating_agency=world.south, occasion=world.occasion,
                       requested_at=since + timedelta(seconds=n // 40))
            for n, learner in enumerate(learners)
        ])  # fmt: skip
    address, seen = f"{BOARD}?wartet=woche", []
    for _page in range(4):
        page = carla_at.get(address).content.decode()
        seen += re.findall(r"<b>(L\d\d) Beispiel</b>", page)
        link = re.search(r'href="([^"]+nach=[^"]+)">Weitere', page)
        if not link:
            break
        address = link[1].replace("&amp;", "&")
        assert "wartet=woche" in address
        with as_owner():  # one that was shown already leaves: nobody else is skipped
            Engagement.objects.filter(learner__name=f"{seen[0]} Beispiel").update(state="withdrawn")
    assert len(seen) == 65 and len(set(seen)) == 65
    assert "Zum Anfang" in page
    for nonsense in ("quatsch~x", "2026-01-01~x", f"2026-01-01T10:00:00~{world.anna.pk}"):
        assert len(names(carla_at, nach=nonsense)) == PAGE


def test_what_stands_still_is_said_without_saying_who_does_not_answer(
    world: SimpleNamespace, carla_at: Client, waiting: Callable[..., Engagement]
) -> None:
    assert "stillstand" not in carla_at.get(BOARD).content.decode()
    waiting("Frisch", 2, proposed=1)
    waiting("Still", 8, proposed=6)
    waiting("Lange", 15)
    page = carla_at.get(BOARD).content.decode()
    assert "1 wartet länger als zwei Wochen" in page
    assert "1 Anfrage mit Vorschlägen seit über fünf Tagen" in page
    assert "Vorschläge seit 1 Tag draußen" in page and "Vorschläge seit 6 Tagen draußen" in page
    assert names(carla_at, stand="lange") == ["Still"] and names(carla_at, wartet="zwei") == ["Lange"]
    assert not re.search(r"antwortet nicht|ohne Antwort|Antwort fehlt|überfällig", page)


@pytest.mark.parametrize("seed", range(3))
def test_at_a_glance_is_what_is_counted_through_the_walls(
    seed: int, world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> None:
    dice, now = random.Random(seed), clock.now()
    for number in range(40):
        with as_owner():
            learner = person(f"L{number}", dice.choice([world.augsburg, world.ulm, world.kiel]))
        made = engagement_in(
            dice.choice(["draft", "requested", "matching", "matching", "withdrawn"]) if number else "offered",
            learner=learner, coordinating_agency=dice.choice([world.augsburg, world.ulm, world.south, world.kiel]),
            requested_at=now - timedelta(days=dice.randrange(30)),
        )  # fmt: skip
        with as_owner():
            CompanionProposal.objects.filter(engagement=made).delete()
            if made.state == "matching":
                CompanionProposal.objects.create(
                    engagement=made, companion=world.ben, answer=dice.choice(["open", "open", "passed"]),
                    proposed_at=now - timedelta(days=dice.randrange(10)),
                )  # fmt: skip
    moments = now - LONG, now - UNANSWERED
    for who in (world.carla, world.eva, world.mia, world.anna, world.ben):
        with rls.acting_as(who.pk):
            here = list(Agency.objects.filter(within(User.objects.get(pk=who.pk))).values_list("pk", flat=True))
            counted, glance = overview(here, *moments, Q(), Q()).get(), at_a_glance(*moments)
        assert {name: counted[name] for name in glance} == glance | {"ids": glance["ids"] or None}
        assert (glance["total"] > 1) is bool(here)
        assert who != world.carla or glance["waiting"] and glance["silent"]


def test_ranked_with_reasons_conditions_and_countable_places(
    world: SimpleNamespace, carla_at: Client, engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.REQUESTED, occasion=world.occasion, trainee_welcome=True)
    with as_owner():
        make_companion(person("Jung", world.kiel), capacity=1, in_training=True)
        CompanionLoad.objects.filter(pk=world.ben.pk).update(taken=1)
    page = carla_at.get(f"{BOARD}{engagement.pk}/").content.decode()
    assert "Andere Dienststelle in derselben Region" in page  # Ben, a reason
    assert (
        "In Ausbildung, mit Supervision" in page and "Nur noch ein freier Platz" in page
    )  # Jung, what to keep in mind
    assert "2 frei" in page and "1 von 3 belegt, 0 vorgemerkt" in page


def test_one_to_three_are_proposed_and_no_more(
    world: SimpleNamespace, carla_at: Client, engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.REQUESTED)
    with as_owner():
        more = [make_companion(person(f"Mehr{n}", world.kiel)).pk for n in range(3)]
    propose = reverse("engagements:propose", args=[engagement.pk])
    carla_at.post(propose, {"companion": [world.ben.pk, *more], "confirmed": "1"})
    with as_owner():
        assert CompanionProposal.objects.count() == 0
    answer = carla_at.post(propose, {"companion": [world.ben.pk, *more[:2]], "confirmed": "1"})
    assert answer["Location"].endswith(f"/zuordnung/{engagement.pk}/#vorschlaege")  # the keyboard goes on there
    page = carla_at.get(f"{BOARD}{engagement.pk}/").content.decode()
    assert 'id="vorschlaege" tabindex="-1"' in page and page.count("Zurücknehmen") == 3
    assert 'name="companion" value' not in page.split("Mögliche Begleitungen")[1].replace("hidden", "")


# ── what colleagues do meanwhile ───────────────────────────────────────────


def look(client: Client, page: str) -> int:
    """What the page's own question answers: 204 as long as it still stands."""
    return client.get(re.search(r'data-look="([^"]+)"', page)[1].replace("&amp;", "&")).status_code  # type: ignore[index]


def test_the_page_hears_of_what_a_colleague_does(
    world: SimpleNamespace, client_of: Callable[[User], Client], carla_at: Client, waiting: Callable[..., Engagement]
) -> None:
    with as_owner():
        colleague = person("Kollege", world.south)
        make_role(colleague, "coordinator", world.south)  # type: ignore[arg-type]
    at_work = client_of(colleague)
    engagement, other = waiting("Erste", 5), waiting("Zweite", 1)
    page = carla_at.get(f"{BOARD}{engagement.pk}/?wartet=neu").content.decode()
    assert look(carla_at, page) == 204

    at_work.post(reverse("engagements:propose", args=[other.pk]), {"companion": world.ben.pk, "confirmed": "1"})
    assert look(carla_at, page) == 200
    page = carla_at.get(f"{BOARD}{engagement.pk}/").content.decode()
    assert look(carla_at, page) == 204
    at_work.post(reverse("engagements:propose", args=[engagement.pk]), {"companion": world.ben.pk, "confirmed": "1"})
    assert look(carla_at, page) == 200
    page = carla_at.get(f"{BOARD}{engagement.pk}/").content.decode()
    with as_owner():  # somebody else has taken a place of a companion who is shown
        CompanionLoad.objects.filter(pk=world.ben.pk).update(taken=1)
    assert look(carla_at, page) == 200
    page = carla_at.get(f"{BOARD}{engagement.pk}/").content.decode()
    assert look(carla_at, page) == 204
    waiting("Dritte")
    assert look(carla_at, page) == 200
    assert (
        carla_at.get(reverse("engagements:assignment_news"), {"anfrage": "x", "person": ["y", "9" * 40]}).status_code
        == 200
    )


def test_the_look_says_nothing_of_requests_elsewhere(
    world: SimpleNamespace, client_of: Callable[[User], Client], waiting: Callable[..., Engagement]
) -> None:
    engagement, eva = waiting("Erste", 5), client_of(world.eva)
    news = reverse("engagements:assignment_news")
    before = eva.get(news, {"anfrage": engagement.pk})
    with as_owner():
        Engagement.objects.update(state="withdrawn")
    after = eva.get(news, {"anfrage": engagement.pk})
    assert (before.status_code, before.content) == (after.status_code, after.content) == (200, b"")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.OFFERED, "Die lernende Person hat gewählt"),
        (State.INTRODUCTION, "Diese Anfrage ist nicht offen"),
        (State.WITHDRAWN, "Diese Anfrage ist nicht offen"),
    ],
)
def test_a_request_that_is_gone_is_answered_kindly(
    state: State, said: str, world: SimpleNamespace, carla_at: Client, engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(state)
    answers = [
        carla_at.get(f"{BOARD}{engagement.pk}/"),
        carla_at.post(
            reverse("engagements:propose", args=[engagement.pk]), {"companion": world.ben.pk, "confirmed": "1"}
        ),
        carla_at.post(reverse("engagements:take_back", args=[engagement.pk]), {"companion": world.ben.pk}),
    ]
    for answer in answers:
        page = answer.content.decode()
        assert answer.status_code == 404 and said in page and "Zu den offenen Anfragen" in page
        assert "Anna" not in page and "Ben " not in page
    with as_owner():
        assert CompanionProposal.objects.count() == 0


def test_a_request_of_others_looks_like_one_that_never_was(
    client_of: Callable[[User], Client], world: SimpleNamespace, engagement_in: Callable[..., Engagement]
) -> None:
    eva, engagement = client_of(world.eva), engagement_in(State.OFFERED)

    def page(pk: object) -> str:
        return re.sub(r'value="[\w-]{64}"', "", eva.get(f"{BOARD}{pk}/").content.decode()).replace(str(pk), "")

    assert page(engagement.pk) == page("018f0000-0000-7000-8000-000000000000")


# ── the last places ────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_at_once_at_five_places_five_get_one(
    world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    """Through the page: all hundred have Ben proposed and click at once; the same click twice counts once."""
    with as_owner():
        CompanionLoad.objects.filter(pk=world.ben.pk).update(capacity=5)
        learners = User.objects.bulk_create([
            User(email=f"l{n}@example.org", name=f"L{n}", agency=world.augsburg, password="!") for n in range(100)
        ])  # fmt: skip
        rows = Engagement.objects.bulk_create([
            Engagement(learner=learner, state="matching", coordinating_agency=world.south, requested_at=clock.now())
            for learner in learners
        ])  # fmt: skip
        CompanionProposal.objects.bulk_create([CompanionProposal(engagement=row, companion=world.ben) for row in rows])
    clients, start, answers = [client_of(learner) for learner in learners], threading.Barrier(10), []

    def choose(several: list[tuple[Client, Engagement]]) -> None:
        start.wait()
        for client, row in several:
            address = reverse("engagements:choose", args=[row.pk, world.ben.pk])
            answers.extend(client.post(address, {"no_conflict": "on"}).status_code for _twice in range(2))
        connection.close()

    pairs = list(zip(clients, rows, strict=True))
    threads = [threading.Thread(target=choose, args=[pairs[n::10]]) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 200 and set(answers) == {302}
    with as_owner():
        load = CompanionLoad.objects.get(pk=world.ben.pk)
        assert (load.taken, load.held) == (0, 5)
        assert Engagement.objects.filter(companion=world.ben, state="offered").count() == 5
        assert Engagement.objects.filter(companion=None, state="matching").count() == 95


@pytest.mark.django_db(transaction=True)
def test_two_coordinators_at_once_propose_three_between_them(
    world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Callable[..., Engagement]
) -> None:
    engagement = engagement_in(State.REQUESTED)
    with as_owner():
        colleague = person("Kollege", world.south)
        make_role(colleague, "coordinator", world.south)  # type: ignore[arg-type]
        others = [make_companion(person(f"Mehr{n}", world.kiel)).pk for n in range(3)]
    propose, start = reverse("engagements:propose", args=[engagement.pk]), threading.Barrier(2)

    def at_work(client: Client, people: list[int]) -> None:
        start.wait()
        client.post(propose, {"companion": people, "confirmed": "1"})
        connection.close()

    pair = [(client_of(world.carla), [world.ben.pk, others[0]]), (client_of(colleague), [world.ben.pk, *others[1:]])]
    threads = [threading.Thread(target=at_work, args=one) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with as_owner():
        proposed = list(CompanionProposal.objects.values_list("companion_id", flat=True))
    assert sorted(proposed) in (sorted([world.ben.pk, others[0]]), sorted([world.ben.pk, *others[1:]]))
