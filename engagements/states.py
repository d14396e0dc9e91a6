"""The states of an engagement and the one table of moves between them (design/domain.md, section 3)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Where an engagement stands."""

    DRAFT = "draft", _("Entwurf")
    REQUESTED = "requested", _("Angefragt")
    MATCHING = "matching", _("Vorschläge liegen vor")
    OFFERED = "offered", _("Begleitung gefragt")
    INTRODUCTION = "introduction", _("Kennenlernen")
    ACTIVE = "active", _("Läuft")
    PAUSED = "paused", _("Ruht")
    CLOSED = "closed", _("Abgeschlossen")
    WITHDRAWN = "withdrawn", _("Zurückgezogen")
    ERASED = "erased", _("Gelöscht")


MOVES: dict[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.REQUESTED, State.OFFERED, State.WITHDRAWN}),
    # The former companion again, after a change that the learner takes back (actions/undoing.py).
    State.REQUESTED: frozenset({State.MATCHING, State.WITHDRAWN, State.ACTIVE}),
    State.MATCHING: frozenset({State.REQUESTED, State.MATCHING, State.OFFERED, State.WITHDRAWN}),
    State.OFFERED: frozenset({State.INTRODUCTION, State.MATCHING, State.DRAFT, State.WITHDRAWN}),
    State.INTRODUCTION: frozenset({State.ACTIVE, State.MATCHING, State.DRAFT, State.WITHDRAWN}),
    State.ACTIVE: frozenset({State.PAUSED, State.CLOSED, State.REQUESTED}),
    State.PAUSED: frozenset({State.ACTIVE, State.CLOSED, State.REQUESTED}),
    State.CLOSED: frozenset({State.ERASED, State.ACTIVE, State.PAUSED}),
    State.WITHDRAWN: frozenset({State.ERASED, State.DRAFT}),
    State.ERASED: frozenset(),
}

SEARCHING = (State.REQUESTED, State.MATCHING)
PAIRED = (State.OFFERED, State.INTRODUCTION, State.ACTIVE, State.PAUSED, State.CLOSED)
OCCUPYING = (State.OFFERED, State.INTRODUCTION, State.ACTIVE, State.PAUSED)
UNFINISHED = (State.DRAFT, *SEARCHING, State.OFFERED, State.INTRODUCTION, State.ACTIVE, State.PAUSED)


class NotPossible(Exception):
    """The move does not start here; carries a sentence for people. Usually somebody was faster, or a double click."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or str(_("Das ist inzwischen nicht mehr möglich. Der Stand hat sich geändert.")))


def may_move(here: str, there: str) -> bool:
    """Whether the table has this move."""
    return State(there) in MOVES[State(here)]
