"""What a place can be: a room, a number, one's own link, or a fresh room in the agency's video service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User, VideoService
from accounts.rooms import talk_settings_of, video_service_for

from .appointments import MeetingFormat

SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*):", re.IGNORECASE)
NEVER_A_PLACE = {"javascript", "data", "vbscript", "file", "blob", "about"}
FRESH, LINK, PHONE, TYPED = "fresh", "link", "phone", "typed"
FORMAT_OF = {FRESH: MeetingFormat.VIDEO, LINK: MeetingFormat.VIDEO, PHONE: MeetingFormat.PHONE}
WRONG_FORMAT: dict[str, Any] = {
    MeetingFormat.VIDEO: _("Ein Videoraum gehört zu einem Gespräch per Video. Wählen Sie oben „Per Video“."),
    MeetingFormat.PHONE: _("Eine Rufnummer gehört zu einem Gespräch am Telefon. Wählen Sie oben „Am Telefon“."),
}


@dataclass(frozen=True)
class Places:
    """What one of the two can offer as a place without typing."""

    service: VideoService | None = None
    own_link: str = ""
    own_phone: str = ""

    def choices(self) -> list[tuple[str, str]]:
        """What the form offers; with nothing but typing there is nothing to choose."""
        found = []
        if self.service:
            found.append((FRESH, gettext("Neuer Videoraum (%(host)s)") % {"host": self.service.host()}))
        if self.own_link:
            found.append((LINK, gettext("Mein üblicher Link: %(link)s") % {"link": self.own_link}))
        if self.own_phone:
            found.append((PHONE, gettext("Meine Nummer: %(number)s") % {"number": self.own_phone}))
        return [*found, (TYPED, gettext("Was ich hier eintrage:"))] if found else []

    def address(self, where: str, typed: str) -> str:
        """The place that was chosen; a fresh room is made by asking."""
        if where == FRESH and self.service:
            return self.service.fresh_room()
        return {LINK: self.own_link, PHONE: self.own_phone}.get(where) or typed


def places_of(person: User, partner: User) -> Places:
    """What this person can offer; the room may also come from the other one's agency."""
    own = talk_settings_of(person)
    return Places(video_service_for(person.agency, partner.agency), own.own_link, own.own_phone)


def clean_place(typed: str) -> str:
    """A room, a number or a web address; nothing that runs."""
    place = " ".join(typed.split())
    scheme = SCHEME.match(place)
    if not scheme:
        return place
    name = scheme[1].lower()
    if name in NEVER_A_PLACE or ("://" in place and name not in ("http", "https")):
        raise ValidationError(_("Dieser Link ist nicht möglich. Er beginnt mit https://."))
    if name in ("http", "https"):
        URLValidator(
            schemes=["http", "https"],
            message=_(
                "Dieser Link ist nicht vollständig. Er sieht zum Beispiel so aus: https://video.example.org/raum."
            ),
        )(place)
    return place
