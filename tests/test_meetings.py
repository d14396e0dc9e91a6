"""What a companion offers besides time: places, how meetings can be arranged, being a teacher; and a qualification that ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import OutgoingMail, User
from engagements.actions import choice
from engagements.candidates import first_candidates, rules_by_companion, wishes_of
from engagements.explaining import nobody
from engagements.matching import reasons
from engagements.models import CompanionProfile, Engagement
from engagements.pairing import Pairs, assign
from engagements.states import NotPossible
from engagements.tasks import tell_of_qualifications
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, person
from .test_agencies import page
from .test_pairing import as_worker, ask, offer

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
Make = Callable[..., Engagement]


def profile_of(user: User) -> CompanionProfile:
    with as_owner():
        return CompanionProfile.objects.select_related("user__agency").get(pk=user.pk)


def change(user: User, **values: Any) -> None:
    with as_owner():
        CompanionProfile.objects.filter(pk=user.pk).update(**values)


PROFILE = {
    "about": "",
    "formats": ["on_site"],
    "languages": ["de"],
    "capacity": "3",
    "absent_from": "",
    "absent_until": "",
}


# ── what a meeting needs (H10) ─────────────────────────────────────────────


def test_only_who_can_arrange_all_that_a_meeting_needs_is_possible(world: SimpleNamespace, engagement_in: Make) -> None:
    engagement = engagement_in("requested", needs=["quiet", "sign_language"])
    found = {}
    for offered in ([], ["quiet"], ["sign_language", "quiet", "captions"]):
        change(world.ben, settings=offered)
        with rls.acting_as(world.carla.pk):
            found[len(offered)] = rules_by_companion(engagement.pk, [world.ben.pk])[world.ben.pk][0]
    assert found == {0: ("H10",), 1: ("H10",), 3: ()}
    with rls.acting_as(world.carla.pk):
        (first,) = first_candidates(engagement, 5)
    assert "settings" in reasons(first.candidate, wishes_of(engagement))


def test_nobody_who_cannot_arrange_it_is_asked_even_past_the_pages(world: SimpleNamespace, engagement_in: Make) -> None:
    engagement = engagement_in("draft", needs=["captions"])
    with rls.acting_as(world.anna.pk), pytest.raises(NotPossible):
        choice.ask(engagement=engagement, companion=world.ben, by=world.anna)
    change(world.ben, settings=["captions"])
    with rls.acting_as(world.anna.pk):
        choice.ask(engagement=engagement, companion=world.ben, by=world.anna)


def test_the_learner_says_what_the_meetings_need_and_reads_who_will_see_it(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in("draft", occasion=world.occasion)
    anna, url = client_of(world.anna), reverse("engagements:wishes", args=[engagement.pk])
    text = page(anna.get(url))
    assert "Raum ohne Stufen erreichbar" in text and "Warum Sie es brauchen, fragt niemand" in text
    values = {"wish": "no_matter", "format": "any", "spoken": "de", "search": "coordination", "consent": "on",
              "agency": world.south.pk, "needs": ["step_free", "easy_language"]}  # fmt: skip
    bad = anna.post(url, {**values, "needs": ["wheelchair"]})
    assert bad.status_code == 422 and 'id="id_needs_error"' in page(bad)
    assert anna.post(url, values).status_code == 302
    with rls.acting_as(world.anna.pk):
        assert Engagement.objects.get(pk=engagement.pk).needs == ["step_free", "easy_language"]
    words = "Die Treffen brauchen</dt><dd>Raum ohne Stufen erreichbar, Leichte Sprache"
    assert words in page(client_of(world.carla).get(reverse("engagements:assignment_request", args=[engagement.pk])))


def test_what_the_meetings_need_is_read_by_the_pair_and_the_searching_coordination_only(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    change(world.ben, settings=["captions"])
    engagement = engagement_in("active", needs=["captions"])
    url = reverse("conversations:engagement", args=[engagement.pk])
    for user in (world.anna, world.ben):
        assert "Schriftmittlung oder Untertitel" in page(client_of(user).get(url))
    for user in (world.carla, world.eva, world.dirk, world.stranger):
        with rls.acting_as(user.pk):
            assert not Engagement.objects.filter(pk=engagement.pk).exists()


def test_a_line_without_anybody_says_that_arranging_it_would_help(world: SimpleNamespace, engagement_in: Make) -> None:
    engagement = engagement_in("requested", needs=["captions"], format="video")
    assert (
        nobody(engagement) == "Niemand mit Video und passender Einrichtung der Treffen hat gerade einen freien Platz."
    )


# ── places ─────────────────────────────────────────────────────────────────


def test_who_meets_on_site_in_the_learners_town_comes_first_and_says_so(
    world: SimpleNamespace, engagement_in: Make
) -> None:
    with as_owner():
        olga = make_companion(person("Olga", world.ulm), places=["München", " AUGSBURG "])
        paul = make_companion(person("Paul", world.ulm))
    engagement = engagement_in("requested", format="on_site")
    with rls.acting_as(world.carla.pk):
        first, *others = first_candidates(engagement, 5)
    assert first.person == olga and "meets_here" in reasons(first.candidate, wishes_of(engagement))
    assert {other.person for other in others} == {paul, world.ben}
    assert all("meets_elsewhere" in reasons(other.candidate, wishes_of(engagement)) for other in others)


def test_the_solver_prefers_the_learners_town_too_and_names_it() -> None:
    asking = [ask(1, format="on_site", town="Augsburg"), ask(2, format="on_site", town="Ulm")]
    people = [offer(pk, formats=("on_site",), towns=[town]) for pk, town in ((1, "ulm"), (2, "Augsburg"))]
    assert assign(Pairs(asking, people, {}), 1) == [1, 0]
    assert len(Pairs([ask(1, town="Augsburg"), ask(2, town="Ulm")], people, {}).first) == 1, "matters on site only"


def test_the_worker_learns_towns_and_needs_but_no_name(world: SimpleNamespace, engagement_in: Make) -> None:
    from .test_pairing import draft_of, read

    engagement_in("requested", learner=world.stranger, needs=["quiet"])
    change(world.ben, settings=["quiet"], formats=["video"])
    asking, offering, _excluded = as_worker(read, draft_of(world.carla).pk)
    assert (asking[0].needs, asking[0].town, offering[0].settings, offering[0].towns) == (
        ["quiet"],
        "Kiel",
        ["quiet"],
        [],
    )
    change(world.ben, formats=["on_site"])
    assert as_worker(read, draft_of(world.carla).pk)[1][0].towns == ["Ulm"]


def test_the_companion_writes_places_settings_and_the_other_role(world: SimpleNamespace, client_of: Browser) -> None:
    ben, url = client_of(world.ben), reverse("engagements:own_profile")
    sent = {**PROFILE, "places": "Ulm,  Bad  Wörishofen;ulm", "settings": ["quiet"], "teaches": "on"}
    assert ben.post(url, sent).status_code == 302
    saved = profile_of(world.ben)
    assert (saved.places, saved.settings, saved.teaches) == (["Ulm", "Bad Wörishofen"], ["quiet"], True)
    assert 'value="Ulm, Bad Wörishofen"' in page(ben.get(url))
    for wrong in ({"places": ",".join(map(str, range(9)))}, {"places": "x" * 81}, {"settings": ["nichts"]}):
        answer = ben.post(url, {**sent, **wrong})
        assert answer.status_code == 422 and f'id="id_{next(iter(wrong))}_error"' in page(answer)
    assert profile_of(world.ben).places == ["Ulm", "Bad Wörishofen"]


def test_a_teacher_is_said_to_be_one_wherever_a_learner_meets_the_companion(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    change(world.ben, teaches=True, settings=["quiet"], places=["Memmingen"])
    draft = engagement_in("draft")
    anna = client_of(world.anna)
    for url in (reverse("engagements:directory"), reverse("engagements:companion", args=[world.ben.pk]),
                reverse("engagements:choose", args=[draft.pk, world.ben.pk])):  # fmt: skip
        text = page(anna.get(url))
        assert "auch Lehrkraft" in text and "Ruhiger Raum" in text and "Memmingen" in text, url


# ── the qualification ──────────────────────────────────────────────────────


def test_the_administration_enters_the_qualification_and_the_companion_cannot(
    world: SimpleNamespace, client_of: Browser
) -> None:
    dirk, url = client_of(world.dirk), reverse("engagements:qualification", args=[world.ben.pk])
    assert "Qualifizierung als Lernbegleitung" in page(dirk.get(reverse("accounts:person", args=[world.ben.pk])))
    assert dirk.post(url, {"qualified_until": "2028-03-31", "in_training": "on"}).status_code == 302
    saved = profile_of(world.ben)
    assert (f"{saved.qualified_until}", saved.in_training) == ("2028-03-31", True)
    for wrong in ("morgen", "0001-01-01"):
        assert dirk.post(url, {"qualified_until": wrong}).status_code == 422
    for user in (world.ben, world.carla, world.anna):
        assert client_of(user).post(url, {"qualified_until": "2030-01-01"}).status_code == 403
    with rls.acting_as(world.ben.pk):
        for own in ({"qualified_until": "2040-01-01"}, {"in_training": False}):
            with pytest.raises(ProgrammingError), transaction.atomic():
                CompanionProfile.objects.filter(pk=world.ben.pk).update(**own)


def test_a_companion_hears_once_that_the_qualification_ends(world: SimpleNamespace, client_of: Browser) -> None:
    today = clock.today()
    with as_owner():
        gone = make_companion(person("Olga", world.kiel), qualified_until=today + timedelta(days=9))
        User.objects.filter(pk=gone.pk).update(is_active=False)
        make_companion(person("Paul", world.kiel), qualified_until=today + timedelta(days=9), in_training=True)
        make_companion(person("Quirin", world.kiel), qualified_until=today + timedelta(days=43))
    change(world.ben, qualified_until=today + timedelta(days=42))
    assert [as_worker(tell_of_qualifications) for _ring in range(3)] == [1, 0, 0]
    with as_owner():
        (letter,) = OutgoingMail.objects.filter(kind="qualification_ends")
    assert (letter.recipient_id, letter.facts["path"]) == (world.ben.pk, reverse("engagements:own_profile"))
    change(world.ben, qualified_until=today + timedelta(days=40))
    assert as_worker(tell_of_qualifications) == 1, "another end, another letter"
    assert "Danach werden Sie niemandem mehr neu vorgeschlagen" in page(
        client_of(world.ben).get(reverse("engagements:own_profile"))
    )
    change(world.ben, qualified_until=today - timedelta(days=1))
    assert "Bis zu einer Verlängerung werden Sie niemandem neu vorgeschlagen" in page(
        client_of(world.ben).get(reverse("engagements:own_profile"))
    )
    change(world.ben, qualified_until=today + timedelta(days=90))
    assert re.search(
        r"Qualifizierung gültig bis \d", page(client_of(world.ben).get(reverse("engagements:own_profile")))
    )


def test_only_the_worker_asks_whose_qualification_ends(world: SimpleNamespace) -> None:
    with rls.acting_as(world.dirk.pk), pytest.raises(ProgrammingError), transaction.atomic():
        connection.cursor().execute("SELECT * FROM qualifications_ending(%s)", [clock.today()])
