"""Days on which one of two people is off: said before a date is chosen by hand, and beside the date; never forbidden."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from engagements.digest import rhythm_of
from lernbegleitung import clock

AHEAD, AT_MOST = 56, 6  # days that are looked through for holidays, and how many are named


def off_words(viewer: User, partner: User, moment: datetime) -> str:
    """Who of the two is off on this day (weekday off, holiday, absence), in a sentence; nothing when both work."""
    off = [not _works_at(person, moment) for person in (viewer, partner)]
    if all(off):
        return _("An diesem Tag haben Sie beide frei.")
    if off[1]:
        return _("An diesem Tag hat %(name)s frei.") % {"name": partner.name}
    return _("An diesem Tag haben Sie frei.") if off[0] else ""


def _works_at(person: User, moment: datetime) -> bool:
    return rhythm_of(person).works_on(moment.astimezone(person.zone()).date())


def holidays_ahead(viewer: User, partner: User) -> str:
    """The holidays and free days of either in the next weeks that would be working days, with whose they are."""
    found = []
    mine, theirs = rhythm_of(viewer), rhythm_of(partner)
    for number in range(AHEAD):
        day = clock.today() + timedelta(days=number)
        off = [rhythm.is_holiday(day) and bool(rhythm.work_days >> day.weekday() & 1) for rhythm in (mine, theirs)]
        if any(off) and len(found) < AT_MOST:
            found.append(_day_words(day, off[0], partner.name if off[1] else ""))
    return _("Frei: %(days)s.") % {"days": ", ".join(found)} if found else ""


def _day_words(day: date, mine: bool, their_name: str) -> str:
    words = date_format(day, "MONTH_DAY_FORMAT")
    if mine and their_name:
        return words
    if mine:
        return _("%(day)s (nur Sie)") % {"day": words}
    return _("%(day)s (nur %(name)s)") % {"day": words, "name": their_name}
