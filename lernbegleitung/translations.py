"""`python -m lernbegleitung.translations extract|compile|check`: the catalogues, without gettext on the machine.

The source language is German: a German sentence in code or template is its own message id, and only the other
languages have a catalogue (docs/decisions/0001-german-is-the-source-language.md).
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog

BASE_DIR = Path(__file__).resolve().parent.parent
PACKAGES = ("lernbegleitung", "accounts", "engagements", "conversations", "reports", "demo")
LANGUAGES = ("en",)
PLAIN = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
CONTEXT = {"pgettext", "pgettext_lazy"}
CALL = re.compile(
    r"\b(?P<name>_|n?p?gettext)\((?P<arguments>(?:u?'(?:\\.|[^'\\])*'|u?\"(?:\\.|[^\"\\])*\"|,|\s|count)+)\)"
)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|(?<!\{)\{\w*\}(?!\})")

# (context, singular or plain message, plural or None)
Message = tuple[str | None, str, str | None]


def messages_in_python(source: str) -> Iterator[Message]:
    """The messages that gettext's functions are called with."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            yield from _message(name, texts)


def messages_in_template(source: str, origin: str) -> Iterator[Message]:
    """The messages in translate tags, blocktranslate blocks and `_("…")`."""
    from django.utils.translation.template import templatize

    for call in CALL.finditer(templatize(source, origin=origin)):
        expression = ast.parse(f"f({call['arguments'].strip().rstrip(',')})", mode="eval").body
        assert isinstance(expression, ast.Call)
        texts = [a.value for a in expression.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        name = call["name"]
        yield from _message(name, [text.replace("%%", "%") if "%(" not in text else text for text in texts])


def _message(name: str, texts: list[str]) -> Iterator[Message]:
    if name in PLAIN and texts:
        yield None, texts[0], None
    elif name in PLURAL and len(texts) >= 2:
        yield None, texts[0], texts[1]
    elif name in CONTEXT and len(texts) >= 2:
        yield texts[0], texts[1], None


def all_messages() -> dict[Message, list[str]]:
    """Every message of the project with the files it stands in."""
    found: dict[Message, set[str]] = defaultdict(set)
    for package in PACKAGES:
        for file in sorted((BASE_DIR / package).rglob("*.py")):
            for message in messages_in_python(file.read_text()):
                found[message].add(str(file.relative_to(BASE_DIR)))
    for file in sorted((BASE_DIR / "templates").rglob("*.*")):
        if file.suffix in (".html", ".txt", ".svg"):
            name = str(file.relative_to(BASE_DIR))
            for message in messages_in_template(file.read_text(), name):
                found[message].add(name)
    return {message: sorted(files) for message, files in found.items()}


def catalogue_file(language: str) -> Path:
    """Where the catalogue of a language lies."""
    return BASE_DIR / "locale" / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> Catalog:
    """The catalogue as it is, or an empty one."""
    file = catalogue_file(language)
    if not file.exists():
        return Catalog(locale=language)
    with file.open("rb") as handle:
        return pofile.read_po(handle, locale=language)


def extract() -> None:
    """Bring every catalogue up to date: new messages empty, gone ones dropped, translations kept."""
    messages = all_messages()
    for language in LANGUAGES:
        old, new = (
            read(language),
            Catalog(
                locale=language, header_comment="# English texts. The message ids are the German ones.", fuzzy=False
            ),
        )
        for (context, singular, plural), files in sorted(messages.items(), key=lambda item: (item[1][0], item[0][1])):
            identifier: str | tuple[str, str] = (singular, plural) if plural else singular
            kept = old.get(identifier, context)
            translation = kept.string if kept else (("", "") if plural else "")
            flags = ["python-format"] if "%(" in singular else []
            new.add(identifier, translation, locations=[(name, 0) for name in files], flags=flags, context=context)
        buffer = io.BytesIO()
        pofile.write_po(buffer, new, width=110, omit_header=False, include_lineno=False)
        lines = [
            line
            for line in buffer.getvalue().decode().splitlines()
            if not line.startswith(('"POT-Cr', '"PO-Rev', '"Generated', '"Project', '"Last-', '"Report', '"Language-T'))
        ]
        catalogue_file(language).parent.mkdir(parents=True, exist_ok=True)
        catalogue_file(language).write_text("\n".join(lines).rstrip() + "\n")


def compile_all() -> None:
    """Write the .mo files that are older than their catalogue."""
    for language in LANGUAGES:
        source = catalogue_file(language)
        target = source.with_suffix(".mo")
        if source.exists() and (not target.exists() or target.stat().st_mtime < source.stat().st_mtime):
            with target.open("wb") as handle:
                mofile.write_mo(handle, read(language))


def faults() -> list[str]:
    """A sentence for each message that is missing, fuzzy, stale or has other placeholders."""
    messages, found = all_messages(), []
    for language in LANGUAGES:
        catalogue = read(language)
        known = {(m.context, *(m.id if isinstance(m.id, tuple) else (m.id, None))): m for m in catalogue if m.id}
        found += [
            f"{language}: not in the catalogue: {m[1]!r} ({files[0]})"
            for m, files in messages.items()
            if m not in known
        ]
        found += [f"{language}: no longer used: {m[1]!r}" for m in known if m not in messages]
        for message, entry in known.items():
            strings = entry.string if isinstance(entry.string, tuple) else (entry.string,)
            if not all(strings):
                found.append(f"{language}: not translated: {message[1]!r}")
            elif entry.fuzzy:
                found.append(f"{language}: fuzzy: {message[1]!r}")
            elif set(PLACEHOLDER.findall(str(message[2] or message[1]))) != set(PLACEHOLDER.findall(str(strings[-1]))):
                found.append(f"{language}: other placeholders: {message[1]!r}")
    return found


def main() -> int:
    """0 when all is well."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command == "extract":
        extract()
    elif command == "compile":
        compile_all()
    elif command == "check":
        sentences = faults()
        for sentence in sentences:
            print(sentence)
        return 1 if sentences else 0
    else:
        print(__doc__)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
