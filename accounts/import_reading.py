"""A table of text, as Excel or another program has written it: its signs, its separator, its headings, its rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from lernbegleitung.spreadsheets import revived

from .import_columns import Column, squashed

MOST_BYTES = 5_000_000
MOST_ROWS = 20_000
OWN_HEADINGS = {"zeile", "line", "grund", "reason"}  # of a file with refused lines, which comes back corrected


class NotReadable(Exception):
    """The file is none that can be read; says why in a sentence for the person who brought it."""


@dataclass(frozen=True)
class Row:
    """A row: the number of its first line in the file, and its cells by column. `surplus`: more cells than headings."""

    number: int
    cells: dict[str, str]
    surplus: bool = False


@dataclass(frozen=True)
class Table:
    """The rows of a file, and the headings that mean nothing here."""

    rows: list[Row]
    unknown: list[str] = field(default_factory=list)


def read(data: bytes, columns: tuple[Column, ...]) -> Table:
    """The table that a file holds. Raises NotReadable."""
    text = text_of(data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator_of(text))
    try:
        numbered = list(_numbered(reader))
    except csv.Error:
        raise NotReadable(_("Die Datei lässt sich nicht als Tabelle lesen. Speichern Sie sie als CSV.")) from None
    if not numbered:
        raise NotReadable(_("Die Datei ist leer."))
    (_first, headings), *body = numbered
    places, unknown = placed(headings, columns)
    if not body:
        raise NotReadable(_("Unter den Überschriften steht keine Zeile."))
    return Table([_row(number, cells, places, len(headings)) for number, cells in body], unknown)


def text_of(data: bytes) -> str:
    """The signs of a file: UTF-8 with or without its mark, UTF-16 with one, else Windows-1252 as Excel writes it."""
    if len(data) > MOST_BYTES:
        raise NotReadable(_("Die Datei ist größer als 5 MB. Teilen Sie sie auf."))
    if data[:4] == b"PK\x03\x04" or data[:4] == b"\xd0\xcf\x11\xe0":
        raise NotReadable(
            _("Das ist eine Arbeitsmappe. Speichern Sie das Blatt als „CSV UTF-8“ und laden Sie das hoch.")
        )
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise NotReadable(_("Die Datei ist kein Text. Speichern Sie sie als CSV, am besten in UTF-8."))


def separator_of(text: str) -> str:
    """What stands between the headings most often: semicolon, comma or tab."""
    headings = next((line for line in text.splitlines() if line.strip()), "")
    return max(";,\t", key=headings.count)


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of its first line."""
    number, found = 1, 0
    for cells in reader:
        if any(cell.strip() for cell in cells):
            found += 1
            if found > MOST_ROWS + 1:
                raise NotReadable(_("Die Datei hat mehr als 20.000 Zeilen. Teilen Sie sie auf."))
            yield number, cells
        number = reader.line_num + 1  # type: ignore[attr-defined]


def placed(headings: list[str], columns: tuple[Column, ...]) -> tuple[dict[int, str], list[str]]:
    """Which place holds which column, and the headings that mean none. Raises NotReadable when one is missing or twice."""
    meant = {heading: column.name for column in columns for heading in column.headings()}
    places, unknown = {}, []
    for place, heading in enumerate(headings):
        if name := meant.get(squashed(heading)):
            if name in places.values():
                raise NotReadable(
                    _("Die Spalte „%(name)s“ steht zweimal in der Datei.") % {"name": heading.strip()[:60]}
                )
            places[place] = name
        elif heading.strip() and squashed(heading) not in OWN_HEADINGS:
            unknown.append(heading.strip()[:60])
    if missing := [str(column.label) for column in columns if column.always and column.name not in places.values()]:
        raise NotReadable(
            _("In der ersten Zeile fehlt: %(names)s. Dort müssen die Überschriften stehen.")
            % {"names": ", ".join(missing)}
        )
    return places, unknown[:20]


def _row(number: int, cells: list[str], places: dict[int, str], width: int) -> Row:
    """The cells by column, without spaces around them; what the row has too little of is empty."""
    found = {
        name: " ".join(revived(cells[place]).split()) if place < len(cells) else "" for place, name in places.items()
    }
    return Row(number, found, surplus=any(cell.strip() for cell in cells[width:]))
