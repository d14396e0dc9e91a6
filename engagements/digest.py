"""The one mail of a working day: what it tells, when it is due, and what is written down once it has gone.

A row in the outbox says on which day the next digest of a person is due, and no more; its key names person and day, so
that a second one is impossible (R2). What it tells is asked when it is sent (R5), by the same `plan` that the page shows.
Whatever changes the plan calls `arrange`; so does the worker after each digest, and every night for everybody, in case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache, partial
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext

from accounts import notes, outbox
from accounts.due import DueMail, Recipient
from accounts.free_days import FreeDay, all_free_days
from accounts.models import OutgoingMail, User
from accounts.outbox import Decision
from lernbegleitung import clock

from . import reminders
from .reminders import Digest, Mark, Rhythm, Wish
from .told import told_of

AT_MOST = 12  # lines in a mail; the page behind it shows all
OPEN_AGAIN = "UPDATE accounts_outgoingmail SET claimed_until = NULL, attempts = 0 WHERE id = %s"


class Person(NamedTuple):
    """Whom the plan is for: an id and a rhythm."""

    pk: int
    rhythm: Rhythm


Told = dict[Mark, date]


class Source(Protocol):
    """Where wishes come from: asked by the worker for many people, by the web for the one who asks."""

    def __call__(
        self, people: list[Person], told: dict[int, Told], today: date, *, as_worker: bool
    ) -> Iterator[tuple[int, Wish]]: ...


SOURCES: list[Source] = []


@dataclass(frozen=True)
class Sort:
    """How one sort of wish is told: its sentence, its page, a subject for one and for several.

    The sentence is made of the wish's `what` and `meant_for` and of today, and nothing else: mails share it (`Decision.form`).
    """

    words: Callable[[Wish, date], str]
    path: Callable[[Wish], str]
    one: Any
    several: Any
    why: Any


SORTS: dict[str, Sort] = {}


@dataclass
class Plan:
    """What one person is going to be told, as seen at a moment."""

    person: Person
    made_on: date
    digests: list[Digest]
    told: Told = field(default_factory=dict)
    wishes: list[Wish] = field(default_factory=list)
    taken: frozenset[date] = frozenset()  # days found taken in the outbox

    @property
    def used(self) -> set[date]:
        """The days on which a mail has gone."""
        return set(self.told.values())

    def of(self, day: date) -> Digest | None:
        """The digest of this day."""
        return next((digest for digest in self.digests if digest.day == day), None)


def rhythm_of(user: User | Recipient) -> Rhythm:
    """The person's rhythm as values."""
    return rhythm_of_row(row_of(user), all_free_days())


def row_of(user: User | Recipient) -> tuple[Any, ...]:
    """What a rhythm is made of besides free days, for `rhythm_of_row`."""
    agency = user.agency
    return (agency.state, agency.path, user.time_zone, user.reminder_hour, user.work_days, user.absent_from,
            user.absent_until)  # fmt: skip


def rhythms() -> Callable[[Recipient], Rhythm]:
    """The rhythms of many people, for a worker: asks for the free days once, and works out each of the few there are once."""
    known = cache(partial(rhythm_of_row, days=list(FreeDay.objects.select_related("agency"))))
    return lambda recipient: known(row_of(recipient))


def person_of(user: User) -> Person:
    """The person as values."""
    return Person(user.pk, rhythm_of(user))


def plans_for(people: Iterable[Person], now: datetime, *, as_worker: bool = False) -> dict[int, Plan]:
    """The plans of these people at a moment: one query for what was told, and one or two for each source."""
    everybody = {person.pk: person for person in people}
    told = told_of(everybody)
    found: dict[int, list[Wish]] = {pk: [] for pk in everybody}
    today = clock.day_of(now)
    for source in SOURCES:
        for pk, wish in source(list(everybody.values()), told, today, as_worker=as_worker):
            if not told[pk] or wish.mark() not in told[pk]:
                found[pk].append(wish)
    plans = {}
    for pk, person in everybody.items():
        used = set(told[pk].values())
        plans[pk] = Plan(person, today, reminders.plan(person.rhythm, found[pk], now, used), told[pk], found[pk])
    return plans


# ── the row in the outbox ──────────────────────────────────────────────────


def arrange(people: Iterable[Person], *, as_worker: bool = False) -> int:
    """Make sure that the next digest of each stands in the outbox; answers how many are to come.

    The web does so for the person who asks, the worker for anybody. A day whose mail is gone already is not taken
    twice: then it is the next one.
    """
    now = clock.now()
    return _arrange(plans_for(people, now, as_worker=as_worker).values(), now, as_worker=as_worker)


