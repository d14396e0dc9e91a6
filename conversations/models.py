"""The tables of the talks, each in the module that is about it."""

from .afterwards import Feedback, TalkCheck
from .appointments import Appointment
from .busy_calendars import BusyCalendar, BusyTime
from .conversation import Conversation, ConversationPart, Observation
from .feeds import CalendarFeed
from .guide import GuidingQuestion
from .guide_versions import GuideVersion
from .ideas import ChangeIdea
from .kept_questions import Favourite, OwnQuestion, QuestionProposal, QuestionUse
from .preparation import Preparation, TopicWish
from .record import Addition, RecordVersion

__all__ = [
    "Addition",
    "Appointment",
    "BusyCalendar",
    "BusyTime",
    "CalendarFeed",
    "ChangeIdea",
    "Conversation",
    "ConversationPart",
    "Favourite",
    "Feedback",
    "GuideVersion",
    "GuidingQuestion",
    "Observation",
    "OwnQuestion",
    "Preparation",
    "QuestionProposal",
    "QuestionUse",
    "RecordVersion",
    "TalkCheck",
    "TopicWish",
]
