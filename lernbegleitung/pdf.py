"""Paper: what is downloaded as an accessible, tagged PDF (PDF/UA-1), set by Typst without a file on disk.

Texts go into the document as data, never as markup, so that nothing anybody wrote is interpreted.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict, dataclass, field
from pathlib import Path

import typst

DATA = Path(__file__).parent / "data"
MARK = Path(__file__).parents[1] / "static" / "img" / "mark.svg"
# What the typeface (Libertinus Serif, comes with Typst) can show; PDF/UA allows no missing signs.
SHOWN = (
    (0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0x36F), (0x38E, 0x3A1), (0x3A3, 0x4FF), (0x1E00, 0x1F15), (0x2010, 0x2027),
    (0x2030, 0x2040), (0x2044, 0x2052), (0x2054, 0x205E), (0x2074, 0x208E), (0x20A0, 0x20C0), (0x2126, 0x2151),
    (0x2153, 0x2184), (0x2190, 0x22FF), (0x25A0, 0x25FF),
)  # fmt: skip
MISSING = "□"


@dataclass(frozen=True)
class Entry:
    """A heading, a quiet line below it, and texts with their labels; any of them may be empty. `lines` to write on."""

    title: str = ""
    note: str = ""
    texts: list[tuple[str, str]] = field(default_factory=list)
    lines: int = 0


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    entries: list[Entry]


@dataclass(frozen=True)
class Paper:
    """What one PDF says. `facts` are pairs of a word and its value; `compact` fits more on a page."""

    title: str
    author: str
    language: str
    subtitle: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    closing: str = ""
    footer: str = ""
    compact: bool = False


def shown(text: str) -> str:
    """The text with only such signs as the typeface has: emoji and the like become a box, invisible signs go."""
    result = []
    for sign in text.replace("\r\n", "\n").replace("\t", "    ").replace("\u2028", "\n"):
        if sign == "\n" or any(first <= ord(sign) <= last for first, last in SHOWN):
            result.append(sign)
        elif unicodedata.category(sign) not in ("Cf", "Cc", "Cs", "Mn", "Me", "Sk"):
            result.append(MISSING)
    return "".join(result)


def _shown(value: object) -> object:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {name: _shown(item) for name, item in value.items()}
    return value


def render(paper: Paper) -> bytes:
    """The PDF. Takes some hundredths of a second."""
    files = {
        "main": (DATA / "paper.typ").read_bytes(),
        "paper.json": json.dumps(_shown(asdict(paper))).encode(),
        "mark.svg": MARK.read_bytes(),
    }
    return typst.compile(files, pdf_standards="ua-1", ignore_system_fonts=True)  # type: ignore[call-overload,no-any-return]
