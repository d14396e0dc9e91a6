"""What people do, as a table with weights: learners, companions and coordinators, through the pages and forms they see.

A move is one errand: usually one page, or a page, what is typed into its form (kept as a draft on the way) and sent, and
the page that comes then. Texts are saved while one writes, and a desk asks every few seconds whether there is something
new, as the scripts do it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count

from .visitor import Form, Visitor

ENGAGEMENT = r"/begleitungen/[0-9a-f-]{36}/"
TALK = r"/gespraeche/[0-9a-f-]{36}/"
REQUEST = r"/zuordnung/[0-9a-f-]{36}/"
WORDS = "Ich habe gewartet, bis die anderen ausgesprochen hatten, und dann meinen Satz gesagt. Das ging leichter als gedacht. "
DRAFTS = "/entwuerfe/sichern/"


@dataclass
class Person:
    """Somebody with a browser, and what they have in mind: one companionship, its next talk."""

    browser: Visitor
    role: str
    dice: random.Random
    days: Iterator[date]  # on which a companion has time for another talk
    places: list[tuple[str, str]] = field(default_factory=list)  # companionships, each with its next talk
    engagement: str = ""
    talk: str = ""

    def come(self) -> None:
        """Begin a visit with one of the companionships in mind, on the page where everybody begins."""
        self.engagement, self.talk = self.dice.choice(self.places) if self.places else ("", "")
        self.browser.get("/zuordnung/" if self.role == "coordinator" else "/heute/")

    def words(self) -> str:
        """Some sentences, no two times the same."""
        return f"{self.dice.randrange(10**6)}: {WORDS * self.dice.randint(1, 4)}"

    def fill_in(self, form: Form, **values: str) -> None:
        """Type, pause, send."""
        self.browser.send_in_background(form, DRAFTS, **values)
        self.browser.send(form, **values)


def page(path: str) -> Callable[[Person], None]:
    """Look at one page; the person's own companionship and talk stand in its address."""

    def look(one: Person) -> None:
        one.browser.get(path.format(engagement=one.engagement, talk=one.talk))

    look.path = path  # type: ignore[attr-defined]
    return look


def past_talk(one: Person) -> None:
    """The record of a talk that is over, found in the list."""
    records = one.browser.get("/gespraeche/").links(rf"{TALK}protokoll/")
    one.browser.get(one.dice.choice(records))


def plan_step(one: Person) -> None:
    """A new learning step."""
    form = one.browser.get(f"{one.engagement}lernschritte/neu/").form()
    plan = {"what": "Einmal nachfragen", "cue": "Wenn die Besprechung beginnt", "action": "frage ich nach dem Ziel"}
    one.fill_in(form, **plan, due_on=(date.today() + timedelta(days=one.dice.randint(1, 13))).isoformat())


def answer_step(one: Person) -> None:
    """One tap on Heute, and a second one that takes it back."""
    today = one.browser.get("/heute/")
    form = today.form(r"/lernschritte/[0-9a-f-]{36}/antwort/", 'class="tick"')
    one.browser.send_in_background(form, answer="done")
    one.browser.send_in_background(form, answer="reopen")


def write_journal(one: Person) -> None:
    """An entry, shared or not."""
    form = one.browser.get("/lerntagebuch/").form("/lerntagebuch/|", 'name="text"')
    one.fill_in(form, text=one.words(), audience=one.dice.choice(["me", "pair"]))


def write_record(one: Person) -> None:
    """A part of the talk, saved three times while one writes; the desk asks for news meanwhile."""
    desk, part = one.browser.get(one.talk), one.dice.randint(1, 4)
    form = desk.form(f"{one.talk}teil/{part}/")
    text = one.words()
    for end in (40, 80, len(text)):
        base, form.fields["text"] = form.fields["text"], text[:end]
        answer = one.browser.send_in_background(form, base=base)
        form.fields["version"] = answer.headers["X-Version"]
        one.browser.get(f"{one.talk}stand/", **{"HX-Request": "true"})


