"""An error of the server leaves no word of what somebody wrote: not on the page, not in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from engagements.models import Engagement, JournalEntry
from engagements.states import State
from lernbegleitung import ids
from lernbegleitung.logs import DiscreetFormatter

WORD = "Geheimwort"


class Reader(logging.Handler):
    """Keeps the lines as the real handler would print them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(DiscreetFormatter("{levelname} {name} {message}", style="{"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def fail_with(text: str) -> None:
    """As libraries do: the value in the message, and a second error on the way out."""
    try:
        int(text)
    except ValueError as error:
        raise RuntimeError(f"cannot keep {text}") from error


@pytest.mark.django_db
def test_an_error_of_the_server_leaves_no_word(
    world: SimpleNamespace,
    client_of: Callable[[User], Client],
    engagement_in: Callable[..., Engagement],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engagement_in(State.ACTIVE)
    reader, root = Reader(), logging.getLogger()
    monkeypatch.setattr(JournalEntry, "save", lambda self, **also: fail_with(self.text))
    client = client_of(world.anna)
    client.raise_request_exception = False
    root.addHandler(reader)
    try:
        response = client.post(reverse("engagements:journal"), {"id": ids.new_id(), "audience": "me", "text": WORD})
    finally:
        root.removeHandler(reader)
    log = "\n".join(reader.lines)
    assert response.status_code == 500 and WORD not in response.content.decode()
    assert "RuntimeError" in log and "ValueError" in log and "test_logs.py" in log, "where and what kind, that is said"
    assert WORD not in log


def test_every_handler_writes_with_the_discreet_formatter(settings: Any) -> None:
    for handler in settings.LOGGING["handlers"].values():
        assert settings.LOGGING["formatters"][handler["formatter"]]["()"].endswith("DiscreetFormatter")
    record = logging.LogRecord("x", logging.ERROR, "", 0, "it failed", None, None)
    try:
        fail_with(WORD)
    except RuntimeError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    assert WORD in logging.Formatter().format(record), "the usual one would have said it"
    assert WORD not in DiscreetFormatter().format(record)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/accounts/einladung/", "/accounts/password/reset/key/"])
def test_an_address_that_opens_something_is_logged_without_what_opens_it(address: str) -> None:
    reader, root = Reader(), logging.getLogger()
    root.addHandler(reader)
    try:
        Client(enforce_csrf_checks=True).post(f"{address}{WORD}/", {"x": "1"})
    finally:
        root.removeHandler(reader)
    log = "\n".join(reader.lines)
    assert f"{address}…/" in log and WORD not in log


@pytest.mark.django_db
def test_the_database_logs_no_values() -> None:
    """What PostgreSQL itself writes down of a failing statement: the statement, never its values."""
    with connection.cursor() as cursor:
        for name, value in (("log_parameter_max_length_on_error", "0"), ("log_statement", "none")):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone()[0] == value
