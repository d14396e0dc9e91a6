"""What `collectstatic` makes of our scripts and styles: fewer, leaner files, with the same meaning."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command

from lernbegleitung import assets, typefaces

WITHOUT_FONTS = not settings.FONTS.is_dir()


def own_scripts() -> list[str]:
    return [f"js/{file.name}" for file in sorted((settings.BASE_DIR / "static" / "js").glob("*.js"))]


def test_a_script_carries_what_it_imports_each_in_a_scope_of_its_own() -> None:
    desk = assets.bundle("js/desk.js")
    assert "const { Device } = (() => {" in desk and "return { Device };\n})();" in desk
    assert desk.count("const PAUSE = ") == 2, "one of the desk, one of the hints, and neither knows of the other"
    assert "ungesendet:" in desk and "renewToken" in desk and "data-question-filter" in desk
    assert "const { late } = (() => {" in assets.bundle("js/app.js")
    assert assets.bundle("js/app.js").startswith("{\n(() => {\nif (!window.trustedTypes) return;"), (
        "the gate comes first"
    )
    for script in own_scripts():
        text = assets.bundle(script)
        assert not re.search(r"^\s*import\b", text, re.MULTILINE) and not re.search(r"^\s*//", text, re.MULTILINE)


def test_our_scripts_can_be_made_lean_line_by_line() -> None:
    """No text over several lines: taking indentation away would change it."""
    for script in own_scripts():
        assert not [line for line in assets.source(script).splitlines() if line.count("`") % 2], script
    texts = re.findall(r'"[^"\n]*"', assets.source(assets.STYLE))
    assert texts and not [text for text in texts if "/*" in text or "*/" in text]


@pytest.mark.parametrize("text", [
    'import x from "./sending.js";', 'import * as x from "./sending.js";', "import './sending.js';", "export default 1;",
    'export { send } from "./sending.js";', 'import { send as x } from "./sending.js";', 'import "./me.js";',
    'import "./hints.js";\nimport "./hints.js";',
])  # fmt: skip
def test_what_the_bundler_does_not_know_stops_the_build(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "me.js").write_text(text)
    find = finders.find
    monkeypatch.setattr(finders, "find", lambda path: str(tmp_path / "me.js") if path == "js/me.js" else find(path))
    with pytest.raises(AssertionError):
        assets.bundle("js/me.js")


@pytest.mark.skipif(WITHOUT_FONTS, reason="no typefaces installed")
def test_the_style_sheet_brings_the_typefaces_and_no_line_moves_when_they_come() -> None:
    style = (assets.own_file(assets.STYLE) or b"").decode()
    assert style.count("@font-face") == 14 and style.count("font-display: optional") == 13 and "swap" not in style
    assert "/*" not in style and "\n " not in style
    latin, extended = (
        re.search(rf"vollkorn-{name}-wght-normal.*\n.*unicode-range: (.*);", style) for name in ("latin", "latin-ext")
    )
    assert latin and extended and "U+0131" in latin[1] and "U+0132-" in extended[1] and "U+0100-02BA" not in style


def test_the_collected_files_name_each_other_as_they_are_named(tmp_path: Path, settings: object) -> None:
    settings.STATIC_ROOT = tmp_path  # type: ignore[attr-defined]
    settings.STORAGES = {  # type: ignore[attr-defined]
        **settings.STORAGES,  # type: ignore[attr-defined]
        "staticfiles": {"BACKEND": "lernbegleitung.assets.HashedFiles"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    named = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    style = (tmp_path / named[assets.STYLE]).read_text()
    assert (tmp_path / f"{named[assets.STYLE]}.br").exists() and (tmp_path / f"{named[assets.STYLE]}.gz").exists()
    for address in re.findall(r"url\(\"?([^)\"]+)", style):
        assert re.search(r"\.[0-9a-f]{12}\.woff2$", address) and (tmp_path / "css" / address).exists(), address
    assert (tmp_path / named["js/desk.js"]).read_text() == assets.bundle("js/desk.js")
    if not WITHOUT_FONTS:
        assert style.count("@font-face") == 14
        assert (tmp_path / named[typefaces.CUT]).stat().st_size < 0.85 * assets.place(typefaces.CUT).stat().st_size
