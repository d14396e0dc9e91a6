"""How tests run: as the web's database role, so that the walls stand in every test; the owner only lays the ground."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY as LOGIN_OF
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.keys import create_key
from accounts.models import User
from engagements.models import Agreement, Engagement, LearningConcern
from engagements.states import PAIRED, SEARCHING, State
from lernbegleitung import clock, rls

from . import people
from .copied_house import CopiedHouse, copied


@contextmanager
def as_owner() -> Iterator[None]:
    """Lay the ground of a test: as the owner of the tables, whom no policy holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        before = cursor.fetchone()[0]
        cursor.execute("RESET ROLE")
        try:
            yield
        finally:
            if not connection.needs_rollback:
                cursor.execute(f'SET ROLE "{before}"')


@pytest.fixture(autouse=True)
def web_role(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test with a database acts as lern_app, which owns nothing and bypasses nothing."""
    if (
        "db" not in request.fixturenames
        and "transactional_db" not in request.fixturenames
        and not request.node.get_closest_marker("django_db")
    ):
        yield
        return
    request.getfixturevalue("transactional_db" if "transactional_db" in request.fixturenames else "db")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE lern_app")
    yield
    if not connection.needs_rollback:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


@pytest.fixture(autouse=True)
def nothing_leaves_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may open a socket to elsewhere: only this machine answers."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else "unix"
        if host not in ("unix", "127.0.0.1", "localhost", "::1", b"127.0.0.1"):
            raise AssertionError(f"a test reached for {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """Rate limits of one test do not meet the next."""
    cache.clear()


@pytest.fixture(scope="session")
def copied_house(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CopiedHouse]:
    """A hundred generated people in a database of their own, for web servers as they run in life."""
    with copied(tmp_path_factory.mktemp("copy")) as house:
        yield house


@pytest.fixture
def world(db: None) -> SimpleNamespace:
    """Agencies and people, see people.py."""
    with as_owner():
        return people.world()


@pytest.fixture
def anna(world: SimpleNamespace) -> User:
    """Learns, in Augsburg."""
    return world.anna


@pytest.fixture
def ben(world: SimpleNamespace) -> User:
    """Accompanies, in Ulm, three places."""
    return world.ben


@pytest.fixture
def carla(world: SimpleNamespace) -> User:
    """Coordinates the southern region."""
    return world.carla


@pytest.fixture
def dirk(world: SimpleNamespace) -> User:
    """Administers."""
    return world.dirk


@pytest.fixture
def eva(world: SimpleNamespace) -> User:
    """Coordinates the northern region."""
    return world.eva


@pytest.fixture
def mia(world: SimpleNamespace) -> User:
    """Tends the guide and the question bank."""
    return world.mia


@pytest.fixture
def stranger(world: SimpleNamespace) -> User:
    """Learns elsewhere; has nothing to do with the others."""
    return world.stranger


def confirm(client: Client, *ways: str, ago: float = 0) -> None:
    """As if the person had just shown again that it is them: with the password, or also with a second factor."""
    session = client.session
    session[LOGIN_OF] = session[SESSION_KEY]
    session["account_authentication_methods"] = [
        {"method": way, "at": time.time() - ago, "reauthenticated": True} for way in ways or ("password",)
    ]
    session.save()


@pytest.fixture
def client_of(db: None) -> Callable[[User], Client]:
    """A browser in which this person is signed in."""

    def signed_in(user: User) -> Client:
        client = Client()
        with as_owner():
            client.force_login(user, backend="accounts.backends.EmailBackend")
        confirm(client)
        return client

    return signed_in


@pytest.fixture
def engagement_in(world: SimpleNamespace) -> Callable[..., Engagement]:
    """An engagement of Anna (with Ben, where there are two) in any state, with a concern and, if agreed, an agreement."""

    def make(
        state: State | str, *, learner: User | None = None, companion: User | None = None, **also: Any
    ) -> Engagement:
        now, state = clock.now(), State(state)
        learner, companion = learner or world.anna, companion or world.ben
        values: dict[str, Any] = {"requested_at": now - timedelta(days=3), "coordinating_agency": world.south}
        if state == State.DRAFT:
            values = {}
        if state in PAIRED:
            values |= {"companion": companion, "offered_at": now - timedelta(days=2)}
        if state in (State.ACTIVE, State.PAUSED, State.CLOSED):
            values |= {"introduced_at": now - timedelta(days=1), "started_at": now - timedelta(days=1)}
        if state == State.CLOSED:
            values["closed_at"] = now
        with as_owner(), rls.acting_as(learner.pk):
            engagement = Engagement.objects.create(learner=learner, state=state, **{**values, **also})
            create_key(engagement.pk)
            concern = LearningConcern(engagement=engagement)
            concern.ability = "Ich möchte Rückmeldungen ruhig ansprechen."
            concern.situation = "Im Teamgespräch, wenn die Zeit knapp ist."
            concern.save()
            if state in (State.ACTIVE, State.PAUSED, State.CLOSED):
                agreement = Agreement(
                    engagement=engagement, companion=companion, learner_accepted_at=now, companion_accepted_at=now
                )
                agreement.purpose = "Rückmeldungen üben"
                agreement.save()
        return engagement

    assert SEARCHING  # the states without a companion need no more than this
    return make


def _of_the_test(sql: str) -> bool:
    """Whether a statement is there only because a test is one transaction around all others."""
    nested = sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))
    former_actor = "app.user_id" in sql and "transaction_read_only" not in sql
    return nested or former_actor


def statements_of(queries: CaptureQueriesContext) -> list[str]:
    """All that a request has asked, with session, actor and person."""
    return [query["sql"] for query in queries.captured_queries if not _of_the_test(query["sql"])]


@pytest.fixture
def assert_same_queries() -> Callable[..., None]:
    """`assert_same_queries(get, add, most=10)`: the page asks as often with three rows as with one, and not too often.

    `get()` fetches the page; `add()` adds a row and is called once, then twice more. All of a request's statements count,
    with session, actor and person; the goal for the pages that people open all day is ten (performance.md).
    """

    def check(get: Callable[[], Any], add: Callable[[int], Any], *, most: int = 10) -> None:
        counts = []
        add(0)
        for extra in ((), (1, 2)):
            for number in extra:
                add(number)
            get()
            with CaptureQueriesContext(connection) as queries:
                response = get()
            assert response.status_code == 200
            statements = statements_of(queries)
            counts.append(len(statements))
        asked = "\n".join(sql[:70] + " … " + sql.partition(" FROM ")[2][:160] for sql in statements)
        assert counts[0] == counts[1] and counts[0] <= most, f"{counts}, at most {most}:\n{asked}"

    return check
