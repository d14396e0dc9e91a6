"""What may be kept where: one line for each kind of address, as in the table of docs/decisions/0029."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts import push_crypto
from accounts.models import User
from engagements.models import Engagement
from engagements.states import State

from .test_authorisation import ROUTES
from .test_feeds import open_feed

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
NEVER, ASK, HOUR, FOR_GOOD = (
    "no-store",
    "private, no-cache",
    "max-age=3600, public",
    "max-age=315360000, public, immutable",
)
PUBLIC = ("start", "transparency", "accessibility", "privacy", "imprint", "easy_language", "sign_language")


def kept(response: Any) -> str:
    """What the answer says about keeping it."""
    return str(response.headers["Cache-Control"])


def test_nothing_behind_the_login_is_kept_and_nothing_for_somebody_signed_in(
    world: SimpleNamespace, client_of: ClientOf
) -> None:
    client, seen = client_of(world.anna), 0
    for name, address in ROUTES.items():
        if "<" in address or "(" in address or name == "push_script":
            continue
        assert NEVER in kept(client.get(address)), name
        seen += 1
    assert seen > 30


def test_nobodys_pages_are_asked_for_again_and_go_only_if_they_have_changed() -> None:
    for page in (reverse(f"pages:{name}") for name in PUBLIC):
        client = Client()
        first = client.get(page)
        assert kept(first) == ASK and first.status_code == 200
        same = client.get(page, headers={"If-None-Match": first["ETag"]})
        assert (same.status_code, same.content, kept(same)) == (304, b"", ASK)
        weak = client.get(page, headers={"If-None-Match": f"W/{first['ETag']}", "Accept-Encoding": "gzip"})
        assert weak.status_code == 304, "what was compressed is known by a weak tag"
        english = client.get(page, headers={"If-None-Match": first["ETag"], "Accept-Language": "en"})
        assert english.status_code == 200 and english["ETag"] != first["ETag"]
        other = Client().get(page, headers={"If-None-Match": first["ETag"]})
        assert other.status_code == 200, "another cookie: the token of the forms kept there would not fit"


def test_the_form_on_a_kept_page_still_works() -> None:
    client = Client(enforce_csrf_checks=True)
    first = client.get("/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', first.content.decode())
    assert token and client.get("/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    answer = client.post(reverse("set_language"), {"csrfmiddlewaretoken": token[1], "language": "en", "next": "/"})
    assert answer.status_code == 302
    assert client.get("/", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_who_signs_in_gets_a_page_of_their_own(world: SimpleNamespace, client_of: ClientOf) -> None:
    before = Client().get("/")
    client = client_of(world.anna)
    response = client.get("/", headers={"If-None-Match": before["ETag"]})
    assert (response.status_code, kept(response)) == (200, NEVER) and "ETag" not in response.headers


def test_what_calendars_fetch_and_the_script_of_notices_is_asked_for_again(
    world: SimpleNamespace, client_of: ClientOf, engagement_in: Callable[..., Engagement], settings: Any
) -> None:
    engagement_in(State.ACTIVE)
    settings.PUSH_KEY = push_crypto.new_key()
    for address, rule in ((open_feed(client_of(world.anna)), ASK), ("/push-worker.js", "no-cache")):
        first = Client().get(address)
        again = Client().get(address, headers={"If-None-Match": first["ETag"]})
        assert (first.status_code, kept(first)) == (200, rule), address
        assert (again.status_code, again.content, kept(again)) == (304, b"", rule), address


def test_what_is_missing_or_forbidden_is_not_kept_either(world: SimpleNamespace, client_of: ClientOf) -> None:
    for address in ("/gibt-es-nicht/", "/static/gibt-es-nicht.css", "/kalender/abo/" + "x" * 43 + ".ics"):
        response = Client().get(address)
        assert response.status_code == 404
        assert kept(response) == NEVER, address
    assert kept(client_of(world.anna).get(reverse("accounts:people"))) == NEVER
    assert kept(Client().get("/heute/")) == NEVER, "the way to the login"


@pytest.fixture
def files(tmp_path: Path, settings: Any) -> Iterator[Callable[..., Any]]:
    """The files of the browser as a server has them."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "lernbegleitung.assets.HashedFiles"}}
    call_command("collectstatic", interactive=False, verbosity=0)
    middleware = WhiteNoiseMiddleware(lambda _request: pytest.fail("not among the files"))

    def get(pattern: str, **headers: str) -> Any:
        (file,) = [file for file in sorted(tmp_path.glob(pattern)) if file.suffix not in (".br", ".gz")]
        request = SimpleNamespace(
            path_info=f"/static/{file.relative_to(tmp_path)}", method="GET", headers=headers,
            META={f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        )  # fmt: skip
        return middleware(request)  # type: ignore[arg-type]

    yield get


def test_files_whose_name_changes_with_them_are_kept_for_good(files: Callable[..., Any]) -> None:
    for pattern in ("css/app.????????????.css", "js/desk.????????????.js", "img/icons.????????????.svg"):
        packed = files(pattern, **{"Accept-Encoding": "gzip, deflate, br"})
        assert (packed.status_code, kept(packed), packed["Content-Encoding"]) == (200, FOR_GOOD, "br"), pattern
        assert packed["Vary"] == "Accept-Encoding"
        known = files(pattern, **{"If-None-Match": packed["ETag"]})
        assert (known.status_code, kept(known)) == (304, FOR_GOOD)
        plain = files(pattern)
        assert "Content-Encoding" not in plain.headers and plain["Vary"] == "Accept-Encoding"
    plain_name = files("img/mark.svg", **{"Accept-Encoding": "br"})
    assert kept(plain_name) == HOUR, "the picture beside a notice: its name stays the same when it changes"
