"""Finding again what one has written oneself. Texts are sealed, so they are opened and looked through here, each time;
nothing of it is indexed, and what was looked for stands in no address and no log."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from engagements.models import Engagement, RuleOfThumb, TransferCheck

from .guide import PARTS
from .portfolio import AGREEMENT, CONCERN, GOAL, LOOK_BACK, PLAN, REVIEW, SHEET, Belongings

AROUND = 90
MOST = 50


@dataclass(frozen=True)
class Found:
    """One text in which the words stand: before the first of them, the words themselves, and after."""

    kind: str
    at: datetime
    url: str
    before: str
    hit: str
    after: str


def search(person: User, words: str) -> list[Found]:
    """The newest first, at most fifty; every word has to stand in the text, whatever its capitals and accents."""
    wanted = folded(words).split()
    if not wanted:
        return []
    found = [piece for kind, at, url, text in texts_of(person) if (piece := _find(wanted, kind, at, url, text))]
    return sorted(found, key=lambda piece: piece.at, reverse=True)[:MOST]


def folded(text: str) -> str:
    """Without capitals and accents, sign by sign, so that places in it are places in the text: Ärger -> arger."""
    return "".join(unicodedata.normalize("NFKD", sign)[:1].casefold()[:1] or sign for sign in text)


def _find(wanted: list[str], kind: str, at: datetime, url: str, text: str) -> Found | None:
    plain = folded(text)
    if not all(word in plain for word in wanted):
        return None
    start, length = min((plain.index(word), len(word)) for word in wanted)
    first, last = max(0, start - AROUND), start + length + AROUND
    before = ("… " if first else "") + text[first:start]
    after = text[start + length : last] + (" …" if last < len(text) else "")
    return Found(kind, at, url, before, text[start : start + length], after)


def texts_of(person: User) -> Iterator[tuple[str, datetime, str, str]]:
    """(what it is, when, where it stands, the text) of everything the person has written as a learner."""
    for rule in RuleOfThumb.objects.filter(owner=person):
        yield _("Faustregel"), rule.created_at, reverse("engagements:insights"), rule.text
    for check in TransferCheck.objects.filter(owner=person):
        for name in LOOK_BACK:
            page = reverse("engagements:transfer_check", args=[check.pk])
            yield _("Blick zurück"), check.answered_at or check.created_at, page, getattr(check, name)
    mine = Belongings(Engagement.objects.of_learner(person).select_related("companion", "learner"))
    titles = {part.number: str(part.title) for part in PARTS}
    for engagement in mine.engagements:
        pk = engagement.pk
        page = reverse("conversations:engagement", args=[pk])
        for concern in mine.concerns[pk]:
            for name in CONCERN:
                yield _("Anliegen"), concern.changed_at, page, getattr(concern, name)
        for goal in mine.goals[pk]:
            for name in GOAL:
                yield _("Ziel"), goal.created_at, reverse("engagements:goal", args=[goal.pk]), getattr(goal, name)
        for agreement in mine.agreements[pk]:
            for name in AGREEMENT:
                yield _("Vereinbarung"), agreement.written_at, page, getattr(agreement, name)
        for step in mine.steps[pk]:
            for name in PLAN:
                yield (
                    _("Lernschritt"),
                    step.created_at,
                    reverse("engagements:step", args=[step.pk]),
                    getattr(step, name),
                )
        for insight in mine.insights[pk]:
            for name in REVIEW:
                yield _("Erkenntnis"), insight.created_at, reverse("engagements:insights"), getattr(insight, name)
        for entry in mine.journal[pk]:
            yield _("Lerntagebuch"), entry.created_at, reverse("engagements:journal_edit", args=[entry.pk]), entry.text
        for talk in mine.talks.values():
            if talk.engagement_id != pk:
                continue
            at = talk.appointment.starts_at
            record, preparation = (reverse(f"conversations:{n}", args=[talk.pk]) for n in ("protocol", "prepare"))
            yield _("Gespräch"), at, record, talk.closing_sentence
            for part in mine.parts[talk.pk]:
                yield titles[part.part], at, record, part.text
            for topic in mine.topics[talk.pk]:
                yield _("Thema für ein Gespräch"), at, preparation, topic.text
            for sheet in mine.sheets[talk.pk]:
                for name in SHEET if sheet.owner_id == person.pk else ():
                    yield _("Vorbereitung"), at, preparation, getattr(sheet, name)
            for idea in mine.ideas[talk.pk]:
                yield _("Idee"), idea.changed_at, record, idea.text
            for addition in mine.additions[talk.pk]:
                yield _("Nachtrag"), addition.added_at, record, addition.text
            after = reverse("conversations:after", args=[talk.pk])
            for feedback in mine.feedback[talk.pk]:
                yield _("Rückmeldung"), feedback.given_at, after, feedback.text
            for look in mine.looks[talk.pk]:
                yield _("Blick auf das Gespräch"), look.changed_at, after, look.note
