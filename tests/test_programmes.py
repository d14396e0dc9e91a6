"""Occasions and programmes: the administration writes them in both languages, copies them, lets them rest; pairs keep theirs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from engagements.models import Engagement, Occasion, Programme, ProgrammeVersion
from lernbegleitung import clock, ids

from .conftest import as_owner

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]
LIST = "/programme/"


def values_of(world: SimpleNamespace, **also: Any) -> dict[str, Any]:
    """What the form of a programme sends."""
    values = {
        "id": ids.new_id(), "version": 0, "name_de": "In Führung gehen", "name_en": "Into leadership",
        "about_de": "Für alle, die zum ersten Mal führen.", "about_en": "For those who lead for the first time.",
        "occasion": world.occasion.pk, "agency": world.south.pk, "weeks": 3, "talks": 6, "first_guide": "introduction",
    }  # fmt: skip
    return {**values, **also}


def programme_of(world: SimpleNamespace, **also: Any) -> Programme:
    """A programme that stands in the database."""
    suggested = {
        name: also.pop(name) for name in [*also] if hasattr(ProgrammeVersion, name) and not hasattr(Programme, name)
    }
    values = {"name_de": "In Führung gehen", "name_en": "Into leadership", "agency": world.south}
    with as_owner():
        programme = Programme.objects.create(**{**values, **also})
        version_of(world, programme, 1, **suggested)
    return programme


def version_of(world: SimpleNamespace, programme: Programme, number: int, **also: Any) -> ProgrammeVersion:
    values = {
        "about_de": "Für neue Führungskräfte.",
        "about_en": "For new leaders.",
        "occasion": world.occasion,
        "weeks": 3,
    }
    with as_owner():
        return ProgrammeVersion.objects.create(
            programme=programme, number=number, made_by=world.dirk, **{**values, **also}
        )


def test_an_occasion_comes_in_both_languages_without_a_change_of_code(
    world: SimpleNamespace, client_of: ClientOf, dirk: User, anna: User, engagement_in: Make
) -> None:
    client, sent = (
        client_of(dirk),
        {"code": "anewcode", "name_de": "Rückkehr aus der Elternzeit", "name_en": "Back from leave"},
    )
    for _click in range(2):
        client.post(reverse("engagements:occasion_create"), sent)
    made = Occasion.objects.get(code="anewcode")
    assert (made.name_de, made.name_en, made.is_active) == ("Rückkehr aus der Elternzeit", "Back from leave", True)
    assert made == list(Occasion.objects.all())[-1], "own topics stay first"
    draft, page = engagement_in("draft"), client_of(anna)
    assert "Rückkehr aus der Elternzeit" in page.get(reverse("engagements:why", args=[draft.pk])).content.decode()
    assert AuditEvent.objects.filter(kind="occasion.written").count() == 0, "the line is its writer's"


def test_an_occasion_that_rests_is_not_offered_and_stays_where_it_was_chosen(
    world: SimpleNamespace, client_of: ClientOf, dirk: User, anna: User, engagement_in: Make
) -> None:
    with as_owner():
        old = Occasion.objects.create(code="old", name_de="Altes Vorhaben", name_en="Old project", position=9)
    running = engagement_in("active", occasion=old)
    client_of(dirk).post(reverse("engagements:occasion_rest", args=[old.pk]), {"rest": "1"})
    old.refresh_from_db()
    assert not old.is_active
    with as_owner():
        running.refresh_from_db()
    assert running.occasion == old
    with as_owner():
        Engagement.objects.filter(pk=running.pk).update(state="closed", closed_at=clock.now())
    draft = engagement_in("draft")
    assert "Altes Vorhaben" not in client_of(anna).get(reverse("engagements:why", args=[draft.pk])).content.decode()
    client_of(dirk).post(reverse("engagements:occasion_rest", args=[old.pk]), {"rest": "0"})
    old.refresh_from_db()
    assert old.is_active


def test_the_own_topic_never_rests(world: SimpleNamespace, client_of: ClientOf, dirk: User) -> None:
    own = Occasion.objects.get(code="own_topic")
    answer = client_of(dirk).post(reverse("engagements:occasion_rest", args=[own.pk]), {"rest": "1"}, follow=True)
    own.refresh_from_db()
    assert own.is_active
    assert "Das eigene Thema bleibt immer möglich." in answer.content.decode()


def test_two_tabs_of_an_occasion_end_with_both_versions_on_the_page(
    world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    client, address = client_of(dirk), reverse("engagements:occasion", args=[world.occasion.pk])
    sent = {"version": world.occasion.version, "name_de": "Zuerst", "name_en": "First"}
    assert client.post(address, sent).status_code == 302
    answer = client.post(address, {**sent, "name_de": "Danach"})
    assert (answer.status_code, "Zuerst" in answer.content.decode(), "Danach" in answer.content.decode()) == (
        412,
        True,
        True,
    )
    again = client.post(
        address, {"version": answer.context["form"].data["version"], "name_de": "Danach", "name_en": "First"}
    )
    assert (again.status_code, Occasion.objects.get(pk=world.occasion.pk).name_de) == (302, "Danach")


def test_a_programme_is_made_once_and_copied_with_days_of_its_own(
    world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    client, sent = client_of(dirk), values_of(world, starts_on="2027-01-01", ends_on="2027-06-30")
    for _click in range(2):
        assert client.post(reverse("engagements:programme_create"), sent).status_code == 302
    with as_owner():
        programme = Programme.objects.select_related("agency").get()
        first = programme.versions.get()
    assert (first.number, first.rhythm(), programme.agency) == (
        1,
        "etwa alle 3 Wochen, insgesamt etwa 6 Gespräche",
        world.south,
    )
    form = client.get(reverse("engagements:programme_copy", args=[programme.pk])).context["form"]
    assert [form[name].value() for name in ("name_de", "name_en", "weeks", "starts_on", "ends_on")] == [
        "Kopie von In Führung gehen", "Copy of Into leadership", 3, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ({"is_pilot": "on"}, "ends_on", "Ein Pilot braucht ein Ende."),
        ({"starts_on": "2027-02-01", "ends_on": "2027-01-01"}, "ends_on", "Das Ende liegt vor dem Anfang."),
        ({"name_en": ""}, "name_en", "Schreiben Sie etwas in beiden Sprachen."),
        ({"purpose_de": "Führen üben"}, "purpose_en", "Schreiben Sie etwas in beiden Sprachen."),
        ({"places": "0"}, "places", "Schreiben Sie eine ganze Zahl von 1 bis 999, oder lassen Sie das Feld frei."),
        ({"weeks": "oft"}, "weeks", "Schreiben Sie eine ganze Zahl von 1 bis 26, oder lassen Sie das Feld frei."),
        ({"starts_on": "bald"}, "starts_on", "Schreiben Sie das Datum zum Beispiel so: 31.12.2027."),
        ({"about_de": "x" * 401}, "about_de", "Das sind mehr als 400 Zeichen. Kürzen Sie bitte, Ihr Text ist noch da."),
        ({"agency": ""}, "agency", "Wählen Sie die Dienststelle aus."),
    ],
)
def test_what_is_wrong_stands_beside_the_field_and_nothing_typed_is_lost(
    sent: dict[str, Any], field: str, words: str, world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    answer = client_of(dirk).post(reverse("engagements:programme_create"), values_of(world, **sent))
    form = answer.context["form"]
    assert (answer.status_code, form.errors[field], form["name_de"].value()) == (422, [words], "In Führung gehen")
    with as_owner():
        assert not Programme.objects.exists()


def versions_stored(programme: Programme) -> list[tuple[int, int | None]]:
    with as_owner():
        programme.refresh_from_db()
        return [(row.number, row.weeks) for row in programme.versions.all()]


def test_other_days_hold_at_once_other_suggestions_make_a_version(
    world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    programme, client = programme_of(world, talks=6), client_of(dirk)
    address = reverse("engagements:programme", args=[programme.pk])
    form = client.get(address).context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    sent["occasion"], sent["agency"] = world.occasion.pk, world.south.pk
    client.post(address, {**sent, "places": 4})
    assert versions_stored(programme) == [(1, 3)]
    assert (programme.places, programme.version) == (4, 2)
    stale = client.post(address, {**sent, "weeks": 5})
    assert (stale.status_code, versions_stored(programme)) == (412, [(1, 3)])
    assert ("Plätze zugleich in jeder Region", "4") in [(str(label), text) for label, text in stale.context["stored"]]
    client.post(address, {**sent, "places": 4, "version": 2, "weeks": 5})
    assert versions_stored(programme) == [(2, 5), (1, 3)]
    client.post(address, {**sent, "places": 4, "version": 2, "weeks": 5})
    assert len(versions_stored(programme)) == 2, "a double click makes one version"


def test_a_version_never_changes_and_is_written_by_the_administration_alone(world: SimpleNamespace, anna: User) -> None:
    from lernbegleitung import rls

    programme = programme_of(world)
    for user in (anna, world.dirk):
        with (
            rls.acting_as(user.pk),
            pytest.raises(ProgrammingError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE engagements_programmeversion SET weeks = 1")
    with rls.acting_as(anna.pk):
        assert Programme.objects.filter(pk=programme.pk).update(places=1) == 0


def test_for_whom_and_when_a_programme_is_open(world: SimpleNamespace) -> None:
    today = date(2027, 3, 1)
    day = timedelta(days=1)
    everywhere = programme_of(world, name_de="Überall", agency=world.centre)
    south = programme_of(world, name_de="Süden")
    pilot = programme_of(world, name_de="Pilot", agency=world.augsburg, is_pilot=True, starts_on=today, ends_on=today)
    upper = programme_of(world, name_de="Oben", is_pilot=True, starts_on=today, ends_on=today)
    over = programme_of(world, name_de="Vorbei", ends_on=today - day)
    to_come = programme_of(world, name_de="Später", starts_on=today + day)

    def open_for(agency: Any, on: date = today) -> set[Programme]:
        with as_owner():
            return set(Programme.objects.open_for(agency, on))

    assert open_for(world.augsburg) == {everywhere, south, pilot}
    assert open_for(world.ulm) == {everywhere, south}, "a pilot reaches its own agency only"
    assert open_for(world.south) == {everywhere, south, upper}
    assert open_for(world.kiel) == {everywhere}
    assert open_for(world.augsburg, today + day) == {everywhere, south, to_come}
    assert open_for(world.augsburg, today - day) == {everywhere, south, over}


def test_only_the_administration_comes_in(
    world: SimpleNamespace, client_of: ClientOf, anna: User, carla: User, mia: User
) -> None:
    assert [client_of(user).get(LIST).status_code for user in (anna, carla, mia)] == [403, 403, 403]
