"""The tables of the talks, each in the module that is about it."""

from .appointments import Appointment
from .conversation import Conversation, ConversationPart, Observation
from .guide import GuidingQuestion
from .preparation import Preparation, TopicWish

__all__ = [
    "Appointment",
    "Conversation",
    "ConversationPart",
    "GuidingQuestion",
    "Observation",
    "Preparation",
    "TopicWish",
]
