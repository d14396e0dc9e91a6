"""Imports point only to the left: lernbegleitung ← accounts ← engagements ← conversations ← reports ← demo."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = ["lernbegleitung", "accounts", "engagements", "conversations", "reports", "demo"]
# The project's site map includes one file per app, and one page of the frame: the only lines that look upwards.
SITE_MAP = ROOT / "lernbegleitung" / "urls.py"


def imported(file: Path) -> set[str]:
    """The top-level packages a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("app", ORDER)
def test_an_app_imports_only_from_the_left(app: str) -> None:
    forbidden = set(ORDER[ORDER.index(app) + 1 :])
    wrong = {
        str(file.relative_to(ROOT)): sorted(imported(file) & forbidden)
        for file in (ROOT / app).rglob("*.py")
        if file != SITE_MAP and imported(file) & forbidden
    }
    assert wrong == {}


def test_no_app_is_called_after_nothing() -> None:
    assert [
        p.name
        for p in ROOT.rglob("*.py")
        if p.stem in ("utils", "helpers", "misc", "common") and ".venv" not in p.parts and "node_modules" not in p.parts
    ] == []