def _arrange(plans: Iterable[Plan], now: datetime, *, as_worker: bool) -> int:
    number, left = 0, [plan for plan in plans if plan.digests]
    while left:
        written = _write(left, as_worker=as_worker)
        number += len(written)
        left = [later for plan in left if plan.person.pk not in written and (later := _day_taken(plan, now)).digests]
    return number


def _day_taken(plan: Plan, now: datetime) -> Plan:
    """The plan, when the mail of its first day has gone already."""
    taken = plan.taken | {plan.digests[0].day}
    return replace(plan, taken=taken, digests=reminders.plan(plan.person.rhythm, plan.wishes, now, plan.used | taken))


def _write(plans: list[Plan], *, as_worker: bool) -> set[int]:
    """The next digest of each into the outbox, in one statement; answers those whose day was not taken."""
    with connection.cursor() as cursor:
        if as_worker:
            rows = [{"person": p.person.pk, "day": f"{p.digests[0].day}", "due": f"{p.digests[0].at}"} for p in plans]
            cursor.execute("SELECT write_digests(%s::jsonb)", [json.dumps(rows)])
            return {row[0] for row in cursor.fetchall()}
        [plan] = plans
        cursor.execute("SELECT arrange_digest(%s, %s)", [plan.digests[0].day, plan.digests[0].at])
        return {plan.person.pk} if (cursor.fetchone() or (False,))[0] else set()


def arrange_own(user: User) -> None:
    """After a change by the person: their next digest, in the same transaction."""
    person = User.objects.select_related("agency").get(pk=user.pk)
    arrange([person_of(person)])


def people_without_a_digest(after: int = 0, most: int = 1000) -> list[Person]:
    """For the worker: who has something to be told and no digest in the outbox, by id; a page at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM people_without_a_digest(%s, %s)", [after, most])
        rows = cursor.fetchall()
    days = all_free_days()
    return [Person(row[0], rhythm_of_row(row[1:], days)) for row in rows]


def rhythm_of_row(row: tuple[Any, ...], days: list[FreeDay]) -> Rhythm:
    """The rhythm out of (state, path of the agency, zone, hour, days, absent from, absent until)."""
    state, path, zone, hour, work_days, absent_from, absent_until = row
    here = [day for day in days if path.startswith(day.agency.path) and day.state in ("", state)]
    return reminders.the_one(Rhythm(
        state, ZoneInfo(zone), hour, work_days, absent_from, absent_until,
        frozenset(d.day for d in here if not d.every_year),
        frozenset((d.day.month, d.day.day) for d in here if d.every_year),
    ))  # fmt: skip


# ── when it is sent ────────────────────────────────────────────────────────


def prepare(mails: list[DueMail]) -> None:
    """Ask once for all these mails what each would tell now."""
    now, rhythm = clock.now(), rhythms()
    people = [Person(mail.recipient.pk, rhythm(mail.recipient)) for mail in mails if mail.recipient]
    plans = plans_for(people, now, as_worker=True)
    for mail in mails:
        mail.plan = plans.get(mail.recipient_id or 0)  # type: ignore[attr-defined]
        mail.planned_at = now  # type: ignore[attr-defined]


def decide(mail: DueMail) -> Decision:
    """Send what is still wanted today; on another day, outside the hours or with nothing to tell: not this mail."""
    now = clock.now()
    plan: Plan | None = getattr(mail, "plan", None)
    if plan is None or (now - mail.planned_at).total_seconds() > 2:  # type: ignore[attr-defined]
        prepare([mail])
        plan = mail.plan  # type: ignore[attr-defined]
    digest = _due(mail, plan, now)
    if not plan or not digest:
        return Decision(send=False, drop=drop)
    if not plan.person.rhythm.may_send(now):
        return Decision(send=False, later=plan.person.rhythm.moment(digest.day))

    told = words_of(mail, digest)
    return Decision(
        context={"told": told},
        pages=told.pages(),
        form=(told.discreet, digest.day, *[(wish.what, wish.meant_for) for wish in digest.wishes]),
        note=("digest", note_of(mail, plan, digest, now)),
    )


def _due(mail: DueMail, plan: Plan | None, now: datetime) -> Digest | None:
    recipient = mail.recipient
    if not plan or not recipient or not recipient.is_active or recipient.reminders_stopped_at:
        return None
    today = now.astimezone(plan.person.rhythm.zone).date()
    return plan.of(today) if mail.facts["day"] == today.isoformat() else None


def note_of(mail: DueMail, plan: Plan, digest: Digest, now: datetime) -> notes.Note:
    """What is written down once it has gone: the row, what it told, and the next one, in one transaction."""
    told = digest.wishes
    coming = next_after(plan, digest)
    return {
        "mail": str(mail.pk),
        "at": now.isoformat(),
        "asked": mail.facts.get("asked", 0),
        "day": digest.day.isoformat(),
        "told": [[wish.what, str(wish.subject), wish.meant_for.isoformat()] for wish in told],
        "next_day": coming.day.isoformat() if coming else None,
        "next_due": coming.at.isoformat() if coming else None,
    }


def next_after(plan: Plan, digest: Digest) -> Digest | None:
    """The one after this, once this has gone.

    As planned, when this one goes on the very day of the plan: its follow-ups are in the plan already, counted from today.
    Elsewhere in the world the day may be another; then it is planned anew.
    """
    if plan.made_on == digest.day:
        return next((later for later in plan.digests if later.day > digest.day), None)
    marks = {wish.mark() for wish in digest.wishes}
    left = [wish for wish in plan.wishes if wish.mark() not in marks]
    left += [w for gone in digest.wishes if gone.what == reminders.STEP_DUE for w in _follow_up(plan, gone, digest.day)]
    unique = {wish.mark(): wish for wish in left}
    coming = reminders.plan(plan.person.rhythm, unique.values(), clock.now(), plan.used | {digest.day})
    return coming[0] if coming else None


@notes.writer("digest")
def write_notes(written: list[notes.Note]) -> None:
    """Into the database; whoever planned something meanwhile has touched the row, then the next one is planned anew."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT digests_sent(%s::jsonb)", [json.dumps(written)])
        touched = [row[0] for row in cursor.fetchall()]
    for person in touched:
        arrange([one for one in people_without_a_digest(person - 1, 1) if one.pk == person], as_worker=True)


