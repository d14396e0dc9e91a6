"""How long what is kept about the work together, and why (design/domain.md, L7)."""

from lernbegleitung.privacy import keep

from .models import (
    Agreement,
    CompanionLoad,
    CompanionProfile,
    CompanionProposal,
    ConflictDeclaration,
    Engagement,
    Insight,
    JournalEntry,
    LearningConcern,
    LearningStep,
    Occasion,
    Veto,
)

RECORD = "the engagement is closed (a draft: 60 idle days; withdrawn: 30 days)"
SHARED = "The record belongs to the learner, who may shorten this, or lengthen it to 12 months."
LEFT = "the person has left or is no companion any more"

keep(Engagement, "id", "learner_id", "companion_id", "state", "coordinating_agency_id", "occasion_id", "wish", "format", "spoken", "trainee_welcome", "earliest_start", "created_at", "requested_at", "offered_at", "introduced_at", "started_at", "paused_at", "closed_at", after=RECORD, days=90, why=SHARED)
keep(LearningConcern, "id", "engagement_id", "ability_sealed", "situation_sealed", "signs_sealed", "why_now_sealed", "version", "created_at", "changed_at", after=RECORD, days=90, why=SHARED)
keep(Agreement, "id", "engagement_id", "version", "purpose_sealed", "rhythm_sealed", "additions_sealed", "written_by_id", "written_at", "learner_accepted_at", "companion_accepted_at", after=RECORD, days=90, why=SHARED)
keep(LearningStep, "id", "engagement_id", "what_sealed", "where_sealed", "cue_sealed", "action_sealed", "obstacle_sealed", "help_sealed", "due_on", "remind", "shared_at", "state", "answered_at", "created_at", "version", after=RECORD, days=90, why=SHARED)
keep(Insight, "id", "engagement_id", "step_id", "happened_sealed", "surprised_sealed", "keep_sealed", "shared_at", "created_at", after=RECORD, days=90, why=SHARED)
keep(JournalEntry, "id", "engagement_id", "text_sealed", "shared_at", "created_at", after=RECORD, days=90, why=SHARED)
keep(CompanionProposal, "id", "engagement_id", "companion_id", "position", "reasons", "proposed_by_id", "proposed_at", "answer", after="a companion has accepted", days=30, why="So that both sides see what was proposed; no reason for a no is kept.")
keep(Occasion, "id", "code", "name_de", "name_en", "position", "is_active", after="the occasion is given up", why="A list of words.")
keep(CompanionProfile, "user_id", "about", "formats", "languages", "in_training", "teaches", "qualified_until", "is_paused", after=LEFT, days=0, why="What learners and coordinators need to find a companion.")
keep(CompanionProfile.occasions.through, "id", "companionprofile_id", "occasion_id", after=LEFT, days=0, why="What learners and coordinators need to find a companion.")
keep(CompanionLoad, "companion_id", "capacity", "taken", "held", after=LEFT, days=0, why="So that nobody gets more than the places they offer.")
keep(ConflictDeclaration, "id", "declared_by_id", "other_id", "rule", "declared_at", after="taken back, or one of the two has left", days=0, why="Role conflicts must exclude a pair (H1 to H4).")
keep(Veto, "id", "owner_id", "other_id", "made_at", after="taken back, or one of the two has left", days=0, why="A silent no must hold (H7).")
