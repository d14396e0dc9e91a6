"""An organisation of the size of the Bundesagentur, to measure with: `manage.py generate --scale BA`.

450 agencies, 5,000 companions, 100,000 learners, 200,000 engagements, a million talks, three million steps, every text
sealed as the application seals it. The same seed and day give the same data; only keys and nonces are drawn anew.

Learner number i has been with one companion until twelve weeks ago; what the second companionship does now follows from
i. A companion has forty, each with an hour of the week of its own, so that nobody is ever in two talks at once.
"""

from __future__ import annotations

import random
import tomllib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from accounts.models import Agency, DataKey, RoleGrant, User
from conversations.models import Appointment, Conversation, ConversationPart
from engagements.models import (
    Agreement,
    CompanionLoad,
    CompanionProfile,
    Engagement,
    LearningConcern,
    LearningStep,
    Occasion,
)
from engagements.states import State
from lernbegleitung import clock, vault

from .copying import Ids, Table, WithoutTriggers, sealed
from .loading import DATA, PASSWORD

BERLIN = ZoneInfo("Europe/Berlin")
STATES = ("BW", "BY", "BE", "HE", "NI", "NW", "RP", "SN", "SH", "TH")  # one for each Regionaldirektion
LEARNERS, AGENCIES = 100_000, 450
EACH = 20  # learners per companion; that is also how many states there are below
# What the second companionship of every twentieth learner does now: ten of them take one of a companion's twelve places.
NOW = [*[State.ACTIVE] * 8, State.PAUSED, State.INTRODUCTION, *[State.CLOSED] * 8, State.REQUESTED, State.DRAFT]
TALKS, STEPS = 5, 16
CHUNK = 500  # learners written at a time: memory does not grow with the scale
WEEK = timedelta(days=7)
COUNT_PLACES = """
UPDATE engagements_companionload l SET taken = e.number
  FROM (SELECT companion_id, count(*) AS number FROM engagements_engagement
         WHERE state IN ('introduction', 'active', 'paused') GROUP BY 1) e WHERE e.companion_id = l.companion_id
"""
Say = Callable[[str], None]
with (DATA / "generate.toml").open("rb") as _file:
    (WORDS,) = tomllib.load(_file)["words"]


