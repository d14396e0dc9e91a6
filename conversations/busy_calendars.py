"""Somebody's own calendar, published under a secret address: when they are busy, so that such times are not offered.

Only times are kept, no word of what they are; only the worker fetches (busy_reading.py). The address is sealed with a key
of its own, since the worker, who must open it, opens no other key.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.keys import create_key, open_key
from accounts.models import DataKey, User
from lernbegleitung import clock, ids, vault
from lernbegleitung.vault import SealedText

from .busy_reading import Order, Times, read_safely
from .calendar import our_domain
from .fetching import Refused

AHEAD = timedelta(weeks=8)
AT_A_TIME = 45  # seconds
EVERY, LONGEST_PAUSE, LEASE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=10)


class Problem(models.TextChoices):
    """Why a calendar could not be read, and what the person can do about it."""

    ADDRESS = "address", _("Diese Adresse dürfen wir nicht abrufen. Sie muss mit https:// beginnen und öffentlich erreichbar sein; ein Exchange im eigenen Haus muss die Betriebsstelle freigeben.")  # fmt: skip
    NOT_FOUND = "not_found", _("Unter der Adresse ist kein Kalender mehr. Veröffentlichen Sie ihn neu und tragen Sie die neue Adresse ein.")  # fmt: skip
    DENIED = "denied", _("Der Server verlangt eine Anmeldung. Veröffentlichen Sie den Kalender so, dass die Adresse allein genügt.")  # fmt: skip
    UNREACHABLE = "unreachable", _("Der Server antwortet nicht. Wir versuchen es von selbst wieder; stimmt die Adresse?")  # fmt: skip
    SERVER = "server", _("Der Server meldet einen Fehler. Wir versuchen es von selbst wieder.")
    CERTIFICATE = "certificate", _("Das Zertifikat des Servers ist nicht gültig. Darum kümmert sich, wer den Kalender betreibt.")  # fmt: skip
    REDIRECTS = "redirects", _("Die Adresse leitet zu oft weiter. Tragen Sie die Adresse ein, bei der man am Ende ankommt.")  # fmt: skip
    TOO_BIG = "too_big", _("Der Kalender ist größer als 5 MB. Veröffentlichen Sie nur Frei und Belegt, oder weniger Monate.")  # fmt: skip
    TOO_SLOW = "too_slow", _("Der Server braucht zu lange. Wir versuchen es von selbst wieder.")
    TOO_MUCH = "too_much", _("Der Kalender enthält zu viele Termine oder Wiederholungen. Veröffentlichen Sie nur Frei und Belegt.")  # fmt: skip
    NO_CALENDAR = "no_calendar", _("Unter der Adresse liegt kein Kalender. Sie brauchen die ICS-Adresse, nicht die Seite zum Ansehen.")  # fmt: skip


class BusyCalendar(models.Model):
    """The published calendar of a person, and how it went with it."""

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    owner = models.OneToOneField(User, models.CASCADE, related_name="busy_calendar")
    address_sealed = models.BinaryField(default=b"")
    set_at = models.DateTimeField(default=clock.now)
    next_at = models.DateTimeField(default=clock.now)
    fetched_at = models.DateTimeField(null=True, blank=True)  # when it was read last with success
    problem = models.CharField(max_length=12, choices=Problem.choices, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)  # in a row

    address = SealedText()

    class Meta:
        verbose_name = _("Eigener Kalender")
        indexes: ClassVar = [models.Index(fields=["next_at"], name="busy_calendar_next")]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """A key of its own."""
        return open_key(self.pk)

    def waits(self) -> bool:
        """Whether it is to be fetched with the next ring."""
        return self.next_at <= clock.now()


class BusyTime(models.Model):
    """That a person is busy; not with what."""

    calendar = models.ForeignKey(BusyCalendar, models.CASCADE, related_name="times")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name = _("Belegte Zeit")
        ordering: ClassVar = ["starts_at"]
        indexes: ClassVar = [models.Index(fields=["calendar", "starts_at"], name="busy_time_of_calendar")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="busy_ends_after_start")
        ]

    def __str__(self) -> str:
        return str(self.pk)


# ── what a person does ─────────────────────────────────────────────────────


def keep(*, owner: User, address: str) -> None:
    """Take this address from now on, in the place of a former one; what was read from that is forgotten."""
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)  # two clicks, one after the other
    remove(owner=owner)
    row = BusyCalendar.objects.create(owner=owner)
    create_key(row.pk)
    row.address = address
    row.save(update_fields=["address_sealed"])
    audit.write("calendar.busy_kept", by=owner.pk)


def remove(*, owner: User) -> None:
    """Forget the address and every time read from it."""
    for row in BusyCalendar.objects.filter(owner=owner):
        DataKey.objects.filter(pk=row.pk).delete()
        row.delete()
        audit.write("calendar.busy_removed", by=owner.pk)


def ask_now(*, owner: User) -> None:
    """Fetch it with the next ring, and forget how long to wait."""
    BusyCalendar.objects.filter(owner=owner, next_at__gt=clock.now()).update(next_at=clock.now(), failures=0)


# ── what the worker does ───────────────────────────────────────────────────


@dataclass(frozen=True)
class Claimed:
    """A calendar that is to be fetched, as the worker gets it."""

    pk: uuid.UUID
    zone: str
    set_at: datetime
    failures: int
    sealed: bytes
    master: str
    wrapped: bytes

    def address(self) -> str:
        """The address, opened with its own key."""
        key = vault.keyring().unwrap(self.master, str(self.pk), bytes(self.wrapped))
        return vault.unseal(key, BusyCalendar.address.address(BusyCalendar(pk=self.pk)), bytes(self.sealed)).decode()


def fetch_due() -> dict[str, int]:
    """Fetch what is due, one after the other, for less than a minute: mails wait for the same workers. Several may do so
    at once. Answers how many were read, and failed."""
    counts, begun = {"read": 0, "failed": 0}, time.monotonic()
    while time.monotonic() - begun < AT_A_TIME and (rows := claim(1)):
        counts["read" if fetch_one(rows[0]) else "failed"] += 1
    return counts


def claim(most: int) -> list[Claimed]:
    """Take due calendars for the length of a lease; a worker that dies gives them back by that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM claim_busy_calendars(%s, %s, %s)", [clock.now(), clock.now() + LEASE, most])
        return [Claimed(*row) for row in cursor.fetchall()]


