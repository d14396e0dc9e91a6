"""What a person takes along: everything of theirs as data, a companionship as paper, and a confirmation without content.

Asked for by the person alone; what stands in it is what the database shows to them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts.audit_words import sentence
from accounts.keys import load_keys
from accounts.models import AuditEvent, Draft, Opening, RoleGrant, User
from accounts.rooms import talk_settings_of
from engagements.goals import LEVEL_NAMES
from engagements.models import (
    Agreement,
    CompanionProfile,
    ConflictDeclaration,
    Engagement,
    FormerWords,
    Goal,
    GoalRating,
    Insight,
    JournalEntry,
    LearningConcern,
    LearningStep,
    LineMessage,
    RuleOfThumb,
    SentReminder,
    Substitution,
    TransferCheck,
    Veto,
)
from lernbegleitung import clock
from lernbegleitung.pdf import Entry, Paper, Section

from .afterwards import Feedback, TalkCheck
from .appointments import Appointment
from .busy_calendars import BusyCalendar
from .conversation import Conversation, ConversationPart, Observation
from .conversation_forms import CheckForm
from .feeds import CalendarFeed
from .guide import PARTS
from .ideas import ChangeIdea
from .kept_questions import Favourite, OwnQuestion, QuestionProposal, QuestionUse
from .offered_times import BookingRules, OfferedTime
from .preparation import Preparation, TopicWish
from .proposed_dates import DateProposal
from .record import Addition, RecordVersion

VERSION = 1
PLAN = ("what", "cue", "action", "where", "obstacle", "help")
REVIEW = ("happened", "surprised", "keep", "helped")
LOOK_BACK = ("sentence", "words")
CONCERN = ("ability", "situation", "signs", "why_now")
GOAL = ("title", "signs", *LEVEL_NAMES)
AGREEMENT = ("purpose", "rhythm", "additions")
LOOK, CRAFT = ((*names, "note") for names in (TalkCheck.LEARNER, TalkCheck.COMPANION))
SHEET = ("before", "questions", "hypotheses", "observations", "reflection")
Rows = dict[Any, list[Any]]


def schema_address() -> str:
    """Where the format of the file is described."""
    return f"{settings.BASE_URL}/schema/lernportfolio-{VERSION}.json"


# ── gathering ──────────────────────────────────────────────────────────────


class Belongings:
    """Everything of some companionships of one learner, asked for once per table."""

    def __init__(self, engagements: Iterable[Engagement]) -> None:
        self.engagements = list(engagements)
        known = {engagement.pk: engagement for engagement in self.engagements}
        load_keys(known)
        of = {"engagement__in": list(known)}
        self.concerns = _by(known, LearningConcern.objects.filter(**of).order_by("created_at"))
        agreements = Agreement.objects.filter(**of).select_related("programme_version")
        self.agreements = _by(known, agreements.order_by("written_at"))
        self.steps = _by(known, LearningStep.objects.filter(**of).order_by("created_at"))
        self.insights = _by(known, Insight.objects.filter(**of).order_by("created_at"))
        self.goals = _by(known, Goal.objects.filter(**of).order_by("created_at"))
        self.ratings = _by(known, GoalRating.objects.filter(**of).order_by("at"))
        self.former = _by(known, FormerWords.objects.filter(**of).order_by("until"))
        self.journal = _by(known, JournalEntry.objects.filter(**of).order_by("created_at"))
        self.appointments = _by(known, Appointment.objects.filter(**of).order_by("starts_at"))
        talks = list(Conversation.objects.filter(**of).select_related("appointment"))
        for talk in talks:
            talk.engagement = known[talk.engagement_id]
        self.talks = {talk.appointment_id: talk for talk in talks}
        held = {talk.pk: talk for talk in talks}
        self.parts = _in(held, ConversationPart.objects.filter(conversation__in=talks).order_by("part"))
        self.observations = _in(held, Observation.objects.filter(conversation__in=talks).order_by("offered_at"))
        self.ideas = _in(held, ChangeIdea.objects.filter(conversation__in=talks))
        self.versions = _in(held, RecordVersion.objects.filter(conversation__in=talks).select_related("agreed_by"))
        self.additions = _in(held, Addition.objects.filter(conversation__in=talks).select_related("author"))
        self.feedback = _in(held, Feedback.objects.filter(conversation__in=talks).select_related("author"))
        self.looks = _in(held, TalkCheck.objects.filter(conversation__in=talks).select_related("owner"))
        self.topics = _in(held, TopicWish.objects.filter(conversation__in=talks))
        self.sheets = _in(held, Preparation.objects.filter(conversation__in=talks).select_related("owner"))

    def review_of(self, step: LearningStep) -> Insight | None:
        """What was learned from a step."""
        return next((i for i in self.insights[step.engagement_id] if i.step_id == step.pk), None)


def _by(known: dict[Any, Engagement], rows: Iterable[Any]) -> Rows:
    found: Rows = defaultdict(list)
    for row in rows:
        row.engagement = known[row.engagement_id]
        found[row.engagement_id].append(row)
    return found


def _in(held: dict[Any, Conversation], rows: Iterable[Any]) -> Rows:
    found: Rows = defaultdict(list)
    for row in rows:
        row.conversation = held[row.conversation_id]
        found[row.conversation_id].append(row)
    return found


# ── as data ────────────────────────────────────────────────────────────────


def portfolio_of(person: User) -> dict[str, Any]:
    """Everything of a person, for a machine; the format is data/portfolio.schema.json."""
    mine = Belongings(
        Engagement.objects.of_learner(person)
        .select_related("companion", "occasion", "programme")
        .order_by("created_at")
    )
    openings = Opening.objects.filter(owner=person).select_related("reader").order_by("at")
    events = AuditEvent.objects.filter(actor=person).select_related("actor").order_by("at", "pk")
    return {
        "$schema": schema_address(),
        "version": VERSION,
        "made_at": _at(clock.now()),
        "person": _person(person),
        "learning": [_learning(mine, engagement) for engagement in mine.engagements],
        "accompanying": _accompanying(person),
        **_offered(person),
        "proposed_dates": [_proposal(row) for row in DateProposal.objects.of(person).select_related("proposed_by")],
        "rules_of_thumb": [
            {"text": rule.text, "since": _at(rule.created_at)} for rule in RuleOfThumb.objects.filter(owner=person)
        ],
        **_questions(person),
        "drafts": [
            {"place": row.place, "changed_at": _at(row.changed_at), "fields": row.typed()}
            for row in Draft.objects.filter(owner=person)
        ],
        "transfer_checks": [_look_back(check) for check in TransferCheck.objects.filter(owner=person)],
        "reminders_sent": [
            {"what": row.what, "meant_for": f"{row.meant_for:%Y-%m-%d}", "sent_on": f"{row.sent_on:%Y-%m-%d}"}
            for row in SentReminder.objects.filter(owner=person)
        ],
        "role_conflicts": [
            {"with": row.other.name, "rule": row.rule, "since": _at(row.declared_at)}
            for row in ConflictDeclaration.objects.filter(declared_by=person).select_related("other")
        ],
        "vetoes": [
            {"with": row.other.name, "since": _at(row.made_at)}
            for row in Veto.objects.filter(owner=person).select_related("other")
        ],
        "messages_to_the_coordination": [
            {"at": _at(row.written_at), "mine": row.author_id == person.pk, "text": row.text}
            for row in LineMessage.objects.filter(line__writer=person)
        ],
        "opened_by_others": [
            {"at": _at(row.at), "by": row.reader.name if row.reader else None, "kind": row.kind, "item": str(row.item)}
            for row in openings
        ],
        "done": [{"at": _at(row.at), "kind": row.kind, "words": sentence(row, person)} for row in events],
    }


def _questions(person: User) -> dict[str, Any]:
    """What the person made of the question bank."""
    favourites = Favourite.objects.filter(owner=person).select_related("question").order_by("since")
    proposals = QuestionProposal.objects.filter(owner=person)
    uses = QuestionUse.objects.filter(owner=person).select_related("question", "own_question__owner").order_by("at")
    return {
        "own_questions": [
            {"part": row.part, "text": row.text, "since": _at(row.created_at)}
            for row in OwnQuestion.objects.filter(owner=person).select_related("owner")
        ],
        "favourite_questions": [{"text": str(row.question), "since": _at(row.since)} for row in favourites],
        "proposed_questions": [
            _texts(row, ("part", "text_de", "text_en", "answer"))
            | {"proposed_at": _at(row.proposed_at), "decided_at": _at(row.decided_at)}
            for row in proposals
        ],
        "questions_taken_along": [
            {"text": row.own_question.text if row.own_question else str(row.question), "at": _at(row.at)}
            for row in uses
        ],
    }


def _offered(person: User) -> dict[str, Any]:
    """When the person can be booked as a companion, and how."""
    rules = BookingRules.objects.filter(pk=person.pk).first()
    names = ("buffer_minutes", "notice_hours", "horizon_days", "resting")
    return {
        "offered_times": [
            _texts(row, ("kind", "weekday", "formats", "place"))
            | {"day": _day(row.day), "from": _clock(row.starts), "to": _clock(row.ends)}
            for row in OfferedTime.objects.filter(companion=person, removed_at=None)
        ],
        "booking_rules": _texts(rules, names) if rules else None,
    }


def _proposal(row: DateProposal) -> dict[str, Any]:
    return _texts(row, ("kind", "minutes", "format", "place", "answer")) | {
        "by": row.proposed_by.name if row.proposed_by else None,
        "proposed_at": _at(row.proposed_at),
        "dates": [_at(moment) for moment in row.dates],
        "answered_at": _at(row.answered_at),
    }


def _person(person: User) -> dict[str, Any]:
    grants = RoleGrant.objects.filter(user=person).select_related("agency").order_by("starts_on")
    profile = CompanionProfile.objects.filter(pk=person.pk).prefetch_related("occasions").first()
    involved = Q(companion=person) | Q(substitute=person)
    substitutions = (
        Substitution.objects.filter(involved).select_related("companion", "substitute").order_by("starts_on")
    )
    return {
        "name": person.name,
        "email": person.email,
        "agency": person.agency.name,
        "agency_since": _at(person.agency_since),
        "job": person.job,
        "team": person.team,
        "language": person.language,
        "time_zone": person.time_zone,
        "work_days": [day for day in range(7) if person.work_days >> day & 1],
        "reminder_hour": person.reminder_hour,
        "absent_from": _day(person.absent_from),
        "absent_until": _day(person.absent_until),
        "mail_style": person.mail_style,
        "calendars": _calendars(person),
        "joined_at": _at(person.joined_at),
        "roles": [
            {"role": g.role, "agency": g.agency.name, "from": _day(g.starts_on), "until": _day(g.ends_on)}
            for g in grants
        ],
        "substitutions": [_substitution(row) for row in substitutions],
        "companion_profile": profile
        and {
            "about": profile.about,
            "occasions": [str(occasion) for occasion in profile.occasions.all()],
            "formats": profile.formats,
            "languages": profile.languages,
            "places": profile.places,
            "settings": profile.settings,
            "teaches": profile.teaches,
            "qualified_until": _day(profile.qualified_until),
            "leaves_on": _day(profile.leaves_on),
        },
    }


def _substitution(row: Substitution) -> dict[str, Any]:
    return {
        "companion": row.companion.name,
        "substitute": row.substitute.name,
        "from": _day(row.starts_on),
        "until": _day(row.ends_on),
        "agreed_at": _at(row.agreed_at),
    }


def _calendars(person: User) -> dict[str, Any]:
    settled = talk_settings_of(person)
    feed = CalendarFeed.objects.filter(owner=person).first()
    busy = BusyCalendar.objects.filter(owner=person).first()
    return {
        "own_link": settled.own_link,
        "own_phone": settled.own_phone,
        "remind": settled.remind,
        "alarm_minutes": settled.alarm_minutes,
        "subscription": feed and {"naming": feed.naming, "since": _at(feed.made_at)},
        "published": busy and {"address": busy.address, "since": _at(busy.set_at), "read_at": _at(busy.fetched_at)},
    }


def _learning(mine: Belongings, engagement: Engagement) -> dict[str, Any]:
    pk = engagement.pk
    return {
        "id": str(pk),
        "state": engagement.state,
        "companion": engagement.companion.name if engagement.companion else None,
        "occasion": str(engagement.occasion) if engagement.occasion else None,
        "needs": engagement.needs,
        "programme": str(engagement.programme) if engagement.programme else None,
        "begun_at": _at(engagement.created_at),
        "started_at": _at(engagement.started_at),
        "closed_at": _at(engagement.closed_at),
        "concerns": [_texts(row, CONCERN) | {"changed_at": _at(row.changed_at)} for row in mine.concerns[pk]],
        "agreements": [
            _texts(row, AGREEMENT)
            | {
                "version": row.version,
                "written_at": _at(row.written_at),
                "accepted_by_both": row.is_accepted(),
                "programme_version": row.programme_version.number if row.programme_version else None,
            }
            for row in mine.agreements[pk]
        ],
        "talks": [_talk(mine, appointment) for appointment in mine.appointments[pk]],
        "goals": [_goal(mine, goal) for goal in mine.goals[pk]],
        "steps": [_step(mine, step) for step in mine.steps[pk]],
        "former_words": [
            {"item": str(row.item), "field": row.field, "text": row.text, "until": _at(row.until)}
            for row in mine.former[pk]
        ],
        "insights": [
            _texts(row, REVIEW) | {"at": _at(row.created_at), "shared_at": _at(row.shared_at)}
            for row in mine.insights[pk]
            if not row.step_id
        ],
        "journal": [
            {
                "text": row.text,
                "mood": row.mood,
                "at": _at(row.created_at),
                "changed_at": _at(row.changed_at),
                "shared_at": _at(row.shared_at),
                "step": str(row.step_id) if row.step_id else None,
                "talk": str(row.talk) if row.talk else None,
            }
            for row in mine.journal[pk]
        ],
    }


def _talk(mine: Belongings, appointment: Appointment) -> dict[str, Any]:
    talk = mine.talks.get(appointment.pk)
    pk = talk.pk if talk else None
    return {
        "id": str(pk) if pk else None,
        "kind": appointment.kind,
        "starts_at": _at(appointment.starts_at),
        "ends_at": _at(appointment.ends_at),
        "format": appointment.format,
        "place": appointment.place,
        "cancelled_at": _at(appointment.cancelled_at),
        "held": appointment.held,
        "agreed_by_both_at": _at(talk.locked_at) if talk else None,
        "in_one_sentence": talk.closing_sentence if talk else "",
        "parts": [{"part": row.part, "text": row.text} for row in mine.parts[pk]],
        "observations": [_offer(row) for row in mine.observations[pk]],
        "ideas": [_texts(row, ("text", "state")) for row in mine.ideas[pk]],
        "next_is_open": bool(talk and talk.next_is_open),
        "versions": [
            {"agreed_by": row.agreed_by.name, "agreed_at": _at(row.agreed_at), "words": asdict(row.words())}
            for row in mine.versions[pk]
        ],
        "additions": [_signed(row, row.added_at) for row in mine.additions[pk]],
        "feedback": [_signed(row, row.given_at) for row in mine.feedback[pk]],
        "own_look": next((_texts(row, LOOK) for row in mine.looks[pk]), None),
        "topic": next(({"text": row.text, "shared_at": _at(row.shared_at)} for row in mine.topics[pk]), None),
        "own_sheet": next((_texts(row, SHEET) for row in mine.sheets[pk]), None),
    }


def _offer(row: Observation) -> dict[str, Any]:
    return _texts(row, ("part", "what", "text", "meaning", "answer"))


def _signed(row: Addition | Feedback, at: datetime) -> dict[str, Any]:
    return {"by": row.author.name, "at": _at(at), "text": row.text}


def _goal(mine: Belongings, goal: Goal) -> dict[str, Any]:
    return _texts(goal, GOAL) | {
        "id": str(goal.pk),
        "target_on": _day(goal.target_on),
        "state": goal.state,
        "written_at": _at(goal.created_at),
        "answered_at": _at(goal.answered_at),
        "shared_at": _at(goal.shared_at),
        "ratings": [
            _texts(row, ("importance", "confidence", "level")) | {"at": _at(row.at)}
            for row in mine.ratings[goal.engagement_id]
            if row.goal_id == goal.pk
        ],
    }


def _step(mine: Belongings, step: LearningStep) -> dict[str, Any]:
    review = mine.review_of(step)
    return _texts(step, PLAN) | {
        "id": str(step.pk),
        "due_on": _day(step.due_on),
        "remind": step.remind,
        "state": step.state,
        "planned_at": _at(step.created_at),
        "talk": str(step.talk) if step.talk else None,
        "answered_at": _at(step.answered_at),
        "shared_at": _at(step.shared_at),
        "review": _texts(review, REVIEW) | {"shared_at": _at(review.shared_at)} if review else None,
    }


def _look_back(check: TransferCheck) -> dict[str, Any]:
    return _texts(check, LOOK_BACK) | {
        "months": check.months,
        "due_on": _day(check.due_on),
        "answer": check.answer or None,
        "answered_at": _at(check.answered_at),
    }


def _accompanying(person: User) -> list[dict[str, Any]]:
    """As a companion: with whom and when, the own sheets and the own observations; not the learner's words."""
    talks = Conversation.objects.filter(appointment__companion=person).select_related(
        "appointment", "engagement__learner", "engagement__companion"
    )
    talks = talks.order_by("appointment__starts_at")
    held = {talk.pk: talk for talk in talks}
    load_keys({talk.engagement_id for talk in held.values()})
    sheets = _in(held, Preparation.objects.filter(conversation__in=list(held), owner=person).select_related("owner"))
    looks = _in(held, TalkCheck.objects.filter(conversation__in=list(held), owner=person).select_related("owner"))
    own = {"conversation__in": list(held), "author": person}
    offered = _in(held, Observation.objects.filter(**own).order_by("offered_at"))
    added = _in(held, Addition.objects.filter(**own).select_related("author"))
    given = _in(held, Feedback.objects.filter(**own).select_related("author"))
    return [
        {
            "with": talk.engagement.learner.name,
            "starts_at": _at(talk.appointment.starts_at),
            "kind": talk.appointment.kind,
            "own_sheet": next((_texts(row, SHEET) for row in sheets[talk.pk]), None),
            "observations": [_offer(row) for row in offered[talk.pk]],
            "additions": [_signed(row, row.added_at) for row in added[talk.pk]],
            "feedback": [_signed(row, row.given_at) for row in given[talk.pk]],
            "own_look": next((_texts(row, CRAFT) for row in looks[talk.pk]), None),
        }
        for talk in held.values()
    ]