@dataclass
class Ground:
    """What all chunks share. People have numbers one after the other, companions first."""

    part: Fraction
    seed: int
    now: datetime
    monday: date
    agencies: list[Agency]
    occasions: list[int]
    first: int

    def of(self, number: int) -> int:
        """So many of the whole, two at least."""
        return max(2, round(number * self.part))

    def companions(self) -> int:
        """So many that each has EACH learners at most."""
        return max(2, -(-self.of(LEARNERS) // EACH))

    def companion(self, number: int) -> int:
        """The person behind companion number n; they go round."""
        return self.first + number % self.companions()

    def learner(self, number: int) -> int:
        """The person behind learner number n."""
        return self.first + self.companions() + number

    def agency(self, number: int) -> Agency:
        """Where person number n works."""
        return self.agencies[number % len(self.agencies)]

    def moment(self, week: int, slot: int) -> datetime:
        """Slot 0 to 39 of a week, counted from this one: an hour of a working day."""
        day = self.monday + week * WEEK + timedelta(days=slot % 5)
        return datetime.combine(day, time(8 + slot // 5), BERLIN)


def generate(part: Fraction, seed: int, say: Say) -> dict[str, int]:
    """Fill an empty database; answers how many rows each table got. Must run as the owner of the tables."""
    now = clock.now().replace(microsecond=0)
    monday = clock.today() - timedelta(days=clock.today().weekday())
    ground = Ground(part, seed, now, monday, [], list(Occasion.objects.values_list("pk", flat=True)), 0)
    password = make_password(PASSWORD)
    with transaction.atomic():
        ground.agencies, regions = agencies(ground)
        ground.first = reserve(ground.companions() + ground.of(LEARNERS) + len(regions))
        counts = companions(ground, regions, password)
    say(f"{len(ground.agencies)} agencies, {ground.companions()} companions")
    learners = ground.of(LEARNERS)
    with WithoutTriggers("engagements_engagement", "conversations_conversation"):
        for start in range(0, learners, CHUNK):
            end = min(start + CHUNK, learners)
            with transaction.atomic():
                for name, number in Chunk(ground, start, password).fill(end).items():
                    counts[name] = counts.get(name, 0) + number
            if end == learners or end % (CHUNK * 10) == 0:
                say(f"{end:,} of {learners:,} learners, {counts['conversations_conversation']:,} talks")
    with connection.cursor() as cursor:
        cursor.execute(COUNT_PLACES)
        cursor.execute("ANALYZE")
    return counts


def agencies(ground: Ground) -> tuple[list[Agency], list[Agency]]:
    """The centre, the regions and the agencies below them; answers the agencies, and the regions."""
    make = Agency.objects.create
    centre = make(code="zentrale", name="Zentrale", kind="centre", state="BY", city="Nürnberg")
    regions = [
        make(code=f"rd-{state.lower()}", name=f"Regionaldirektion {state}", kind="region", parent=centre, state=state)
        for state in STATES[: ground.of(len(STATES))]
    ]
    found = []
    for number in range(ground.of(AGENCIES)):
        region, cities = regions[number % len(regions)], WORDS["cities"]
        city = f"{cities[number % len(cities)]} {number // len(cities) + 1}"
        kind, name = ("jobcenter", "Jobcenter") if number % 3 else ("agency", "Agentur für Arbeit")
        found.append(
            make(code=f"da-{number}", name=f"{name} {city}", kind=kind, parent=region, state=region.state, city=city)
        )
    return found, regions


def reserve(number: int) -> int:
    """The first of so many numbers of people, which nobody else gets."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('accounts_user', 'id'))")
        (first,) = cursor.fetchone()
        cursor.execute("SELECT setval(pg_get_serial_sequence('accounts_user', 'id'), %s)", [first + number])
    return int(first)


def person(users: Table, mails: Table, pk: int, login: str, agency: Agency, password: str) -> None:
    """An account with a confirmed address, whose name follows from its login."""
    first, last, number = WORDS["first_names"], WORDS["last_names"], zlib.crc32(login.encode())
    name = f"{first[number % len(first)]} {last[number // len(first) % len(last)]}"
    users.add(id=pk, email=f"{login}@example.org", name=name, job=WORDS["jobs"][number % len(WORDS["jobs"])],
              agency_id=agency.pk, password=password)  # fmt: skip
    mails.add(user_id=pk, email=f"{login}@example.org", verified=True, primary=True)


def companions(ground: Ground, regions: list[Agency], password: str) -> dict[str, int]:
    """The companions, and a coordinator for each region."""
    users, mails, roles = Table(User, with_id=True), Table(EmailAddress), Table(RoleGrant)
    profiles, loads = Table(CompanionProfile), Table(CompanionLoad)
    since, until = clock.today() - timedelta(days=400), clock.today() + timedelta(days=700)
    for number in range(ground.companions()):
        pk, agency = ground.companion(number), ground.agency(number)
        person(users, mails, pk, f"begleitung{number}", agency, password)
        roles.add(user_id=pk, role="companion", agency_id=agency.pk, starts_on=since)
        formats = [["video"], ["video", "phone"], ["on_site", "video"]][number % 3]
        profiles.add(user_id=pk, formats=formats, languages=["de", "en"] if number % 4 == 0 else ["de"],
                     qualified_until=until)  # fmt: skip
        loads.add(companion_id=pk, capacity=12)
    for number, region in enumerate(regions):
        pk = ground.learner(ground.of(LEARNERS)) + number
        person(users, mails, pk, f"koordination{number}", region, password)
        roles.add(user_id=pk, role="coordinator", agency_id=region.pk, starts_on=since)
    return {table.name: table.write() for table in (users, mails, roles, profiles, loads)}


class Chunk:
    """Some learners with everything that is theirs, from a seed of its own."""

    def __init__(self, ground: Ground, start: int, password: str) -> None:
        self.ground, self.start, self.password = ground, start, password
        self.dice = random.Random(f"{ground.seed}/{start}")  # noqa: S311
        self.ids = Ids(self.dice)
        self.users, self.mails = Table(User, with_id=True), Table(EmailAddress)
        self.engagements, self.keys, self.concerns = Table(Engagement), Table(DataKey), Table(LearningConcern)
        self.agreements, self.steps = Table(Agreement), Table(LearningStep)
        self.appointments, self.talks, self.parts = Table(Appointment), Table(Conversation), Table(ConversationPart)

    def fill(self, end: int) -> dict[str, int]:
        """Write the learners up to `end`; answers how many rows each table got."""
        companions = self.ground.companions()
        for number in range(self.start, end):
            pk, turn = self.ground.learner(number), number // companions % EACH
            person(self.users, self.mails, pk, f"lernen{number}", self.ground.agency(number), self.password)
            self.engagement(number, State.CLOSED, self.ground.companion(number), turn, -24, TALKS + (number % 4 > 0))
            self.engagement(number, NOW[turn], self.ground.companion(number + 1), EACH + turn, -9, TALKS)
        tables = (self.users, self.mails, self.engagements, self.keys, self.concerns, self.agreements, self.appointments,
                  self.talks, self.parts, self.steps)  # fmt: skip
        return {table.name: table.write() for table in tables}

    def say(self, what: str) -> str:
        """One of the words of this kind."""
        return str(self.dice.choice(WORDS[what]))

    def engagement(self, number: int, state: State, companion: int, slot: int, week: int, talks: int) -> None:
        """One companionship whose first talk was in `week`, with a talk every second week in its hour."""
        begun = self.ground.moment(week, slot) - WEEK
        pk, key = self.ids.at(begun), vault.new_data_key()
        master, wrapped = vault.keyring().wrap(str(pk), key)
        self.keys.add(id=pk, master=master, wrapped=wrapped, created_at=begun)
        alone = state in (State.DRAFT, State.REQUESTED)
        agency = self.ground.agency(number)
        self.engagements.add(
            id=pk, learner_id=self.ground.learner(number), companion_id=None if alone else companion, state=state.value,
            coordinating_agency_id=None if state == State.DRAFT else agency.parent_id,
            occasion_id=self.dice.choice(self.ground.occasions), format=self.dice.choice(["any", "video", "any", "on_site"]),
            wish=self.dice.choice(["no_matter", "elsewhere", "own_agency"]), created_at=begun,
            requested_at=None if state == State.DRAFT else begun + timedelta(hours=1),
            offered_at=None if alone else begun + timedelta(days=1),
            introduced_at=None if alone else begun + timedelta(days=2),
            started_at=begun + timedelta(days=4) if state in (State.ACTIVE, State.PAUSED, State.CLOSED) else None,
            paused_at=self.ground.now - WEEK if state == State.PAUSED else None,
            closed_at=self.ground.moment(week + 2 * talks, slot) if state == State.CLOSED else None,
        )  # fmt: skip
        concern = self.ids.at(begun)
        texts = {"ability": self.say("abilities"), "situation": self.say("situations")}
        self.concerns.add(id=concern, engagement_id=pk, created_at=begun, changed_at=begun,
                          **sealed(self.concerns, concern, key, **texts))  # fmt: skip
        if state in (State.ACTIVE, State.PAUSED, State.CLOSED):
            self.together(pk, key, number, companion, begun, talks if state != State.PAUSED else talks - 1, week, slot)
            more = week < -9 and number % 5 < 2
            self.learning(pk, key, begun, STEPS + more, open_ones=2 if state == State.ACTIVE else 0)

    def together(
        self, pk: Any, key: bytes, number: int, companion: int, begun: datetime, talks: int, week: int, slot: int
    ) -> None:
        """The agreement, and the talks: those that are over are documented, in two of the four parts."""
        agreement, agreed, learner = self.ids.at(begun), begun + timedelta(days=4), self.ground.learner(number)
        self.agreements.add(id=agreement, engagement_id=pk, companion_id=companion, written_by_id=companion, written_at=begun,
                            learner_accepted_at=agreed, companion_accepted_at=agreed,
                            **sealed(self.agreements, agreement, key, purpose=self.say("purposes")))  # fmt: skip
        for turn in range(talks):
            starts = self.ground.moment(week + 2 * turn, slot)
            appointment, talk, over = self.ids.at(begun), self.ids.at(begun), starts < self.ground.now
            done = starts + timedelta(hours=2) if over else None
            self.appointments.add(id=appointment, engagement_id=pk, learner_id=learner, companion_id=companion,
                                  starts_at=starts, ends_at=starts + timedelta(hours=1), format="video",
                                  made_by_id=companion, made_at=begun)  # fmt: skip
            self.talks.add(id=talk, engagement_id=pk, appointment_id=appointment, locked_at=done,
                           learner_agreed_at=done, companion_agreed_at=done, agreed_version=int(over))  # fmt: skip
            for part in (1, 2, 3, 4):
                row = self.ids.at(begun)
                words = sealed(self.parts, row, key, text=self.say("parts")) if over and part in (1, 3) else {}
                self.parts.add(id=row, conversation_id=talk, part=part, changed_at=starts, **words)

    def learning(self, pk: Any, key: bytes, begun: datetime, number: int, open_ones: int) -> None:
        """The learning steps, one every four days; the last ones may be open, for the days to come."""
        for turn in range(number):
            step, is_open = self.ids.at(begun), turn >= number - open_ones
            planned = begun + timedelta(days=4 * turn)
            due = clock.today() + timedelta(days=self.dice.randint(0, 13)) if is_open else planned.date()
            self.steps.add(id=step, engagement_id=pk, due_on=due, created_at=min(planned, self.ground.now),
                           state="open" if is_open else self.dice.choice(["done", "done", "tried", "dropped"]),
                           answered_at=None if is_open else planned + timedelta(days=1),
                           **sealed(self.steps, step, key, what=self.say("steps"), action=self.say("plans")))  # fmt: skip
