"""Ihr Weg: the stops of the journey, from the wish to the closing, as they really were and are planned."""

from __future__ import annotations

from datetime import date, datetime

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from engagements.states import State
from lernbegleitung.templatetags.ui import Station

from .appointments import Appointment
from .overview import Learning, is_documented

SHOWN = 4  # talks; with what lies ahead at most six stops


def stations(learning: Learning) -> list[Station]:
    """Before there is a companion the way to one, then the talks."""
    if learning.engagement.companion_id and learning.engagement.state != State.OFFERED:
        return _talks(learning)
    return _search(learning)


def _search(learning: Learning) -> list[Station]:
    engagement = learning.engagement
    sent = engagement.state != State.DRAFT
    found = engagement.state in (State.MATCHING, State.OFFERED)
    return [
        Station("done" if sent else "next", _("Anliegen"), _day(engagement.created_at), _("in eigenen Worten")),
        Station(
            "done" if sent else "later",
            _("Anfrage"),
            _day(engagement.requested_at) if sent else _("wenn Sie so weit sind"),
        ),
        Station(
            ("next" if sent else "later"),
            _("Begleitung finden"),
            _("Vorschläge sind da") if found else _("wird gesucht") if sent else "",
        ),
        Station("later", _("Kennenlernen"), _("danach")),
    ]


def _talks(learning: Learning) -> list[Station]:
    stops: list[Station] = []
    next_is_found = False
    for number, talk in enumerate(learning.talks, 1):
        over = talk.is_over()
        if (
            talk.held is False or stops and stops[-1].state == "later"
        ):  # did not take place; or further ahead than one looks
            continue
        state = "done" if over else "later" if next_is_found else "next"
        next_is_found |= not over
        what = "" if not over else _("dokumentiert") if is_documented(talk) else _("noch nicht dokumentiert")
        stops.append(Station(state, _title(talk, number), _day(talk.starts_at), what))
    closed = learning.engagement.state == State.CLOSED
    if not next_is_found and not closed:
        title = _("Kennenlernen") if not stops else _("%(n)d. Gespräch") % {"n": len(stops) + 1}
        when = _("ruht gerade") if learning.engagement.state == State.PAUSED else _("noch kein Termin")
        stops.append(Station("next", title, when))
    end = _day(learning.engagement.closed_at) if closed else _("wenn es für Sie passt")
    return [*stops[-SHOWN - 1 :], Station("done" if closed else "later", _("Abschluss"), end)]


def _title(talk: Appointment, number: int) -> str:
    if talk.kind in ("introduction", "closing"):
        return str(talk.get_kind_display())
    return _("%(n)d. Gespräch") % {"n": number}


def _day(moment: datetime | date | None) -> str:
    """Day and month: "14. September"."""
    if moment is None:
        return ""
    local = timezone.localtime(moment).date() if isinstance(moment, datetime) else moment
    return formats.date_format(local, "MONTH_DAY_FORMAT")
