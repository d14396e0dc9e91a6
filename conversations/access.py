"""Who may open a talk and its appointment: the two who hold it. Strangers and coordinators get 404."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import SignedRequest, View
from accounts.keys import take_keys, with_keys
from accounts.models import User
from engagements.states import NotPossible, State
from lernbegleitung.kept import first_or_404, kept

from .appointments import Appointment
from .audiences import of_talk
from .conversation import Conversation

PAIR = ("engagement__learner", "engagement__companion", "learner__agency", "companion__agency")


def appointment_or_404(user: User, pk: uuid.UUID) -> Appointment:
    """The appointment with its talk, for one of the two."""
    mine = Appointment.objects.of_pair_member(user).select_related(*PAIR, "conversation")
    return get_object_or_404(mine, pk=pk)


def conversation_or_404(user: User, pk: uuid.UUID) -> Conversation:
    """The talk with its appointment, for one of the two, with the key of its texts at hand."""
    found = first_or_404(_conversation(user.pk, pk))
    found.appointment.engagement = found.engagement
    take_keys([found], of="engagement_id")
    return found


@kept
def _conversation(user_id: int, pk: uuid.UUID) -> QuerySet[Conversation]:
    rows = Conversation.objects.of_pair_member(user_id).with_next_talk().filter(pk=pk)
    rows = rows.select_related(
        "appointment__learner",
        "appointment__companion",
        "engagement__learner",
        "engagement__companion",
        "engagement__occasion",
        "guide",
        "topic_wish",
    )
    return with_keys(rows, of="engagement_id")


def require_open(conversation: Conversation) -> None:
    """Raise NotPossible where a talk can no longer be documented: cancelled, withdrawn, or agreed to by both."""
    if not may_meet(conversation.appointment, conversation).document:
        raise NotPossible(_("An diesem Gespräch lässt sich nichts mehr festhalten."))


def other_reader(conversation: Conversation, user: User) -> User | None:
    """The other one who held this talk, as long as both read it: nobody after a change of companion, or for long closed."""
    learner, companion = of_talk(conversation)
    other: User | None = companion if learner == user else learner if companion == user else None
    return other


def in_own_time(view: View) -> View:
    """Show and read times in the person's own time zone."""

    @wraps(view)
    def there(request: SignedRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override(request.user.zone()):
            return view(request, *args, **kwargs)

    return there


@dataclass(frozen=True)
class MayMeet:
    """What one of the pair may do with an appointment now; templates ask nothing else."""

    move: bool
    cancel: bool
    prepare: bool
    document: bool
    read_record: bool
    say_held: bool


def may_meet(appointment: Appointment, conversation: Conversation | None) -> MayMeet:
    """The permissions of either of the two: they are the same for both."""
    state = appointment.engagement.state
    stands = appointment.cancelled_at is None
    open_record = stands and conversation is not None and not conversation.is_locked()
    together = state in (State.INTRODUCTION, State.ACTIVE)
    return MayMeet(
        move=open_record and together,
        cancel=open_record and (together or state == State.PAUSED),
        prepare=open_record and together,
        document=open_record and state != State.WITHDRAWN,
        read_record=conversation is not None and conversation.is_locked(),
        say_held=open_record and appointment.is_over() and state not in (State.CLOSED, State.WITHDRAWN),
    )


def conversation_of(appointment: Appointment) -> Conversation | None:
    """The talk of an appointment, or nothing where the row is not shown."""
    return getattr(appointment, "conversation", None)
