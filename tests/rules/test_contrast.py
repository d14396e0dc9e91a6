"""Every pair of colours in use has the contrast it needs, in light and dark, computed from the stylesheet."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "static" / "css" / "app.css").read_text()
TOKENS = {
    name: (light, dark or light)
    for name, light, dark in re.findall(r"--([\w-]+):\s+(?:light-dark\()?(#[0-9a-f]{6})(?:,\s*(#[0-9a-f]{6})\))?", CSS)
}
TEXT, GRAPHIC = 4.5, 3.0
PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "ink-soft") for ground in ("canvas", "sheet", "sunken")],
    ("ink-soft", "plum-tint", TEXT), ("spruce", "sheet", TEXT), ("spruce", "canvas", TEXT), ("spruce", "spruce-tint", TEXT),
    ("on-spruce", "spruce", TEXT), ("on-spruce", "spruce-deep", TEXT), ("field-ink", "field", TEXT), ("field-soft", "field", TEXT),
    ("sun", "field", GRAPHIC), ("sun-ink", "sun-tint", TEXT), ("sun-ink", "sheet", TEXT), ("on-sun", "sun", TEXT),
    ("plum", "plum-tint", TEXT), ("plum", "sheet", TEXT), ("plum-line", "plum-tint", GRAPHIC), ("plum-line", "sheet", GRAPHIC),
    ("brick", "sheet", TEXT), ("brick", "brick-tint", TEXT), ("sky", "sky-tint", TEXT),
    ("line-strong", "sheet", GRAPHIC), ("line-strong", "canvas", GRAPHIC), ("line-strong", "sunken", GRAPHIC),
    ("series-b", "sheet", GRAPHIC), ("focus", "canvas", GRAPHIC), ("focus", "sheet", GRAPHIC), ("focus", "plum-tint", GRAPHIC),
]  # fmt: skip


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Between 1 and 21."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "needed"), PAIRS, ids=[f"{a} on {b}" for a, b, _n in PAIRS])
def test_contrast_is_enough(ink: str, ground: str, needed: float, scheme: int) -> None:
    assert contrast(TOKENS[ink][scheme], TOKENS[ground][scheme]) >= needed


def test_black_on_white_is_twenty_one() -> None:
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0
