"""Files for a spreadsheet: rows of text, numbers and days, in which no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import date

Cell = str | int | date | None
FORMULA = re.compile(r"\s*[=+\-@\t\r]")  # what a spreadsheet begins to compute at
BOM = "\ufeff"  # without it a German Excel reads UTF-8 as Windows-1252


def harmless(text: str) -> str:
    """A text that a spreadsheet shows and does not compute: an apostrophe before what would begin a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def revived(text: str) -> str:
    """The text again that `harmless` has put an apostrophe before."""
    return text[1:] if text.startswith("'") and FORMULA.match(text[1:]) else text


def csv_of(headings: Iterable[str], rows: Iterable[Iterable[Cell]]) -> str:
    """The rows as a German Excel opens them: UTF-8 with its mark, semicolons, days as 31.12.2027."""
    file = io.StringIO(BOM, newline="")
    file.seek(0, io.SEEK_END)
    writer = csv.writer(file, delimiter=";")
    writer.writerow([harmless(heading) for heading in headings])
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return file.getvalue()


def _plain(cell: Cell) -> str | int:
    if isinstance(cell, date):
        return f"{cell:%d.%m.%Y}"
    return harmless(cell) if isinstance(cell, str) else "" if cell is None else cell
