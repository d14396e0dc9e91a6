"""The calendar to subscribe to: one secret address per person, which their calendar program fetches now and then.

Whoever has the address reads when the person has talks, so it says as little as it can: neutral titles, nobody's name, a
window of time. Only a hash of it is stored; it is shown once, can be replaced by another and switched off.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Feed:
    """What an address gives, read but not yet written as a calendar: most of those who ask have it already."""

    naming: str
    language: str
    alarm: int | None  # minutes before, None for none
    appointments: list[Appointment]

    def fingerprint(self) -> str:
        """Another one whenever the text may be another: with all that is stored of the appointments, and with every day,
        since a release may use other words."""
        rows = [
            sorted((name, str(value)) for name, value in vars(row).items() if name != "_state")
            for row in self.appointments
        ]
        state = (settings.BASE_URL, str(clock.today()), self.naming, self.language, self.alarm, rows)
        return hashlib.sha256(repr(state).encode()).hexdigest()

    def text(self) -> str:
        """The calendar."""
        with translation.override(self.language):
            calendar = empty_calendar(Method.PUBLISH)
            calendar.add("x-wr-calname", gettext("Termine"))
            calendar.add("refresh-interval", ASK_AGAIN, parameters={"VALUE": "DURATION"})
            calendar.add("x-published-ttl", "PT1H")
            add_zones(calendar, self.appointments)
            for appointment in self.appointments:
                title = str(appointment.get_kind_display()) if self.naming == Naming.KIND else gettext("Termin")
                # The same words as long as nothing has changed: programs compare what they get with what they have.
                stamp = appointment.cancelled_at or appointment.made_at
                calendar.add_component(event_of(appointment, title=title, stamp=stamp, alarm=self.alarm))
            return calendar.to_ical().decode()


def feed_of(token: str) -> Feed | None:
    """What the address gives; None for an address that is not, or no longer, one. Asked by nobody who is signed in."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT owner, naming, language FROM feed_owner(%s)", [_hash(token)])
        found = cursor.fetchone()
    if not found:
        return None
    owner, naming, language = found
    now = clock.now()
    window = Q(starts_at__gt=now - BACK, starts_at__lt=now + AHEAD)
    lately = Q(cancelled_at=None) | Q(cancelled_at__gt=now - CANCELLED_FOR)
    with rls.acting_as(owner):
        talks = Appointment.objects.of_pair_member(User(pk=owner)).filter(window, lately).order_by("starts_at", "pk")
        return Feed(naming, language, alarms_of([owner])[owner], list(talks[:AT_MOST]))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
