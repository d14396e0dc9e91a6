"""Signing in by e-mail address; who somebody is, is read as that person."""

from allauth.account.auth_backends import AuthenticationBackend

from .people import User


class EmailBackend(AuthenticationBackend):
    """allauth's own, without permissions; a deactivated account is nobody from its next request on."""

    def get_user(self, user_id: int) -> User | None:
        """The person the session names, if the database shows them to the actor of this request."""
        user = User.objects.select_related("agency").filter(pk=user_id).first()
        return user if user and user.is_active else None
