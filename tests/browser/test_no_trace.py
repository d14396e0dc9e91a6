"""What people write leaves no trace outside of the sealed columns; what a page shows leaves none in the browser."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from lernbegleitung import backups, serve

from .conftest import ROOT, House

pytestmark = pytest.mark.browser
WORD = "Geheimwort-7f3a9c"
PLACE = "Raum-7f3a9c"  # an appointment's place is not sealed: the control that shows that the search finds things

# Fills every text of a form with a word of its own and sends it, as the browser would.
FILL = """async ({selector, word, others}) => {
  const form = document.querySelector(selector);
  if (!form) return {status: 0, filled: []};
  const data = new FormData(form), filled = [];
  for (const field of form.elements)
    if (field.matches("textarea")) { filled.push(field.name); data.set(field.name, `${word}-${field.name}`); }
  for (const [name, value] of Object.entries(others)) data.set(name, value);
  const response = await fetch(form.getAttribute("action") || location.href, {method: "POST", body: data});
  return {status: response.status, filled, url: response.url};
}"""
# Sends the page's token and these values, as one of its small forms would.
POST = """async ({address, others}) => {
  const data = new FormData();
  data.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  for (const [name, value] of Object.entries(others)) data.set(name, value);
  return (await fetch(address, {method: "POST", body: data})).status;
}"""
# Opens every sealed column of the whole house and says in which the word stands.
OPEN_ALL = """
import django, json, sys
django.setup()
from lernbegleitung import checks, rls
from lernbegleitung.audience import audience_of
from lernbegleitung.vault import sealed_columns
found = []
for model in checks.own_models():
    for name in sealed_columns(model):
        for row in model._base_manager.all():
            with rls.acting_as(audience_of(row).owner(row)):
                if sys.argv[1] in getattr(row, name):
                    found.append(f"{model.__name__}.{name}")
                    break
columns = [f"{m.__name__}.{n}" for m in checks.own_models() for n in sealed_columns(m)]
print(json.dumps([columns, found]))
"""


def rows(house: House, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask the house's database as its owner."""
    with psycopg.connect(host=str(house.var / "postgres"), user="lern_owner", dbname="lernbegleitung") as connection:
        return connection.execute(sql, values).fetchall()