def write_sheet(one: Person) -> None:
    """The own sheet before the talk."""
    form = one.browser.get(f"{one.talk}vorbereiten/").form("", 'id="blatt-form"')
    one.fill_in(form, before=one.words())


def read_along(one: Person) -> None:
    """The companion at the desk: reads, takes a note for nobody else, asks for news."""
    form = one.browser.get(one.talk).form(one.talk, "observations")
    before = dict(form.fields)
    form.fields["observations"] = one.words()
    one.browser.send_in_background(form, **{f"base-{name}": before[name] for name in ("observations", "reflection")})
    for _look in range(3):
        one.browser.get(f"{one.talk}stand/", **{"HX-Request": "true"})


def offer(one: Person) -> None:
    """An observation, offered in one part."""
    form = one.browser.get(one.talk).form(f"{one.talk}beobachtung/", 'value="1"')
    one.browser.send(form, text=one.words())


def plan_talk(one: Person) -> None:
    """Another date for the two."""
    form = one.browser.get(f"{one.engagement}termine/neu/").form("", 'name="day"')
    one.browser.send(form, day=next(one.days).isoformat(), time="12:30", duration="30")


def one_request(one: Person) -> None:
    """A request with its ranked companions."""
    one.browser.get(one.dice.choice(one.browser.get("/zuordnung/").links(REQUEST)))


def propose(one: Person) -> None:
    """Propose the first companion, look at what that means, do it; and take it back. For some requests nobody is possible."""
    requests, companion = one.browser.get("/zuordnung/").links(REQUEST), None
    while requests and not companion:
        request = requests.pop(one.dice.randrange(len(requests)))
        sheet = one.browser.get(request)
        companion = re.search(r'name="companion" value="(\d+)"', sheet.text)
    if not companion:
        return
    form = sheet.form(f"{request}vorschlagen/")
    asked = one.browser.send(form, companion=companion[1])
    one.browser.send(asked.form("", "confirmed"))
    again = one.browser.get(request).form(f"{request}vorschlag-zurueck/")
    one.browser.send(again)


# role: who of ten is one, and what of all they do, with weights
MOVES: dict[str, tuple[int, list[tuple[int, Callable[[Person], None]]]]] = {
    "learner": (6, [
        (16, page("/heute/")), (10, page("{engagement}")), (8, page("{talk}")), (6, page("/lernschritte/")),
        (6, page("/lerntagebuch/")), (5, page("{talk}vorbereiten/")), (4, past_talk), (3, page("/ziele/")),
        (3, answer_step), (2, plan_step), (2, write_journal), (2, write_record), (1, write_sheet),
    ]),
    "companion": (3, [
        (14, page("/heute/")), (8, page("/begleitungen/")), (12, page("{engagement}")), (8, page("{talk}")),
        (6, page("{talk}vorbereiten/")), (4, past_talk), (3, read_along), (2, write_sheet), (2, offer), (1, plan_talk),
    ]),
    "coordinator": (1, [
        (10, page("/zuordnung/")), (6, one_request), (4, page("/begleitende/plaetze/")), (2, propose),
    ]),
}  # fmt: skip


def working_days() -> Iterator[date]:
    """From the day after tomorrow on."""
    days = (date.today() + timedelta(days=number) for number in count(2))
    return (day for day in days if day.weekday() < 5)


def settle(companion: Person, learner: Person) -> None:
    """Before anything is measured: the companion plans a talk with the learner."""
    companion.engagement = learner.browser.get("/heute/").link(ENGAGEMENT)
    plan_talk(companion)
    place = companion.engagement, learner.browser.get("/heute/").link(rf"{TALK}(?:vorbereiten/)?")
    for one in (companion, learner):
        one.places.append((place[0], place[1].removesuffix("vorbereiten/")))
