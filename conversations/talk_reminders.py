"""A reminder before a talk, in the digest of a working day: by default of the one before (R1), moved back, never on (R3).

It is one more wish of the plan (engagements/reminders.py), so that there is one mail a day, decided when it is sent, and the
preview shows it. A mail an hour before would break that window; for this the entry in the person's own calendar rings.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import TalkSettings
from engagements import digest
from engagements.digest import Person, Sort, Told
from engagements.reminders import Rhythm, Wish
from lernbegleitung import clock
from lernbegleitung.lookups import array

TALK = "talk"
AHEAD = timedelta(days=35)  # talks that are looked at: all of the preview's thirty days
BACK = 21  # days that a reminder moves back at most
BEFORE = timedelta(minutes=30)  # a reminder that comes later than this before the talk is none


def wish_of(rhythm: Rhythm, talk: uuid.UUID, starts: datetime, remind: str, made: datetime) -> Wish | None:
    """The reminder of one talk: from the day the person wants it, moved back to a working day, until it is of no use.

    Not on the day on which the talk was made: then both have just had a mail about it.
    """
    day = starts.astimezone(rhythm.zone).date()
    last = _back(rhythm, day, starts)
    first = last if remind == TalkSettings.Remind.SAME_DAY else _back(rhythm, day - timedelta(days=1), starts)
    if not last or not first:
        return None
    first = max(first, made.astimezone(rhythm.zone).date() + timedelta(days=1))
    return Wish(TALK, talk, day, first, last) if first <= last else None


def _back(rhythm: Rhythm, day: date, starts: datetime) -> date | None:
    """This day or the latest before it on which the person works and the mail comes before the talk."""
    for distance in range(BACK):
        found = day - timedelta(days=distance)
        if rhythm.works_on(found) and rhythm.moment(found) + BEFORE <= starts:
            return found
    return None


def talks_to_remind(
    people: list[Person], told: dict[int, Told], today: date, *, as_worker: bool
) -> Iterator[tuple[int, Wish]]:
    """The reminders of these people's coming talks."""
    rhythms = {person.pk: person.rhythm for person in people}
    for person, talk, starts, remind, made in coming(list(rhythms), as_worker=as_worker):
        if wish := wish_of(rhythms[person], talk, starts, remind, made):
            yield person, wish


def coming(people: list[int], *, as_worker: bool) -> list[tuple[Any, ...]]:
    """(person, talk, beginning, wish, when made) of coming talks; the web asks for who asks."""
    columns = "SELECT person, talk, starts, remind, made FROM "
    with connection.cursor() as cursor:
        if as_worker:
            cursor.execute(columns + "talks_coming(%s, %s, %s)", [array(people), clock.now(), clock.now() + AHEAD])
        else:
            cursor.execute(columns + "talks_coming_for_me(%s, %s)", [clock.now(), clock.now() + AHEAD])
        return cursor.fetchall()


def words(wish: Wish, today: date) -> str:
    """A sentence without anybody's name and without a time."""
    distance = (wish.meant_for - today).days
    if distance == 0:
        return _("Heute haben Sie einen Termin. Möchten Sie etwas vorbereiten?")
    if distance == 1:
        return _("Morgen haben Sie einen Termin. Möchten Sie etwas vorbereiten?")
    day = formats.date_format(wish.meant_for, _("l, j. F"))
    return _("Am %(day)s haben Sie einen Termin. Möchten Sie etwas vorbereiten?") % {"day": day}


digest.SOURCES.append(talks_to_remind)
digest.SORTS[TALK] = Sort(
    words,
    lambda wish: f"/gespraeche/{wish.subject}/vorbereiten/",
    gettext_lazy("Ein Termin steht an"),
    gettext_lazy("Termine stehen an"),
    gettext_lazy("Vor jedem Gespräch, einmal. Wann, stellen Sie unter „Kalender und Termine“ ein."),
)


def arrange() -> dict[str, int]:
    """For the worker: see that everybody with a talk ahead has a digest before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM people_to_remind(%s, %s)", [clock.now(), clock.now() + AHEAD])
        rows = cursor.fetchall()
    days = digest.all_free_days()
    people = [Person(row[0], digest.rhythm_of_row(row[1:], days)) for row in rows]
    return {"people": len(people), "planned": digest.arrange(people, as_worker=True)}
