"""No page asks the database more than ten times (design/performance.md), whoever opens it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from .conftest import statements_of
from .test_authorisation import ROUTES, WORLDS, Place, place

__all__ = ["place"]  # a fixture
pytestmark = pytest.mark.django_db
MOST = 10
WHO = ["learner", "companion", "coordinator", "administrator", "method_owner"]


@pytest.mark.parametrize("place", WORLDS, indirect=True)
def test_no_page_asks_more_than_ten_times(place: Place) -> None:
    found: dict[str, int] = {}
    for name in ROUTES:
        for who in WHO:
            client, address = place.clients[who], place.address(name)
            first = client.get(address)  # which also writes, now and then, that the session is in use
            assert first.status_code < 500
            if first.status_code != 200:
                continue
            with CaptureQueriesContext(connection) as queries:
                client.get(address)
            found[name] = max(found.get(name, 0), len(statements_of(queries)))
    assert len(found) > 100
    assert {name: asked for name, asked in found.items() if asked > MOST} == {}
