"""Two versions of one text become one where they differ in different places: a plain function of three texts.

Word by word, with difflib. What both have inserted at the same place stays, one after the other; what both have changed
differently is for a person to decide. (merge3 does the same, under the GPL, which would bind the whole application.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate

WORDS = re.compile(r"\w+|\s|[^\w\s]")
ENDS = frozenset("\n.!?")
MOST_MEETINGS = 20_000
Span = tuple[int, int, int, int]


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
    """`base` with the changes of both, "\n" for every line end; None where they contradict each other."""
    base, stored, typed = lines_of(base), lines_of(stored), lines_of(typed)
    if stored in (base, typed):
        return typed
    words = WORDS.findall(base)
    theirs, mine = edits(words, WORDS.findall(stored)), edits(words, WORDS.findall(typed))
    if any(one.contradicts(other) for one in theirs for other in mine if one != other):
        return None
    return _applied(words, sorted(theirs) + [edit for edit in sorted(mine) if edit not in theirs])


def lines_of(text: str) -> str:
    """With "\n" for every line end, as browsers show it and as scripts read it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def edits(before: Sequence[str], after: Sequence[str]) -> list[Edit]:
    """What turns one list of words into the other."""
    return [Edit(i1, i2, tuple(after[j1:j2])) for i1, i2, j1, j2 in changes(before, after)]


def changes(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[Span]:
    """Where the two differ, as (start, end) in the one and (start, end) in the other, in order.

    difflib's time grows with how often equal words meet, so it is asked about what is left between the common beginning
    and end, in small pieces: whole sentences first, then the words within. What is too much even so counts as replaced.
    """
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    ours, theirs = before[head : len(before) - tail], after[head : len(after) - tail]
    if not ours and not theirs:
        return []
    if not ours or not theirs:
        found = [(0, len(ours), 0, len(theirs))]
    elif _meetings(ours, theirs) <= MOST_MEETINGS:
        found = _blocks(ours, theirs)
    else:
        found = _by_sentences(ours, theirs)
    return [(i1 + head, i2 + head, j1 + head, j2 + head) for i1, i2, j1, j2 in found]


def _blocks(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> list[Span]:
    codes = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    return [(i1, i2, j1, j2) for kind, i1, i2, j1, j2 in codes if kind != "equal"]


def _by_sentences(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> list[Span]:
    left, right = _sentences(ours), _sentences(theirs)
    whole = [(0, len(ours), 0, len(theirs))]
    if min(len(left), len(right)) < 2 or _meetings(left, right) > MOST_MEETINGS:
        return whole
    starts = [list(accumulate(map(len, part), initial=0)) for part in (left, right)]
    found: list[Span] = []
    for i1, i2, j1, j2 in _blocks(left, right):
        a1, a2, b1, b2 = starts[0][i1], starts[0][i2], starts[1][j1], starts[1][j2]
        few = _meetings(ours[a1:a2], theirs[b1:b2]) <= MOST_MEETINGS
        inner = _blocks(ours[a1:a2], theirs[b1:b2]) if few else [(0, a2 - a1, 0, b2 - b1)]
        found += [(x1 + a1, x2 + a1, y1 + b1, y2 + b1) for x1, x2, y1, y2 in inner]
    return found


def _sentences(words: Sequence[Hashable]) -> list[tuple[Hashable, ...]]:
    found: list[tuple[Hashable, ...]] = []
    start = 0
    for place, word in enumerate(words, 1):
        if word in ENDS or place == len(words):
            found.append(tuple(words[start:place]))
            start = place
    return found


def _common(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> int:
    return next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))


def _meetings(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> int:
    """How many pairs of equal things there are: what difflib looks at, once for each block it finds."""
    other = Counter(theirs)
    return sum(number * other[word] for word, number in Counter(ours).items())


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
