"""How allauth behaves here: nobody signs up, people are invited; secrets of second factors are sealed."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from lernbegleitung import vault

from .access import needs_second_factor
from .people import User


class InvitationOnlyAdapter(DefaultAccountAdapter):
    """The door of the account app is closed for signing up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: the way in is an invitation."""
        return False

    def add_message(
        self, request: HttpRequest, level: Any, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Say what needs saying; that somebody is signed in or out, the page shows anyway."""
        if message_template and "logged_" not in message_template:
            super().add_message(request, level, message_template, *args, **kwargs)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Any,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell the person that something about signing in has changed. Called after the transaction, so that the
        address is taken from the account at hand and not asked of the database, which would show nothing."""
        super().send_notification_mail(template_prefix, user, context, email or user.email)


class SealedSecondFactor(DefaultMFAAdapter):
    """Secrets of second factors are stored sealed by the master key; `manage.py rotate_keys` seals them anew."""

    def encrypt(self, text: str) -> str:
        """`<id of the master key>:<base64>`."""
        return seal_secret(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret again; raises CannotOpen when its master key is not on the ring."""
        return open_secret(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Who needs a second factor keeps at least one."""
        user = User.objects.get(pk=authenticator.user_id)
        others = Authenticator.objects.filter(user=user).exclude(pk=authenticator.pk)
        return not needs_second_factor(user) or others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def seal_secret(text: str) -> str:
    """Seal the secret of a second factor."""
    master, wrapped = vault.keyring().wrap("second factor", text.encode())
    return f"{master}:{base64.b64encode(wrapped).decode()}"


def open_secret(sealed: str) -> str:
    """Open the secret of a second factor; raises CannotOpen."""
    master, _colon, wrapped = sealed.partition(":")
    return vault.keyring().unwrap(master, "second factor", base64.b64decode(wrapped)).decode()
