"""Files for a spreadsheet: rows of text, numbers and days, in which no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import date

from django.http import HttpResponse
from xlsxwriter import Workbook

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | date | None
FORMULA = re.compile(r"\s*[=+\-@\t\r]")  # what a spreadsheet begins to compute at
BOM = "\ufeff"  # without it a German Excel reads UTF-8 as Windows-1252


def attached(body: str | bytes, name: str, kind: str) -> HttpResponse:
    """A file to be saved under this name."""
    response = HttpResponse(body, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


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


def xlsx_of(name: str, headings: list[str], rows: Iterable[Iterable[Cell]], *, day_format: str) -> bytes:
    """The rows as a workbook of one sheet: numbers and days as such, no text as a formula, the headings always in view.

    In memory, since a temporary file would be a copy of people's names; ten thousand rows take some tens of megabytes.
    """
    file = io.BytesIO()
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(file, {"in_memory": True, **plain}) as book:
        sheet, bold, day = book.add_worksheet(name[:31]), book.add_format({"bold": True}), book.add_format()
        day.set_num_format(day_format)
        sheet.freeze_panes(1, 1)
        sheet.write_row(0, 0, headings, bold)
        last = 0
        for last, row in enumerate(rows, start=1):
            for place, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(last, place, cell, day)
                elif isinstance(cell, int):
                    sheet.write_number(last, place, cell)
                elif cell:
                    sheet.write_string(last, place, cell)
        sheet.autofilter(0, 0, last, len(headings) - 1)
        sheet.autofit(300)
    return file.getvalue()
