"""Features that an agency switches off: absent for its people, elsewhere untouched, and back again with everything in place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.actions import features as actions
from accounts.features import AgencyFeature, Feature, is_on
from accounts.models import Agency, RoleGrant, User, VideoService
from accounts.rooms import video_service_for
from conversations.quiet import quiet_since
from engagements.models import Engagement, TransferCheck
from lernbegleitung import clock, ids, rls

from .conftest import as_owner
from .people import person
from .push_house import Browser, PushService
from .test_delivery import Sink, at, deliver, sink, step
from .test_pairing import as_worker
from .test_programmes import programme_of, stored, why_page
from .test_push import browser, pushes, vendor

__all__ = ["at", "browser", "sink", "step", "vendor"]  # fixtures
pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Make = Callable[..., Engagement]


def switch(agency: Agency, feature: Feature, on: bool | None) -> None:
    with as_owner():
        AgencyFeature.objects.filter(agency=agency, feature=feature).delete()
        if on is not None:
            AgencyFeature.objects.create(agency=agency, feature=feature, is_on=on)


def on(feature: Feature, agency: Agency) -> bool:
    with as_owner(), rls.acting_as(None):
        return is_on(feature, agency)


def test_the_nearest_setting_holds_and_without_any_everything_is_on(world: SimpleNamespace) -> None:
    where = (world.centre, world.south, world.augsburg, world.ulm, world.kiel)
    assert all(on(feature, agency) for feature in Feature for agency in where)
    switch(world.centre, Feature.PUSH, False)
    switch(world.south, Feature.PUSH, True)
    switch(world.ulm, Feature.PUSH, False)
    assert [on(Feature.PUSH, agency) for agency in where] == [False, True, True, False, False]
    with connection.cursor() as cursor:
        cursor.execute("SELECT agencies_without('push')")
        found = {row[0] for row in cursor.fetchall()}
    assert found == {agency.pk for agency in (world.centre, world.ulm, world.north, world.kiel)}, "the database agrees"
    assert on(Feature.PROGRAMMES, world.ulm), "each feature for itself"


def features_page(agency: Agency) -> str:
    return reverse("accounts:features", args=[agency.pk])


def test_the_page_says_what_each_does_and_who_loses_what_and_holds_at_once(
    world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    client, address = client_of(dirk), features_page(world.south)
    page = client.get(address).content.decode()
    for feature in Feature:
        assert str(feature.label) in page
    assert page.count("Ohne:") == len(Feature) and "wie darüber: eingeschaltet" in page
    for _click in range(2):
        assert client.post(address, {"push": "off", "programmes": ""}).status_code == 302
    with as_owner():
        assert [(row.agency, row.feature, row.is_on) for row in AgencyFeature.objects.all()] == [
            (world.south, "push", False)
        ]
    assert "Voreinstellung: eingeschaltet" in client.get(features_page(world.centre)).content.decode()
    below = client.get(features_page(world.augsburg)).content.decode()
    assert below.count("wie darüber: ausgeschaltet") == 1
    client.post(address, {"push": ""})
    with as_owner():
        assert not AgencyFeature.objects.exists()
    assert client.post(address, {"push": "maybe"}).status_code == 422


def test_only_the_administration_switches(world: SimpleNamespace, client_of: ClientOf, carla: User, anna: User) -> None:
    assert [client_of(user).get(features_page(world.augsburg)).status_code for user in (carla, anna)] == [403, 403]
    with rls.acting_as(anna.pk), pytest.raises(ProgrammingError), transaction.atomic():
        actions.switch(agency=world.augsburg, wanted={Feature.PUSH: False}, by=anna)


def test_without_a_coordination_choosing_directly_stays_possible(
    world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    with as_owner():
        RoleGrant.objects.filter(role="coordinator", agency=world.south).delete()
    answer = client_of(dirk).post(features_page(world.augsburg), {"direct_choice": "off"})
    assert answer.status_code == 422 and "Hier koordiniert niemand" in answer.content.decode()
    assert on(Feature.DIRECT_CHOICE, world.augsburg)


KIND = "Das ist in Ihrer Dienststelle gerade ausgeschaltet."


def test_direct_choice_off(
    world: SimpleNamespace, client_of: ClientOf, anna: User, ben: User, stranger: User, engagement_in: Make
) -> None:
    draft, client = engagement_in("draft", occasion=world.occasion), client_of(anna)
    wishes = reverse("engagements:wishes", args=[draft.pk])
    choose = reverse("engagements:choose", args=[draft.pk, ben.pk])
    assert "Ich wähle selbst im Verzeichnis" in client.get(wishes).content.decode()
    switch(world.augsburg, Feature.DIRECT_CHOICE, False)
    assert "Ich wähle selbst im Verzeichnis" not in client.get(wishes).content.decode()
    for answer in (client.get("/begleitende/"), client.get(choose), client.post(choose, {"no_conflict": "on"})):
        assert (answer.status_code, KIND in answer.content.decode()) == (404, True)
    assert stored(draft).state == "draft"
    profile = client.get(reverse("engagements:companion", args=[ben.pk])).content.decode()
    assert reverse("engagements:directory") not in profile and choose not in profile
    assert client_of(stranger).get("/begleitende/").status_code == 200, "elsewhere untouched"
    switch(world.augsburg, Feature.DIRECT_CHOICE, None)
    client.post(choose, {"no_conflict": "on"})
    assert stored(draft).state == "offered"


def test_who_was_asked_before_stays_asked_and_proposals_are_still_chosen(
    world: SimpleNamespace, client_of: ClientOf, anna: User, ben: User, engagement_in: Make
) -> None:
    asked = engagement_in("offered", coordinating_agency=None)
    switch(world.centre, Feature.DIRECT_CHOICE, False)
    client_of(ben).post(reverse("engagements:answer", args=[asked.pk]), {"answer": "accept", "no_conflict": "on"})
    assert stored(asked).state == "introduction"


def test_programmes_off(world: SimpleNamespace, client_of: ClientOf, anna: User, engagement_in: Make) -> None:
    programme = programme_of(world)
    draft, client = engagement_in("draft", programme=programme, occasion=world.occasion), client_of(anna)
    with as_owner():
        running = engagement_in("active", learner=person("Läuft", world.augsburg), programme=programme)
    switch(world.south, Feature.PROGRAMMES, False)
    assert "Gehört ein Programm dazu?" not in why_page(client, draft).content.decode()
    assert client.get(reverse("engagements:wishes", args=[draft.pk])).status_code == 302
    page = client_of(running.learner).get(reverse("engagements:agreement", args=[running.pk])).content.decode()
    assert stored(running).programme == programme and "Lernvereinbarung" in page
    switch(world.south, Feature.PROGRAMMES, None)
    assert "In Führung gehen" in why_page(client, draft).content.decode()


def test_video_rooms_off(world: SimpleNamespace) -> None:
    with as_owner():
        VideoService.objects.create(agency=world.centre, base="https://oben.example.org")
    switch(world.augsburg, Feature.VIDEO_ROOMS, False)
    with rls.acting_as(world.anna.pk):
        assert video_service_for(world.augsburg) is None
        service = video_service_for(world.augsburg, world.ulm)
        assert service and service.host() == "oben.example.org", "the other one's agency has it"


def quiet_pairs() -> set[Any]:
    return {row[0] for row in as_worker(lambda: quiet_since(None, as_worker=True))}  # type: ignore[arg-type]


def test_quiet_question_off_asks_nobody_and_nothing_rests(world: SimpleNamespace, engagement_in: Make) -> None:
    engagement = engagement_in("active")
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(started_at=clock.now() - timedelta(days=90))
    assert quiet_pairs() == {engagement.pk}
    switch(world.ulm, Feature.QUIET_QUESTION, False)
    assert quiet_pairs() == {engagement.pk}, "the learner's agency decides, not the companion's"
    switch(world.augsburg, Feature.QUIET_QUESTION, False)
    assert quiet_pairs() == set()
    switch(world.augsburg, Feature.QUIET_QUESTION, None)
    assert quiet_pairs() == {engagement.pk}


def test_looks_back_off_asks_no_more_and_keeps_what_was_wished_for(
    world: SimpleNamespace, client_of: ClientOf, anna: User, engagement_in: Make
) -> None:
    running, client = engagement_in("active"), client_of(anna)
    with as_owner(), rls.acting_as(anna.pk):
        wished = TransferCheck(owner=anna, engagement=ids.new_id(), months=3, due_on=clock.today())
        wished.save()
    address = reverse("engagements:close", args=[running.pk])
    assert "Ein Blick zurück" in client.get(address).content.decode()
    switch(world.augsburg, Feature.LOOKS_BACK, False)
    assert "Ein Blick zurück" not in client.get(address).content.decode()
    assert client.get(reverse("engagements:transfer_check", args=[wished.pk])).status_code == 200


def test_push_off_sends_no_notice_and_offers_none_and_the_device_is_remembered(
    world: SimpleNamespace, client_of: ClientOf, anna: User, browser: Browser, vendor: PushService, sink: Sink
) -> None:
    client = client_of(anna)
    assert 'id="mitteilungen"' in client.get("/erinnerungen/").content.decode()
    switch(world.augsburg, Feature.PUSH, False)
    assert 'id="mitteilungen"' not in client.get("/erinnerungen/").content.decode()
    answer = client.post(reverse("engagements:push_on"), {})
    assert (answer.status_code, KIND in answer.content.decode()) == (404, True)
    assert deliver()["sent"] == 1, "the mail goes"
    assert pushes() == [] and vendor.came == []
    switch(world.augsburg, Feature.PUSH, None)
    assert "Firefox, Linux" in client.get("/erinnerungen/").content.decode()


def test_a_new_agency_sees_its_four_settings_and_what_is_missing(
    world: SimpleNamespace, client_of: ClientOf, dirk: User
) -> None:
    with as_owner():
        new = Agency.objects.create(code="neu", name="Neu", kind="agency", parent=world.north, state="SH")
    client = client_of(dirk)
    address = reverse("accounts:agency_edit", args=[new.pk])

    def four() -> list[tuple[str, bool]]:
        return [(row.title, row.is_missing) for row in client.get(address).context["four_settings"]]

    assert four() == [
        ("Ort und Bundesland", True),
        ("Koordination", False),
        ("Videodienst", False),
        ("Funktionen", False),
    ]
    with as_owner():
        RoleGrant.objects.filter(role="coordinator", agency=world.north).delete()
        Agency.objects.filter(pk=new.pk).update(city="Husum")
    assert four()[:2] == [("Ort und Bundesland", False), ("Koordination", True)]
    switch(new, Feature.PUSH, False)
    assert "Ausgeschaltet: Mitteilungen im Browser" in client.get(address).content.decode()


def test_settings_are_asked_for_once_a_request(
    world: SimpleNamespace, client_of: ClientOf, dirk: User, django_assert_max_num_queries: Any
) -> None:
    client = client_of(dirk)
    client.get(features_page(world.augsburg))
    with django_assert_max_num_queries(16) as queries:
        client.get(reverse("accounts:agency_edit", args=[world.augsburg.pk]))
    assert sum("accounts_agencyfeature" in query["sql"] for query in queries.captured_queries) == 1
