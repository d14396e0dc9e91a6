"""Vollkorn as pages get it: smaller than its package's file, and the same letters in the same places."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from lernbegleitung import assets, typefaces

pytestmark = pytest.mark.skipif(not settings.FONTS.is_dir(), reason="no typefaces installed")
STYLE = assets.source(assets.STYLE)


@pytest.fixture(scope="module")
def files() -> tuple[bytes, bytes]:
    """The package's file and ours."""
    file = assets.place(typefaces.CUT)
    return file.read_bytes(), typefaces.cut(file)


def opened(content: bytes) -> TTFont:
    return TTFont(BytesIO(content))


def features(font: TTFont) -> set[str]:
    return {record.FeatureTag for table in ("GSUB", "GPOS") for record in font[table].table.FeatureList.FeatureRecord}


def shape(font: TTFont, sign: int) -> tuple[Any, ...]:
    """How wide a character stands and the box it is drawn in, in units of a thousandth of its height."""
    name, glyphs = font.getBestCmap()[sign], font.getGlyphSet()
    pen = BoundsPen(glyphs)
    glyphs[name].draw(pen)
    return glyphs[name].width, *(pen.bounds or ())


def test_every_character_stays_and_looks_the_same_in_each_weight_we_use(files: tuple[bytes, bytes]) -> None:
    whole, ours = (opened(file) for file in files)
    assert set(ours.getBestCmap()) == set(whole.getBestCmap())
    for weight in (400, 500, 600, 650):
        of_whole, of_ours = (instantiateVariableFont(opened(file), {"wght": weight}) for file in files)
        for sign in of_whole.getBestCmap():
            assert shape(of_ours, sign) == pytest.approx(shape(of_whole, sign), abs=1.5), (weight, chr(sign))


def test_what_the_style_sheet_asks_for_is_there(files: tuple[bytes, bytes]) -> None:
    ours = opened(files[1])
    least, most = typefaces.WEIGHTS
    assert [(axis.axisTag, axis.minValue, axis.maxValue) for axis in ours["fvar"].axes] == [("wght", least, most)]
    serif = [int(weight) for weight in re.findall(r"font: (\d+) [^;]*var\(--serif\)", STYLE)]
    strong = re.search(r"strong, b \{ font-weight: (\d+)", STYLE)
    assert len(serif) > 8 and strong and least <= min(serif) and max(*serif, int(strong[1])) == most
    assert {"kern", "liga", "lnum", "locl", "mark"} <= features(ours)
    assert "tnum" not in features(ours), "columns of figures are set in Source Sans, whose figures are all equally wide"


def test_the_file_is_lighter_and_comes_out_the_same_every_time(files: tuple[bytes, bytes]) -> None:
    whole, ours = files
    assert len(ours) < 38_000 < len(whole)
    assert typefaces.cut(assets.place(typefaces.CUT)) == ours


def test_the_licence_allows_it_and_goes_along(files: tuple[bytes, bytes]) -> None:
    """The Open Font Licence forbids a changed font a name its makers have reserved: Source is one, Vollkorn is not."""
    whole, ours = (opened(file)["name"] for file in files)
    notice = str(ours.getDebugName(0))
    assert notice == whole.getDebugName(0) and "Vollkorn Project Authors" in notice and "Reserved" not in notice
    assert "OFL" in str(ours.getDebugName(14))
    licence = (settings.FONTS / "vollkorn" / "LICENSE").read_text()
    assert "SIL OPEN FONT LICENSE" in licence and "with Reserved Font Name" not in licence.split("PREAMBLE")[0]
    reserved = "fonts/source-sans-3/files/source-sans-3-latin-wght-normal.woff2"
    assert "Reserved Font Name ‘Source’" in str(opened(assets.place(reserved).read_bytes())["name"].getDebugName(0))
    assert assets.own_file(reserved) is None, "so that file goes out as it is"
