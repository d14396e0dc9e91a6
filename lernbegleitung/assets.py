"""Static files under names that change with their content; our scripts and styles and one typeface made lean on the way.

`collectstatic` is the only build step: no Node, no minifier that would have to understand the language (decision 29).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

from . import typefaces

STYLE = "css/app.css"
IMPORT = re.compile(r'^import (?:\{ (\w+(?:, \w+)*) \} from )?"\./([\w-]+\.js)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) )", re.MULTILINE)


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Whitenoise's storage; each of our scripts carries what it imports, our style sheet the typefaces' rules."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Write the lean versions over the collected ones, always from the sources, then name and compress them."""
        own = {path: content for path in paths if not dry_run and (content := own_file(path)) is not None}
        for path, content in own.items():
            self.delete(path)
            self.save(path, ContentFile(content))
        paths = {path: (self, path) if path in own else found for path, found in paths.items()}
        yield from super().post_process(paths, dry_run, **options)


def own_file(path: str) -> bytes | None:
    """What to serve at this path, if it is one of our own scripts, the style sheet or the typeface that is cut."""
    if path == STYLE:
        return lean_style(typefaces.rules() + source(STYLE)).encode()
    if path == typefaces.CUT:
        return typefaces.cut(place(path))
    return bundle(path).encode() if path.startswith("js/") else None


def place(path: str) -> Path:
    """Where a static file stands in the repository or its package."""
    found = finders.find(path)
    assert isinstance(found, str), f"{path}: not among the static files"
    return Path(found)


def source(path: str) -> str:
    """The text of a static file as it stands in the repository or its package."""
    return place(path).read_text()


def lean_style(text: str) -> str:
    """Without comments and indentation."""
    return re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip() + "\n"


def lean_script(text: str) -> str:
    """Without indentation and lines that are only a comment."""
    return re.sub(r"\n\s*", "\n", re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)).strip() + "\n"


def bundle(path: str, above: tuple[str, ...] = ()) -> str:
    """A script with the modules it imports in the places of the imports, each in a scope of its own.

    Knows `import "./x.js";`, `import { a, b } from "./x.js";` and `export` before a declaration; anything else stops the build.
    """
    assert path not in above, f"{path} imports itself"

    def module(found: re.Match[str]) -> str:
        names, file = found.groups()
        inner = EXPORT.sub("", bundle(f"js/{file}", (*above, path)))
        return f"const {{ {names} }} = (() => {{\n{inner}return {{ {names} }};\n}})();" if names else f"{{\n{inner}}}"

    text = IMPORT.sub(module, lean_script(source(path)))
    imported = [file for _names, file in IMPORT.findall(source(path))]
    assert len(imported) == len(set(imported)), f"{path}: imports a module twice"
    left = re.search(r"^(import|export)\b.*", EXPORT.sub("", text), re.MULTILINE)
    assert not left, f"{path}: a way to import or export that assets.py does not know: {left[0] if left else ''}"
    return text
