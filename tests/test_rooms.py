"""Where two meet: on site, by phone, by one's own link, or in a fresh room of the agency's video service."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from django.urls import reverse

from accounts.models import Agency, TalkSettings, User, VideoService
from accounts.rooms import video_service_for
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import rls

from .conftest import as_owner
from .test_appointments import booked, event_of, sent, typed, url_of

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
MEET = "https://meet.example.org"


@pytest.fixture
def active(engagement_in: Callable[..., Engagement]) -> Engagement:
    return engagement_in(State.ACTIVE)


def service(agency: Agency, base: str = MEET) -> VideoService:
    with as_owner():
        return VideoService.objects.create(agency=agency, base=base)


def settings_of(user: User, **values: Any) -> None:
    with as_owner():
        TalkSettings.objects.create(owner=user, **values)


def test_a_fresh_room_is_made_for_each_appointment_and_cannot_be_guessed(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    service(world.south)
    page = client_of(world.anna).get(url_of(active)).content.decode()
    assert "Neuer Videoraum (meet.example.org)" in page
    client_of(world.anna).post(url_of(active), typed(where="fresh", place=""))
    client_of(world.anna).post(url_of(active), typed(where="fresh", place="", time="14:00"))
    one, two = (appointment.place for appointment in booked())
    assert re.fullmatch(rf"{MEET}/[0-9a-f]{{32}}", one) and re.fullmatch(rf"{MEET}/[0-9a-f]{{32}}", two)
    assert one != two


def test_the_room_stands_on_the_page_and_in_the_calendar_but_in_no_sentence_of_the_mail(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    service(world.augsburg)
    client_of(world.anna).post(url_of(active), typed(where="fresh", place=""))
    (appointment,) = booked()
    assert appointment.place in client_of(world.ben).get(f"/termine/{appointment.pk}/").content.decode()
    for mail in sent("appointment_new"):
        assert event_of(mail.attachment)[1]["location"] == appointment.place
        assert "meet.example.org" not in str(mail.facts)


def test_a_room_stays_when_the_appointment_moves(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    service(world.south)
    client = client_of(world.anna)
    client.post(url_of(active), typed(where="fresh", place=""))
    (before,) = booked()
    values = typed(time="15:00", sequence=0, where="typed", place=before.place)
    assert client.post(f"/termine/{before.pk}/verschieben/", values).status_code == 302
    (after,) = booked()
    assert (after.place, after.sequence) == (before.place, 1)


def test_ones_usual_link_and_number_are_a_click_and_nobody_elses(
    world: SimpleNamespace, client_of: ClientOf, active: Engagement
) -> None:
    settings_of(world.ben, own_link="https://bbb.example.org/b/ben", own_phone="0731 99")
    assert "bbb.example.org" in client_of(world.ben).get(url_of(active)).content.decode()
    assert "bbb.example.org" not in client_of(world.anna).get(url_of(active)).content.decode()
    client_of(world.ben).post(url_of(active), typed(where="link", place=""))
    client_of(world.ben).post(url_of(active), typed(where="phone", format="phone", place="", time="14:00"))
    assert [appointment.place for appointment in booked()] == ["https://bbb.example.org/b/ben", "0731 99"]
    with rls.acting_as(world.anna.pk):
        assert TalkSettings.objects.count() == 0


def test_a_room_goes_with_a_talk_by_video_only(world: SimpleNamespace, client_of: ClientOf, active: Engagement) -> None:
    service(world.south)
    response = client_of(world.anna).post(url_of(active), typed(where="fresh", format="phone", place="Zimmer 12"))
    assert response.status_code == 422 and booked() == []
    page = response.content.decode()
    assert "Ein Videoraum gehört zu einem Gespräch per Video." in page and "Zimmer 12" in page


def test_the_nearest_service_up_the_tree_holds(world: SimpleNamespace) -> None:
    service(world.centre, "https://oben.example.org")
    assert service(world.ulm, "https://ulm.example.org/x/").fresh_room().startswith("https://ulm.example.org/x/")
    with rls.acting_as(world.anna.pk):
        assert video_service_for(world.ulm).host() == "ulm.example.org"
        assert video_service_for(world.augsburg, world.ulm).host() == "oben.example.org"
        assert video_service_for(world.kiel).host() == "oben.example.org"


@pytest.mark.parametrize(
    "base",
    ["http://meet.example.org", "meet.example.org", "https://", "https://a:b@meet.example.org", "javascript:alert(1)",
     "https://meet.example.org/?room=", "https://meet.example.org/#x", "https://meet example.org", "x" * 200],
)  # fmt: skip
def test_what_is_no_address_of_a_service_is_told_beside_the_field(
    world: SimpleNamespace, client_of: ClientOf, base: str
) -> None:
    address = reverse("accounts:video_service", args=[world.augsburg.pk])
    response = client_of(world.carla).post(address, {"kind": "jitsi", "base": base})
    page = response.content.decode()
    assert response.status_code == 422 and 'id="id_base_error"' in page and VideoService.objects.count() == 0


def test_coordinators_set_it_for_their_agencies_administrators_for_all(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    address = reverse("accounts:video_service", args=[world.augsburg.pk])
    for who, code in ((world.carla, 302), (world.dirk, 302), (world.eva, 404), (world.anna, 403)):
        assert client_of(who).post(address, {"kind": "jitsi", "base": MEET}).status_code == code
    listed = client_of(world.carla).get(reverse("accounts:video_services")).content.decode()
    assert "Augsburg" in listed and "Ulm" in listed and "Kiel" not in listed
    client_of(world.carla).post(address, {"kind": "jitsi", "base": ""})
    with rls.acting_as(world.carla.pk):
        assert VideoService.objects.count() == 0


def test_the_database_refuses_a_service_of_another_region_and_of_no_coordinator(world: SimpleNamespace) -> None:
    for who in (world.eva, world.anna, world.ben, None):
        with rls.acting_as(who.pk if who else None), pytest.raises(ProgrammingError), transaction.atomic():
            VideoService.objects.create(agency=world.augsburg, base=MEET)
    service(world.augsburg)
    with rls.acting_as(world.eva.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_videoservice SET base = 'https://evil.example'")
        assert cursor.rowcount == 0


def test_link_and_number_are_checked_and_kept(world: SimpleNamespace, client_of: ClientOf) -> None:
    client, address = client_of(world.anna), reverse("conversations:calendars")
    wrong = client.post(
        address, {"own_link": "http://x.example.org", "own_phone": "ruf an", "remind": "off", "alarm_minutes": "0"}
    )
    assert wrong.status_code == 422
    page = wrong.content.decode()
    assert "Der Link beginnt mit https://" in page and "Das ist keine Rufnummer" in page and "ruf an" in page
    right = {"own_link": "https://x.example.org/anna", "own_phone": "+49 (821) 1", "remind": "same_day"}
    assert client.post(address, {**right, "alarm_minutes": "60"}).status_code == 302
    with rls.acting_as(world.anna.pk):
        assert TalkSettings.objects.values("own_link", "own_phone", "remind").get() == right


def test_the_list_of_services_asks_as_often_for_three_as_for_one(
    world: SimpleNamespace, client_of: ClientOf, assert_same_queries: Callable[..., None]
) -> None:
    client = client_of(world.carla)

    def add(number: int) -> None:
        with as_owner():
            agency = Agency.objects.create(code=f"v{number}", name="V", kind="agency", parent=world.south, state="BY")
        service(agency)

    assert_same_queries(lambda: client.get(reverse("accounts:video_services")), add)
