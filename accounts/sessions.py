"""Where a person is signed in: enough to recognise a device and to end its session, no more.

allauth's own list would keep the network address, the browser's whole description and the session's key in clear
(docs/decisions/0007). When somebody signed in is shown to nobody else and is gone with the session.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import connection, models
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids

from .people import User

BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("OPR", "Opera"), ("Chrom", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class SignIn(models.Model):
    """A session of a person. Of the session's key only a hash is kept: whoever reads this cannot take it over."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    user = models.ForeignKey(User, models.CASCADE, related_name="sign_ins")
    key_hash = models.CharField(max_length=64, unique=True)
    browser = models.CharField(_("Browser"), max_length=20, blank=True)
    system = models.CharField(_("Betriebssystem"), max_length=20, blank=True)
    since = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Anmeldung")

    def __str__(self) -> str:
        return self.device()

    def device(self) -> str:
        """In words: "Firefox, Windows"."""
        return ", ".join(filter(None, (self.browser, self.system))) or gettext("ein Browser")


def hash_of(session_key: str) -> str:
    """What is kept of a session's key."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def browser_of(agent: str) -> str:
    """A browser's name, out of how it describes itself; empty when it is none we know."""
    return _first(agent, BROWSERS)


def system_of(agent: str) -> str:
    """An operating system's name, likewise."""
    return _first(agent, SYSTEMS)


def _first(agent: str, names: tuple[tuple[str, str], ...]) -> str:
    return next((name for pattern, name in names if re.search(pattern, agent)), "")


@receiver(user_logged_in)
def remember(sender: type[User], request: HttpRequest, user: User, **also: Any) -> None:
    """Write the session down when it begins."""
    if not request.session.session_key:
        request.session.save()
    agent = request.META.get("HTTP_USER_AGENT", "")
    SignIn.objects.bulk_create(  # no RETURNING: at the door nobody may read what is written here
        [
            SignIn(
                user=user,
                key_hash=hash_of(str(request.session.session_key)),
                browser=browser_of(agent),
                system=system_of(agent),
            )
        ]
    )


@receiver(user_logged_out)
def forget(sender: type[User], request: HttpRequest, **also: Any) -> None:
    """The session is over."""
    if request.session.session_key:
        SignIn.objects.filter(key_hash=hash_of(request.session.session_key)).delete()


def sessions_of(user: User) -> list[SignIn]:
    """The person's own open sessions, the newest first; the database shows nobody else's."""
    return list(SignIn.objects.filter(user=user, pk__in=_open_sessions(user)).order_by("-since"))


def _open_sessions(user: User) -> list[uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT open_sessions(%s)", [user.pk])
        return [pk for (pk,) in cursor.fetchall()]


def end_sessions(user: User, *, only: uuid.UUID | None = None, but: str = "") -> int:
    """End a person's sessions at once: all, one of them, or all but the one with this key. How many were ended.

    The database lets the person do it, the administration, and who has just proved at the door to be the person.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT end_sessions(%s, %s, %s)", [user.pk, only, hash_of(but) if but else None])
        return int(cursor.fetchone()[0])
