"""What Heute shows: the learner's part and the companion's part, gathered with a fixed number of queries."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.keys import open_rows
from accounts.models import DataKey, User
from engagements.agreements import Agreement
from engagements.concerns import LearningConcern, concern_of
from engagements.engagement import Engagement
from engagements.journal import JournalEntry
from engagements.states import UNFINISHED, State
from engagements.steps import LearningStep
from lernbegleitung import clock
from lernbegleitung.kept import first, kept
from lernbegleitung.together import together

from .access import conversation_of
from .appointments import Appointment
from .conversation import Conversation, ConversationPart, Observation
from .proposed_dates import DateProposal, open_proposals

RECENT = timedelta(days=14)
STEPS, ENTRIES, LETTERS = 60, 2, 320
MEETING = (State.INTRODUCTION, State.ACTIVE)
TOGETHER = (State.INTRODUCTION, State.ACTIVE, State.PAUSED)


@dataclass
class Learning:
    """What concerns the person as a learner: the unfinished engagement, or the one that ended last."""

    user: User
    engagement: Engagement
    talks: list[Appointment]
    dates: DateProposal | None
    concern: LearningConcern | None = None
    steps: list[LearningStep] = field(default_factory=list)
    entries: list[JournalEntry] = field(default_factory=list)
    last_words: str = ""
    proposals: int = 0

    @cached_property
    def partner(self) -> User | None:
        """The companion."""
        return self.engagement.companion

    @cached_property
    def new_entry(self) -> JournalEntry:
        """The journal entry that may be written here."""
        return JournalEntry(engagement=self.engagement)

    @cached_property
    def next_talk(self) -> Appointment | None:
        """The next appointment, running ones included."""
        return next((talk for talk in self.talks if not talk.is_over()), None)

    @cached_property
    def last_talk(self) -> Appointment | None:
        """The latest one that both have agreed to."""
        return next((talk for talk in reversed(self.talks) if is_documented(talk)), None)

    @cached_property
    def open_steps(self) -> list[LearningStep]:
        """By the day they are meant for."""
        return [step for step in self.steps if step.is_open()]

    @cached_property
    def done_lately(self) -> list[LearningStep]:
        """Answered in the last two weeks, the latest first."""
        since = clock.now() - RECENT
        done = [step for step in self.steps if step.answered_at and step.answered_at > since]
        return sorted(done, key=lambda step: step.answered_at or since, reverse=True)[:5]

    @cached_property
    def to_document(self) -> list[Appointment]:
        """Held, and nobody has agreed to the record yet."""
        return [
            talk
            for talk in self.talks
            if talk.is_over() and talk.held is not False and not is_documented(talk) and not waits_for(talk, self.user)
        ]

    @cached_property
    def to_agree(self) -> list[Appointment]:
        """The companion has agreed to the record, the learner has not."""
        return [talk for talk in self.talks if waits_for(talk, self.user)]

    @cached_property
    def to_answer(self) -> list[Appointment]:
        """With observations that the learner may take or drop."""
        return [talk for talk in self.talks if talk.has_offers and not is_documented(talk)]  # type: ignore[attr-defined]

    @cached_property
    def topic_to_send(self) -> Appointment | None:
        """The next talk, when a topic is written for it and not sent."""
        topic = getattr(conversation_of(self.next_talk), "topic_wish", None) if self.next_talk else None
        return self.next_talk if topic and topic.text_sealed and not topic.shared_at else None

    @cached_property
    def topic_is_sent(self) -> bool:
        """Whether the companion knows what the learner would like to talk about."""
        topic = getattr(conversation_of(self.next_talk), "topic_wish", None) if self.next_talk else None
        return bool(topic and topic.shared_at)

    @cached_property
    def agreement_waits(self) -> bool:
        """A version that the learner has not accepted."""
        return _waits_for_word(self.engagement, "learner_accepted_at")

    @cached_property
    def dates_wait(self) -> bool:
        """The companion has proposed dates."""
        return self.dates is not None and self.dates.waits_for(self.user)

    @cached_property
    def something_waits(self) -> bool:
        """Whether the list of what waits has anything in it."""
        waiting = (self.agreement_waits, self.dates_wait, self.to_agree, self.to_answer, self.topic_to_send)
        return any(waiting) or bool(self.to_document)

    @cached_property
    def rests(self) -> bool:
        """Nothing to answer and nothing to arrange: one waits for others, for the next talk, or has closed."""
        waiting = self.engagement.state in (State.REQUESTED, State.OFFERED, State.PAUSED, State.CLOSED)
        arranged = waiting or self.next_talk is not None or self.dates is not None
        return not self.something_waits and not self.open_steps and arranged


@dataclass
class Accompanied:
    """One engagement as its companion sees it here: shared facts only, no content."""

    user: User
    engagement: Engagement
    talks: list[Appointment]
    dates: DateProposal | None

    @cached_property
    def next_talk(self) -> Appointment | None:
        """The next appointment, running ones included."""
        return next((talk for talk in self.talks if not talk.is_over()), None)

    @cached_property
    def dates_wait(self) -> bool:
        """The learner has proposed dates."""
        return self.dates is not None and self.dates.waits_for(self.user)

    @cached_property
    def to_agree(self) -> list[Appointment]:
        """The learner has agreed to the record, the companion has not."""
        return [talk for talk in self.talks if waits_for(talk, self.user)]

    @cached_property
    def agreement_waits(self) -> bool:
        """A version that the companion has not accepted."""
        return _waits_for_word(self.engagement, "companion_accepted_at")

    @cached_property
    def rests(self) -> bool:
        """Nothing to answer and nothing to arrange."""
        arranged = self.next_talk is not None or self.dates is not None or self.engagement.state == State.PAUSED
        return arranged and not self.to_agree and not self.agreement_waits and not self.dates_wait

    @cached_property
    def has_topic(self) -> bool:
        """Whether the learner has sent a topic for the next talk; another's unsent topic is not even shown."""
        return bool(self.next_talk and getattr(conversation_of(self.next_talk), "topic_wish", None))


