"""Coming in by invitation, signing in, roles in time, agencies."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Invitation, OutgoingMail, RoleGrant, User
from accounts.roles import Role
from engagements.models import CompanionLoad, CompanionProfile
from lernbegleitung import clock

from .conftest import as_owner
from .people import PASSWORD

pytestmark = pytest.mark.django_db


def invite(client: Client, world: SimpleNamespace, **also: Any) -> Any:
    values = {
        "email": "neu@example.org",
        "name": "Nele Neu",
        "agency": world.ulm.pk,
        "role": "companion",
        "language": "de",
    }
    return client.post(reverse("accounts:invite"), {**values, **also})


def link_of_the_invitation() -> str:
    with as_owner():
        return OutgoingMail.objects.get(kind="invitation").facts["path"]


NEW = {"name": "Nele Neu", "password": "ein wirklich langer Satz", "language": "de", "read": "on"}


def test_an_invited_companion_comes_in_with_the_role_and_a_profile(
    world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    assert invite(client_of(world.carla), world).status_code == 302
    path, client = link_of_the_invitation(), Client()
    assert "neu@example.org" in client.get(path).content.decode()
    assert client.post(path, NEW)["Location"] == "/heute/"
    assert client.get("/heute/").status_code == 200
    with as_owner():
        user = User.objects.get(email="neu@example.org")
        assert list(RoleGrant.objects.filter(user=user).values_list("role", "agency")) == [("companion", world.ulm.pk)]
        assert CompanionProfile.objects.filter(pk=user.pk, in_training=True).exists()
        assert CompanionLoad.objects.get(pk=user.pk).capacity == 3
    assert Client().post(path, NEW).status_code == 410  # used once
    assert Client().get(path).status_code == 410


@pytest.mark.parametrize(
    "change",
    [{"expires_at": clock.now() - timedelta(seconds=1)}, {"withdrawn_at": clock.now()}, {"accepted_at": clock.now()}],
)
def test_an_invitation_that_is_over_is_answered_kindly(
    change: dict[str, Any], world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    invite(client_of(world.carla), world)
    with as_owner():
        Invitation.objects.update(**change)
    response = Client().post(link_of_the_invitation(), NEW)
    assert response.status_code == 410
    assert "Diese Einladung gilt nicht mehr" in response.content.decode()


def test_mistakes_when_coming_in_stand_beside_the_field_and_keep_what_was_typed(
    world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    invite(client_of(world.carla), world)
    response = Client().post(link_of_the_invitation(), {**NEW, "password": "kurz"})
    assert response.status_code == 422
    page = response.content.decode()
    assert 'id="id_password_error"' in page
    assert "Nele Neu" in page


def test_a_taken_address_is_refused_beside_the_field(
    world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    response = invite(client_of(world.carla), world, email="ANNA@example.org")
    assert response.status_code == 422
    assert "hat schon ein Konto" in response.content.decode()
    carla = client_of(world.carla)
    assert invite(carla, world).status_code == 302
    assert invite(carla, world).status_code == 422  # a double click invites once


def test_a_coordinator_invites_for_the_own_agencies_only_and_no_administrators(
    world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    carla = client_of(world.carla)
    assert invite(carla, world, agency=world.kiel.pk).status_code == 422
    assert invite(carla, world, role="administrator").status_code == 422
    assert invite(client_of(world.dirk), world, agency=world.kiel.pk, role="administrator").status_code == 302
    assert invite(client_of(world.anna), world).status_code == 403


def test_nobody_signs_up(world: SimpleNamespace) -> None:
    response = Client().post(
        "/accounts/signup/",
        {"email": "x@example.org", "password1": "ein langer Satz hier", "password2": "ein langer Satz hier"},
    )
    assert "Einladung" in response.content.decode()
    with as_owner():
        assert not User.objects.filter(email="x@example.org").exists()


def test_signing_in_says_the_same_for_known_and_unknown_addresses(world: SimpleNamespace) -> None:
    pages = [
        Client().post("/accounts/login/", {"login": address, "password": "falsch"}).content.decode()
        for address in ("anna@example.org", "niemand@example.org")
    ]
    stripped = [page.replace("anna@example.org", "").replace("niemand@example.org", "") for page in pages]
    assert len(set(map(len, stripped))) == 1


def test_too_many_wrong_passwords_are_answered_with_patience(world: SimpleNamespace) -> None:
    for _time in range(6):
        response = Client().post("/accounts/login/", {"login": "anna@example.org", "password": "falsch"})
    assert response.status_code in (200, 429)
    assert "viele" in response.content.decode().lower()


def test_a_forgotten_password_is_replaced_by_mail(world: SimpleNamespace) -> None:
    client = Client()
    assert client.post("/accounts/password/reset/", {"email": "anna@example.org"}).status_code == 302
    (message,) = mail.outbox
    path = next(word for word in message.body.split() if "/password/reset/key/" in word).split("testserver")[-1]
    page = client.get(path, follow=True)
    response = client.post(
        page.request["PATH_INFO"], {"password1": "ein ganz neuer Satz", "password2": "ein ganz neuer Satz"}
    )
    assert response.status_code == 302, response.content.decode()
    assert (
        Client().post("/accounts/login/", {"login": "anna@example.org", "password": "ein ganz neuer Satz"}).status_code
        == 302
    )


def test_a_deactivated_account_ends_with_the_next_click(
    world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    anna, dirk = client_of(world.anna), client_of(world.dirk)
    assert anna.get("/heute/").status_code == 200
    dirk.post(reverse("accounts:activate", args=[world.anna.pk]))
    assert anna.get("/heute/").status_code == 302
    dirk.post(reverse("accounts:activate", args=[world.anna.pk]), {"active": "1"})
    with as_owner():
        assert User.objects.get(pk=world.anna.pk).is_active


def test_roles_are_given_for_a_time_and_end(world: SimpleNamespace, client_of: Callable[[User], Client]) -> None:
    dirk, address = client_of(world.dirk), reverse("accounts:grant", args=[world.anna.pk])
    values = {"role": "companion", "agency": world.augsburg.pk, "ends_on": ""}
    assert dirk.post(address, {**values, "ends_on": "2020-01-01"}).status_code == 422
    assert dirk.post(address, values).status_code == 302
    assert dirk.post(address, values).status_code == 302  # twice is once
    with as_owner():
        grant = RoleGrant.objects.get(user=world.anna)
        RoleGrant.objects.update(starts_on=clock.today() - timedelta(days=9))
    assert client_of(world.anna).get(reverse("engagements:own_profile")).status_code == 200
    dirk.post(reverse("accounts:end_grant", args=[world.anna.pk]), {"grant": grant.pk})
    assert client_of(world.anna).get(reverse("engagements:own_profile")).status_code == 403
    with as_owner():
        assert {"role.granted.companion", "role.ended.companion"} <= set(
            AuditEvent.objects.values_list("kind", flat=True)
        )


def test_the_last_way_to_administration_cannot_be_closed_by_oneself(
    world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    dirk = client_of(world.dirk)
    with as_owner():
        grant = RoleGrant.objects.get(user=world.dirk)
    dirk.post(reverse("accounts:end_grant", args=[world.dirk.pk]), {"grant": grant.pk})
    dirk.post(reverse("accounts:activate", args=[world.dirk.pk]))
    assert dirk.get(reverse("accounts:people")).status_code == 200


def test_an_agency_is_planted_in_the_tree(world: SimpleNamespace, client_of: Callable[[User], Client]) -> None:
    values = {
        "name": "Agentur für Arbeit Passau",
        "code": "passau",
        "kind": "agency",
        "parent": world.south.pk,
        "state": "BY",
        "city": "Passau",
    }
    dirk = client_of(world.dirk)
    assert dirk.post(reverse("accounts:agency_create"), values).status_code == 302
    assert dirk.post(reverse("accounts:agency_create"), values).status_code == 422
    assert "Passau" in dirk.get(reverse("accounts:agencies")).content.decode()


def test_the_language_is_the_persons_own(world: SimpleNamespace, client_of: Callable[[User], Client]) -> None:
    anna = client_of(world.anna)
    anna.post("/sprache/", {"language": "en", "next": "/heute/"})
    assert b"Good" in anna.get("/heute/").content
    assert anna.post("/sprache/", {"language": "en", "next": "https://elsewhere.example.org/"})["Location"] == "/"


def test_the_first_administrator_comes_from_the_command_line(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with as_owner():
        monkeypatch.setattr(sys, "stdin", io.StringIO("ein langer erster Satz\n"))
        call_command("create_administrator", "chefin@example.org", name="Die Erste")
        assert RoleGrant.objects.get().role == Role.ADMINISTRATOR
        monkeypatch.setattr(sys, "stdin", io.StringIO("kurz\n"))
        with pytest.raises(CommandError):
            call_command("create_administrator", "andere@example.org")
    assert (
        Client()
        .post("/accounts/login/", {"login": "chefin@example.org", "password": "ein langer erster Satz"})
        .status_code
        == 302
    )


def test_sessions_end_after_two_idle_hours(world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    assert client.post("/accounts/login/", {"login": "anna@example.org", "password": PASSWORD}).status_code == 302
    assert client.get("/heute/").status_code == 200
    later = clock.now() + timedelta(hours=2, minutes=6)
    monkeypatch.setattr(clock, "now", lambda: later)
    response = client.get("/heute/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_sessions_end_after_a_working_day_however_busy(world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    client, start = Client(), clock.now()
    client.post("/accounts/login/", {"login": "anna@example.org", "password": PASSWORD})
    for hours in range(10):
        monkeypatch.setattr(clock, "now", lambda hours=hours: start + timedelta(hours=hours))
        assert client.get("/heute/").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: start + timedelta(hours=10, minutes=10))
    assert client.get("/heute/").status_code == 302


def test_headers_on_every_answer(world: SimpleNamespace, client_of: Callable[[User], Client]) -> None:
    pages = ((Client(), "/", "private, no-cache"), (client_of(world.anna), "/", "no-store"))
    pages += ((client_of(world.anna), "/heute/", "no-store"), (Client(), "/gibt-es-nicht/", "no-store"))
    for client, path, kept in pages:
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == kept
        assert headers["X-Frame-Options"] == "DENY"
