"""Signing in with a second factor, confirming what matters, and ending sessions."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import update_last_login
from django.contrib.auth.signals import user_logged_in
from django.core import mail
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, OutgoingMail, RoleGrant, SignIn, User
from accounts.sessions import end_sessions, hash_of
from lernbegleitung import rls, vault
from lernbegleitung.middleware import AT_LEAST

from .conftest import as_owner, confirm
from .people import PASSWORD

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ClientOf = Callable[[User], Client]


NOON = 1_800_000_000.0


@pytest.fixture(autouse=True)
def clock_of_the_codes(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Codes change every half minute; here when a test says so."""
    now = SimpleNamespace(time=NOON)
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.time", SimpleNamespace(time=lambda: now.time))
    return now


def code_of(secret: str = SECRET, at: float = NOON) -> str:
    """What the app shows."""
    return format_hotp_value(hotp_value(secret, int(at) // 30))


@pytest.fixture
def required(settings: Any) -> None:
    """As on a server: coordinators and administrators need a second factor."""
    settings.SECOND_FACTOR_FOR = ["coordinator", "administrator"]


def give_app(user: User) -> None:
    with as_owner():
        TOTP.activate(user, SECRET)


def sign_in(user: User, password: str = PASSWORD) -> tuple[Client, Any]:
    client = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"})
    return client, client.post("/accounts/login/", {"login": user.email, "password": password})


# ── who needs one ──────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["carla", "dirk"])
def test_coordinators_and_administrators_get_nowhere_without_one(
    who: str, required: None, world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(getattr(world, who))
    for name in ("conversations:today", "accounts:people", "engagements:assignment", "accounts:own_data"):
        response = client.get(reverse(name))
        assert response.status_code in (302, 403), name
        assert response.status_code == 403 or response["Location"] == "/accounts/2fa/", name
    assert client.post(reverse("accounts:invite"), {"email": "x@example.org"})["Location"] == "/accounts/2fa/"
    page = client.get("/accounts/2fa/").content.decode()
    assert "brauchen Sie neben dem Passwort einen zweiten Faktor" in page
    htmx = client.get(reverse("conversations:today"), headers={"HX-Request": "true"})
    assert htmx["HX-Redirect"] == "/accounts/2fa/"


def test_learners_and_companions_may_and_need_not(required: None, world: SimpleNamespace, client_of: ClientOf) -> None:
    for user in (world.anna, world.ben):
        assert client_of(user).get("/heute/").status_code == 200
        assert client_of(user).get("/accounts/2fa/").status_code == 200


def test_a_deployment_may_require_it_of_everybody(settings: Any, world: SimpleNamespace, client_of: ClientOf) -> None:
    settings.SECOND_FACTOR_FOR = ["learner"]
    assert client_of(world.anna).get("/heute/")["Location"] == "/accounts/2fa/"


def test_it_is_required_on_a_server_unless_a_deployment_says_otherwise() -> None:
    import os
    import subprocess
    import sys

    code = "from lernbegleitung import settings; print(settings.SECOND_FACTOR_FOR)"
    env = {k: v for k, v in os.environ.items() if k not in ("LERNBEGLEITUNG_DEMO", "DJANGO_SETTINGS_MODULE")}
    env |= {"SECRET_KEY": "x", "MASTER_KEYS": "a:" + "A" * 43 + "=", "DATABASE_URL": "postgres://x@localhost/x"}
    for more, expected in (
        ({}, "['coordinator', 'administrator']"),
        ({"SECOND_FACTOR_FOR": "administrator"}, "['administrator']"),
        ({"SECOND_FACTOR_FOR": "learner"}, "['learner']"),
        ({"LERNBEGLEITUNG_DEMO": "1"}, "[]"),
    ):
        done = subprocess.run([sys.executable, "-c", code], env=env | more, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected


# ── an app ─────────────────────────────────────────────────────────────────


def test_setting_up_an_app_signing_in_with_it_and_with_a_recovery_code(
    required: None,
    world: SimpleNamespace,
    client_of: ClientOf,
    monkeypatch: pytest.MonkeyPatch,
    clock_of_the_codes: SimpleNamespace,
) -> None:
    client = client_of(world.carla)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    secret = client.session["mfa.totp.secret"]
    assert secret in page and "<svg role" in page
    assert client.post("/accounts/2fa/totp/activate/", {"code": "000000"}).status_code == 200, "a wrong code is told"
    monkeypatch.setattr("allauth.mfa.totp.internal.flows.transaction.on_commit", lambda do: do())  # tests do not commit
    response = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert response["Location"] == "/accounts/2fa/recovery-codes/"
    codes_page = client.get(response["Location"]).content.decode()
    with as_owner():
        codes = Authenticator.objects.get(user=world.carla, type="recovery_codes").wrap().get_unused_codes()
        stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert len(codes) == 10 and all(code in codes_page for code in codes)
    assert codes[0] not in client.get("/accounts/2fa/recovery-codes/").content.decode(), "codes are shown once"
    assert secret not in stored and codes[0] not in stored, "secrets are stored sealed"
    assert secret not in str(dict(client.session)), "and are gone from the session"
    assert mail.outbox[-1].to == [world.carla.email] and secret not in mail.outbox[-1].body
    assert client.get(reverse("engagements:assignment")).status_code == 200, "this session counts from now on"

    clock_of_the_codes.time += 30
    for code in (code_of(secret, clock_of_the_codes.time), codes[0]):
        fresh, response = sign_in(world.carla)
        assert response["Location"] == "/accounts/2fa/authenticate/"
        assert fresh.get("/heute/").status_code == 302, "the password alone opens nothing"
        assert fresh.post("/accounts/2fa/authenticate/", {"code": "111111"}).status_code == 200
        assert fresh.get("/heute/").status_code == 302
        assert fresh.post("/accounts/2fa/authenticate/", {"code": code})["Location"] == "/heute/"
        assert fresh.get(reverse("engagements:assignment")).status_code == 200
    fresh, _response = sign_in(world.carla)
    assert fresh.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == 200, "a code opens once"
    with as_owner():
        assert set(AuditEvent.objects.values_list("kind", flat=True)) >= {"second_factor.added"}


def test_a_code_opens_once_and_for_half_a_minute(world: SimpleNamespace, clock_of_the_codes: SimpleNamespace) -> None:
    give_app(world.anna)
    first, _response = sign_in(world.anna)
    assert first.post("/accounts/2fa/authenticate/", {"code": code_of()}).status_code == 302
    second, _response = sign_in(world.anna)
    assert second.post("/accounts/2fa/authenticate/", {"code": code_of()}).status_code == 200, "used already"
    clock_of_the_codes.time += 60
    third, _response = sign_in(world.anna)
    old = code_of(at=clock_of_the_codes.time - 30)
    assert third.post("/accounts/2fa/authenticate/", {"code": old}).status_code == 200, "too old"


def test_codes_cannot_be_guessed(world: SimpleNamespace) -> None:
    give_app(world.anna)
    client, _response = sign_in(world.anna)
    for _try in range(5):
        client.post("/accounts/2fa/authenticate/", {"code": "123456"})
    client.post("/accounts/2fa/authenticate/", {"code": code_of()})
    assert client.get("/heute/").status_code == 302, "after five wrong codes the right one has to wait"


def test_who_needs_one_keeps_one(required: None, world: SimpleNamespace, client_of: ClientOf) -> None:
    give_app(world.carla)
    give_app(world.anna)
    for user, left in ((world.carla, 1), (world.anna, 0)):
        client = client_of(user)
        confirm(client, "mfa")
        client.post("/accounts/2fa/totp/deactivate/")
        with as_owner():
            assert Authenticator.objects.filter(user=user).count() == left


def test_nobody_touches_the_second_factor_of_another(world: SimpleNamespace, client_of: ClientOf) -> None:
    with as_owner():
        key = Authenticator.objects.create(user=world.anna, type="webauthn", data={"name": "Telefon", "credential": {}})
    for user in (world.ben, world.carla, world.dirk):
        client = client_of(user)
        for what in ("edit", "remove"):
            assert client.get(f"/accounts/2fa/webauthn/keys/{key.pk}/{what}/").status_code == 404
        with rls.acting_as(user.pk):
            assert not Authenticator.objects.exists()
    client = client_of(world.anna)
    assert "Telefon" in client.get("/accounts/2fa/").content.decode()
    assert client.post(f"/accounts/2fa/webauthn/keys/{key.pk}/edit/", {"name": "Diensthandy"}).status_code == 302
    assert "Diensthandy" in client.get("/accounts/2fa/").content.decode()
    assert client.post(f"/accounts/2fa/webauthn/keys/{key.pk}/remove/").status_code == 302
    with as_owner():
        assert not Authenticator.objects.exists()


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"credential": "{}"},
        {"credential": "no json"},
        {"credential": '{"id": 1}'},
        {"credential": "[]"},
        {"credential": "7"},
        {
            "credential": '{"rawId": "AA", "response": {"userHandle": "AA", "clientDataJSON": "AA"}, "type": "public-key", "id": "AA"}'
        },
    ],
)
@pytest.mark.parametrize("path", ["login/", "add/", "reauthenticate/"])
def test_a_passkey_that_is_none_is_refused_and_breaks_nothing(
    path: str, sent: dict[str, str], world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = Client() if path == "login/" else client_of(world.anna)
    response = client.post(f"/accounts/2fa/webauthn/{path}", sent)
    assert response.status_code in (200, 302)
    with as_owner():
        assert not Authenticator.objects.exists()


def test_the_master_key_of_second_factors_is_changed_with_the_others(
    world: SimpleNamespace, settings: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    give_app(world.anna)
    with as_owner():
        RecoveryCodes.activate(world.anna)
        codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    ring = vault.Keyring(f"new:{'B' * 43}=\n{settings.MASTER_KEYS}")
    monkeypatch.setattr(vault, "keyring", lambda: ring)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_keys")
    call_command("rotate_keys")
    call_command("rotate_keys")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_app")
    assert "2 secrets of second factors" in capsys.readouterr().out
    only_new = vault.Keyring(f"new:{'B' * 43}=")
    monkeypatch.setattr(vault, "keyring", lambda: only_new)
    with as_owner():
        assert get_adapter().decrypt(Authenticator.objects.get(type="totp").data["secret"]) == SECRET
        assert Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes() == codes


# ── showing again that it is you ───────────────────────────────────────────


def test_roles_and_accounts_are_changed_only_by_who_has_just_confirmed(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    client = client_of(world.dirk)
    confirm(client, ago=6 * 60)
    role = {"role": "coordinator", "agency": world.ulm.pk, "ends_on": ""}
    places = [
        (reverse("accounts:grant", args=[world.anna.pk]), role),
        (reverse("accounts:activate", args=[world.anna.pk]), {}),
        (reverse("accounts:end_grant", args=[world.carla.pk]), {"grant": 1}),
        (reverse("accounts:reset_second_factor", args=[world.anna.pk]), {}),
    ]
    for address, sent in places:
        assert client.post(address, sent)["Location"].startswith("/accounts/reauthenticate/?next="), address
    with as_owner():
        assert User.objects.get(pk=world.anna.pk).is_active and not RoleGrant.objects.filter(user=world.anna).exists()
    # The password, and what was sent goes through without being typed again.
    way = client.post(*places[0])["Location"]
    assert client.post(way, {"password": "wrong"}).status_code == 200
    assert "Rolle gilt" not in client.get(reverse("accounts:person", args=[world.anna.pk])).content.decode()
    client.post(*places[0])
    response = client.post(way, {"password": PASSWORD, "next": places[0][0]})
    assert response["Location"] == reverse("accounts:person", args=[world.anna.pk])
    assert "Die Rolle gilt ab heute." in client.get(response["Location"]).content.decode()
    with as_owner():
        assert RoleGrant.objects.filter(user=world.anna, role="coordinator").exists()


def test_every_change_of_roles_exports_and_keys_asks_for_confirmation() -> None:
    """By name: whoever adds such a view is reminded here."""
    from accounts.views import people, security
    from conversations.views import portfolio

    views = (people.grant, people.end_grant, people.activate, people.reset_second_factor, people.end_sessions)
    exports = (portfolio.choose, portfolio.as_data, portfolio.as_paper, portfolio.confirmation)
    for view in (*views, *exports, security.end):
        inner, names = view, []
        while inner := getattr(inner, "__wrapped__", None):
            names.append(inner.__code__.co_qualname if hasattr(inner.__code__, "co_qualname") else "")
        assert any("reauthentication_required" in name for name in names), view


# ── sessions ───────────────────────────────────────────────────────────────


def test_open_sessions_are_listed_to_their_person_alone_and_can_be_ended(world: SimpleNamespace) -> None:
    here, _response = sign_in(world.anna)
    assert here.post("/accounts/sitzungen/beenden/")["Location"].startswith("/accounts/reauthenticate/")
    confirm(here)
    there, _response = sign_in(world.anna)
    third, _response = sign_in(world.anna)
    page = here.get("/accounts/2fa/").content.decode()
    assert page.count("Firefox, Linux</b>") == 3 and page.count('"tag">dieses Gerät') == 1
    with rls.acting_as(world.dirk.pk):
        assert not SignIn.objects.exists(), "not even the administration sees when somebody signed in"
    with as_owner():
        kept = SignIn.objects.get(key_hash=hash_of(there.session.session_key))
        assert there.session.session_key not in str(SignIn.objects.values_list())
    assert here.post("/accounts/sitzungen/beenden/", {"session": str(kept.pk)}).status_code == 302
    assert there.get("/heute/").status_code == 302 and third.get("/heute/").status_code == 200
    here.post("/accounts/sitzungen/beenden/")
    assert third.get("/heute/").status_code == 302 and here.get("/heute/").status_code == 200
    other, _response = sign_in(world.ben)
    confirm(other)
    for session in (str(kept.pk), "x", "1"):
        assert other.post("/accounts/sitzungen/beenden/", {"session": session}).status_code == 404
    here.post("/accounts/logout/")
    with as_owner():
        assert not SignIn.objects.filter(user=world.anna).exists()


@pytest.mark.parametrize(
    "change", ["password", "reset", "deactivated", "role ended", "second factor reset", "signed out"]
)
def test_sessions_end_at_once(change: str, world: SimpleNamespace, client_of: ClientOf) -> None:
    user = world.carla
    if change == "second factor reset":
        give_app(user)
    clients = [client_of(user), client_of(user)]
    bystander = client_of(world.ben)
    admin = client_of(world.dirk)
    assert all(client.get("/heute/").status_code == 200 for client in clients)
    with as_owner():
        grant = RoleGrant.objects.get(user=user)
    new = "ein ganz anderer langer Satz"
    if change == "password":
        sent = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        assert clients[0].post("/accounts/password/change/", sent).status_code == 302
    elif change == "reset":
        Client().post("/accounts/password/reset/", {"email": user.email})
        path = "/" + next(w for w in mail.outbox[-1].body.split() if "/reset/key/" in w).split("/", 3)[3]
        door = Client()
        form = door.get(path)["Location"]
        assert door.post(form, {"password1": new, "password2": new}).status_code == 302
    elif change == "deactivated":
        admin.post(reverse("accounts:activate", args=[user.pk]))
    elif change == "role ended":
        admin.post(reverse("accounts:end_grant", args=[user.pk]), {"grant": grant.pk})
    elif change == "signed out":
        admin.post(reverse("accounts:sign_out", args=[user.pk]))
    else:
        admin.post(reverse("accounts:reset_second_factor", args=[user.pk]))
        with as_owner():
            assert OutgoingMail.objects.filter(kind="second_factor_reset", recipient=user).count() == 1
    for client in clients:
        assert client.get("/heute/")["Location"].startswith("/accounts/login/")
    with as_owner(), connection.cursor() as cursor:
        assert not SignIn.objects.filter(user=user).exists()
        cursor.execute("SELECT count(*) FROM django_session")
        assert cursor.fetchone()[0] >= 2, "those of others stay"
    assert bystander.get("/heute/").status_code == 200 and admin.get("/heute/").status_code == 200


def test_the_database_ends_nobody_elses_sessions_and_resets_nobody_elses_factor(world: SimpleNamespace) -> None:
    for sql in ("SELECT end_sessions(%s, NULL, NULL)", "SELECT reset_second_factor(%s)"):
        with (
            rls.acting_as(world.ben.pk),
            pytest.raises(ProgrammingError),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql, [world.anna.pk])
    with (
        rls.acting_as(world.dirk.pk),
        pytest.raises(ProgrammingError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT reset_second_factor(%s)", [world.dirk.pk])
    with rls.acting_as(world.ben.pk), connection.cursor() as cursor:
        cursor.execute("SELECT has_second_factor(%s)", [world.anna.pk])
        assert cursor.fetchone()[0] is False
        cursor.execute("SELECT count(*) FROM open_sessions(%s)", [world.anna.pk])
        assert cursor.fetchone()[0] == 0
        assert end_sessions(world.ben) == 0


@pytest.mark.parametrize(
    "sql", ["end_sessions(1, NULL, NULL)", "reset_second_factor(1)", "open_sessions(1)", "has_second_factor(1)"]
)
def test_only_the_web_role_may_call_what_ends_sessions(sql: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("RESET ROLE")
        cursor.execute("SET LOCAL ROLE lern_worker")
        cursor.execute(f"SELECT {sql}")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_app")


def test_when_somebody_last_signed_in_is_recorded_nowhere() -> None:
    assert "last_login" not in {field.name for field in User._meta.get_fields()}
    assert not any(r[1]() is update_last_login for r in user_logged_in.receivers if callable(r[1]))


# ── nobody learns who has an account ───────────────────────────────────────


def test_the_door_says_the_same_to_known_and_unknown(world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth import hashers

    hashed: list[str] = []
    encode = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(
        hashers.MD5PasswordHasher, "encode", lambda self, *a, **k: (hashed.append("x"), encode(self, *a, **k))[1]
    )

    def body(address: str, field: str, mail_address: str) -> tuple[int, str, int]:
        hashed.clear()
        response = Client().post(address, {field: mail_address, "password": "wrong password"}, follow=True)
        text = response.content.decode().replace(mail_address, "ADDRESS")
        return response.status_code, "".join(line for line in text.splitlines() if "csrf" not in line), len(hashed)

    for address, field in (("/accounts/login/", "login"), ("/accounts/password/reset/", "email")):
        assert body(address, field, "anna@example.org") == body(address, field, "nobody@example.org"), address
    assert body("/accounts/login/", "login", "nobody@example.org")[2] >= 1, "the unknown costs a hash, too"


@pytest.mark.parametrize("address", ["anna@example.org", "nobody@example.org"])
def test_asking_for_a_password_takes_as_long_for_known_and_unknown(world: SimpleNamespace, address: str) -> None:
    """Without the floor it took 8.8 ms for known and 6.3 ms for unknown addresses, which can be told apart."""
    begun = time.monotonic()
    assert Client().post("/accounts/password/reset/", {"email": address}).status_code == 302
    assert time.monotonic() - begun >= AT_LEAST  # what is below it is told to nobody


def test_invitations_and_searches_have_limits(world: SimpleNamespace, client_of: ClientOf, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "invite": "2/h/user", "search": "2/m/key"}
    client = client_of(world.dirk)
    assert [client.get("/personen/?q=a").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/personen/").status_code == 200, "looking without a search goes on"
    assert client_of(world.carla).get("/begleitende/?q=b").status_code == 200, "and so does everybody else"
    assert [client.post(reverse("accounts:invite"), {}).status_code for _ in range(3)] == [422, 422, 429]
