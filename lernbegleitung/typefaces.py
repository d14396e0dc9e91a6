"""The two typefaces: their rules for the style sheet, and Vollkorn cut to what our pages show (docs/decisions/0034)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from django.conf import settings

FACES = ("source-sans-3", "vollkorn")
CUT = "fonts/vollkorn/files/vollkorn-latin-wght-normal.woff2"
WEIGHTS = (400, 650)  # from a field's text to `strong`: nothing of css/app.css is heavier
FEATURES = ["calt", "ccmp", "kern", "liga", "lnum", "locl", "mark", "mkmk", "rvrn"]  # other figures and fractions go
NOTICES = [0, 1, 2, 3, 4, 5, 6, 13, 14]  # of the table of names: who made it, what it is called, its licence


def rules() -> str:
    """The rules of both typefaces, if the build installed them.

    `optional`: who has to wait for a face reads the page in the stand-in to its end, and no line moves under anyone's eyes.
    """
    if not settings.FONTS.is_dir():
        return ""
    sheets = [(face, (settings.FONTS / face / "wght.css").read_text()) for face in FACES]
    text = "".join(sheet.replace("url(./", f"url(../fonts/{face}/") for face, sheet in sheets)
    text = text.replace("font-display: swap", "font-display: optional")
    return text.replace(
        "U+0100-02BA", "U+0100-0130,U+0132-0151,U+0154-02BA"
    )  # ı, Œ, œ: Latin has them, so 60 KB stay away


def cut(file: Path) -> bytes:
    """A variable typeface (WOFF2) with all its characters, in our WEIGHTS, with our FEATURES; the same bytes every time."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    font = TTFont(file, recalcTimestamp=False)
    cutter = Subsetter(Options(layout_features=FEATURES, name_IDs=NOTICES))
    cutter.populate(unicodes=font.getBestCmap())
    cutter.subset(font)
    instancer.instantiateVariableFont(font, {"wght": WEIGHTS}, inplace=True)
    whole = BytesIO()
    font.save(whole)
    return whole.getvalue()
