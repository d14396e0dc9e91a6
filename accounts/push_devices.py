"""Browsers in which a person wishes to see a notice beside the mail: one row per device, from opting in until it is removed.

The endpoint is an address at the browser vendor, which only our own key can send to; the web role writes it and never
reads it back (accounts/policies.sql). Gone with the log-out, a new password, a deactivated account, an answer “410” of the
vendor, and after a year, when it is asked anew.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.db import connection, models
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, ids

from .people import User
from .push_crypto import Subscription
from .sessions import browser_of, system_of

AT_MOST = 10  # devices of one person
SHOWN = ("id", "owner_id", "endpoint_hash", "browser", "system", "since")  # what the web role may read


class PushDevice(models.Model):
    """One browser on one machine. `p256dh` and `auth`: its keys (RFC 8291), base64url."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    owner = models.ForeignKey(User, models.CASCADE, related_name="push_devices")
    endpoint = models.TextField()
    endpoint_hash = models.CharField(max_length=64, unique=True)
    p256dh = models.CharField(max_length=90)
    auth = models.CharField(max_length=24)
    browser = models.CharField(_("Browser"), max_length=20, blank=True)
    system = models.CharField(_("Betriebssystem"), max_length=20, blank=True)
    since = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Gerät für Mitteilungen")

    def __str__(self) -> str:
        return self.device()

    def device(self) -> str:
        """In words: "Firefox, Windows"."""
        return ", ".join(filter(None, (self.browser, self.system))) or gettext("ein Browser")

    def subscription(self) -> Subscription:
        """Where to, and the keys to seal for."""
        return Subscription(self.endpoint, self.p256dh, self.auth)


def devices_of(owner_id: int) -> models.QuerySet[PushDevice]:
    """The person's own devices, the newest first; what is not shown is not read."""
    return PushDevice.objects.filter(owner=owner_id).only(*SHOWN).order_by("-since", "pk")


def keep_device(user: User, subscription: Subscription, agent: str) -> uuid.UUID | None:
    """Remember this browser for the person who is signed in, whoever used it before; None when there are too many.

    The same browser twice is one row.
    """
    values: list[Any] = [
        ids.new_id(), subscription.endpoint, hash_of(subscription.endpoint), subscription.p256dh, subscription.auth,
        browser_of(agent), system_of(agent), clock.now(), AT_MOST,
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT keep_push_device(%s, %s, %s, %s, %s, %s, %s, %s, %s)", values)
        return (cursor.fetchone() or (None,))[0]


def hash_of(endpoint: str) -> str:
    """By which a browser's own page recognises itself."""
    return hashlib.sha256(endpoint.encode()).hexdigest()


@receiver(user_logged_out)
def forget(sender: type[User], request: HttpRequest, user: User | None, **also: Any) -> None:
    """Who signs out takes this browser's notices along; the page says which it is (static/js/app.js)."""
    if user and (endpoint := request.POST.get("push_endpoint", "")):
        PushDevice.objects.filter(owner=user, endpoint_hash=hash_of(endpoint)).delete()