@dataclass
class Overview:
    """Everything on Heute that depends on engagements."""

    learning: Learning | None
    asked: list[Engagement]
    accompanied: list[Accompanied]

    @property
    def rests(self) -> bool:
        """Whether the page may say that nothing waits: no request, and every companionship rests."""
        parts = [*([self.learning] if self.learning else []), *self.accompanied]
        return bool(parts) and not self.asked and all(part.rests for part in parts)


def overview(user: User) -> Overview:
    """Gather it: at most ten queries, however many engagements, talks and steps there are."""
    engagements = _engagements_of(user.pk)
    theirs = [e for e in engagements if e.is_companion(user)]
    mine = [e for e in engagements if e.is_learner(user)]
    own = next((e for e in mine if e.state in UNFINISHED), mine[0] if mine else None)
    running = [e for e in theirs if e.state in TOGETHER]
    relevant = [*running, own] if own else running
    talks = _talks(own, relevant) if any(e.companion_id for e in relevant) else {}
    dates = (
        open_proposals(e for e in relevant if e.state in MEETING) if any(e.state in MEETING for e in relevant) else {}
    )
    learning = Learning(user, own, talks.get(own.pk, []), dates.get(own.pk)) if own else None
    if learning:
        _fill(learning)
    return Overview(
        learning,
        [e for e in theirs if e.state == State.OFFERED],
        [Accompanied(user, e, talks.get(e.pk, []), dates.get(e.pk)) for e in running],
    )


def _waits_for_word(engagement: Any, whose: str) -> bool:
    """Whether the latest version of the agreement still waits for this one's word."""
    written = engagement.agreement is not None and not engagement.agreement[whose]
    return written and engagement.state in (State.INTRODUCTION, State.ACTIVE)


def is_documented(talk: Appointment) -> bool:
    """Whether both have agreed to its record."""
    conversation = conversation_of(talk)
    return conversation is not None and conversation.is_locked()


def waits_for(talk: Appointment, user: User) -> bool:
    """Whether the other one has agreed to the record and this one has not."""
    conversation = conversation_of(talk)
    if conversation is None or conversation.is_locked():
        return False
    mine, others = conversation.learner_agreed_at, conversation.companion_agreed_at
    return bool((others and not mine) if talk.learner_id == user.pk else (mine and not others))


