"""No missing, fuzzy or stale translation; every template compiles."""

from pathlib import Path

import pytest
from django.template.loader import get_template

from lernbegleitung import translations

TEMPLATES = Path(__file__).parents[2] / "templates"
NAMES = sorted(str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("*") if file.suffix in (".html", ".txt"))


def test_english_is_complete() -> None:
    assert translations.faults() == []


@pytest.mark.parametrize("name", NAMES)
def test_the_template_compiles(name: str) -> None:
    get_template(name)


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".html")])
def test_nothing_in_the_template_breaks_the_content_security_policy(name: str) -> None:
    source = (TEMPLATES / name).read_text()
    if name == "mail/frame.html":  # read in a mail program, which knows no style sheet of ours
        source = source.replace("style=", "")
    assert [
        word
        for word in ("style=", "<style", "javascript:", "onclick=", "onchange=", "|safe", "data:image")
        if word in source
    ] == []
