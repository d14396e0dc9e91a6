"""Who can be turned to while a companion is absent: asked, answered, seen by the learners, and nothing moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import OutgoingMail, User
from engagements.models import Engagement, LearningConcern, LearningStep, Substitution, Veto
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_companion, person
from .test_agencies import page

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
Make = Callable[..., Engagement]
URL = "/begleitende/vertretung/"


@pytest.fixture
def olga(world: SimpleNamespace) -> User:
    """Another companion, in Kiel; and Ben is absent from tomorrow for a week."""
    today = clock.today()
    with as_owner():
        absence = {"absent_from": today + timedelta(days=1), "absent_until": today + timedelta(days=8)}
        User.objects.filter(pk=world.ben.pk).update(**absence)
        return make_companion(person("Olga", world.kiel))


def ask(client: Client, who: User) -> Any:
    return client.post(URL, {"what": "ask", "email": who.email.upper()})


def agreed(world: SimpleNamespace, olga: User, client_of: Browser) -> None:
    ask(client_of(world.ben), olga)
    client_of(olga).post(URL, {"what": "agree", "companion": world.ben.pk})


def letters(kind: str) -> list[int]:
    with as_owner():
        return list(OutgoingMail.objects.filter(kind=kind).values_list("recipient", flat=True))


def test_a_companion_asks_the_other_one_agrees_and_learners_see_it(
    world: SimpleNamespace, olga: User, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in("active")
    anna, ben, other = client_of(world.anna), client_of(world.ben), client_of(olga)
    url = reverse("conversations:engagement", args=[engagement.pk])
    for _click in range(2):
        assert ask(ben, olga).status_code == 302
    assert letters("substitute_asked") == [olga.pk], "a double click asks once"
    assert "ist gefragt" in page(ben.get(URL)) and "Ja, gern" in page(other.get(URL))
    text = page(anna.get(url))
    assert "abwesend vom" in text and "Olga" not in text, "not before the yes"
    for _click in range(2):
        assert other.post(URL, {"what": "agree", "companion": world.ben.pk}).status_code == 302
    assert letters("substitute_answered") == [world.ben.pk]
    assert "hat zugesagt" in page(ben.get(URL))
    text = page(anna.get(url))
    assert "können Sie sich an Olga Beispiel (Kiel) wenden" in text and f"mailto:{olga.email}" in text
    assert "Olga" not in page(ben.get(url))


def test_nothing_moves_and_the_substitute_reads_nothing(
    world: SimpleNamespace, olga: User, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in("active")
    with as_owner():
        before = Engagement.objects.filter(pk=engagement.pk).values().get()
    agreed(world, olga, client_of)
    with rls.acting_as(olga.pk):
        for model in (Engagement, LearningConcern, LearningStep):
            assert not model.objects.exists(), model
        assert not User.objects.filter(pk=world.anna.pk).exists(), "not even who learns with Ben"
    assert client_of(olga).get(reverse("conversations:engagement", args=[engagement.pk])).status_code == 404
    assert "Anna" not in page(client_of(olga).get(URL))
    with as_owner():
        assert Engagement.objects.filter(pk=engagement.pk).values().get() == before


def test_a_yes_holds_for_the_absence_it_was_given_for(
    world: SimpleNamespace, olga: User, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in("active")
    agreed(world, olga, client_of)
    url = reverse("conversations:engagement", args=[engagement.pk])
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(absent_until=clock.today() + timedelta(days=99))
    text = page(client_of(world.anna).get(url))
    assert "abwesend vom" in text and "Olga" not in text
    assert "Ihre Abwesenheit hat sich seitdem geändert" in page(client_of(world.ben).get(URL))
    ask(client_of(world.ben), olga)
    with as_owner():
        row = Substitution.objects.get()
        assert (row.ends_on, row.agreed_at) == (clock.today() + timedelta(days=99), None)
        User.objects.filter(pk=world.ben.pk).update(absent_until=clock.today() - timedelta(days=1), absent_from=None)
    assert "abwesend" not in page(client_of(world.anna).get(url))


def test_far_away_absences_are_not_said_yet(
    world: SimpleNamespace, olga: User, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in("active")
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(absent_from=clock.today() + timedelta(days=15), absent_until=None)
    url = reverse("conversations:engagement", args=[engagement.pk])
    assert "abwesend" not in page(client_of(world.anna).get(url))
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(absent_from=clock.today() + timedelta(days=14))
    assert "abwesend ab" in page(client_of(world.anna).get(url))


def test_either_ends_it_and_whom_the_learner_has_excluded_is_not_named(
    world: SimpleNamespace, olga: User, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in("active")
    url = reverse("conversations:engagement", args=[engagement.pk])
    agreed(world, olga, client_of)
    with as_owner():
        veto = Veto.objects.create(owner=world.anna, other=olga)
    assert "Olga" not in page(client_of(world.anna).get(url))
    with as_owner():
        veto.delete()
    for client, what in ((client_of(olga), "decline"), (client_of(world.ben), "take_back")):
        agreed(world, olga, client_of)
        assert "Olga" in page(client_of(world.anna).get(url))
        for _click in range(2):
            client.post(URL, {"what": what, "companion": world.ben.pk})
        assert "Olga" not in page(client_of(world.anna).get(url))


def test_only_the_learners_accompanied_now_see_it(
    world: SimpleNamespace, olga: User, client_of: Browser, engagement_in: Make
) -> None:
    engagement_in("active")
    engagement_in("closed", learner=world.stranger)
    agreed(world, olga, client_of)
    people = (world.anna, world.ben, olga, world.stranger, world.carla, world.eva, world.dirk, world.mia)
    seen = []
    for user in people:
        with rls.acting_as(user.pk):
            seen.append(Substitution.objects.exists())
    assert seen == [True, True, True, False, False, False, False, False]


def test_nobody_answers_for_somebody_else(world: SimpleNamespace, olga: User, client_of: Browser) -> None:
    ask(client_of(world.ben), olga)
    with as_owner():
        paul = make_companion(person("Paul", world.kiel))
    client_of(paul).post(URL, {"what": "agree", "companion": world.ben.pk})
    client_of(world.ben).post(URL, {"what": "agree", "companion": world.ben.pk})
    with rls.acting_as(world.ben.pk):
        assert Substitution.objects.update(agreed_at=clock.now()) == 0
        with pytest.raises(ProgrammingError), transaction.atomic():
            Substitution.objects.filter(pk=world.ben.pk).delete()
            now = clock.now()
            Substitution.objects.bulk_create(
                [Substitution(companion=world.ben, substitute=paul, starts_on=clock.today(), agreed_at=now)]
            )
    with as_owner():
        assert Substitution.objects.get().agreed_at is None


@pytest.mark.parametrize("address", ["", "olga", "nobody@example.org", "anna@example.org", "ben@example.org"])
def test_only_another_companion_can_be_asked(
    address: str, world: SimpleNamespace, olga: User, client_of: Browser
) -> None:
    answer = client_of(world.ben).post(URL, {"what": "ask", "email": address})
    assert answer.status_code == 422 and 'id="id_email_error"' in page(answer)


def test_without_an_absence_there_is_nothing_to_ask_for(world: SimpleNamespace, olga: User, client_of: Browser) -> None:
    with as_owner():
        User.objects.filter(pk=world.ben.pk).update(absent_from=None, absent_until=None)
    assert "keine Abwesenheit eingetragen" in page(client_of(world.ben).get(URL))
    ask(client_of(world.ben), olga)
    with as_owner():
        assert not Substitution.objects.exists()
    assert client_of(world.anna).get(URL).status_code == 403


def test_what_is_over_is_erased(world: SimpleNamespace, olga: User) -> None:
    with as_owner():
        today = clock.today()
        Substitution.objects.create(
            companion=world.ben, substitute=olga, starts_on=today, ends_on=today - timedelta(days=2)
        )
        Substitution.objects.create(companion=olga, substitute=world.ben, starts_on=today, ends_on=today)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM erase_due()")
        assert list(Substitution.objects.values_list("companion", flat=True)) == [olga.pk]