@kept
def _engagements_of(user_id: int) -> QuerySet[Engagement]:
    unfinished = Q(learner=user_id, state__in=[*UNFINISHED, State.CLOSED]) | Q(
        companion=user_id, state__in=[State.OFFERED, *TOGETHER]
    )
    versions = Agreement.objects.filter(engagement=OuterRef("pk"), companion=OuterRef("companion"))
    latest = versions.order_by("-version").values(
        facts=JSONObject(**{name: name for name in ("version", "learner_accepted_at", "companion_accepted_at")})
    )
    rows = Engagement.objects.filter(unfinished).select_related("learner__agency", "companion__agency")
    return rows.annotate(agreement=Subquery(latest[:1])).order_by("-created_at")[:60]


def _talks(own: Engagement | None, relevant: list[Engagement]) -> dict[uuid.UUID, list[Appointment]]:
    """Standing appointments in order: all of the own engagement, of the others those not over or not documented."""
    found: dict[uuid.UUID, list[Appointment]] = {}
    engagements = {e.pk: e for e in relevant}
    for talk in _standing([e.pk for e in relevant], own.pk if own else None, clock.now()):
        talk.engagement = engagements[talk.engagement_id]
        if conversation := conversation_of(talk):
            conversation.engagement = talk.engagement
        found.setdefault(talk.engagement_id, []).append(talk)
    return found


@kept
def _standing(engagement_ids: list[uuid.UUID], own: uuid.UUID | None, now: datetime) -> QuerySet[Appointment]:
    wanted = Q(ends_at__gt=now) | Q(conversation__locked_at=None) | Q(engagement=own)
    offers = Observation.objects.filter(conversation__appointment=OuterRef("pk"), answer="offered")
    rows = Appointment.objects.standing().filter(wanted, engagement__any_of=engagement_ids)
    rows = rows.annotate(has_offers=Exists(offers))
    return rows.select_related("conversation__topic_wish").order_by("starts_at", "pk")


def _fill(learning: Learning) -> None:
    """The learner's own texts; none of this is asked for the companion's part."""
    engagement = learning.engagement
    if engagement.state == State.MATCHING:
        learning.proposals = engagement.proposals.filter(answer="open").count()
    if engagement.state not in TOGETHER:
        learning.concern = concern_of(engagement)
        return
    last = conversation_of(learning.last_talk) if learning.last_talk else None
    keys, concerns, learning.steps, learning.entries, parts = _own_texts(engagement.pk, last.pk if last else None)
    open_rows(keys)
    learning.concern = first(concerns)
    for item in (*concerns, *learning.steps, *learning.entries):
        item.engagement = engagement
    if last:
        learning.last_words = last.closing_sentence or _first_words(last, parts)


@together
def _own_texts(engagement_id: uuid.UUID, last_talk: uuid.UUID | None) -> tuple[QuerySet[Any], ...]:
    return (
        DataKey.objects.filter(pk=engagement_id),
        LearningConcern.objects.filter(engagement=engagement_id)[:1],
        LearningStep.objects.filter(engagement=engagement_id).next_first()[:STEPS],
        JournalEntry.objects.filter(engagement=engagement_id)[:ENTRIES],
        ConversationPart.objects.filter(conversation=last_talk).exclude(text_sealed=b"")[:1],
    )


def _first_words(conversation: Conversation, parts: list[ConversationPart]) -> str:
    """The beginning of the first of the parts that have any text."""
    for part in parts:
        part.conversation = conversation
        text = part.text
        return text if len(text) <= LETTERS else text[:LETTERS].rsplit(" ", 1)[0] + " …"
    return ""


def latest_talks(engagement: Engagement) -> list[tuple[uuid.UUID, str]]:
    """The latest talks of an engagement that have begun, to write about: (id, words)."""
    talks = Conversation.objects.filter(
        engagement=engagement, appointment__cancelled_at=None, appointment__starts_at__lte=clock.now()
    )
    latest = talks.select_related("appointment").order_by("-appointment__starts_at")[:5]
    return [(talk.pk, _("Gespräch am %(day)s") % {"day": short_day(talk.appointment.starts_at)}) for talk in latest]


def short_day(moment: datetime) -> str:
    """A day in few words, in the reader's language."""
    return date_format(timezone.localtime(moment), "SHORT_DATE_FORMAT")
