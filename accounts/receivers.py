"""What follows when something about signing in changes."""

import ipaddress
import logging
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import password_changed, password_reset
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from . import audit, drafting
from .people import User
from .sessions import end_sessions

logger = logging.getLogger("lernbegleitung.security")


@receiver(password_changed)
@receiver(password_reset)
def end_all_sessions(sender: type[User], request: HttpRequest, user: User, **also: Any) -> None:
    """A new password ends every session of the person; one signs in again, also here."""
    end_sessions(user)


@receiver(user_login_failed)
def log_failure(sender: Any, request: HttpRequest | None = None, **also: Any) -> None:
    """That somebody failed to sign in, and from which network; not as whom."""
    logger.warning("sign-in failed, network %s", network_of(request) if request else "unknown")


@receiver(user_logged_in)
def take_up_what_was_typed(sender: Any, request: HttpRequest, user: User, **also: Any) -> None:
    """A form that was sent after its session had ended is kept as a draft."""
    if parcel := request.session.pop("held", ""):
        drafting.take_up(parcel, user)


def network_of(request: HttpRequest) -> str:
    """The network an address belongs to: enough to see an attack, too little to follow a person."""
    try:
        address = ipaddress.ip_address(get_adapter().get_client_ip(request))
    except (ValueError, KeyError, PermissionDenied, ImproperlyConfigured):
        return "unknown"
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


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
