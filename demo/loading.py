"""Turns the texts in demo/data into people, agencies and engagements. Same files, same day, same data."""

from __future__ import annotations

import random
import tomllib
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from time import sleep
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.features import AgencyFeature, Feature
from accounts.keys import create_key
from accounts.models import Agency, AuditEvent, FreeDay, RoleGrant, TalkSettings, User, VideoService
from conversations.models import (
    Appointment,
    BookingRules,
    ChangeIdea,
    Conversation,
    ConversationPart,
    DateProposal,
    Observation,
    OfferedTime,
    Preparation,
    RecordVersion,
)
from conversations.record import Words
from engagements.digest import rhythm_of
from engagements.engagement import RESTS_AFTER
from engagements.models import (
    Agreement,
    CompanionLoad,
    CompanionProfile,
    CompanionProposal,
    Engagement,
    Goal,
    Insight,
    JournalEntry,
    LearningConcern,
    LearningStep,
    Occasion,
    Programme,
    ProgrammeVersion,
    RuleOfThumb,
    SentReminder,
    Substitution,
    TransferCheck,
)
from engagements.states import PAIRED, SEARCHING, State
from engagements.step_mails import write_reminders
from engagements.transfer_mails import write_mail
from lernbegleitung import clock, rls

DATA = Path(__file__).parent / "data"
PASSWORD = "lernbegleitung-demo"  # noqa: S105
PARTS = ("concern", "ideas", "steps", "review")
Say = Callable[[str], None]


def read(name: str) -> list[dict[str, Any]]:
    """The entries of one file."""
    (entries,) = tomllib.loads((DATA / f"{name}.toml").read_text()).values()
    return list(entries)


@transaction.atomic
def load(say: Say) -> None:
    """Everything, in one transaction; must run as the owner of the tables."""
    agencies = load_agencies()
    say(f"{len(agencies)} agencies")
    people = load_people(agencies)
    say(f"{len(people)} people")
    load_programmes(agencies, people)
    stories = read("engagements")
    for number, story in enumerate(stories):
        load_engagement(story, people, random.Random(number))  # noqa: S311
    say(f"{len(stories)} engagements")


FREE_DAYS = [
    (8, 8, "augsburg", "Hohes Friedensfest", "Peace Festival"),
    (8, 15, "rd-bayern", "Mariä Himmelfahrt", "Assumption Day"),
]


def load_agencies() -> dict[str, Agency]:
    """The tree; parents stand before their children in the file, or are made first."""
    entries = {entry["code"]: entry for entry in read("agencies")}
    made: dict[str, Agency] = {}

    def make(code: str) -> Agency:
        if code not in made:
            entry = entries[code]
            parent = make(entry["parent"]) if entry.get("parent") else None
            values = {key: entry.get(key, "") for key in ("code", "name", "kind", "state", "city")}
            made[code] = Agency.objects.create(parent=parent, merged_on=entry.get("merged_on"), **values)
        return made[code]

    for code in entries:
        make(code)
    for month, day, code, german, english in FREE_DAYS:
        FreeDay.objects.create(
            day=date(2020, month, day), every_year=True, agency=made[code], name_de=german, name_en=english
        )
    AgencyFeature.objects.create(agency=made["rd-nsb"], feature=Feature.PROGRAMMES, is_on=False)
    return made


def load_people(agencies: dict[str, Agency]) -> dict[str, User]:
    """People, their roles, and the profiles of companions."""
    password, today = make_password(PASSWORD), clock.today()
    people: dict[str, User] = {}
    VideoService.objects.create(agency=agencies["rd-bayern"], base="https://video.example.org")
    for entry in read("people"):
        user = User.objects.create(
            email=entry["email"],
            name=entry["name"],
            agency=agencies[entry["agency"]],
            language=entry.get("language", "de"),
            job=entry.get("job", ""),
            password=password,
        )
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        for role in entry.get("roles", []):
            RoleGrant.objects.create(
                user=user, role=role["role"], agency=agencies[role["agency"]], starts_on=today - timedelta(days=400)
            )
        if profile := entry.get("companion"):
            load_companion(user, profile)
        if settled := entry.get("talks"):
            TalkSettings.objects.create(owner=user, **settled)
        people[user.email] = user
    load_absences(people)
    return people


