"""What docs/security.md says is met and no other test shows; and that the document itself is complete and true."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.passwords import KnownWordsValidator

from .conftest import as_owner
from .people import PASSWORD
from .test_authorisation import ROUTES

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "security.md"
# The requirements of ASVS 5.0 levels 1 and 2 that apply (no uploads, GraphQL, WebSocket, WebRTC, SAML, own tokens).
APPLY = """
1.1.{1-2} 1.2.{1-5,9} 1.3.{1-3,5-7,10-11} 1.5.{2} 2.1.{1-3} 2.2.{1-3} 2.3.{1-4} 2.4.{1} 3.2.{1-2} 3.3.{1-4} 3.4.{1-6}
3.5.{1-3} 3.7.{1-2} 4.1.{1-3} 4.2.{1} 6.1.{1-3} 6.2.{1-12} 6.3.{1-4} 6.4.{1-4} 6.5.{1-5} 6.6.{2-3} 6.8.{1-2,4} 7.1.{1-3}
7.2.{1-4} 7.3.{1-2} 7.4.{1-5} 7.5.{1-2} 7.6.{1-2} 8.1.{1-2} 8.2.{1-3} 8.3.{1} 8.4.{1} 10.1.{1-2} 10.2.{1-2} 10.5.{1-5}
11.1.{1-2} 11.2.{1-3} 11.3.{1-3} 11.4.{1-4} 11.5.{1} 11.6.{1} 12.1.{1-2} 12.2.{1-2} 12.3.{1-4} 13.1.{1} 13.2.{1-5}
13.3.{1-2} 13.4.{1-5} 14.1.{1-2} 14.2.{1-4} 14.3.{1-3} 15.1.{1-3} 15.2.{1-3} 15.3.{1-7} 16.1.{1} 16.2.{1-5} 16.3.{1-4}
16.4.{1-3} 16.5.{1-3}
"""


def applying() -> list[str]:
    found = []
    for section, ranges in re.findall(r"([\d.]+)\{([\d,-]+)\}", APPLY):
        for part in ranges.split(","):
            first, _dash, last = part.partition("-")
            found += [f"{section}{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def rows() -> list[tuple[str, str, str]]:
    """(requirement, met / not applicable / open, how) of the document's table."""
    return re.findall(r"^\| (\d+\.\d+\.\d+) \| ([^|]+?) \| (.+?) \|$", DOCUMENT.read_text(), re.M)


def test_the_document_answers_each_requirement_once() -> None:
    assert len(applying()) == 189
    assert [number for number, _state, _how in rows()] == applying()
    assert {state for _number, state, _how in rows()} <= {"met", "not applicable", "open"}


def test_what_is_said_to_be_met_names_a_test_or_a_section_and_each_exists() -> None:
    sections = set(re.findall(r"^## (.+)$", DOCUMENT.read_text(), re.M))
    missing = []
    for number, state, how in rows():
        tests = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", how)
        named = re.findall(r"\u201c([^\u201d]+)\u201d", how)
        checks = re.findall(r"`make (?:check|audit)`", how)
        if state == "met" and not (tests or checks or set(named) & sections):
            missing.append(f"{number}: nothing shows it")
        for file, name in tests:
            if not (ROOT / file).exists() or name and f"def {name}(" not in (ROOT / file).read_text():
                missing.append(f"{number}: there is no {file}::{name}")
        missing += [f"{number}: no section {name}" for name in named if name not in sections]
    assert missing == []


# ── output and input ───────────────────────────────────────────────────────


def sources(pattern: str) -> list[Path]:
    rooms = ("accounts", "engagements", "conversations", "lernbegleitung", "demo", "templates", "static")
    return [file for room in rooms for file in (ROOT / room).rglob(pattern)]


def lines_with(pattern: str, files: list[Path]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {line.strip()[:90]}"
        for file in files
        for line in file.read_text().splitlines()
        if re.search(pattern, line)
    ]


def test_nothing_is_marked_safe_and_nothing_is_run_as_code() -> None:
    assert lines_with(r"\|safe\b|autoescape off|mark_safe|SafeString\(", sources("*.html")) == []
    python = sources("*.py")
    assert len(python) > 100
    assert (
        lines_with(r"mark_safe\(|\beval\(|\bexec\(|shell=True|os\.system|\.raw\(|\.extra\(|RawSQL|pickle", python) == []
    )
    assert lines_with(r"\beval\(|new Function|document\.write|outerHTML\s*=", sources("*.js")) == []


