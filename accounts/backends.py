"""Signing in by e-mail address; who somebody is, is read as that person."""

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import QuerySet

from lernbegleitung.kept import first, kept

from .people import User


@kept
def _person(user_id: int) -> QuerySet[User]:
    return User.objects.select_related("agency").filter(pk=user_id)


class EmailBackend(AuthenticationBackend):
    """allauth's own, without permissions; a deactivated account is nobody from its next request on."""

    def get_user(self, user_id: int) -> User | None:
        """The person the session names, if the database shows them to the actor of this request."""
        user = first(_person(user_id))
        return user if user and user.is_active else None