def load_absences(people: dict[str, User]) -> None:
    """Companions who will be away, and who stands in for them."""
    for entry in read("people"):
        if absence := entry.get("absence"):
            user, today = people[entry["email"]], clock.today()
            user.absent_from = today + timedelta(days=absence["days"])
            user.absent_until = user.absent_from + timedelta(days=absence["lasts"])
            user.save(update_fields=["absent_from", "absent_until"])
            Substitution.objects.create(
                companion=user,
                substitute=people[absence["substitute"]],
                starts_on=user.absent_from,
                ends_on=user.absent_until,
                agreed_at=clock.now() if absence["agreed"] else None,
            )


def load_programmes(agencies: dict[str, Agency], people: dict[str, User]) -> None:
    """Programmes with their versions; the administration has written them."""
    for entry in read("programmes"):
        starts, ends = entry.get("starts"), entry.get("ends")
        programme = Programme.objects.create(
            name_de=entry["name_de"],
            name_en=entry["name_en"],
            agency=agencies[entry["agency"]],
            is_pilot=entry.get("is_pilot", False),
            places=entry.get("places"),
            starts_on=None if starts is None else clock.today() + timedelta(days=starts),
            ends_on=None if ends is None else clock.today() + timedelta(days=ends),
        )
        for number, words in enumerate(entry["versions"], 1):
            occasion = Occasion.objects.get(code=words.pop("occasion"))
            ProgrammeVersion.objects.create(
                programme=programme, number=number, occasion=occasion, made_by=people["dirk@example.org"], **words
            )


def load_companion(user: User, entry: dict[str, Any]) -> None:
    """Profile and places."""
    profile = CompanionProfile.objects.create(
        user=user,
        about=entry.get("about", ""),
        formats=entry["formats"],
        languages=entry["languages"],
        in_training=entry.get("in_training", False),
        teaches=entry.get("teaches", False),
        places=entry.get("places", []),
        settings=entry.get("settings", []),
        is_paused=entry.get("paused", False),
        qualified_until=clock.today() + timedelta(days=30 * entry.get("qualified_months", 12)),
    )
    profile.occasions.set(Occasion.objects.filter(code__in=entry["occasions"]))
    CompanionLoad.objects.create(companion=user, capacity=entry["capacity"])
    for offer in entry.get("offers", []):
        load_offered_time(user, offer)
    if rules := entry.get("booking"):
        BookingRules.objects.create(companion=user, **rules)


def load_offered_time(user: User, entry: dict[str, Any]) -> None:
    """A time of every week, or with `days` a day that differs: one with times, one without."""
    day = clock.today() + timedelta(days=entry["days"]) if "days" in entry else None
    kind = "weekly" if day is None else "once" if "starts" in entry else "off"
    names = ("weekday", "starts", "ends", "place")
    values = {name: entry[name] for name in names if name in entry}
    OfferedTime.objects.create(companion=user, kind=kind, day=day, formats=entry.get("formats", []), **values)


def ago(days: float) -> datetime:
    """So many days before now."""
    return clock.now() - timedelta(days=days)