def test_no_form_takes_every_field_of_a_model() -> None:
    assert (
        lines_with(r"__all__\"|fields = \"__all__\"|exclude = ", [f for f in sources("*.py") if "forms" in f.name])
        == []
    )


def test_templates_of_mails_are_files_and_their_subject_is_one_line() -> None:
    from django.core.mail import BadHeaderError, EmailMessage

    with pytest.raises(BadHeaderError):
        EmailMessage("a\nBcc: x@example.org", "b", "c@example.org", ["d@example.org"]).message()
    for file in (ROOT / "templates" / "mail").glob("*.txt"):
        subject = file.read_text().splitlines()[0].replace("{{ told.subject }}", "")  # sentences of our own, chosen
        assert "{{" not in subject, f"{file.name}: nothing of a person in a subject"


@pytest.mark.django_db
def test_a_name_cannot_add_a_line_to_a_mail(world: SimpleNamespace, client_of: Callable[[User], Client]) -> None:
    sent = {
        "email": "neu@example.org\nBcc: x@example.org",
        "name": "N",
        "agency": world.ulm.pk,
        "role": "",
        "language": "de",
    }
    assert client_of(world.dirk).post(reverse("accounts:invite"), sent).status_code == 422


@pytest.mark.django_db
def test_a_parameter_sent_twice_counts_once(world: SimpleNamespace, client_of: Callable[[User], Client]) -> None:
    body = "name=Eins&name=Zwei&job=&team=&language=de"
    client = client_of(world.anna)
    response = client.post(reverse("accounts:profile") + "?name=Drei", body, "application/x-www-form-urlencoded")
    assert response.status_code == 302
    with as_owner():
        assert User.objects.get(pk=world.anna.pk).name == "Zwei", "the last of the body; the address does not count"


# ── browser ────────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_every_answer_carries_every_header(world: SimpleNamespace, client_of: Callable[[User], Client]) -> None:
    expected = {
        "Content-Security-Policy": ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'",
                                    "form-action 'self'", "require-trusted-types-for 'script'"),
        "X-Content-Type-Options": ("nosniff",), "Referrer-Policy": ("same-origin",),
        "Cross-Origin-Opener-Policy": ("same-origin",), "Cross-Origin-Resource-Policy": ("same-origin",),
        "Cache-Control": ("no-store",), "Permissions-Policy": ("camera=()",),
    }  # fmt: skip
    client, seen = client_of(world.anna), 0
    for name, address in ROUTES.items():
        if "<" in address or "(" in address:
            continue
        for response in (Client().get(address), client.get(address)):
            seen += 1
            for header, words in expected.items():
                if header == "Cache-Control" and response.wsgi_request.user.is_anonymous and "ETag" in response.headers:
                    continue  # nobody's page, see test_caching
                assert all(word in response.headers.get(header, "") for word in words), (name, header)
            assert "unsafe" not in response.headers["Content-Security-Policy"]
            assert "Access-Control-Allow-Origin" not in response.headers
            if response.content:
                assert "charset=utf-8" in response.headers["Content-Type"] or "json" in response.headers["Content-Type"]
    assert seen > 60


def settings_of_a_server(names: str, **env: str) -> str:
    code = f"from lernbegleitung import settings as s; print({names})"
    base = {
        "SECRET_KEY": "x", "MASTER_KEYS": "a:" + "A" * 43 + "=", "DATABASE_URL": "postgres://x@localhost/x",
        "BASE_URL": "https://lernen.example.org", "PATH": "/usr/bin:/bin", **env,
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], env=base, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


def test_cookies_on_a_server_stay_with_this_host_and_away_from_scripts() -> None:
    names = "s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.LANGUAGE_COOKIE_NAME"
    assert settings_of_a_server(names) == "__Host-session __Host-csrf __Host-language"
    flags = "s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.CSRF_COOKIE_HTTPONLY, s.LANGUAGE_COOKIE_HTTPONLY"
    assert settings_of_a_server(flags) == "True True True True True"
    assert settings_of_a_server("s.SESSION_COOKIE_SAMESITE, s.CSRF_COOKIE_SAMESITE") == "Lax Lax"
    assert settings_of_a_server("s.SECURE_HSTS_SECONDS, s.SECURE_HSTS_INCLUDE_SUBDOMAINS") == "31536000 True"
    assert settings_of_a_server("s.DEBUG, s.DEMO, 'demo.apps.DemoConfig' in s.INSTALLED_APPS") == "False False False"
    assert (
        settings_of_a_server("s.SECURE_PROXY_SSL_HEADER if hasattr(s, 'SECURE_PROXY_SSL_HEADER') else None") == "None"
    )


