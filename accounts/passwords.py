"""Which passwords are refused beside those that are short or common."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .people import User

# Words that everybody here knows; a password may contain them, but must not consist of them.
WORDS = (
    "lernbegleitung", "lernbegleiterin", "lernbegleiter", "begleitung", "bundesagentur", "arbeitsagentur", "agentur",
    "jobcenter", "arbeit", "regionaldirektion", "koordination", "passwort", "password", "willkommen", "sommer", "winter",
)  # fmt: skip
REST = 8


class KnownWordsValidator:
    """Without the words everybody here knows, and those of the own agency, something has to be left."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError when fewer than eight characters are left."""
        words = [*WORDS, *(user.agency.name.lower().split() if user and user.agency_id else ())]
        rest = password.lower()
        for word in sorted(words, key=len, reverse=True):
            rest = rest.replace(word, "")
        if len(rest) < min(REST, len(password)):
            raise ValidationError(
                _("Dieses Passwort besteht fast nur aus Wörtern, die hier alle kennen. Nehmen Sie andere dazu."),
                code="known_words",
            )

    def get_help_text(self) -> str:
        """For lists of rules."""
        return _("Nicht nur Wörter, die hier alle kennen.")
