"""What a file of agencies or people may have in its columns, under which headings, and which words a cell may hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from .forms import STATES
from .imports import ImportFile
from .people import Agency, User
from .roles import Role

LANGUAGES = ("de", "en")


@dataclass(frozen=True)
class Column:
    """A column: its heading in the reader's language (`also`: others it is known by), and what stands in it.

    `always`: the file has to have it. `longest`: signs of a cell.
    """

    name: str
    label: Any
    meaning: Any
    always: bool = False
    longest: int = 120
    also: tuple[str, ...] = ()

    def headings(self) -> set[str]:
        """Every heading that means this column, as `squashed` leaves it."""
        return {squashed(text) for text in (self.name, *self.also, *in_each_language(self.label))}


COLUMNS: dict[str, tuple[Column, ...]] = {
    ImportFile.Kind.AGENCIES: (
        Column("code", _("Kürzel"), _("Daran wird die Dienststelle wiedererkannt: Kleinbuchstaben, Ziffern, Bindestriche."), always=True, longest=60),
        Column("name", _("Name"), _("Bei neuen Dienststellen nötig."), always=True),
        Column("kind", _("Art"), _("Zentrale, Regionaldirektion, Agentur für Arbeit oder Jobcenter. Bei neuen nötig."), longest=40),
        Column("parent", _("Gehört zu"), _("Das Kürzel der übergeordneten Dienststelle; sie darf in derselben Datei auch weiter unten stehen. Bei neuen nötig, außer bei einer Zentrale."), longest=60, also=("parent", "übergeordnete Dienststelle")),
        Column("state", _("Bundesland"), _("Name oder zwei Buchstaben, zum Beispiel BY. Bei neuen nötig."), longest=40, also=("Land", "state")),
        Column("city", _("Ort"), _("Darf fehlen."), longest=80),
    ),
    ImportFile.Kind.PEOPLE: (
        Column("email", _("E-Mail-Adresse"), _("Daran wird die Person wiedererkannt."), always=True, longest=254, also=("E-Mail", "Mail", "email address")),
        Column("name", _("Name"), _("So, wie er angezeigt werden soll. Bei neuen Personen nötig."), always=True),
        Column("agency", _("Dienststelle"), _("Das Kürzel der Dienststelle. Bei neuen Personen nötig."), always=True, longest=60),
        Column("job", _("Tätigkeit"), _("Darf fehlen.")),
        Column("team", _("Team"), _("Darf fehlen. Wer im selben Team arbeitet, wird einander nicht vorgeschlagen."), longest=60),
        Column("language", _("Sprache"), _("Deutsch oder Englisch, für die Einladung. Leer heißt Deutsch."), longest=20),
        Column("role", _("Rolle"), _("Lernbegleitung, Koordination, Administration oder Methode, für die Dienststelle der Zeile. Leer heißt: lernende Person."), longest=30),
        Column("until", _("Rolle bis"), _("Zum Beispiel 31.12.2027. Leer heißt: bis auf Weiteres."), longest=20, also=("bis", "until")),
    ),
}  # fmt: skip
EXAMPLES: dict[str, list[tuple[str, ...]]] = {
    ImportFile.Kind.AGENCIES: [
        ("rd-beispiel", "Regionaldirektion Beispiel", "region", "zentrale", "BY", "Nürnberg"),
        ("aa-beispiel", "Agentur für Arbeit Beispiel", "agency", "rd-beispiel", "BY", "Augsburg"),
        ("jc-beispiel", "Jobcenter Beispiel", "jobcenter", "rd-beispiel", "BY", "Ulm"),
    ],
    ImportFile.Kind.PEOPLE: [
        ("erika.muster@example.org", "Erika Muster", "aa-beispiel", "Arbeitsvermittlung", "142", "de", "", ""),
        ("max.muster@example.org", "Max Muster", "jc-beispiel", "Fallmanagement", "M-12", "en", "companion", "2027-12-31"),
    ],
}  # fmt: skip
CHOICES: dict[str, Iterable[tuple[str, Any]]] = {
    "kind": Agency.Kind.choices,
    "state": STATES,
    "language": User.Language.choices,
    "role": Role.choices,
}


def squashed(text: str) -> str:
    """Letters and digits alone, whatever their capitals: "E-Mail Adresse" and "e-mail-adresse" are the same."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def in_each_language(text: Any) -> list[str]:
    """A translated text in German and in English."""
    found = []
    for language in LANGUAGES:
        with translation.override(language):
            found.append(str(text))
    return found


def words_for(name: str) -> dict[str, str]:
    """What may stand in a cell of this column, squashed, and the value it means; both languages, and the value itself."""
    return {squashed(word): value for value, label in CHOICES[name] for word in (value, *in_each_language(label))}


def day_in(text: str) -> date | None:
    """A day as Germans, spreadsheets and programs write it; None for anything else."""
    for pattern in ("%d.%m.%Y", "%Y-%m-%d", "%d.%m.%y"):
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            continue
    return None


def shown(name: str, value: str) -> str:
    """A value in words of the reader's language."""
    if name in CHOICES:
        return str(dict(CHOICES[name]).get(value, value))
    day = day_in(value) if name == "until" else None
    return date_format(day, "d.m.Y") if day else value
