"""The directory for learners: every filter, page after page, and of free places only whether there is one."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from engagements.models import CompanionLoad, Engagement, Occasion

from .conftest import as_owner
from .people import make_companion, person
from .test_agencies import page

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture
def names(world: SimpleNamespace, client_of: Browser) -> Callable[..., list[str]]:
    """Whom the directory shows with these filters, by first name."""
    client = client_of(world.anna)

    def shown(**filters: Any) -> list[str]:
        text = client.get(reverse("engagements:directory"), filters).content.decode()
        return re.findall(r'<b id="wer-\d+">(\w+) Beispiel', text)

    return shown


@pytest.fixture
def people(world: SimpleNamespace) -> None:
    """Ben in Ulm, and three others who differ in everything one can filter by."""
    with as_owner():
        olga = make_companion(person("Olga", world.kiel), languages=["en"], formats=["video"], settings=["captions"])
        olga.companion_profile.occasions.set([Occasion.objects.get_or_create(code="own_topic")[0]])
        make_companion(person("Paul", world.kiel), places=["Rendsburg", "Bad Kötzting"], settings=["quiet", "captions"])
        make_companion(person("Rosa", world.augsburg), formats=["phone"])
        CompanionLoad.objects.filter(companion__name__startswith="Rosa").update(taken=3)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["Ben", "Olga", "Paul", "Rosa"]),
        ({"anlass": "own_topic"}, ["Olga"]),
        ({"sprache": "en"}, ["Olga"]),
        ({"treffen": "on_site"}, ["Ben", "Paul"]),
        ({"region": "nord"}, ["Olga", "Paul"]),
        ({"ort": "kötzting"}, ["Paul"]),
        ({"ort": "ULM"}, ["Ben"]),
        ({"ort": "Kiel"}, []),
        ({"ort": "Augsburg"}, []),
        ({"einrichtung": "captions"}, ["Olga", "Paul"]),
        ({"frei": "1"}, ["Ben", "Olga", "Paul"]),
        ({"einrichtung": "captions", "region": "nord", "treffen": "on_site", "frei": "1"}, ["Paul"]),
        ({"ort": "%", "q": "\x00_"}, []),
        ({"einrichtung": "x" * 500, "frei": "ja", "nach": "~~x"}, []),
    ],
)
def test_each_filter_leaves_those_who_fit(
    filters: dict[str, str], found: list[str], names: Callable[..., list[str]], people: None
) -> None:
    assert names(**filters) == found


def test_of_free_places_it_says_only_whether_there_is_one(
    world: SimpleNamespace, client_of: Browser, people: None
) -> None:
    text = page(client_of(world.anna).get(reverse("engagements:directory")))
    assert text.count("hat einen freien Platz") == 3 and text.count("gerade kein Platz") == 1
    assert not re.search(r"\d+ (von|/) ?\d+|frei: \d", text)


def test_the_filters_go_along_to_the_next_page(world: SimpleNamespace, client_of: Browser) -> None:
    with as_owner():
        for number in range(30):
            make_companion(person(f"Nr{number:02}", world.kiel), settings=["quiet"])
    anna, seen = client_of(world.anna), []
    url = reverse("engagements:directory") + "?einrichtung=quiet&frei=1"
    while url:
        text = anna.get(url).content.decode()
        seen += re.findall(r'<b id="wer-\d+">(\w+) Beispiel', text)
        following = re.search(r'href="(\?nach=[^"]+)"', text)
        url = reverse("engagements:directory") + following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"Nr{number:02}" for number in range(30)], "Ben, who has no quiet room, is on no page"


def test_an_empty_directory_says_what_helps(world: SimpleNamespace, client_of: Browser) -> None:
    text = page(client_of(world.anna).get(reverse("engagements:directory"), {"q": "niemand"}))
    assert "Dazu passt niemand" in text and "die Koordination sucht für Sie" in text


def test_with_a_draft_at_hand_only_those_who_are_possible_can_be_asked(
    world: SimpleNamespace, client_of: Browser, engagement_in: Callable[..., Engagement], people: None
) -> None:
    draft = engagement_in("draft", needs=["captions"])
    text = page(client_of(world.anna).get(reverse("engagements:directory"), {"engagement": draft.pk, "region": "nord"}))
    assert 'Diese Begleitung fragen<span class="sr">: Paul Beispiel' in text
    assert 'Diese Begleitung fragen<span class="sr">: Olga Beispiel' not in text, "speaks English only"
    assert f'name="engagement" value="{draft.pk}"' in text
