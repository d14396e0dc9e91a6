"""What every page's frame shows: the navigation for the person's roles, and who they are here."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from .people import User
from .roles import Role, has_role


def shell(request: HttpRequest) -> dict[str, Any]:
    """`nav_entries`, `roles_text` and `demo_mode` for base.html; templates link to higher apps by URL name."""
    user = getattr(request, "user", None)
    common: dict[str, Any] = {"demo_mode": settings.DEMO, "nav_entries": [], "roles_text": "", "may_accompany": False}
    if not isinstance(user, User):
        return common
    return common | {
        "nav_entries": navigation(user, request.path),
        "roles_text": ", ".join(role_words(user)),
        "may_accompany": has_role(user, Role.COMPANION),
    }


def navigation(user: User, path: str) -> list[dict[str, Any]]:
    """At most five entries for one role; who has several roles sees those of all."""
    entries = [(_("Heute"), "conversations:today"), (_("Begleitungen"), "engagements:index")]
    entries += [(_("Gespräche"), "conversations:index"), (_("Lernschritte"), "engagements:steps")]
    entries += [(_("Lerntagebuch"), "engagements:journal")]
    if has_role(user, Role.COORDINATOR):
        entries = [entries[0], (_("Zuordnung"), "engagements:assignment"), (_("Lernbegleitende"), "engagements:pool")]
        entries += [(_("Einladungen"), "accounts:invitations"), (_("Begleitungen"), "engagements:index")]
    if has_role(user, Role.ADMINISTRATOR):
        entries = [entries[0], (_("Personen"), "accounts:people"), (_("Dienststellen"), "accounts:agencies")]
        entries += [(_("Einladungen"), "accounts:invitations"), (_("Begleitungen"), "engagements:index")]
        if has_role(user, Role.COORDINATOR):
            entries.insert(1, (_("Zuordnung"), "engagements:assignment"))
    if has_role(user, Role.METHOD_OWNER):
        entries = [entries[0], (_("Leitfaden und Fragen"), "conversations:method"), *entries[1:]]
        entries = [entry for entry in entries if entry[1] != "engagements:journal"]
    return [_entry(label, _address(name), path) for label, name in entries]


@cache
def _address(name: str) -> str:
    return reverse(name)


def _entry(label: str, url: str, path: str) -> dict[str, Any]:
    return {"label": label, "url": url, "current": path.startswith(url), "count": None}


def role_words(user: User) -> list[str]:
    """What the person does here, in words."""
    words = {
        Role.COMPANION: _("begleitet"),
        Role.COORDINATOR: _("koordiniert"),
        Role.ADMINISTRATOR: _("verwaltet"),
        Role.METHOD_OWNER: _("pflegt Leitfaden und Fragen"),
    }
    return [_("lernt"), *(word for role, word in words.items() if has_role(user, role))]
