"""Paper about one talk: the record as both have agreed to it, and the guide on one page to write on by hand."""

from __future__ import annotations

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import User
from lernbegleitung import clock
from lernbegleitung.pdf import Entry, Paper, Section
from lernbegleitung.templatetags.ui import day, span

from .conversation import Conversation, parts_of
from .guide_versions import arranged, parts_in
from .ideas import ideas_of
from .planned import next_talk_at, planned_in
from .questions import by_part
from .record import Addition

QUESTIONS, LINES = 3, 4  # of each part, on the page to write on


def protocol_paper(conversation: Conversation) -> Paper:
    """The record of a talk; nothing private is on it, and steps only where they are released."""
    texts = {part.part: part.text for part in parts_of(conversation)}
    sections = [
        Section(str(part.title), [Entry(texts=[("", texts.get(part.number) or "–")])])
        for part in parts_in(conversation.guide)
    ]
    if ideas := ideas_of(conversation):
        words = [f"{idea.text} ({idea.get_state_display()})" for idea in ideas]
        sections.append(Section(_("Ideen"), [Entry(texts=[("", text)]) for text in words]))
    if steps := _planned(conversation):
        sections.append(Section(_("Geplante Lernschritte"), steps))
    if goes_on := _goes_on(conversation):
        sections.append(Section(_("Wie es weitergeht"), [Entry(texts=[("", goes_on)])]))
    if added := list(conversation.additions.select_related("author")):
        sections.append(Section(_("Nachträge"), [_addition(row, conversation) for row in added]))
    agreed = conversation.locked_at
    stand = (
        _("Von beiden zugestimmt am %(day)s.") % {"day": day(agreed, "day")}
        if agreed
        else _("Noch nicht abgeschlossen.")
    )
    return Paper(
        title=_("Protokoll"),
        author=conversation.engagement.learner.name,
        language=_language(),
        subtitle=str(conversation.appointment.get_kind_display()),
        facts=[*_facts(conversation), (_("Stand"), stand)],
        sections=([Section("", [Entry(texts=[("", conversation.closing_sentence)])])] if conversation.closing_sentence else [])
        + sections,
        closing=_("Das Protokoll gehört der lernenden Person. Wem sie es zeigt, entscheidet sie."),
        footer=_("Protokoll, %(day)s") % {"day": date_format(timezone.localtime(clock.now()), "SHORT_DATE_FORMAT")},
    )  # fmt: skip


def guide_paper(conversation: Conversation, viewer: User) -> Paper:
    """The four parts with a few questions and room to write; no word of anybody is on it."""
    occasion = conversation.engagement.occasion
    questions = by_part(conversation.guide_kind(), occasion.code if occasion else "")
    return Paper(
        title=str(conversation.appointment.get_kind_display()),
        author=viewer.name,
        language=_language(),
        facts=_facts(conversation),
        sections=[
            Section(
                f"{part.number}. {part.title}",
                [
                    Entry(
                        note=str(part.aim),
                        texts=[
                            (
                                "",
                                "\n".join(
                                    str(one)
                                    for one in arranged(part, questions.get(str(part.number), []))[0][:QUESTIONS]
                                ),
                            )
                        ],
                        lines=LINES,
                    )
                ],
            )
            for part in parts_in(conversation.guide)
        ],
        footer=_("Zum Mitschreiben von Hand. Bitte sicher aufbewahren."),
        compact=True,
    )


def _facts(conversation: Conversation) -> list[tuple[str, str]]:
    appointment = conversation.appointment
    people = [person.name for person in (appointment.learner, appointment.companion) if person]
    return [
        (_("Wann"), f"{day(appointment.starts_at, 'long')} {timezone.localtime(appointment.starts_at):%Y}, "
                    f"{span(appointment.starts_at, appointment.ends_at)}"),
        (_("Wer"), ", ".join(people)),
    ]  # fmt: skip


def _planned(conversation: Conversation) -> list[Entry]:
    return [
        Entry(step.what, day(step.due_on, "day"), [("", step.if_then())] if step.if_then() else [])
        for step in planned_in(conversation).next_first()[:20]
    ]


def _goes_on(conversation: Conversation) -> str:
    if next_at := next_talk_at(conversation):
        return f"{_('Nächstes Gespräch:')} {day(next_at)}"
    return _("Das bleibt erst einmal offen.") if conversation.next_is_open else ""


def _addition(addition: Addition, conversation: Conversation) -> Entry:
    addition.conversation = conversation
    return Entry(note=f"{addition.author.name}, {day(addition.added_at, 'day')}", texts=[("", addition.text)])


def _language() -> str:
    return (get_language() or "de")[:2]
