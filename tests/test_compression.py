"""Pages go compressed over the wire, their length says little, and what another site asks for goes as it is."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts.models import User
from lernbegleitung.compression import CompressMiddleware

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def ask(client: Client, address: str, **headers: str) -> Any:
    response = client.get(address, headers={"Accept-Encoding": "gzip, deflate, br", **headers})
    assert response.status_code == 200
    return response


def test_pages_go_compressed_and_their_length_changes_by_chance(world: SimpleNamespace, client_of: ClientOf) -> None:
    client = client_of(world.anna)
    answers = [ask(client, "/heute/") for _time in range(12)]
    assert {answer["Content-Encoding"] for answer in answers} == {"gzip"}
    assert {answer["Vary"].count("Accept-Encoding") for answer in answers} == {1}
    assert all(world.anna.name in gzip.decompress(answer.content).decode() for answer in answers)
    overhead = [len(answer.content) - len(gzip.compress(gzip.decompress(answer.content), 6)) for answer in answers]
    assert len(set(overhead)) > 3, "up to a hundred random bytes (Heal-the-BREACH)"


def test_who_does_not_understand_it_gets_the_plain_page(world: SimpleNamespace, client_of: ClientOf) -> None:
    response = client_of(world.anna).get("/heute/")
    assert "Content-Encoding" not in response.headers and world.anna.name in response.content.decode()


@pytest.mark.parametrize(("address", "site", "packed"), [
    ("/suchen/?q=geheim", "cross-site", False),
    ("/suchen/?q=geheim", "same-site", False),  # a neighbour below the same domain
    ("/suchen/?q=geheim", "", False),  # a browser that does not say
    ("/suchen/?q=geheim", "same-origin", True),
    ("/suchen/?q=geheim", "none", True),
    ("/suchen/", "cross-site", True),  # a link in a mail: no words to repeat
])  # fmt: skip
def test_what_another_site_asks_for_with_words_of_its_own_is_not_compressed(
    world: SimpleNamespace, client_of: ClientOf, address: str, site: str, packed: bool
) -> None:
    headers = {"Sec-Fetch-Site": site} if site else {}
    response = ask(client_of(world.anna), address, **headers)
    assert response.has_header("Content-Encoding") is packed


def test_papers_and_archives_stay_as_they_are() -> None:
    request = RequestFactory().get("/", headers={"Accept-Encoding": "gzip"})
    for kind in ("application/pdf", "application/zip", "font/woff2"):
        response = HttpResponse(b"a" * 5000, content_type=kind)
        packed = CompressMiddleware(lambda _request, response=response: response)(request)  # type: ignore[misc]
        assert packed.content == b"a" * 5000 and not packed.has_header("Content-Encoding")
