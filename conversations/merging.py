"""Two versions of one text become one where they differ in different places: a plain function of three texts.

Word by word, with difflib. What both have inserted at the same place stays, one after the other; what both have changed
differently is for a person to decide. (merge3 does the same, under the GPL, which would bind the whole application.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

WORDS = re.compile(r"\w+|\s|[^\w\s]")


@dataclass(frozen=True, order=True)
class Edit:
    """From `start` up to `end` of the base stands `words` instead; equal numbers mean an insertion."""

    start: int
    end: int
    words: tuple[str, ...]

    def is_insertion(self) -> bool:
        """Whether nothing of the base is taken away."""
        return self.start == self.end

    def contradicts(self, other: Edit) -> bool:
        """Whether both change the same words of the base."""
        if self.is_insertion() and other.is_insertion():
            return False
        return self.start < other.end and other.start < self.end


def merged(base: str, stored: str, typed: str) -> str | None:
    """`base` with the changes of both; None where they contradict each other."""
    if stored in (base, typed):
        return typed
    words = WORDS.findall(base)
    theirs, mine = edits(words, WORDS.findall(stored)), edits(words, WORDS.findall(typed))
    if any(one.contradicts(other) for one in theirs for other in mine if one != other):
        return None
    return _applied(words, sorted(theirs) + [edit for edit in sorted(mine) if edit not in theirs])


def edits(before: Sequence[str], after: Sequence[str]) -> list[Edit]:
    """What turns one list of words into the other."""
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [Edit(i1, i2, tuple(after[j1:j2])) for kind, i1, i2, j1, j2 in codes if kind != "equal"]


def _applied(words: list[str], changes: list[Edit]) -> str:
    """Stable by place: of two insertions at one place the stored one stands first."""
    found: list[str] = []
    at = 0
    for edit in sorted(changes, key=lambda edit: (edit.start, edit.end)):
        before = words[at : edit.start]
        found += [*before, *([" "] if not before and _would_run_together(found, edit.words) else []), *edit.words]
        at = edit.end
    return "".join([*found, *words[at:]])


def _would_run_together(before: list[str], after: tuple[str, ...]) -> bool:
    """Whether two insertions at one place would make one word, or one sentence, of two."""
    return bool(before and after and not before[-1].isspace() and not after[0].isspace())