@pytest.mark.django_db
def test_every_cookie_that_is_set_is_closed_to_scripts(
    world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    client = Client()
    client.get("/accounts/login/")
    client.post("/sprache/", {"language": "en", "next": "/"})
    client.post("/accounts/login/", {"login": world.anna.email, "password": PASSWORD})
    assert set(client.cookies) == {"csrf", "language", "session"}
    for cookie in client.cookies.values():
        assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/" and not cookie["domain"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "accounts:people"]
)
def test_nobody_is_sent_to_another_house(target: str, world: SimpleNamespace) -> None:
    client = Client()
    assert client.post("/sprache/", {"language": "de", "next": target})["Location"].startswith(("/", "accounts"))
    assert not client.post("/sprache/", {"language": "de", "next": target})["Location"].startswith(
        ("//", "/\\", "javascript")
    )
    response = client.post(
        f"/accounts/login/?next={target}", {"login": world.anna.email, "password": PASSWORD, "next": target}
    )
    assert response["Location"] == "/heute/"


@pytest.mark.django_db
def test_every_post_needs_the_token_of_the_page(world: SimpleNamespace) -> None:
    client, asked = Client(enforce_csrf_checks=True), 0
    with as_owner():
        client.force_login(world.anna, backend="accounts.backends.EmailBackend")
    for name, address in ROUTES.items():
        if "<" not in address and "(" not in address:
            asked += 1
            assert client.post(address).status_code in (403, 405), name
    assert asked > 30


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH", "CONNECT"])
def test_other_ways_of_asking_are_refused(
    method: str, world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    client = client_of(world.anna)
    for address in ("/heute/", "/lerntagebuch/", "/profil/", "/"):
        response = client.generic(method, address, "x")
        assert response.status_code == 405 and b"x-forwarded" not in response.content.lower()


# ── passwords and sessions ─────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("lernbegleitung", False), ("Lernbegleitung2026", False), ("arbeitsagentur-1", False), ("jobcenterjobcenter", False),
        ("Lernbegleitung mit Geduld", True), ("vier Rehe am Waldrand", True), ("x" * 64, True), ("🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊🦊", True),
    ],
)  # fmt: skip
def test_words_that_everybody_here_knows_are_no_password(password: str, good: bool) -> None:
    if good:
        KnownWordsValidator().validate(password)
    else:
        with pytest.raises(forms.ValidationError):
            KnownWordsValidator().validate(password)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("password", "status"),
    [
        ("zu kurz", 200), ("password1234", 200), ("lernbegleitung1", 200), ("anna@example.org", 200),
        ("nur kleine buchstaben hier", 302), (" mit Leerzeichen am Rand ", 302), ("ü" * 100, 302),
    ],
)  # fmt: skip
def test_passwords_are_taken_as_typed_or_refused_with_a_reason(
    password: str, status: int, world: SimpleNamespace, client_of: Callable[[User], Client]
) -> None:
    client = client_of(world.anna)
    sent = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    assert client.post("/accounts/password/change/", {**sent, "oldpassword": "wrong"}).status_code == 200
    assert client.post("/accounts/password/change/", sent).status_code == status
    with as_owner():
        user = User.objects.get(pk=world.anna.pk)
    assert user.check_password(password) is (status == 302)
    if status == 302:
        assert not user.check_password(password.strip() + "x") and not user.check_password(password[:72].upper())
        assert Client().post("/accounts/login/", {"login": user.email, "password": password}).status_code == 302


@pytest.mark.django_db
def test_password_fields_are_masked_and_can_be_pasted_into() -> None:
    page = Client().get("/accounts/login/").content.decode()
    field = re.search(r"<input[^>]+name=\"password\"[^>]*>", page)[0]  # type: ignore[index]
    assert (
        'type="password"' in field
        and "current-password" in field
        and "onpaste" not in page
        and "maxlength" not in field
    )


