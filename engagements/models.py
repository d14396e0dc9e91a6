"""The tables of the work together, each in the module that is about it."""

from .agreements import Agreement
from .assignment import AssignmentDraft, DraftLine
from .companions import CompanionLoad, CompanionProfile, ConflictDeclaration, Occasion, Veto
from .concerns import LearningConcern
from .direct_line import DirectLine, LineMessage
from .engagement import CompanionProposal, Engagement
from .goals import FormerWords, Goal, GoalRating
from .journal import JournalEntry
from .partings import Parting
from .programmes import Programme, ProgrammeVersion
from .ratings import BenefitRating, RatingTicket
from .rules import RuleOfThumb
from .steps import Insight, LearningStep
from .substitutes import Substitution
from .told import SentReminder
from .transfer import TransferCheck

__all__ = [
    "Agreement", "AssignmentDraft", "BenefitRating", "CompanionLoad", "CompanionProfile", "CompanionProposal",
    "ConflictDeclaration", "DirectLine", "DraftLine", "Engagement", "FormerWords", "Goal", "GoalRating", "Insight", "JournalEntry",
    "LearningConcern", "LearningStep", "LineMessage", "Occasion", "Parting", "Programme", "ProgrammeVersion", "RatingTicket", "RuleOfThumb", "SentReminder", "Substitution", "TransferCheck", "Veto",
]  # fmt: skip
