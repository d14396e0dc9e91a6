"""Who reads the talks: the two who hold them. After a change of companion the new one does not see the old talks."""

from __future__ import annotations

from typing import Any

from accounts.audiences import OWN
from engagements.audiences import OF_THE_TWO, pair_of
from lernbegleitung.audience import (
    ACCOMPANYING,
    ME,
    TALKS_ACCOMPANYING,
    TALKS_LEARNING,
    Audience,
    Pair,
    Tie,
    declare,
)

from .afterwards import Feedback, TalkCheck
from .appointments import Appointment
from .busy_calendars import BusyCalendar, BusyTime
from .conversation import Conversation, ConversationPart, Observation
from .feeds import CalendarFeed
from .ideas import ChangeIdea
from .kept_questions import Favourite, OwnQuestion, QuestionUse
from .preparation import Preparation, TopicWish
from .proposed_dates import DateProposal
from .record import Addition, RecordVersion


def _of_appointment(item: Appointment) -> Pair:
    learner, companion = pair_of(item.engagement)
    return learner, companion if companion and companion.pk == item.companion_id else None


def of_talk(item: Any) -> Pair:
    """The learner, and the companion of this talk as long as that person reads along."""
    talk = item if isinstance(item, Conversation) else item.conversation
    learner, companion = pair_of(talk.engagement)
    return learner, companion if companion and companion.pk == talk.appointment.companion_id else None


def _learner(item: Any) -> int:
    talk = item if isinstance(item, Conversation) else item.conversation
    return talk.appointment.learner_id


OF_OWN_CALENDAR = Tie(
    f"calendar_id = ANY (ARRAY(SELECT id FROM conversations_busycalendar WHERE owner_id = {ME}))",  # noqa: S608
    "false",
    lambda item: (item.calendar.owner, None),
)
OF_TWO = Tie(f"learner_id = {ME}", f"companion_id = {ME} AND engagement_id = {ACCOMPANYING}", _of_appointment)
TALK = Tie(f"id = {TALKS_LEARNING}", f"id = {TALKS_ACCOMPANYING}", of_talk)
IN_TALK = Tie(f"conversation_id = {TALKS_LEARNING}", f"conversation_id = {TALKS_ACCOMPANYING}", of_talk)
THE_LEARNER = f"conversation_id = {TALKS_LEARNING}"

declare(
    Audience(Appointment, OF_TWO, lambda item: item.learner_id),
    Audience(DateProposal, OF_THE_TWO, lambda item: item.proposed_by_id or item.engagement.learner_id),
    Audience(Conversation, TALK, _learner),
    Audience(ConversationPart, IN_TALK, _learner),
    Audience(Observation, IN_TALK, lambda item: item.author_id),
    Audience(ChangeIdea, IN_TALK, _learner),
    Audience(RecordVersion, IN_TALK, _learner),
    Audience(Addition, IN_TALK, lambda item: item.author_id),
    Audience(Feedback, IN_TALK, lambda item: item.author_id),
    Audience(TalkCheck, OWN, lambda item: item.owner_id, companion_reads=False),
    Audience(Preparation, OWN, lambda item: item.owner_id, companion_reads=False),
    Audience(OwnQuestion, OWN, lambda item: item.owner_id, companion_reads=False, writes=f"owner_id = {ME}"),
    Audience(Favourite, OWN, lambda item: item.owner_id, companion_reads=False, writes=f"owner_id = {ME}"),
    Audience(QuestionUse, OWN, lambda item: item.owner_id, companion_reads=False),
    Audience(CalendarFeed, OWN, lambda item: item.owner_id, companion_reads=False, writes=f"owner_id = {ME}"),
    Audience(BusyCalendar, OWN, lambda item: item.owner_id, companion_reads=False, writes=f"owner_id = {ME}"),
    Audience(BusyTime, OF_OWN_CALENDAR, lambda item: item.calendar.owner_id, companion_reads=False),
    Audience(TopicWish, IN_TALK, _learner, shared=True, writes=THE_LEARNER),
)