def test_passwords_are_kept_with_argon2() -> None:
    assert settings_of_a_server("s.PASSWORD_HASHERS[0]") == "django.contrib.auth.hashers.Argon2PasswordHasher"


@pytest.mark.django_db
def test_signing_in_changes_the_session_and_signing_out_ends_it(world: SimpleNamespace) -> None:
    client = Client()
    session = client.session
    session["planted"] = 1
    session.save()
    before = session.session_key
    client.cookies["session"] = str(before)
    client.post("/accounts/login/", {"login": world.anna.email, "password": PASSWORD})
    inside = client.cookies["session"].value
    assert inside != before and len(inside) >= 32
    client.post("/accounts/logout/")
    thief = Client()
    thief.cookies["session"] = inside
    assert thief.get("/heute/").status_code == 302
    thief.cookies["session"] = str(before)
    assert thief.get("/heute/").status_code == 302


@pytest.mark.django_db
def test_the_link_of_a_forgotten_password_is_for_once_and_for_an_hour(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import datetime, timedelta

    from django.contrib.auth.tokens import PasswordResetTokenGenerator

    Client().post("/accounts/password/reset/", {"email": world.anna.email})
    path = "/" + next(w for w in mail.outbox[-1].body.split() if "/reset/key/" in w).split("/", 3)[3]
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: datetime.now() + timedelta(minutes=61))
    assert Client().get(path, follow=True).context["token_fail"] is True
    monkeypatch.undo()
    door, new = Client(), "ein ganz anderer langer Satz"
    form = door.get(path)["Location"]
    assert door.post(form, {"password1": new, "password2": new}).status_code == 302
    assert Client().get(path, follow=True).context["token_fail"] is True


# ── configuration and logs ─────────────────────────────────────────────────


def test_without_keys_nothing_starts() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import lernbegleitung.settings"], cwd=ROOT, text=True, capture_output=True, check=False,
        env={"DATABASE_URL": "postgres://x@localhost/x", "PATH": "/usr/bin:/bin", "VAR_DIR": "/nonexistent"},
    )  # fmt: skip
    assert done.returncode != 0 and "SECRET_KEY and MASTER_KEYS" in done.stderr


def test_no_secret_lies_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    for name in listed:
        file = ROOT / name
        assert file.suffix not in (".pem", ".key", ".p12") and file.name != ".env", name
        if file.suffix in (".py", ".yml", ".toml", ".sql"):
            assert "BEGIN PRIVATE KEY" not in file.read_text().replace('assert "BEGIN PRIVATE KEY"', ""), name


def test_the_image_leaves_out_history_and_secrets() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    assert {".git", "ops/secrets", "var", "tests"} <= set(left_out)


@pytest.mark.django_db
def test_a_failed_sign_in_is_logged_with_its_network_and_without_the_person(
    world: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    Client(REMOTE_ADDR="203.0.113.77").post("/accounts/login/", {"login": world.anna.email, "password": "wrong"})
    line = next(r.getMessage() for r in caplog.records if r.name == "lernbegleitung.security")
    assert line == "sign-in failed, network 203.0.113.0/24"
    assert world.anna.email not in caplog.text and "wrong" not in caplog.text


@pytest.mark.django_db
def test_a_log_line_stays_one_line(world: SimpleNamespace, client_of: Callable[[User], Client]) -> None:
    from lernbegleitung.logs import DiscreetFormatter

    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(DiscreetFormatter("{asctime} {levelname} {name} {message}", style="{"))
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        client_of(world.anna).get("/gibt-es-nicht%0a2026-01-01 ERROR forged")
    finally:
        logger.removeHandler(handler)
    assert len(stream.getvalue().splitlines()) == 1
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING ", stream.getvalue()), "in UTC"


@pytest.mark.django_db
def test_an_error_page_tells_nothing_of_the_inside(monkeypatch: pytest.MonkeyPatch, world: SimpleNamespace) -> None:
    from lernbegleitung import rls

    def broken(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(rls, "acting_as", broken)
    client = Client(raise_request_exception=False)
    response = client.get("/heute/")
    assert response.status_code == 500
    body = response.content.decode()
    assert "secret inside" not in body and "Traceback" not in body and "RuntimeError" not in body