def load_engagement(story: dict[str, Any], people: dict[str, User], dice: random.Random) -> None:
    """One story, from the wish to wherever it stands."""
    state, learner = State(story["state"]), people[story["learner"]]
    companion = people[story["companion"]] if story.get("companion") and state in PAIRED else None
    created, since = ago(story.get("days_ago_created", 1)), ago(story.get("days_ago_state", 0))
    engagement = Engagement.objects.create(
        learner=learner,
        companion=companion,
        state=state,
        coordinating_agency=None if state == State.DRAFT else coordination_of(learner),
        occasion=Occasion.objects.filter(code=story.get("occasion", "own_topic")).first(),
        programme=Programme.objects.filter(name_en=story["programme"]).first() if "programme" in story else None,
        wish=story.get("wish", "no_matter"),
        format=(story.get("formats") or ["any"])[0] if len(story.get("formats") or []) == 1 else "any",
        needs=story.get("needs", []),
        spoken=(story.get("languages") or ["de"])[0],
        trainee_welcome=bool(companion and companion.companion_profile.in_training),
        created_at=created,
        requested_at=None if state == State.DRAFT else created + timedelta(hours=1),
        offered_at=since if state == State.OFFERED else created + timedelta(days=2) if companion else None,
        introduced_at=created + timedelta(days=4) if companion and state != State.OFFERED else None,
        started_at=created + timedelta(days=8) if state in (State.ACTIVE, State.PAUSED, State.CLOSED) else None,
        paused_at=since if state == State.PAUSED else None,
        quiet_asked_on=(since - RESTS_AFTER).date() if story.get("rests_by_itself") else None,
        closed_at=since if state in (State.CLOSED, State.WITHDRAWN) else None,
    )
    with rls.acting_as(learner.pk):
        create_key(engagement.pk)
        load_texts(engagement, story)
        for entry in story.get("appointments", []) + story.get("conversations", []):
            for one in talks_of(entry):
                load_talk(engagement, one, story, dice)
        load_steps(engagement, story)
        load_what_comes_after(engagement, story)
        load_proposed_dates(engagement, story)
    load_proposals(engagement, story, people)
    load_audit(engagement)


def coordination_of(learner: User) -> Agency:
    """The nearest agency up the tree that has a coordinator."""
    ids = [int(part) for part in learner.agency.path.strip("/").split("/")]
    served = set(RoleGrant.objects.filter(role="coordinator", agency__in=ids).values_list("agency_id", flat=True))
    return Agency.objects.get(pk=next((pk for pk in reversed(ids) if pk in served), ids[0]))


def load_texts(engagement: Engagement, story: dict[str, Any]) -> None:
    """Concern, agreement, journal."""
    if words := story.get("concern"):
        concern = LearningConcern(engagement=engagement, created_at=engagement.created_at)
        for name in ("ability", "situation", "signs", "why_now"):
            setattr(concern, name, words.get(name, ""))
        concern.save()
    if engagement.companion and (words := story.get("agreement")):
        accepted = engagement.started_at
        agreement = Agreement(
            engagement=engagement,
            companion=engagement.companion,
            written_by=engagement.companion,
            written_at=engagement.introduced_at or clock.now(),
            learner_accepted_at=accepted,
            companion_accepted_at=accepted,
            programme_version=ProgrammeVersion.objects.filter(programme=engagement.programme_id, number=1).first(),
        )
        for name in ("purpose", "rhythm", "additions"):
            setattr(agreement, name, words.get(name, ""))
        agreement.save()
    for entry in sorted(story.get("journal", []), key=lambda entry: entry["days"]):  # ids follow time
        row = JournalEntry(
            engagement=engagement,
            created_at=ago(-entry["days"]),
            shared_at=ago(-entry["days"]) if entry.get("shared") else None,
        )
        row.text = entry["text"]
        row.save()
        sleep(0.001)  # what an id tells apart