def fetch_one(row: Claimed) -> bool:
    """Read one calendar and write down its times, or what went wrong; then twice as long until the next try."""
    now = clock.now()
    try:
        times = read_safely(order_for(row, now))
    except (Refused, vault.CannotOpen) as error:
        problem = error.problem if isinstance(error, Refused) else Problem.NOT_FOUND
        pause = min(EVERY * 2 ** min(row.failures, 5), LONGEST_PAUSE)
        _write(row, problem, clock.now() + pause, [])
        return False
    _write(row, "", clock.now() + EVERY, times)
    return True


def order_for(row: Claimed, now: datetime) -> Order:
    """What the reading process is told."""
    return Order(
        address=row.address(),
        start=now.isoformat(),
        end=(now + AHEAD).isoformat(),
        zone=row.zone,
        own_domain=our_domain(),
        inner_hosts=tuple(settings.CALENDAR_INNER_HOSTS),
        ca_file=settings.CALENDAR_CA_FILE,
    )


def _write(row: Claimed, problem: str, next_at: datetime, times: Times) -> None:
    starts, ends = [a for a, _b in times], [b for _a, b in times]
    values: list[Any] = [row.pk, row.set_at, problem, clock.now(), next_at, starts, ends]
    with connection.cursor() as cursor:
        cursor.execute("SELECT busy_fetched(%s, %s, %s, %s, %s, %s::timestamptz[], %s::timestamptz[])", values)
