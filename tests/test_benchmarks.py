"""The mixed load of `make bench`, in a tiny form: a few people, a second or two, every errand; so that it cannot rot."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import load
from benchmarks.house import CONFIG, served
from benchmarks.moves import MOVES
from benchmarks.visitor import Form, Visitor, Wrong

from .copied_house import SCALE, CopiedHouse

pytestmark = pytest.mark.django_db  # before the tests that empty the tables which migrations fill


@pytest.fixture(scope="module")
def web(copied_house: CopiedHouse) -> Iterator[tuple[str, int]]:
    """Its web server."""
    with served(copied_house.env("lern_app"), *CONFIG, "--workers", "1") as address_and_pid:
        yield address_and_pid


def test_every_errand_is_done_and_the_figures_are_there(
    copied_house: CopiedHouse, web: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"CLIENTS": 3, "SECONDS": 1.5, "TURNS": 1}.items():
        monkeypatch.setattr(load, name, value)
    base, pid = web
    crowd, doors = load.arrive(base, 9, SCALE)
    seen = load.Window()
    for one in load.one_of_each(crowd)[0][:3]:
        one.browser.note = seen.note
        one.come()
        for _weight, move in MOVES[one.role][1]:
            move(one)
    assert {kind for kind in seen.times if kind.startswith("POST")} == {
        "POST /begleitungen/…/lernschritte/neu/",
        "POST /begleitungen/…/termine/neu/",
        "POST /entwuerfe/sichern/",
        "POST /gespraeche/…/",
        "POST /gespraeche/…/beobachtung/",
        "POST /gespraeche/…/teil/…/",
        "POST /gespraeche/…/vorbereiten/",
        "POST /lernschritte/…/antwort/",
        "POST /lerntagebuch/",
        "POST /zuordnung/…/vorschlag-zurueck/",
        "POST /zuordnung/…/vorschlagen/",
    }
    found = load.run(copied_house.env("lern_app"), {"web": pid, "postgres": pid}, crowd, doors, tmp_path)
    assert found["errors"] == 0 and found["requests"] > 0
    assert set(found["rates"]) == {"mixed", "pages", "bare"}
    assert all(rate > 0 for rates in found["rates"].values() for rate in rates.values())
    assert all(before > 0 and after > 0 for before, after in found["memory MB"].values())


def test_the_first_wrong_answer_ends_it_and_says_nothing_of_anybody(web: tuple[str, int]) -> None:
    one = Visitor(web[0], "lernen0")
    with pytest.raises(Wrong) as wrong:
        load.at_once([lambda: one.get(f"/gespraeche/{uuid.uuid4()}/") and None], seconds=5)
    assert str(wrong.value) == "GET /gespraeche/…/: 404"


def test_a_form_sends_what_stands_in_it() -> None:
    html = """<form method="post" action="/hin/"><input type="hidden" name="version" value="3"><select name="wo">
      <option value="a"><option value="b" selected></select><textarea name="text">
Wort &amp; Wort</textarea><input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
      <input type="checkbox" name="c"><button name="answer" value="done"></form>"""
    form = Form(html, "/hier/")
    assert (form.action, form.fields) == ("/hin/", {"version": "3", "wo": "b", "text": "Wort & Wort", "r": "2"})
