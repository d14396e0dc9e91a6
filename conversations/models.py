"""The tables of the talks, each in the module that is about it."""

from .appointments import Appointment
from .conversation import Conversation, ConversationPart, Observation
from .guide import GuidingQuestion
from .guide_versions import GuideVersion
from .kept_questions import Favourite, OwnQuestion, QuestionProposal, QuestionUse
from .preparation import Preparation, TopicWish

__all__ = [
    "Appointment",
    "Conversation",
    "ConversationPart",
    "Favourite",
    "GuideVersion",
    "GuidingQuestion",
    "Observation",
    "OwnQuestion",
    "Preparation",
    "QuestionProposal",
    "QuestionUse",
    "TopicWish",
]
