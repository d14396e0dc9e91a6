"""Hostile input: anybody sends anything to any address. Nothing breaks, and nothing leaks.

A few hundred examples run with the suite; `make fuzz` runs twenty thousand.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django import forms
from django.db import connection
from django.urls import reverse
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from engagements.models import JournalEntry
from lernbegleitung import clock

from .test_authorisation import PEOPLE, ROUTES, WORDS, Place, may_read, place
from .test_bad_input import NASTY

pytestmark = pytest.mark.django_db
assert place  # the fixture
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "400"))


def field_names() -> list[str]:
    """Every name under which a form of the project takes something, and what views read beside their forms."""
    import accounts.forms
    import conversations.appointment_forms
    import conversations.booking_forms
    import conversations.conversation_forms
    import conversations.offered_time_forms
    import conversations.proposed_date_forms
    import conversations.question_forms
    import engagements.companion_forms
    import engagements.forms
    import engagements.step_forms

    rooms = (accounts, conversations, engagements)
    modules = [
        module for room in rooms for module in vars(room).values() if getattr(module, "__name__", "").endswith("forms")
    ]
    found = {
        name
        for module in modules
        for form in vars(module).values()
        if isinstance(form, type) and issubclass(form, forms.BaseForm)
        for name in {**getattr(form, "base_fields", {}), **getattr(form, "declared_fields", {})}
    }
    in_offers = {f"{form}-{name}" for form in ("weekly", "day", "rules") for name in found}
    in_dates = {f"{name}{number}" for name in ("day", "time") for number in (1, 2, 3)}
    in_addresses = {"laenge", "beginn", "ab", "q", "teil", "art", "anlass", "gemerkt", "eigene", "gespraech"}
    borrowed = {"page", "after", "token", "keys", "login", "password", "password1", "password2", "code", "credential",
                "action", "user"}  # fmt: skip
    return sorted(found | in_offers | in_dates | borrowed | in_addresses | read_by_views() | WORDS_OF_BUTTONS.keys())


def read_by_views() -> set[str]:
    """Every name that a view reads out of a request by itself."""
    sources = [file.read_text() for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    return {name for text in sources for name in READ.findall(text)}


def words_of_buttons() -> dict[str, list[str]]:
    """What buttons and hidden fields of the pages send: the words at which a view branches."""
    found: dict[str, set[str]] = {"back": {"/heute/", "/lernschritte/"}, "form": {"weekly", "day", "rules"}}
    for file in (ROOT / "templates").rglob("*.html"):
        text = re.sub(r"{%.*?%}", " ", file.read_text())  # both branches of a condition
        for name, values in re.findall(r'name="(\w+)" value="([\w ]+)"', text):
            found.setdefault(name, set()).update(values.split())
    return {name: sorted(values) for name, values in found.items() if values}


ROOT = Path(__file__).parents[1]
ROOMS = ("accounts", "engagements", "conversations", "lernbegleitung")
READ = re.compile(r"""request\.(?:GET|POST)(?:\.get|\.getlist)?[(\[]["'](\w+)["']""")
WORDS_OF_BUTTONS = words_of_buttons()
NAMES = field_names()
texts = st.one_of(
    st.sampled_from(
        [
            *(v for k, v in NASTY.items() if not k.startswith("a hundred")),
            "",
            " ",
            "0",
            "-1",
            "1e309",
            "None",
            "ä" * 9000,
        ]
    ),
    st.text(max_size=60),
    st.integers(-(2**70), 2**70).map(str),
    st.uuids().map(str),
    st.dates().map(str),
    st.datetimes().map(str),
    st.sampled_from(
        [
            "2026-02-30",
            "31.12.9999",
            "10:00",
            "25:61",
            "on",
            "true",
            "[]",
            "{}",
            "'; DROP TABLE x; --",
            "../../etc/passwd",
        ]
    ),
)


def things(where: Place) -> st.SearchStrategy[str]:
    """A value of a field: hostile, or the id of something that exists, perhaps somebody else's."""
    return st.one_of(texts, st.sampled_from([str(value) for value in where.samples.values()]))


def forms_of(where: Place) -> st.SearchStrategy[dict[str, str]]:
    """What is sent: up to eight fields, and often the word of a button, so that the fields behind it are reached."""
    fields = st.dictionaries(st.sampled_from(NAMES), things(where), max_size=8)
    pressed = st.dictionaries(st.sampled_from(sorted(WORDS_OF_BUTTONS)), st.integers(0, 99), max_size=3).map(
        lambda chosen: {name: WORDS_OF_BUTTONS[name][n % len(WORDS_OF_BUTTONS[name])] for name, n in chosen.items()}
    )
    return st.tuples(fields, pressed).map(lambda pair: pair[0] | pair[1])


def addresses(where: Place, name: str) -> st.SearchStrategy[str]:
    """The route's address with its own things, with other things of this world, or with anything at all in their place."""
    route = ROUTES[name]
    part = st.one_of(things(where), st.integers(0, 10**30).map(str)).map(lambda text: quote(text, safe="") or "x")
    query = st.dictionaries(st.sampled_from(NAMES), texts, max_size=3).map(lambda q: f"?{urlencode(q)}" if q else "")
    holes = re.findall(r"<[^>]+>", route)
    odd = st.tuples(*[part] * len(holes)).map(lambda parts: _filled(route, list(parts)))
    base = st.just(where.address(name))
    return st.tuples(st.one_of(base, base, odd) if "(?P" not in route else base, query).map("".join)


def _filled(route: str, parts: list[str]) -> str:
    for part in parts:
        route = re.sub(r"<[^>]+>", lambda _hole, part=part: part, route, count=1)
    return route


def run(where: Place, examples: int) -> None:
    """Ask that many times."""

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize="FUZZ_EXAMPLES" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def ask(data: Any) -> None:
        name = data.draw(st.sampled_from(sorted(ROUTES)))
        who = data.draw(st.sampled_from(PEOPLE))
        method = data.draw(st.sampled_from(["GET", "POST", "POST", "POST", "HTMX"]))
        address = data.draw(addresses(where, name))
        sent = data.draw(forms_of(where)) if method != "GET" else None
        note(f"{who}: {method} {address} {sent}")
        answer, body = where.ask(who, name, method, address=address, data=sent)
        assert not answer.startswith("5")
        assert [word for word in WORDS if word in body and not may_read(who, where.name, word)] == []

    ask()


@pytest.mark.parametrize("place", ["active", "request"], indirect=True)
def test_anything_from_anybody_breaks_nothing_and_shows_nothing(place: Place) -> None:
    run(place, EXAMPLES // 2)


def test_every_name_and_every_word_of_a_button_is_among_what_is_sent() -> None:
    assert {"when", "kind", "dienststelle", "back", "former", "vor", "nach"} <= set(NAMES)
    assert {"done", "later", "drop", "put_back", "reopen"} <= set(WORDS_OF_BUTTONS["answer"])
    assert {"tomorrow", "week"} <= set(WORDS_OF_BUTTONS["when"])


def test_a_form_that_is_almost_right_reaches_the_database(place: Place) -> None:
    """The control: the same way of asking, with good values, is accepted and writes a row; so the fuzz can do harm."""
    data = {"id": "0190a000-0000-7000-8000-000000000001", "audience": "me", "text": f"Gut {clock.today()}"}
    before = JournalEntry._base_manager.count()
    written = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('INSERT INTO "engagements_journalentry"'):
            written.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        answer, _body = place.ask("learner", "engagements:journal", "POST", data=data)
    assert answer == "may" and len(written) == 1
    assert JournalEntry._base_manager.count() == before, "and is undone afterwards"
    assert reverse("engagements:journal") == place.address("engagements:journal")
