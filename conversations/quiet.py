"""A quiet question when nothing is planned any more: to both, once, from facts that both share (R11); and when it stays
so for four weeks more, the companionship rests by itself until one of the two goes on (docs/decisions/0018).

Facts: no appointment to come, and no open step that the learner has shared, for eight weeks; nothing released, agreed or
arranged in that time. A step that only the learner sees does not count, or its absence would tell; nor does it count who
wishes mails. Nobody is told that somebody was silent, and nobody but the two is asked or told.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, outbox
from accounts.models import User
from engagements import digest
from engagements.digest import Person, Sort, Told
from engagements.reminders import Wish
from lernbegleitung import clock
from lernbegleitung.lookups import array

from .mails import RESTS

QUIET = "quiet"
QUIET_FOR = timedelta(days=56)
ASKED_WITHIN = timedelta(days=30)  # later it is no longer asked about this time


def pairs_to_ask(
    people: list[Person], told: dict[int, Told], today: date, *, as_worker: bool
) -> Iterator[tuple[int, Wish]]:
    """The companionships of these people in which nothing has been planned since a day, each for its two."""
    rhythms = {person.pk: person.rhythm for person in people}
    for engagement, learner, companion, since in quiet_since(list(rhythms), as_worker=as_worker):
        for person in (learner, companion):
            rhythm = rhythms.get(person)
            first = rhythm and rhythm.working_day_from(since + QUIET_FOR)
            if first:
                yield person, Wish(QUIET, engagement, since, first, since + QUIET_FOR + ASKED_WITHIN)


def quiet_since(people: list[int], *, as_worker: bool) -> list[tuple[Any, ...]]:
    """(companionship, learner, companion, day since when nothing is planned); the web asks for who asks."""
    columns = "SELECT engagement, learner, companion, since FROM "
    with connection.cursor() as cursor:
        if as_worker:
            cursor.execute(columns + "quiet_since(%s, %s)", [array(people), clock.now()])
        else:
            cursor.execute(columns + "quiet_for_me(%s)", [clock.now()])
        return cursor.fetchall()


digest.SOURCES.append(pairs_to_ask)
digest.SORTS[QUIET] = Sort(
    lambda wish, today: _("In einer Lernbegleitung ist gerade nichts geplant: Wie soll es weitergehen?"),
    lambda wish: f"/begleitungen/{wish.subject}/wie-weiter/",
    gettext_lazy("Wie soll es weitergehen?"),
    gettext_lazy("Wie soll es weitergehen?"),
    gettext_lazy(
        "Seit acht Wochen ist kein Gespräch vereinbart und kein gemeinsamer Lernschritt offen. Das fragen wir beide, einmal."
        " Bleibt es vier Wochen so, ruht die Begleitung von selbst."
    ),
)


def ask() -> dict[str, int]:
    """For the worker: put the question into the next digest of everybody who is to be asked and was not yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM quiet_people(%s)", [clock.now() - QUIET_FOR])
        rows = cursor.fetchall()
        cursor.execute("SELECT note_quiet(%s)", [clock.now()])
    days = digest.all_free_days()
    people = [Person(row[0], digest.rhythm_of_row(row[1:], days)) for row in rows]
    return {"people": len(people), "planned": digest.arrange(people, as_worker=True)}


def rest() -> dict[str, int]:
    """For the worker: what has stayed quiet for four weeks since both were asked rests, each in its own transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM quiet_to_rest(%s)", [clock.now()])
        found = [row[0] for row in cursor.fetchall()]
    return {"rested": sum(_rest(engagement) for engagement in found)}


@transaction.atomic
def _rest(engagement: uuid.UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM rest_if_quiet(%s, %s)", [engagement, clock.now()])
        both = cursor.fetchall()
    if both:
        audit.write("engagement.rested", by=None, subject=engagement)
    for person, language in both:
        outbox.post(
            f"{RESTS.name}:{engagement}:{person}:{clock.today()}",
            kind=RESTS,
            to=User(pk=person, language=language),
            about=engagement,
            facts={"path": f"/begleitungen/{engagement}/fortsetzen/"},
        )
    return bool(both)