def run(house: House, *command: str, role: str = "lern_owner") -> str:
    """Run Python in the house, as this role of the database."""
    env = serve.House(house.var, int(house.base.rpartition(":")[2]), 1).env(role)
    env["DJANGO_SETTINGS_MODULE"] = "lernbegleitung.settings"
    done = subprocess.run([sys.executable, *command], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_everywhere(house: House, sign_in: Callable[..., Page]) -> None:
    """Greta and her companion write the word into every field there is; somebody else writes it into a new concern."""
    [(pk, companion)] = rows(
        house,
        "SELECT e.id, c.email FROM engagements_engagement e JOIN accounts_user u ON u.id = e.learner_id"
        " JOIN accounts_user c ON c.id = e.companion_id WHERE u.email = 'greta@example.org' AND e.state = 'active'",
    )
    [(newcomer, draft)] = rows(
        house,
        "SELECT u.email, e.id FROM engagements_engagement e JOIN accounts_user u ON u.id = e.learner_id"
        " WHERE e.state = 'draft' ORDER BY e.created_at LIMIT 1",
    )
    greta, other, third = (sign_in(mail.partition("@")[0]) for mail in ("greta@", companion, newcomer))
    soon = f"{house.now.date() + timedelta(days=6):%Y-%m-%d}"

    def fill(page: Page, address: str, selector: str = "main form:has(textarea)", **others: str) -> None:
        page.goto(address)
        answer = page.evaluate(FILL, {"selector": selector, "word": WORD, "others": others})
        assert answer["status"] == 200 and answer["filled"], (address, selector, answer)

    fill(third, f"/begleitungen/{draft}/anliegen/")
    [(occasion,)] = rows(house, "SELECT id FROM engagements_occasion WHERE is_active ORDER BY id LIMIT 1")
    fill(third, f"/begleitungen/{draft}/warum/", occasion=str(occasion))
    fill(greta, "/lerntagebuch/")
    fill(greta, "/erkenntnisse/")
    fill(greta, f"/begleitungen/{pk}/ziele/neu/")
    [(goal,)] = rows(
        house, "SELECT id FROM engagements_goal WHERE engagement_id = %s ORDER BY created_at DESC LIMIT 1", pk
    )
    fill(greta, f"/ziele/{goal}/aendern/", title=f"{WORD}-anders")
    fill(greta, f"/begleitungen/{pk}/lernschritte/neu/", due_on=soon)
    [(step,)] = rows(
        house, "SELECT id FROM engagements_learningstep WHERE engagement_id = %s ORDER BY created_at DESC LIMIT 1", pk
    )
    fill(greta, f"/lernschritte/{step}/auswerten/", state="tried")
    fill(greta, "/direkter-draht/")
    other.goto(f"/begleitungen/{pk}/termine/neu/")
    new = {"kind": "conversation", "day": soon, "time": "07:15", "duration": "30", "format": "on_site", "place": PLACE}
    answer = other.evaluate(FILL, {"selector": "main form:has([name=place])", "word": WORD, "others": new})
    assert answer["status"] == 200, answer
    [(talk,)] = rows(
        house,
        "SELECT c.id FROM conversations_conversation c JOIN conversations_appointment a ON a.id = c.appointment_id"
        " WHERE a.place = %s",
        PLACE,
    )
    fill(greta, f"/gespraeche/{talk}/vorbereiten/", "main form[action$='/thema/']")
    for page in (greta, other):
        fill(page, f"/gespraeche/{talk}/vorbereiten/", "#blatt-form")
        fill(page, f"/gespraeche/{talk}/", "main form:has([name=reflection])")
    for part in range(1, 5):
        fill(greta, f"/gespraeche/{talk}/", f"main form[action$='/teil/{part}/']")
    fill(greta, f"/gespraeche/{talk}/", "main form[action$='/schlusssatz/']")
    fill(other, f"/gespraeche/{talk}/", "main form[action$='/beobachtung/']")
    fill(greta, f"/gespraeche/{talk}/", "#idee-neu")
    fill(greta, f"/gespraeche/{talk}/", "#schritt-neu", due_on=soon)
    # Both agree to that; then each may add. Of an earlier talk, each has a look and gives feedback.
    [(version,)] = rows(house, "SELECT version FROM conversations_conversation WHERE id = %s", talk)
    for page in (greta, other):
        page.goto(f"/gespraeche/{talk}/protokoll/")
        others = {"version": str(version)}
        assert page.evaluate(POST, {"address": f"/gespraeche/{talk}/zustimmen/", "others": others}) == 200
    fill(other, f"/gespraeche/{talk}/protokoll/", "main form:has(textarea)")
    [(past,)] = rows(
        house,
        "SELECT c.id FROM conversations_conversation c JOIN conversations_appointment a ON a.id = c.appointment_id"
        " WHERE a.engagement_id = %s AND a.starts_at < now() AND a.cancelled_at IS NULL ORDER BY a.starts_at LIMIT 1",
        pk,
    )
    for page in (greta, other):
        fill(page, f"/gespraeche/{past}/danach/", "main .private form")
        fill(page, f"/gespraeche/{past}/danach/", "main form[action$='/rueckmeldung/']")
    fill(other, f"/begleitungen/{pk}/vereinbarung/?schreiben")
    fill(other, "/fragen/eigene/", part="1")
    greta.goto("/kalender/")
    published = {"address": f"https://kalender.example.org/{WORD}.ics"}
    assert greta.evaluate(POST, {"address": "/kalender/belegt/", "others": published}) == 200
    # Somebody whose companionship is closed secures something, and looks back.
    [(closed,)] = rows(
        house,
        "SELECT e.id FROM engagements_engagement e JOIN accounts_user u ON u.id = e.learner_id"
        " WHERE u.email = 'emil.hansen@example.org' AND e.state = 'closed'",
    )
    emil = sign_in("emil.hansen")
    fill(emil, f"/begleitungen/{closed}/abschliessen/", months="3")
    [(check,)] = rows(house, "SELECT id FROM engagements_transfercheck WHERE engagement = %s", closed)
    fill(emil, f"/rueckblick/{check}/", answer="often")
    # What is refused leaves no trace either: too long, and too late (which comes back as a draft).
    greta.goto("/lerntagebuch/")
    for others in ({"text": WORD * 5000}, {"id": "no id"}, {"csrfmiddlewaretoken": WORD}):
        answer = greta.evaluate(FILL, {"selector": "main form:has(textarea)", "word": WORD, "others": others})
        assert answer["status"] == (200 if "csrfmiddlewaretoken" in others else 422)


def forms_of(word: str) -> list[bytes]:
    """The word as it may lie about: plain, in wide characters, and in base64 at each of the three offsets."""
    plain = word.encode()
    return [plain, word.encode("utf-16-le"), *(base64.b64encode(b"x" * n + plain)[4:-4] for n in range(3))]


def files_with(folder: Path, word: str) -> Iterator[str]:
    """Every file below a folder in which the word stands in any form."""
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            if any(form in content for form in forms_of(word)):
                yield str(file.relative_to(folder))


def test_what_is_written_stands_sealed_in_the_database_and_nowhere_else(
    house: House, sign_in: Callable[..., Page], tmp_path: Path
) -> None:
    write_everywhere(house, sign_in)
    columns, found = json.loads(run(house, "-c", OPEN_ALL, WORD))
    chosen = {
        "JournalEntry.mood",
        "GoalRating.importance",
        "GoalRating.confidence",
        "GoalRating.level",
        "TalkCheck.goal_clear",
        "TalkCheck.way_helps",
        "TalkCheck.asked",
        "TalkCheck.listened",
        "TalkCheck.mirrored",
    }  # one of a few words, not written by hand
    assert set(columns) - chosen == set(found), "every sealed column of every model was written to"

    # Everything on disk: tables, indexes, write-ahead log, log files, mails, what Redis keeps, secrets, timetable.
    with psycopg.connect(
        host=str(house.var / "postgres"), user="postgres", dbname="lernbegleitung", autocommit=True
    ) as db:
        db.execute("CHECKPOINT")
    assert list(files_with(house.var, WORD)) == []
    on_disk = list(files_with(house.var, PLACE))
    assert any("pg_wal" in name for name in on_disk), on_disk
    assert any("base/" in name for name in on_disk), on_disk

    # A dump, in plain SQL, of all of it, sessions and keys included.
    dump = tmp_path / "all.sql"
    program = Path(backups.program("pg_dump"))
    options = ["-h", str(house.var / "postgres"), "-U", "lern_owner", "-f", str(dump), "lernbegleitung"]
    subprocess.run([str(program), *options], check=True)
    assert list(files_with(tmp_path, WORD)) == []
    assert PLACE in dump.read_text()

    # What Redis holds in memory.
    import redis

    from lernbegleitung.embedded import socket_dir

    store = redis.Redis(unix_socket_path=str(socket_dir(house.var) / "redis.sock"))
    held = b"".join(key + (store.dump(key) or b"") for key in store.scan_iter())
    assert held, "the doorbell has rung, so Redis holds something"
    assert not any(form in held for form in forms_of(WORD))


def test_no_page_asks_another_house_for_anything(house: House, sign_in: Callable[..., Page]) -> None:
    """Every journey looks at this; here is shown that it would be seen, and that the browser refuses."""
    page = sign_in("greta")
    page.goto("/lerntagebuch/")
    assert page.complaints == []  # type: ignore[attr-defined]
    sent = page.evaluate(
        "fetch('https://example.org/', {mode: 'no-cors'}).then(() => 'sent', () => 'refused')",
    )
    assert sent == "refused"
    assert any("example.org" in complaint for complaint in page.complaints)  # type: ignore[attr-defined]


def test_only_harmless_pieces_of_pages_become_html(sign_in: Callable[..., Page]) -> None:
    """Trusted Types: a piece with a script, a handler, a frame or a javascript: address is refused."""
    page = sign_in("greta")
    put = """(text) => { try { document.createElement('div').innerHTML = text; return 'taken'; } catch { return 'refused'; } }"""
    assert page.evaluate(put, "<p class=note>Gespeichert</p><a href='/heute/'>Heute</a>") == "taken"
    for piece in (
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<iframe srcdoc='x'></iframe>",
        "<a href=' java\tscript:alert(1)'>x</a>", "<form action='JavaScript:alert(1)'></form>", "<template><b onclick=alert(1)>x</b></template>",
    ):  # fmt: skip
        assert page.evaluate(put, piece) == "refused", piece
    script = "() => { try { document.createElement('script').text = 'alert(1)'; return 'taken'; } catch { return 'refused'; } }"
    assert page.evaluate(script) == "refused"


def test_logging_out_empties_the_browser(sign_in: Callable[..., Page]) -> None:
    page = sign_in("greta")
    page.goto("/lerntagebuch/")
    assert page.locator("main .voice").count() >= 1
    words = page.locator("main .voice").first.inner_text()
    page.evaluate("localStorage.setItem('left', 'behind'); sessionStorage.setItem('left', 'behind')")
    page.get_by_role("button", name="Konto: ").click()
    page.get_by_role("button", name="Abmelden", exact=True).click()
    expect(page.get_by_role("link", name="Anmelden").first).to_be_visible()
    assert page.evaluate("[localStorage.getItem('left'), sessionStorage.getItem('left')]") == [None, None]
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert words not in page.content()
    names = {cookie["name"] for cookie in page.context.cookies()}
    assert "session" not in names, names
