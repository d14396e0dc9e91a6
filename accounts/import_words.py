"""What stands on the page about a line of a file: why it is refused, what it changes, in the reader's language."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from .import_columns import COLUMNS, shown
from .imports import ImportFile, ImportLine

REASONS = {
    "missing": _("Hier fehlt: %(value)s."),
    "too_long": _("Zu lang: %(value)s."),
    "surplus": _("Die Zeile hat mehr Zellen als Überschriften. Vielleicht steht ein Trennzeichen in einem Text."),
    "twice": _("Steht schon in Zeile %(value)s."),
    "email_wrong": _("„%(value)s“ ist keine vollständige E-Mail-Adresse."),
    "agency_unknown": _("Eine Dienststelle mit dem Kürzel „%(value)s“ gibt es nicht."),
    "language_unknown": _("Die Sprache „%(value)s“ gibt es hier nicht. Möglich sind Deutsch und Englisch."),
    "role_unknown": _("Die Rolle „%(value)s“ gibt es nicht."),
    "kind_unknown": _("Die Art „%(value)s“ gibt es nicht."),
    "state_unknown": _("Das Bundesland „%(value)s“ gibt es nicht."),
    "date_wrong": _("„%(value)s“ ist kein Tag. Schreiben Sie zum Beispiel 31.12.2027."),
    "date_past": _("Der Tag %(value)s ist schon vorbei."),
    "until_alone": _("„Rolle bis“ steht ohne Rolle da."),
    "code_wrong": _("Das Kürzel „%(value)s“ hat andere Zeichen als Buchstaben, Ziffern und Bindestriche."),
    "merged": _("Diese Dienststelle ist in einer anderen aufgegangen: %(value)s."),
    "moved": _("Diese Dienststelle hängt an einer anderen Stelle. Eine Datei verschiebt nichts."),
    "parent_unknown": _("Die übergeordnete Dienststelle „%(value)s“ gibt es nicht, auch nicht in dieser Datei."),
    "parent_refused": _("Die übergeordnete Dienststelle „%(value)s“ wird nicht angelegt."),
    "cycle": _("Die Dienststelle hinge unter sich selbst."),
    "too_deep": _("Der Baum hätte hier mehr als zehn Ebenen."),
}
ABOUT_A_COLUMN = ("missing", "too_long")


def label_of(kind: str, name: str) -> Any:
    """The heading of a column."""
    return next((column.label for column in COLUMNS[kind] if column.name == name), name)


def reasons_in_words(file: ImportFile, line: ImportLine) -> list[str]:
    """Why a line was not taken over: as it was written, or by what happened since."""
    if line.outcome in ImportLine.FAILED:
        return [str(ImportLine.Outcome(line.outcome).label)]
    return [
        str(REASONS[code]) % {"value": label_of(file.kind, value) if code in ABOUT_A_COLUMN else value}
        for code, value in line.reasons
    ]


def changes_in_words(file: ImportFile, line: ImportLine) -> list[tuple[Any, str, str]]:
    """(heading, before, after) of everything that a line changes."""
    return [
        (column.label, *(shown(column.name, value) for value in line.changes[column.name]))
        for column in COLUMNS[file.kind]
        if column.name in line.changes
    ]


def titles(file: ImportFile, line: ImportLine) -> tuple[str, str]:
    """Whom or what a line is about: name, and address or code."""
    key = line.values.get("code" if file.kind == ImportFile.Kind.AGENCIES else "email", "")
    return line.values.get("name") or key, key


def facts_of(file: ImportFile, line: ImportLine) -> str:
    """What else a new line says, in one line."""
    names = ("kind", "parent", "city") if file.kind == ImportFile.Kind.AGENCIES else ("agency", "role", "until")
    return ", ".join(shown(name, line.values[name]) for name in names if line.values.get(name))
