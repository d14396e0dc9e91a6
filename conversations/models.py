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
from .offered_times import BookingRules, OfferedTime
from .preparation import Preparation, TopicWish
from .proposed_dates import DateProposal
from .record import Addition, RecordVersion

__all__ = [
    "Addition",
    "Appointment",
    "BookingRules",
    "BusyCalendar",
    "BusyTime",
    "CalendarFeed",
    "ChangeIdea",
    "Conversation",
    "ConversationPart",
    "DateProposal",
    "Favourite",
    "Feedback",
    "GuideVersion",
    "GuidingQuestion",
    "Observation",
    "OfferedTime",
    "OwnQuestion",
    "Preparation",
    "QuestionProposal",
    "QuestionUse",
    "RecordVersion",
    "TalkCheck",
    "TopicWish",
]