def _texts(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _at(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _clock(at: time | None) -> str | None:
    return f"{at:%H:%M}" if at else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


# ── as paper ───────────────────────────────────────────────────────────────


def learning_paper(engagement: Engagement, person: User) -> Paper:
    """A companionship as one is glad to keep it: the learner's own words, in the order of time."""
    mine = Belongings([engagement])
    pk = engagement.pk
    sections = [
        Section(_("Mein Anliegen"), [_concern_entry(row) for row in mine.concerns[pk]]),
        Section(_("Ziele"), [_goal_entry(mine, goal) for goal in mine.goals[pk]]),
        Section(_("Unsere Vereinbarung"), [_agreement_entry(row) for row in mine.agreements[pk][-1:]]),
        Section(_("Gespräche"), [e for row in mine.appointments[pk] if (e := _talk_entry(mine, row, person))]),
        Section(_("Lernschritte"), [_step_entry(mine, step) for step in mine.steps[pk]]),
        Section(
            _("Was ich mitnehme"),
            [
                Entry(_words(row.created_at), texts=_labelled(row, REVIEW))
                for row in mine.insights[pk]
                if not row.step_id
            ],
        ),
        Section(
            _("Lerntagebuch"),
            [Entry(_words(row.created_at), row.mood_words(), [("", row.text)]) for row in mine.journal[pk]],
        ),
    ]
    looks = [_look_back_entry(check) for check in TransferCheck.objects.filter(owner=person)]
    sections.append(Section(_("Blick zurück"), looks))
    rules = [Entry(texts=[("", rule.text)]) for rule in RuleOfThumb.objects.filter(owner=person)]
    sections.insert(0, Section(_("Meine Faustregeln"), rules))
    return Paper(
        title=_("Mein Lernportfolio"),
        author=person.name,
        language=(get_language() or "de")[:2],
        subtitle=person.name,
        facts=_facts(engagement),
        sections=[section for section in sections if section.entries],
        closing=_(
            "Dieses Papier hat nur die lernende Person bekommen. Wem sie es zeigt, entscheidet sie. Zeichen, die diese Schrift nicht kennt, stehen als □; in der Datei (JSON) ist alles vollständig."
        ),
        footer=_("Lernportfolio, %(day)s") % {"day": _words(clock.now())},
    )


def confirmation_paper(engagement: Engagement, person: User) -> Paper:
    """That there was a Lernbegleitung, and when; not a word of it. Made by the learner, not by anybody else."""
    over = Appointment.objects.filter(engagement=engagement, cancelled_at=None, ends_at__lte=clock.now())
    talks = over.exclude(held=False).count()
    begins = engagement.started_at or engagement.introduced_at or engagement.created_at
    return Paper(
        title=_("Bestätigung"),
        author=person.name,
        language=(get_language() or "de")[:2],
        subtitle=_("über eine individuelle Lernbegleitung"),
        facts=[
            (_("Lernende Person"), person.name),
            (_("Dienststelle"), person.agency.name),
            (_("Zeitraum"), _period(begins, engagement.closed_at)),
            (_("Gespräche"), ngettext("%(n)d Gespräch", "%(n)d Gespräche", talks) % {"n": talks}),
        ],
        sections=[
            Section(
                "",
                [
                    Entry(
                        texts=[
                            (
                                "",
                                _(
                                    "Im genannten Zeitraum fanden Lerngespräche mit einer dafür ausgebildeten Begleitung statt. Inhalte sind vertraulich und nicht Teil dieser Bestätigung."
                                ),
                            )
                        ]
                    )
                ],
            )
        ],
        closing=_("Die lernende Person hat diese Bestätigung selbst aus der Anwendung Lernbegleitung erstellt."),
        footer=_words(clock.now()),
    )


def _facts(engagement: Engagement) -> list[tuple[str, str]]:
    facts = [(_("Zeitraum"), _period(engagement.started_at or engagement.created_at, engagement.closed_at))]
    if engagement.companion:
        facts.append((_("Begleitung"), engagement.companion.name))
    if engagement.occasion:
        facts.append((_("Anlass"), str(engagement.occasion)))
    return facts


def _period(begins: datetime, ends: datetime | None) -> str:
    if not ends:
        return _("seit %(begins)s") % {"begins": _words(begins)}
    return _("%(begins)s bis %(ends)s") % {"begins": _words(begins), "ends": _words(ends)}


def _words(moment: datetime | date) -> str:
    """A day in the reader's language: 1. Dezember 2026."""
    local = timezone.localtime(moment) if isinstance(moment, datetime) else moment
    return date_format(local, "DATE_FORMAT")


def _labelled(row: Any, names: tuple[str, ...]) -> list[tuple[str, str]]:
    labels = {
        "ability": "",
        "situation": _("Die Situation"),
        "signs": _("Woran es zu merken wäre"),
        "why_now": _("Warum gerade jetzt"),
        "purpose": _("Wozu wir uns treffen"),
        "rhythm": _("Wie oft und wie lange"),
        "additions": _("Was uns noch wichtig ist"),
        "where": _("Wo"),
        "obstacle": _("Was mich abhalten könnte"),
        "help": _("Was ich von wem brauche"),
        "happened": _("Was geschah"),
        "surprised": _("Was mich überrascht hat"),
        "keep": _("Was ich mitnehme"),
        "helped": _("Was mir geholfen hat"),
        "sentence": _("Was ich noch tun wollte"),
        "words": _("Was daraus geworden ist"),
        "before": _("Gedanken vor dem Gespräch"),
        "questions": _("Fragen, die ich mitnehme"),
        "hypotheses": _("Meine Vermutungen"),
        "observations": _("Was mir aufgefallen ist"),
        "reflection": _("Für meine Reflexion"),
    }
    return [(labels[name], text) for name in names if (text := getattr(row, name))]


def _concern_entry(concern: LearningConcern) -> Entry:
    return Entry(note=_words(concern.changed_at), texts=_labelled(concern, CONCERN))


def _goal_entry(mine: Belongings, goal: Goal) -> Entry:
    texts = _labelled(goal, ("signs",)) + [
        (f"{number:+d}" if number else "0", words) for number, words in goal.levels() if words
    ]
    for row in mine.ratings[goal.engagement_id]:
        if row.goal_id == goal.pk:
            said = [
                words % {"n": number}
                for words, number in (
                    (_("wichtig: %(n)s"), row.importance),
                    (_("zuversichtlich: %(n)s"), row.confidence),
                    (_("Skala: %(n)s"), row.level),
                )
                if number
            ]
            texts.append((_words(row.at), ", ".join(said)))
    return Entry(goal.title, goal.get_state_display(), texts)  # type: ignore[attr-defined]


def _look_back_entry(check: TransferCheck) -> Entry:
    answer = check.get_answer_display() if check.answer else _("noch nicht beantwortet")  # type: ignore[attr-defined]
    return Entry(_words(check.due_on), answer, _labelled(check, LOOK_BACK))


def _agreement_entry(agreement: Agreement) -> Entry:
    return Entry(note=_words(agreement.written_at), texts=_labelled(agreement, AGREEMENT))


def _talk_entry(mine: Belongings, appointment: Appointment, person: User) -> Entry | None:
    talk = mine.talks.get(appointment.pk)
    if appointment.cancelled_at or not talk:
        return None
    titles = {part.number: str(part.title) for part in PARTS}
    texts = [(_("Mein Thema"), row.text) for row in mine.topics[talk.pk] if row.text]
    texts += [(titles[row.part], row.text) for row in mine.parts[talk.pk] if row.text]
    texts += [(_("Das Gespräch in einem Satz"), talk.closing_sentence)] if talk.closing_sentence else []
    if ideas := mine.ideas[talk.pk]:
        texts.append((_("Ideen"), "\n".join(f"{row.text} ({row.get_state_display()})" for row in ideas)))
    for row in mine.additions[talk.pk]:
        texts.append((_("Nachtrag von %(name)s") % {"name": row.author.name}, row.text))
    for row in mine.feedback[talk.pk]:
        texts.append((_("Rückmeldung von %(name)s") % {"name": row.author.name}, row.text))
    for look in mine.looks[talk.pk]:
        texts += _look_texts(look)
    for sheet in mine.sheets[talk.pk]:
        texts += _labelled(sheet, SHEET) if sheet.owner_id == person.pk else []
    title = f"{appointment.get_kind_display()}, {_words(appointment.starts_at)}"  # type: ignore[attr-defined]
    return Entry(title, appointment.get_format_display(), texts)  # type: ignore[attr-defined]


def _look_texts(look: TalkCheck) -> list[tuple[str, str]]:
    """The learner's own look at a talk, in words."""
    says = dict(TalkCheck.Says.choices)
    named = [
        (str(CheckForm.QUESTIONS[name]), str(says.get(text, text)))
        for name, text in _texts(look, LOOK[:-1]).items()
        if text
    ]
    return named + ([(str(CheckForm.base_fields["note"].label), look.note)] if look.note else [])


def _step_entry(mine: Belongings, step: LearningStep) -> Entry:
    plan = [("", step.if_then())] if step.if_then() else []
    plan += (
        []
        if step.if_then()
        else [(_("Wenn"), step.cue)] * bool(step.cue) + [(_("Dann"), step.action)] * bool(step.action)
    )
    review = mine.review_of(step)
    note = f"{_words(step.due_on)}, {step.get_state_display()}"  # type: ignore[attr-defined]
    texts = plan + _labelled(step, ("where", "obstacle", "help")) + (_labelled(review, REVIEW) if review else [])
    return Entry(step.what, note, texts)