def load_steps(engagement: Engagement, story: dict[str, Any]) -> None:
    """Steps in every state, with what was learned from them. Reminders of open ones are written like a person's."""
    for entry in story.get("steps", []):
        due = clock.today() + timedelta(days=entry["days"])
        state = entry.get("state", "open")
        answered = None if state == "open" else min(clock.now(), ago(-entry["days"] - 1))
        planned = min(ago(1), ago(10 - entry["days"]))
        talks = Conversation.objects.filter(engagement=engagement, appointment__starts_at__lte=planned)
        last = talks.order_by("-appointment__starts_at").first()
        step = LearningStep(
            engagement=engagement,
            talk=last.pk if last else None,
            due_on=due,
            remind=entry.get("remind", True),
            state=state,
            answered_at=answered,
            created_at=planned,
        )
        for name in ("what", "where", "cue", "action", "obstacle", "help"):
            setattr(step, name, entry.get(name, ""))
        step.save()
        if words := entry.get("insight"):
            insight = Insight(engagement=engagement, step=step, created_at=answered or clock.now(), shared_at=answered)
            for name in ("happened", "surprised", "keep"):
                setattr(insight, name, words.get(name, ""))
            insight.save()
        if step.is_open() and step.remind and engagement.state == State.ACTIVE and due >= clock.today():
            remind(step)
        elif step.remind and due < clock.today() and due.weekday() < 5:
            SentReminder.objects.create(
                owner=engagement.learner, what="step_due", subject=step.pk, meant_for=due, sent_on=due
            )


def load_what_comes_after(engagement: Engagement, story: dict[str, Any]) -> None:
    """Open goals, and looks back with their mails; one that has come brings a rule of thumb from back then."""
    for entry in story.get("goals", []):
        goal = Goal(engagement=engagement)
        goal.title, goal.signs = entry["title"], entry.get("signs", "")
        goal.save()
    for entry in story.get("looks_back", []):
        check = TransferCheck(
            owner=engagement.learner,
            engagement=engagement.pk,
            months=entry["months"],
            due_on=clock.today() + timedelta(days=entry["days"]),
        )
        check.sentence = entry["sentence"]
        check.save()
        write_mail(check, engagement.learner)
        if check.has_come():
            rule = RuleOfThumb(owner=engagement.learner)
            rule.text = entry["sentence"]
            rule.save()


def load_proposed_dates(engagement: Engagement, story: dict[str, Any]) -> None:
    """Dates that the companion has proposed, on working days to come."""
    if not (entry := story.get("proposed_dates")) or not engagement.companion:
        return
    dates = []
    for days, hour in entry["dates"]:
        day = rhythm_of(engagement.companion).working_day_from(clock.today() + timedelta(days=days))
        dates += [datetime.combine(day, time(hour), engagement.companion.zone())] if day else []
    DateProposal.objects.create(
        engagement=engagement,
        companion=engagement.companion,
        proposed_by=engagement.companion,
        proposed_at=ago(1),
        kind=entry["kind"],
        minutes=entry["minutes"],
        format=entry["format"],
        dates=dates,
        until=max(dates),
    )


def remind(step: LearningStep) -> None:
    """Write the reminder as the form does."""
    write_reminders(step, step.engagement.learner)


