"""Days are written by the names of formats, so that each language writes them its own way."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django import forms
from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import override

DAY = date(2026, 11, 6)


@pytest.mark.parametrize(
    ("name", "german", "english"),
    [
        ("DATE_FORMAT", "6. November 2026", "6 November 2026"),
        ("MONTH_DAY_FORMAT", "6. November", "6 November"),
        ("SHORT_DATE_FORMAT", "06.11.2026", "6 Nov 2026"),
    ],
)
def test_no_day_is_written_as_in_the_united_states(name: str, german: str, english: str) -> None:
    for language, words in (("de", german), ("en", english)):
        with override(language):
            assert date_format(DAY, name) == words


@pytest.mark.parametrize("typed", ["2026-11-06", "06.11.2026", "06/11/2026", "6 November 2026"])
def test_nor_read_as_there(typed: str) -> None:
    with override("en"):
        assert forms.DateField().clean(typed) == DAY


def test_no_template_writes_a_day_by_a_pattern_of_one_language() -> None:
    templates = [file for file in (settings.BASE_DIR / "templates").rglob("*.html") if "demo" not in file.parts]
    found = [(file.name, *re.findall(r"\|date:.(?:d\.m|j\. ?[FNM])", file.read_text())) for file in templates]
    assert [line for line in found if len(line) > 1] == []
