"""The first candidates of a request are the first of all in the soft order; everybody else is found by name."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from engagements.candidates import by_name, candidates_of, first_candidates, wishes_of
from engagements.matching import PRIVATE
from engagements.models import CompanionLoad, CompanionProfile, ConflictDeclaration, Engagement, Occasion, Veto
from engagements.views import assignment
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, person
from .soft_order import rank

pytestmark = pytest.mark.django_db
Make = Callable[..., Engagement]


def crowd(world: SimpleNamespace, dice: random.Random) -> list[int]:
    """Sixty companions in every condition, many of them equal; every third is out for some reason."""
    agencies = [world.augsburg, world.ulm, world.kiel, world.south, world.centre]
    occasions = [world.occasion, *Occasion.objects.exclude(pk=world.occasion.pk)[:2]]
    people = []
    for number in range(60):
        user = person(f"Zufall{dice.randrange(9)}{number}", dice.choice(agencies), team=dice.choice(["", "A"]))
        people.append(user.pk)
        make_companion(
            user, capacity=dice.choice([0, 3, 4, 4, 8, 8, 12]), formats=dice.choice([["on_site"], ["on_site", "video"], ["video"]]),
            languages=dice.choice([["de"], ["de", "en"], ["de", "en"]]), is_paused=dice.random() < 0.05, in_training=dice.random() < 0.1,
            places=dice.choice([[], [], [" AUGSBURG "], ["Kiel", "augsburg"], ["Gießen"], ["GIESSEN"]]),
            qualified_until=clock.today() + timedelta(days=dice.choice([-1, 0, 9, 9, 9, 9, 9])),
        )  # fmt: skip
        user.companion_profile.occasions.set(dice.sample(occasions, dice.randint(0, 2)))
        CompanionLoad.objects.filter(pk=user.pk).update(taken=dice.randint(0, 3), held=dice.randint(0, 1))
    for one in dice.sample(people, 6):
        Veto.objects.create(owner_id=one, other=world.anna)
    for one in dice.sample(people, 6):
        ConflictDeclaration.objects.create(declared_by=world.anna, other_id=one, rule=dice.choice(["H1", "H2", "H3"]))
    return [*people, world.ben.pk]


@pytest.mark.parametrize("seed", range(12))
def test_the_first_ones_are_the_first_of_all_in_the_soft_order(
    seed: int, world: SimpleNamespace, engagement_in: Make
) -> None:
    dice = random.Random(seed)
    with as_owner():
        people = crowd(world, dice)
        User.objects.filter(pk=world.anna.pk).update(
            team="A", agency=dice.choice([world.augsburg, world.augsburg, world.centre])
        )
        type(world.augsburg).objects.filter(pk=world.augsburg.pk).update(city=dice.choice(["Augsburg", "Gießen "]))
        moved = User.objects.get(pk=people[0])
        moved.agency = dice.choice([world.ulm, world.augsburg])
        moved.save()
    for wish in ("own_agency", "elsewhere", "no_matter"):
        engagement = engagement_in(
            "requested", wish=wish, format=dice.choice(["any", "on_site", "on_site", "video"]), spoken=dice.choice(["de", "en"]),
            occasion=dice.choice([world.occasion, None]), trainee_welcome=dice.random() < 0.5, coordinating_agency=world.south,
        )  # fmt: skip
        for who in (world.carla, world.anna):  # to the learner all are equally full
            with rls.acting_as(who.pk):
                engagement = Engagement.objects.select_related("learner__agency").get(pk=engagement.pk)
                everybody = [one.candidate for one in candidates_of(engagement, people).values()]
                expected = [one.person for one in rank(everybody, wishes_of(engagement), str(engagement.pk))]
                for number in (1, 7, 50):
                    assert [one.person.pk for one in first_candidates(engagement, number)] == expected[:number]
                assert [one.person.pk for one in first_candidates(engagement, 5, skip=4)] == expected[4:9]
        assert len(expected) > 4
        with as_owner():
            Engagement.objects.filter(pk=engagement.pk).update(state="withdrawn")


def test_nobody_else_learns_who_comes_first(world: SimpleNamespace, engagement_in: Make) -> None:
    engagement = engagement_in("requested")
    for who, found in (("carla", [world.ben]), ("stranger", []), ("eva", []), ("dirk", [])):
        with rls.acting_as(getattr(world, who).pk):
            assert [one.person for one in first_candidates(engagement, 5)] == found


@pytest.mark.parametrize("change", ["capacity", "moves"])
def test_companions_are_found_where_they_are_now(change: str, world: SimpleNamespace, engagement_in: Make) -> None:
    engagement = engagement_in("requested", wish="own_agency")
    with as_owner():
        olga = make_companion(person("Olga", world.augsburg), capacity=4)
        CompanionLoad.objects.filter(pk=world.ben.pk).update(capacity=4, taken=1)
    with rls.acting_as(world.carla.pk):
        assert [one.person for one in first_candidates(engagement, 5)] == [olga, world.ben]
    with as_owner():
        if change == "moves":
            User.objects.filter(pk=olga.pk).update(agency=world.ulm)
            User.objects.filter(pk=world.ben.pk).update(agency=world.augsburg)
        else:
            CompanionLoad.objects.filter(pk=olga.pk).update(capacity=0)
    with rls.acting_as(world.carla.pk):
        expected = [world.ben, olga] if change == "moves" else [world.ben]
        assert [one.person for one in first_candidates(engagement, 5)] == expected


def test_by_name_everybody_is_there_once_but_for_those_with_a_reason_of_the_two(
    world: SimpleNamespace, engagement_in: Make
) -> None:
    dice = random.Random(7)
    with as_owner():
        people = crowd(world, dice)
    engagement = engagement_in("requested")
    with rls.acting_as(world.carla.pk):
        everybody = candidates_of(engagement, people).values()
        expected = sorted(
            (one.person.name, one.person.pk) for one in everybody if not PRIVATE.intersection(one.candidate.rules)
        )
        found: list[tuple[str, int]] = []
        while page := by_name(engagement, 4, after=found[-1] if found else ("", 0)):
            assert len(page) == 4 or len(found) + len(page) == len(expected)  # no page is short of one
            found += [(one.person.name, one.person.pk) for one in page]
        assert found == expected and len(found) < len(people) - 6
        assert {one.person.name[:7] for one in by_name(engagement, 50, text="zufall3")} == {"Zufall3"}
        assert {one.person.agency for one in by_name(engagement, 50, text="kiel")} == {world.kiel}


def test_page_after_page_and_by_name_with_the_reason(
    world: SimpleNamespace, client_of: Callable[[User], Client], engagement_in: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment, "FIRST", 2)
    monkeypatch.setattr(assignment, "MORE", 2)
    engagement = engagement_in("requested", format="video")
    with as_owner():
        for number in range(6):
            make_companion(person(f"Paula{number}", world.kiel), formats=["video" if number else "phone"])
        CompanionProfile.objects.filter(pk=world.ben.pk).update(formats=["video"])
    carla, address = client_of(world.carla), reverse("engagements:assignment_request", args=[engagement.pk])

    def walk(page: str) -> list[str]:
        """The names, page after page as the button leads."""
        found = []
        while True:
            text = carla.get(page).content.decode()
            found += re.findall(
                r"<span><b>(\w+) Beispiel</b>",
                text.split("Mögliche Begleitungen" if "alle" not in page else "nach Namen</h3>")[1],
            )
            link = re.search(r'href="([^"]+)">Weitere Begleitungen', text)
            if not link:
                return found
            page = link[1].replace("&amp;", "&")

    ranked = walk(f"{address}?wartet=neu")
    assert sorted(ranked) == ["Ben", *(f"Paula{number}" for number in range(1, 6))]
    assert walk(f"{address}?wartet=neu&alle") == ["Ben", *(f"Paula{number}" for number in range(6))]
    sought = carla.get(address, {"alle": "", "wer": "paula0", "wartet": "neu"}).content.decode()
    assert "Sprache, Art oder Einrichtung der Treffen passen nicht." in sought and "nicht möglich" in sought
    assert 'name="companion" value' not in sought and 'name="wartet" value="neu"' in sought
    assert "Niemand gefunden" in carla.get(address, {"alle": "", "wer": "Niemand"}).content.decode()
    assert "gibt es gerade nicht" in carla.get(address, {"ab": "9" * 9}).content.decode()
    for odd in ("x", "~", "-1", "\x00~9", "9" * 40):
        assert (
            carla.get(address, {"ab": odd}).status_code
            == carla.get(address, {"ab": odd, "alle": ""}).status_code
            == 200
        )
