"""A person who changes to another agency: what runs goes on, an open request is the learner's to send on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actions import people as actions
from accounts.models import Agency, AuditEvent, OutgoingMail, RoleGrant, User
from accounts.roles import Role
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock, rls

from .conftest import as_owner
from .people import make_role
from .test_agencies import page, seen_by

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
Make = Callable[..., Engagement]


def change(client: Client, user: User, agency: Agency, **also: Any) -> Any:
    url = reverse("accounts:transfer", args=[user.pk])
    looked = client.post(url, {"agency": agency.pk})
    stamp = re.search(r'name="stamp" value="(\w+)"', looked.content.decode())
    assert looked.status_code == 200 and stamp, looked.content.decode()
    return client.post(url, {"agency": agency.pk, "confirmed": "1", "stamp": stamp[1], **also})


def now_at(user: User, agency: Agency, by: User) -> User:
    with rls.acting_as(by.pk):
        actions.transfer(user=User.objects.get(pk=user.pk), agency=agency, end=[], by=by)
    with as_owner():
        return User.objects.select_related("agency").get(pk=user.pk)


def test_the_look_says_who_coordinates_and_names_the_roles_but_nothing_of_requests(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    dirk, url = client_of(world.dirk), reverse("accounts:transfer", args=[world.anna.pk])
    without = page(dirk.post(url, {"agency": world.kiel.pk}))
    assert "Koordination kommt dazu</dt><dd>Eva Beispiel" in without and "Koordination endet</dt><dd>Carla" in without
    engagement_in("requested")
    token = r'name="csrfmiddlewaretoken" value="\w+"'
    assert re.sub(token, "", page(dirk.post(url, {"agency": world.kiel.pk}))) == re.sub(token, "", without)
    assert "Lernbegleitung: Ulm" in page(
        dirk.post(reverse("accounts:transfer", args=[world.ben.pk]), {"agency": world.kiel.pk})
    )


def test_what_runs_goes_on_and_only_ticked_roles_end(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in(State.ACTIVE)
    with as_owner():
        before = Engagement.objects.filter(pk=engagement.pk).values().get()
        coordination = make_role(world.ben, Role.COORDINATOR, world.ulm)
    ben = client_of(world.ben)
    assert change(client_of(world.dirk), world.ben, world.kiel, end=[coordination.pk]).status_code == 302
    assert ben.get("/heute/").status_code == 302, "who loses a role is signed out"
    with as_owner():
        moved = User.objects.get(pk=world.ben.pk)
        assert moved.agency == world.kiel and moved.agency_since
        assert Engagement.objects.filter(pk=engagement.pk).values().get() == before
        in_force = RoleGrant.objects.filter(user=moved).in_force(clock.today())
        assert [grant.role for grant in in_force] == ["companion"]
        assert OutgoingMail.objects.filter(kind="agency_changed", recipient=moved).count() == 1
    for user in (world.anna, world.ben):
        assert seen_by(user)[1] == {engagement.pk}


def test_both_coordinations_see_just_what_the_new_agency_says(world: SimpleNamespace) -> None:
    assert world.anna.email in seen_by(world.carla)[0] and world.anna.email not in seen_by(world.eva)[0]
    now_at(world.anna, world.kiel, world.dirk)
    assert world.anna.email not in seen_by(world.carla)[0] and world.anna.email in seen_by(world.eva)[0]


def test_the_learner_decides_whose_coordination_looks_on(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in("requested")
    now_at(world.anna, world.kiel, world.dirk)
    assert engagement.pk in seen_by(world.carla)[1] and engagement.pk not in seen_by(world.eva)[1], "nothing by itself"
    anna, url = client_of(world.anna), reverse("conversations:engagement", args=[engagement.pk])
    text = page(anna.get(url))
    assert "Es sucht weiter die Koordination von „Bayern“. Zuständig wäre jetzt die von „Nord“." in text
    for _click in range(2):
        assert anna.post(reverse("engagements:send_on", args=[engagement.pk]))["Location"] == url
    assert engagement.pk not in seen_by(world.carla)[1] and engagement.pk in seen_by(world.eva)[1]
    assert world.anna.email not in seen_by(world.carla)[0]
    assert "Zuständig wäre jetzt" not in page(anna.get(url))
    with as_owner():
        assert AuditEvent.objects.filter(kind="engagement.sent_on").count() == 1
        assert OutgoingMail.objects.filter(kind="request_arrived", recipient=world.eva).count() == 1


def test_whoever_chose_another_coordination_is_not_asked(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in("requested", coordinating_agency=world.north)
    assert "Zuständig wäre jetzt" not in page(
        client_of(world.anna).get(reverse("conversations:engagement", args=[engagement.pk]))
    )
    now_at(world.anna, world.kiel, world.dirk)
    with as_owner():
        Engagement.objects.filter(pk=engagement.pk).update(
            coordinating_agency=world.south, requested_at=clock.now() + timedelta(seconds=1)
        )
    assert "Zuständig wäre jetzt" not in page(
        client_of(world.anna).get(reverse("conversations:engagement", args=[engagement.pk]))
    )


def test_only_the_learner_sends_on_and_only_the_administration_transfers(
    world: SimpleNamespace, client_of: Browser, engagement_in: Make
) -> None:
    engagement = engagement_in("requested")
    for user in (world.carla, world.eva, world.stranger, world.dirk):
        assert client_of(user).post(reverse("engagements:send_on", args=[engagement.pk])).status_code == 404
    for user in (world.carla, world.anna):
        url = reverse("accounts:transfer", args=[world.anna.pk])
        assert client_of(user).post(url, {"agency": world.kiel.pk, "confirmed": "1"}).status_code == 403
    active = engagement_in("active", learner=world.stranger)
    assert client_of(world.ben).post(reverse("engagements:send_on", args=[active.pk])).status_code == 403


def test_the_own_administration_stays_and_bad_input_is_answered_beside_the_field(
    world: SimpleNamespace, client_of: Browser
) -> None:
    dirk = client_of(world.dirk)
    with as_owner():
        grant = RoleGrant.objects.get(user=world.dirk)
    assert change(dirk, world.dirk, world.kiel, end=[grant.pk]).status_code == 422
    for value in ("", "x", world.augsburg.pk):
        response = dirk.post(reverse("accounts:transfer", args=[world.anna.pk]), {"agency": value})
        assert response.status_code == 422 and 'id="id_agency_error"' in page(response)
    assert change(dirk, world.dirk, world.kiel).status_code == 302
    assert dirk.get(reverse("accounts:people")).status_code == 200