def _follow_up(plan: Plan, wish: Wish, day: date) -> list[Wish]:
    told = {wish.mark(): day}
    if not any(w.what == reminders.STEP_AGAIN and w.subject == wish.subject for w in plan.wishes):
        return []
    return reminders.wishes_of_step(plan.person.rhythm, wish.subject, wish.meant_for, told, day)


def drop(mail: DueMail) -> None:
    """Nothing to tell on this day. Asked once more with the row held, so that nobody's new wish is dropped with it."""
    now = clock.now()
    with transaction.atomic():
        row: Any = OutgoingMail.objects.select_for_update(of=("self",)).filter(pk=mail.pk, sent_at=None).first()
        if not row or not mail.recipient:
            return
        prepare([mail])
        plan: Plan = mail.plan  # type: ignore[attr-defined]
        if _due(mail, plan, now):
            with connection.cursor() as cursor:
                cursor.execute(OPEN_AGAIN, [mail.pk])
            return
        OutgoingMail.objects.filter(pk=mail.pk).update(dropped_at=now, claimed_until=None)
        if mail.recipient.is_active and not mail.recipient.reminders_stopped_at:
            _arrange([plan], now, as_worker=True)


# ── its words ──────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Words:
    """A digest in the language in force when the template asks; without anybody's words."""

    digest: Digest
    discreet: bool

    def subject(self) -> str:
        """One sort of thing names itself; several do not."""
        if self.discreet:
            return gettext("Eine Nachricht für Sie")
        sorts = {wish.what for wish in self.digest.wishes}
        if len(sorts) > 1:
            return gettext("Was heute ansteht")
        sort = SORTS[self.digest.wishes[0].what]
        return str(sort.one if len(self.digest.wishes) == 1 else sort.several)

    def lines(self) -> list[str]:
        """The sentences; their pages are the mail's `pages`, in the same order."""
        return [SORTS[wish.what].words(wish, self.digest.day) for wish in self.digest.wishes[:AT_MOST]]

    def pages(self) -> tuple[str, ...]:
        """The pages behind the sentences; a discreet mail names none."""
        return () if self.discreet else tuple(SORTS[w.what].path(w) for w in self.digest.wishes[:AT_MOST])

    def more(self) -> int:
        """How many do not fit in."""
        return max(0, len(self.digest.wishes) - AT_MOST)

    def asks_again(self) -> bool:
        """Whether it is a second and last question."""
        return any(wish.what == reminders.STEP_AGAIN for wish in self.digest.wishes)


def words_of(mail: DueMail, digest: Digest) -> Words:
    """What the template needs."""
    return Words(digest, bool(mail.recipient and mail.recipient.mail_style == User.MailStyle.DISCREET))


DIGEST = outbox.kind("digest", decide=decide, prepare=prepare, reminder=True)
