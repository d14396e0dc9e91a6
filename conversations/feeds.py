"""The calendar to subscribe to: one secret address per person, which their calendar program fetches now and then.

Whoever has the address reads when the person has talks, so it says as little as it can: neutral titles, nobody's name, a
window of time. Only a hash of it is stored; it is shown once, can be replaced by another and switched off.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import connection, models
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from lernbegleitung import clock, rls

from .appointments import Appointment
from .calendar import Method, add_zones, alarms_of, empty_calendar, event_of

BACK, AHEAD, CANCELLED_FOR = timedelta(days=30), timedelta(days=365), timedelta(days=30)
AT_MOST = 500  # appointments
ASK_AGAIN = timedelta(hours=1)  # how often calendars may like to ask


class Naming(models.TextChoices):
    """What talks are called. Never with whom: that would tell of the other one, to whoever reads along."""

    NEUTRAL = "neutral", _("„Termin“")
    KIND = "kind", _("was es ist, zum Beispiel „Lerngespräch“")


class CalendarFeed(models.Model):
    """That a person's appointments can be subscribed to, by whoever knows the address."""

    owner = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="calendar_feed")
    token_hash = models.CharField(max_length=64, unique=True)
    naming = models.CharField(
        _("Wie sollen die Termine dort heißen?"), max_length=7, choices=Naming.choices, default=Naming.NEUTRAL
    )
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Kalenderabo")
        constraints: ClassVar = [models.CheckConstraint(condition=~Q(token_hash=""), name="feed_has_an_address")]

    def __str__(self) -> str:
        return str(self.owner_id)


def open_feed(*, owner: User, naming: str) -> str:
    """Make the address, or another one in the place of the former; answers it, this once."""
    token = secrets.token_urlsafe(32)
    values = {"token_hash": _hash(token), "naming": naming, "made_at": clock.now()}
    CalendarFeed.objects.update_or_create(owner=owner, defaults=values)
    audit.write("calendar.feed_opened", by=owner.pk)
    return f"{settings.BASE_URL}/kalender/abo/{token}.ics"


def close_feed(*, owner: User) -> None:
    """The address leads nowhere any more. Twice is once."""
    if CalendarFeed.objects.filter(owner=owner).delete()[0]:
        audit.write("calendar.feed_closed", by=owner.pk)


def feed_text(token: str) -> str | None:
    """What the address gives; None for an address that is not, or no longer, one. Asked by nobody who is signed in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT owner, naming, language FROM feed_owner(%s)", [_hash(token)])
        found = cursor.fetchone()
    if not found:
        return None
    owner, naming, language = found
    with rls.acting_as(owner), translation.override(language):
        return _calendar_of(User(pk=owner), naming)


def _calendar_of(owner: User, naming: str) -> str:
    now = clock.now()
    window = Q(starts_at__gt=now - BACK, starts_at__lt=now + AHEAD)
    lately = Q(cancelled_at=None) | Q(cancelled_at__gt=now - CANCELLED_FOR)
    found = Appointment.objects.of_pair_member(owner).filter(window, lately).order_by("starts_at", "pk")
    appointments = list(found[:AT_MOST])
    calendar = empty_calendar(Method.PUBLISH)
    calendar.add("x-wr-calname", gettext("Termine"))
    calendar.add("refresh-interval", ASK_AGAIN, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    add_zones(calendar, appointments)
    alarm = alarms_of([owner.pk])[owner.pk]
    for appointment in appointments:
        title = str(appointment.get_kind_display()) if naming == Naming.KIND else gettext("Termin")
        # The same words as long as nothing has changed, so that the answer to the next question can be "nothing new".
        calendar.add_component(
            event_of(appointment, title=title, stamp=appointment.cancelled_at or appointment.made_at, alarm=alarm)
        )
    return calendar.to_ical().decode()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