def talks_of(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The entry, or each talk of the series that it stands for."""
    if "every" not in entry:
        return [entry]
    series = uuid.uuid5(uuid.NAMESPACE_URL, entry["place"])
    weeks = [entry["every"] * number for number in range(entry["number"])]
    return [{**entry, "series": series, "days": entry["days"] + 7 * week} for week in weeks]


def load_talk(engagement: Engagement, entry: dict[str, Any], story: dict[str, Any], dice: random.Random) -> None:
    """An appointment with its talk; past ones documented and, if told so, locked."""
    companion = engagement.companion
    if not companion:
        return
    hour, minute = map(int, entry.get("time", f"{dice.randint(8, 15):02d}:{dice.choice((0, 30)):02d}").split(":"))
    day = clock.today() + timedelta(days=entry["days"])
    while day.weekday() > 4:
        day += timedelta(days=1 if entry["days"] > 0 else -1)
    starts = datetime.combine(day, time(hour, minute), engagement.learner.zone())
    minutes = timedelta(minutes=entry.get("minutes", 60))
    shift = timedelta(0)
    while Appointment.objects.filter(
        companion=companion, starts_at__lt=starts + shift + minutes, ends_at__gt=starts + shift
    ).exists():
        shift += timedelta(minutes=30)
    appointment = Appointment.objects.create(
        engagement=engagement,
        learner=engagement.learner,
        companion=companion,
        kind=entry.get("kind", "conversation"),
        starts_at=starts + shift,
        ends_at=starts + shift + minutes,
        format=entry.get("format", "video"),
        place=entry.get("place", ""),
        made_by=companion,
        made_at=min(clock.now(), starts - timedelta(days=7)),
        held=entry.get("held"),
        series=entry.get("series"),
        slot_at=starts if "series" in entry else None,
        every_weeks=entry.get("every"),
    )
    locked = appointment.ends_at if entry.get("locked") else None
    conversation = Conversation(
        engagement=engagement,
        appointment=appointment,
        learner_agreed_at=locked,
        companion_agreed_at=locked,
        locked_at=locked,
        agreed_version=1 if locked else 0,
    )
    conversation.closing_sentence = entry.get("closing_sentence", "")
    conversation.save()
    for number, name in enumerate(PARTS, 1):
        part = ConversationPart(conversation=conversation, part=number, changed_at=appointment.ends_at)
        part.text = entry.get("parts", {}).get(name, "")
        part.save()
    if words := entry.get("observation"):
        observation = Observation(
            conversation=conversation,
            part=words["part"],
            author=companion,
            answer=words.get("state", "offered"),
            offered_at=appointment.ends_at,
        )
        observation.text, observation.meaning = words["text"], words.get("meaning", "")
        observation.save()
    for state, text in entry.get("ideas", []):
        idea = ChangeIdea(conversation=conversation, state=state, changed_at=appointment.ends_at)
        idea.text = text
        idea.save()
    if locked:
        version = RecordVersion(conversation=conversation, number=1, agreed_by=engagement.learner, agreed_at=locked)
        version.keep(Words.of(conversation))
        version.save()
    if entry["days"] > 0 and (words := story.get("companion_preparation")):
        with rls.acting_as(companion.pk):
            sheet = Preparation(conversation=conversation, owner=companion)
            sheet.before, sheet.questions = words.get("stance", ""), words.get("questions", "")
            sheet.save()


def load_proposals(engagement: Engagement, story: dict[str, Any], people: dict[str, User]) -> None:
    """What the coordination proposed."""
    if engagement.state not in (*SEARCHING, State.OFFERED):
        return
    coordinator = (
        RoleGrant.objects.filter(role="coordinator", agency=engagement.coordinating_agency)
        .select_related("user")
        .first()
    )
    for position, address in enumerate(story.get("proposals", []), 1):
        chosen = engagement.companion_id == people[address].pk
        CompanionProposal.objects.bulk_create([  # bulk: the trigger checks open proposals of eligible people only
            CompanionProposal(engagement=engagement, companion=people[address], position=position, reasons=["free_places", "elsewhere"], proposed_by=coordinator.user if coordinator else None, proposed_at=ago(story.get("days_ago_state", 0)), answer="chosen" if chosen else "open")
        ])  # fmt: skip


def load_audit(engagement: Engagement) -> None:
    """The lines that the way so far would have left."""
    lines: list[tuple[str, datetime | None, User | None]] = [
        ("engagement.requested", engagement.requested_at, engagement.learner),
        ("engagement.chosen", engagement.offered_at, engagement.learner),
        ("engagement.accepted", engagement.introduced_at, engagement.companion),
        ("agreement.accepted", engagement.started_at, engagement.learner),
        ("engagement.started", engagement.started_at, engagement.companion),
        ("engagement.paused", engagement.paused_at, engagement.learner)
        if not engagement.rests_by_itself()
        else ("engagement.rested", engagement.paused_at, None),
        ("engagement.closed", engagement.closed_at, engagement.learner),
    ]
    AuditEvent.objects.bulk_create(
        [AuditEvent(kind=kind, actor=actor, subject=engagement.pk, at=at) for kind, at, actor in lines if at]
    )
