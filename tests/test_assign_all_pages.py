"""The pages of a draft for all: asked for, followed, edited, published, taken back; without a trace of a silent no."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from engagements.actions import assigning_all
from engagements.models import (
    AssignmentDraft,
    CompanionLoad,
    CompanionProfile,
    CompanionProposal,
    Engagement,
    Veto,
)
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .people import make_companion, person
from .test_assign_all import Make, computed, fresh, lines_of, ring

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def at(name: str, *args: Any) -> str:
    return reverse(f"engagements:{name}", args=args)


def text_of(client: Client, address: str) -> str:
    """What a page says, without tags and with single spaces."""
    html = client.get(address).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))


@pytest.fixture
def carlas(client_of: ClientOf, carla: User) -> Client:
    return client_of(carla)


def test_from_the_question_to_the_proposals_and_back(
    world: SimpleNamespace, carlas: Client, engagement_in: Make
) -> None:
    engagement = engagement_in("requested")
    assert at("assign_all") in carlas.get(at("assignment")).content.decode()
    page = carlas.get(at("assign_all")).content.decode()
    assert "Alle, die ich koordiniere (1)" in page and "Augsburg (1)" in page and "Ulm (" not in page
    pk = re.search(r'name="pk" value="([0-9a-f-]{36})"', page)[1]  # type: ignore[index]
    for _click in range(2):
        assert carlas.post(at("assign_all"), {"pk": pk, "dienststelle": "augsburg"})["Location"] == at(
            "assignment_draft", pk
        )
    assert "Es geht gleich los." in text_of(carlas, at("assignment_draft", pk))
    assert 'hx-trigger="every 2s"' in carlas.get(at("assignment_draft", pk)).content.decode()
    ring()
    page = text_of(carlas, at("assignment_draft", pk))
    assert "1 von 1 Anfrage bekommt einen Vorschlag." in page and "Ben Beispiel" in page
    assert "Andere Dienststelle in derselben Region" in page and "every 2s" not in page
    assert "1 Vorschlag veröffentlichen?" in carlas.post(at("assignment_publish", pk)).content.decode()
    assert fresh(AssignmentDraft(pk=pk)).state == "ready", "nothing has happened yet"
    for _click in range(2):
        assert carlas.post(at("assignment_publish", pk), {"confirmed": 1}).status_code == 302
    assert "0 von 1 erledigt." in text_of(carlas, at("assignment_draft", pk))
    ring()
    assert "1 Vorschlag liegt bei der lernenden Person." in text_of(carlas, at("assignment_draft", pk))
    assert "1 Vorschlag zurücknehmen?" in carlas.post(at("assignment_take_back", pk)).content.decode()
    carlas.post(at("assignment_take_back", pk), {"confirmed": 1})
    ring()
    assert "1 Vorschlag ist zurückgenommen." in text_of(carlas, at("assignment_draft", pk))
    with as_owner():
        assert Engagement.objects.get(pk=engagement.pk).state == "requested"
        assert CompanionProposal.objects.get().answer == "passed"


def test_each_decision_about_a_line(world: SimpleNamespace, carlas: Client, engagement_in: Make) -> None:
    with as_owner():
        gonzo = make_companion(person("Gonzo", world.ulm))
    engagement_in("requested")
    draft = computed(world.carla)
    (line,) = lines_of(draft)
    page, edit = at("assignment_draft", draft.pk), at("assignment_line", draft.pk, line.pk)

    def do(what: str, companion: int | str = "") -> str:
        answer = carlas.post(edit + "?stand=", {"do": what, "companion": companion})
        assert answer["Location"] == f"{page}?stand=#zeile-{line.pk}"
        return text_of(carlas, page)

    first = line.companion_id
    second = {world.ben.pk: gonzo.pk, gonzo.pk: world.ben.pk}[first]
    assert "behalten" in do("keep") and "Nicht mehr behalten" in do("keep")
    assert "Nicht mehr behalten" not in do("let_go")
    assert "ausgelassen" in do("leave_out") and "Anfrage ist ausgelassen" in do("leave_out")
    assert "1 von 1 Anfrage bekommt" in do("take_in")
    assert "Nicht mehr behalten" in do("choose", second)
    assert lines_of(draft)[0].companion_id == second
    gone = do("not_this", second)
    assert "Noch nicht besetzt. Beim Neuberechnen wird jemand gesucht." in gone and "bitte neu berechnen" in gone
    assert "Nicht:" not in do("forgive")
    assert "Diese Person steht hier nicht mehr zur Wahl." in do("choose", world.dirk.pk)
    do("nonsense")
    do("choose", "x" * 30)


def test_computing_anew_says_what_would_change_and_going_back_is_a_link(
    world: SimpleNamespace, carlas: Client, engagement_in: Make
) -> None:
    with as_owner():
        make_companion(person("Gonzo", world.ulm))
    engagement_in("requested")
    draft = computed(world.carla)
    (line,) = lines_of(draft)
    new = ids.new_id()
    carlas.post(at("assignment_line", draft.pk, line.pk), {"do": "not_this", "companion": line.companion_id})
    for _click in range(2):
        assert carlas.post(at("assignment_anew", draft.pk), {"pk": new})["Location"] == at("assignment_draft", new)
    ring()
    page = text_of(carlas, at("assignment_draft", new))
    assert "1 Anfrage bekommt jemand anderen." in page and "Zum früheren Entwurf" in page
    assert carlas.get(at("assignment_draft", draft.pk)).status_code == 200
    assert "Diesen Entwurf verwerfen?" in carlas.post(at("assignment_discard", new)).content.decode()
    assert carlas.post(at("assignment_discard", new), {"confirmed": 1})["Location"] == at("assignment_draft", draft.pk)
    assert "verworfen" in text_of(carlas, at("assign_all"))


def test_why_nobody_is_found_is_said_in_words(world: SimpleNamespace, carlas: Client, engagement_in: Make) -> None:
    with as_owner():
        CompanionProfile.objects.update(formats=["video"], languages=["de", "en"])
        CompanionLoad.objects.update(capacity=1)
        late = make_companion(person("Gonzo", world.ulm), languages=["en"], formats=["video"])
        User.objects.filter(pk=late.pk).update(
            absent_from=clock.today(), absent_until=clock.today() + timedelta(days=8)
        )
        third = person("Tim", world.kiel)
    engagement_in("requested", spoken="en", format="video", requested_at=clock.now() - timedelta(days=1))
    engagement_in("requested", learner=world.stranger, format="phone", requested_at=clock.now() - timedelta(days=40))
    engagement_in("requested", learner=third, requested_at=clock.now() - timedelta(days=40))
    page = text_of(carlas, at("assignment_draft", computed(world.carla).pk))
    assert "1 von 3 Anfragen bekommen einen Vorschlag." in page and "2 Anfragen bleiben ohne." in page
    assert "Niemand mit Telefon hat gerade einen freien Platz." in page
    assert "Eine Person passt. Ihre Plätze sind für andere vorgesehen." in page
    back = clock.today() + timedelta(days=9)
    assert f"Ab {back.day}. " in page and f"{back.year} ist eine Person zurück, die passt." in page


@pytest.mark.parametrize("whom", ["found", "not fitting", "full"])
def test_a_silent_no_leaves_no_trace_but_the_missing_companion(
    whom: str, world: SimpleNamespace, carlas: Client, engagement_in: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    engagement_in("requested", format="video")
    with as_owner():
        CompanionProfile.objects.filter(pk=world.ben.pk).update(formats=["phone"])
        kinds: dict[str, dict[str, Any]] = {"found": {}, "not fitting": {"formats": ["phone"]}, "full": {"capacity": 0}}
        gone = make_companion(person("Gonzo", world.kiel), **kinds[whom])
    pk = ids.new_id()
    monkeypatch.setattr(assigning_all, "LOTS", 1)

    def page() -> str:
        with as_owner():
            AssignmentDraft.objects.all().delete()
        with rls.acting_as(world.carla.pk):
            assigning_all.ask(pk=pk, agency=None, by=world.carla)
        ring()
        html = carlas.get(at("assignment_draft", pk)).content.decode()
        return re.sub(r'(csrfmiddlewaretoken|pk)" value="[^"]+"|zeile-\d+|zeilen/\d+', "", html)

    without_veto = page()
    with as_owner():
        Veto.objects.create(owner=gone, other=world.anna)
    with_veto = page()
    with as_owner():
        Veto.objects.all().delete()
        CompanionLoad.objects.filter(pk=gone.pk).delete()  # as if this companion did not exist at all
        CompanionProfile.objects.filter(pk=gone.pk).delete()
    assert with_veto == page()
    assert "Gonzo" not in with_veto and with_veto != without_veto, "it could have shown"


def test_filters_and_pages(world: SimpleNamespace, carlas: Client, engagement_in: Make) -> None:
    with as_owner():
        CompanionLoad.objects.update(capacity=2)
        people = [person(f"Lernt{number:02}", world.augsburg) for number in range(33)]
    for number, learner in enumerate(people):
        engagement_in("requested", learner=learner, requested_at=clock.now() - timedelta(days=90, minutes=number))
    draft = computed(world.carla)
    address = at("assignment_draft", draft.pk)
    assert text_of(carlas, address).count("seit 90 Tagen") == 30
    more = re.search(r'href="(\?[^"]*nach=\d+)"', carlas.get(address).content.decode())[1]  # type: ignore[index]
    assert text_of(carlas, address + more).count("seit 90 Tagen") == 3
    for stand, number in {"mit": 2, "ohne": 30, "geaendert": 30, "behalten": 0, "nicht": 0, "x": 30}.items():
        assert text_of(carlas, f"{address}?stand={stand}").count("seit 90 Tagen") == number, stand
    assert text_of(carlas, f"{address}?q=lernt07").count("seit 90 Tagen") == 1
    assert text_of(carlas, f"{address}?q=niemand%00&nach=99999999999").count("seit 90 Tagen") == 0


def test_a_stopped_task_is_seen_and_started_again(world: SimpleNamespace, carlas: Client, engagement_in: Make) -> None:
    engagement_in("requested")
    draft = computed(world.carla)
    with as_owner():
        AssignmentDraft.objects.update(state="working", attempts=1, changed_at=clock.now() - timedelta(minutes=3))
    assert "Gerade ist niemand daran." in text_of(carlas, at("assignment_draft", draft.pk))
    with as_owner():
        AssignmentDraft.objects.update(attempts=3)
    page = carlas.get(at("assignment_draft", draft.pk)).content.decode()
    assert "Noch einmal starten" in page and "every 2s" not in page
    carlas.post(at("assignment_again", draft.pk))
    ring()
    assert fresh(draft).state == "ready"


@pytest.mark.parametrize(("who", "status"), [("eva", 404), ("dirk", 403), ("anna", 403), ("ben", 403)])
def test_the_draft_is_nobody_elses(
    who: str, status: int, world: SimpleNamespace, client_of: ClientOf, engagement_in: Make
) -> None:
    engagement_in("requested")
    draft = computed(world.carla)
    (line,) = lines_of(draft)
    client = client_of(getattr(world, who))
    assert client.get(at("assignment_draft", draft.pk)).status_code == status
    assert client.post(at("assignment_line", draft.pk, line.pk), {"do": "keep"}).status_code == status
    for name in (
        "assignment_anew",
        "assignment_again",
        "assignment_publish",
        "assignment_take_back",
        "assignment_discard",
    ):
        assert client.post(at(name, draft.pk), {"confirmed": 1}).status_code == status, name
    assert (fresh(draft).state, lines_of(draft)[0].pinned) == ("ready", False)


def test_asking_for_what_is_not_mine_or_no_longer_open(world: SimpleNamespace, carlas: Client) -> None:
    assert "Alle versorgt" in text_of(carlas, at("assign_all"))
    for code in ("kiel", "gibtsnicht", "\x00"):
        assert carlas.post(at("assign_all"), {"dienststelle": code})["Location"] == at("assign_all")
    with as_owner():
        assert not AssignmentDraft.objects.exists()
    assert carlas.post(at("assign_all"), {"pk": "kaputt"}).status_code == 302
    draft = AssignmentDraft(pk=re.search(r"[0-9a-f-]{36}", carlas.post(at("assign_all"), {})["Location"])[0])  # type: ignore[index]
    ring()
    assert "Keine offene Anfrage" in text_of(carlas, at("assignment_draft", draft.pk))


def test_no_word_of_a_concern_is_in_a_draft(world: SimpleNamespace, carlas: Client, engagement_in: Make) -> None:
    engagement_in("requested")
    html = carlas.get(at("assignment_draft", computed(world.carla).pk)).content.decode()
    assert "Anna Beispiel" in html and "ruhig ansprechen" not in html
