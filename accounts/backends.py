"""Signing in by e-mail address; who somebody is, is read as that person."""

from datetime import date

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import FilteredRelation, QuerySet

from lernbegleitung import clock
from lernbegleitung.kept import kept

from .people import User, in_force
from .roles import remember_grants


@kept
def _person(user_id: int, day: date) -> QuerySet[User]:
    """The person once for each grant in force, and once when there is none."""
    rows = User.objects.annotate(granted=FilteredRelation("grants", condition=in_force(day, "grants__")))
    return rows.select_related("agency", "granted__agency").filter(pk=user_id)


class EmailBackend(AuthenticationBackend):
    """allauth's own, without permissions; a deactivated account is nobody from its next request on."""

    def get_user(self, user_id: int) -> User | None:
        """The person the session names, if the database shows them to the actor of this request; with their roles."""
        rows = _person(user_id, clock.today())
        if not rows or not rows[0].is_active:
            return None
        remember_grants(rows[0], [row.granted for row in rows if hasattr(row, "granted")])
        return rows[0]
