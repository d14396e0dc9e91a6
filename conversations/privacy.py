"""How long what is kept about the talks, and why (design/domain.md, L7)."""

from lernbegleitung.privacy import keep

from .models import (
    Appointment,
    Conversation,
    ConversationPart,
    Favourite,
    GuidingQuestion,
    Observation,
    OwnQuestion,
    Preparation,
    QuestionProposal,
    QuestionUse,
    TopicWish,
)

CLOSED = "the engagement is closed"
SHARED = "The record belongs to the learner, who may shorten this, or lengthen it to 12 months."

keep(
    Appointment,
    "id",
    "engagement_id",
    "learner_id",
    "companion_id",
    "kind",
    "starts_at",
    "ends_at",
    "format",
    "place",
    "sequence",
    "made_by_id",
    "made_at",
    "cancelled_at",
    after=CLOSED,
    days=90,
    why=SHARED,
)
keep(
    Conversation,
    "id",
    "engagement_id",
    "appointment_id",
    "closing_sentence_sealed",
    "version",
    "learner_agreed_at",
    "companion_agreed_at",
    "locked_at",
    after=CLOSED,
    days=90,
    why=SHARED,
)
keep(
    ConversationPart,
    "id",
    "conversation_id",
    "part",
    "text_sealed",
    "version",
    "changed_at",
    after=CLOSED,
    days=90,
    why=SHARED,
)
keep(
    Observation,
    "id",
    "conversation_id",
    "part",
    "author_id",
    "text_sealed",
    "answer",
    "offered_at",
    after=CLOSED,
    days=90,
    why=SHARED,
)
keep(
    Preparation,
    "id",
    "conversation_id",
    "owner_id",
    "before_sealed",
    "questions_sealed",
    "observations_sealed",
    "reflection_sealed",
    "version",
    "changed_at",
    after=CLOSED,
    days=30,
    why="Own thoughts before and after a talk; the learner may ask for what is about them.",
)
keep(TopicWish, "id", "conversation_id", "text_sealed", "shared_at", "changed_at", after=CLOSED, days=90, why=SHARED)
keep(
    GuidingQuestion,
    "id",
    "code",
    "part",
    "kinds",
    "occasions",
    "text_de",
    "text_en",
    "position",
    "is_active",
    "version",
    after="the question is given up",
    why="The question bank.",
)
keep(
    OwnQuestion,
    "id",
    "owner_id",
    "part",
    "text_sealed",
    "version",
    "created_at",
    after="the person deletes it, or has left",
    days=30,
    why="One's own way of asking, for one's own talks.",
)
keep(
    Favourite,
    "id",
    "owner_id",
    "question_id",
    "since",
    after="the person gives it up, or has left",
    days=30,
    why="One's own selection; how many keep a question is told from three on, without persons.",
)
keep(
    QuestionUse,
    "id",
    "owner_id",
    "engagement_id",
    "question_id",
    "own_question_id",
    "at",
    after=CLOSED,
    days=30,
    why="So that one does not ask the same again without noticing; goes with the own sheets.",
)
keep(
    QuestionProposal,
    "id",
    "owner_id",
    "source",
    "part",
    "text_de",
    "text_en",
    "answer",
    "proposed_at",
    "decided_at",
    after="it is decided",
    days=30,
    why="So that the person who proposed it learns the answer.",
)
