"""What follows when something about signing in changes."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import password_changed, password_reset
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from . import audit
from .people import User
from .sessions import end_sessions


@receiver(password_changed)
@receiver(password_reset)
def end_all_sessions(sender: type[User], request: HttpRequest, user: User, **also: Any) -> None:
    """A new password ends every session of the person; one signs in again, also here."""
    end_sessions(user)


@receiver(authenticator_added)
def was_shown(sender: type[Authenticator], request: HttpRequest, user: User, authenticator: Any, **also: Any) -> None:
    """Who adds a second factor has just used it, so that this session counts as opened with it."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)


@receiver(post_save, sender=Authenticator)
def write_added(sender: type[Authenticator], instance: Authenticator, *, created: bool, **also: Any) -> None:
    """An audit line, without which one."""
    if created:
        audit.write("second_factor.added", by=instance.user_id)


@receiver(post_delete, sender=Authenticator)
def write_removed(sender: type[Authenticator], instance: Authenticator, **also: Any) -> None:
    """An audit line, without which one."""
    audit.write("second_factor.removed", by=instance.user_id)
