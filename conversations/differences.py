"""What has changed from one version of a record to the next, word by word: a plain function of two texts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from django.utils.translation import gettext as _

from accounts.models import User

from .conversation import Conversation
from .guide_versions import parts_in
from .ideas import ChangeIdea
from .merging import WORDS
from .record import RecordVersion, Words


@dataclass(frozen=True)
class Piece:
    """Some words that stayed ("same"), came ("new") or went ("gone")."""

    kind: str
    text: str


@dataclass(frozen=True)
class Change:
    """One place of the record in which two versions differ."""

    title: str
    pieces: list[Piece]


@dataclass(frozen=True)
class Step:
    """One version in the history, the latest first; `version` is None for what nobody has agreed to yet."""

    version: RecordVersion | None
    at: datetime | None
    by: User | None
    changes: list[Change]
    is_first: bool
    may_go: bool  # an earlier version, which the learner may delete


def pieces(before: str, after: str) -> list[Piece]:
    """The words of both texts in order, each told as same, gone or new; nothing is left out."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    found = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Piece("same", "".join(old[i1:i2])))
            continue
        found += [Piece("gone", "".join(old[i1:i2]))] * (i2 > i1)
        found += [Piece("new", "".join(new[j1:j2]))] * (j2 > j1)
    return found


def history(conversation: Conversation) -> list[Step]:
    """Every version with what has changed in it since the one before; three queries, whatever their number."""
    versions = list(conversation.versions.select_related("agreed_by"))
    for version in versions:
        version.conversation = conversation
    found: list[Step] = []
    before: dict[str, str] | None = None
    for version in versions:
        words = places(conversation, version.words())
        changes = differences(before, words) if before is not None else []
        may_go = version.number < conversation.version
        found.append(Step(version, version.agreed_at, version.agreed_by, changes, before is None, may_go))
        before = words
    if before is not None and conversation.agreed_version < conversation.version:
        now = differences(before, places(conversation, Words.of(conversation)))
        found.append(Step(None, None, None, now, is_first=False, may_go=False))
    return found[::-1]


def differences(before: dict[str, str], after: dict[str, str]) -> list[Change]:
    """The places in which two versions say something else."""
    names = [*after, *(name for name in before if name not in after)]
    return [
        Change(name, pieces(before.get(name, ""), after.get(name, "")))
        for name in names
        if before.get(name, "") != after.get(name, "")
    ]


def places(conversation: Conversation, words: Words) -> dict[str, str]:
    """The record as texts by their headings, in the order of the page and the reader's language."""
    states = dict(ChangeIdea.State.choices)
    found = {str(part.title): words.parts.get(str(part.number), "") for part in parts_in(conversation.guide)}
    found[_("Ideen")] = "\n".join(f"{text} ({states.get(state, state)})" for state, text in words.ideas)
    found[_("Das Gespräch in einem Satz")] = words.sentence
    found[_("Wie es weitergeht")] = _("Das bleibt erst einmal offen.") if words.next_is_open else ""
    return found
