"""Where people meet by video or phone: the room service of an agency, and what a person usually gives as their place."""

from __future__ import annotations

import secrets
from typing import ClassVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock

from .features import Feature, is_on
from .people import Agency, User

IN_FULL = _("Schreiben Sie die Adresse vollständig, mit https:// am Anfang, zum Beispiel: https://video.example.org.")


def validate_base(address: str) -> None:
    """An https address to which a room's name can be appended: no password in it, no question, no fragment."""
    URLValidator(schemes=["https"], message=IN_FULL)(address)
    parts = urlsplit(address)
    if parts.username or parts.password:
        raise ValidationError(_("Bitte ohne Anmeldedaten in der Adresse."))
    if parts.query or parts.fragment:
        raise ValidationError(_("Bitte nur die Adresse des Dienstes, ohne „?“ und „#“."))


class VideoService(models.Model):
    """The video service of an agency and all below it: appending a new name to `base` makes a room."""

    class Kind(models.TextChoices):
        JITSI = "jitsi", _("Jitsi Meet")
        BIG_BLUE_BUTTON = "bbb", _("BigBlueButton (Zugang, der Räume über ihre Adresse öffnet)")

    agency = models.OneToOneField(Agency, models.CASCADE, primary_key=True, related_name="video_service")
    kind = models.CharField(_("Welcher Dienst?"), max_length=5, choices=Kind.choices, default=Kind.JITSI)
    base = models.CharField(_("Adresse des Dienstes"), max_length=120, validators=[validate_base])
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Videodienst")
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(base__startswith="https://"), name="video_by_https")
        ]

    def __str__(self) -> str:
        return self.base

    def host(self) -> str:
        """What people know the service by."""
        return urlsplit(self.base).hostname or self.base

    def fresh_room(self) -> str:
        """The address of a room that nobody has seen yet: 128 random bits, so that it cannot be guessed."""
        return f"{self.base.rstrip('/')}/{secrets.token_hex(16)}"


def video_service_for(*agencies: Agency) -> VideoService | None:
    """The service for a talk of people of these agencies; none from one that has switched video rooms off."""
    return nearest_service(*(agency for agency in agencies if is_on(Feature.VIDEO_ROOMS, agency)))


def nearest_service(*agencies: Agency) -> VideoService | None:
    """The service nearest up the tree of the first of these agencies that has one."""
    paths = [[int(part) for part in agency.path.strip("/").split("/")] for agency in agencies]
    services = VideoService.objects.in_bulk({pk for path in paths for pk in path})
    return next((services[pk] for path in paths for pk in reversed(path) if pk in services), None)


class TalkSettings(models.Model):
    """What a person settles once for all talks. Without a row: the defaults."""

    class Remind(models.TextChoices):
        """On which working day a mail reminds of a talk, at the personal hour."""

        DAY_BEFORE = "day_before", _("am Arbeitstag davor")
        SAME_DAY = "same_day", _("am selben Tag (sonst am Arbeitstag davor)")
        OFF = "off", _("gar nicht")

    class Alarm(models.IntegerChoices):
        """Minutes before a talk at which calendars ring."""

        TEN = 10, _("10 Minuten vorher")
        HALF = 30, _("30 Minuten vorher")
        HOUR = 60, _("1 Stunde vorher")
        DAY = 1440, _("1 Tag vorher")

    owner = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="talk_settings")
    own_link = models.CharField(_("Mein üblicher Videolink"), max_length=200, blank=True)
    own_phone = models.CharField(_("Meine Rufnummer"), max_length=60, blank=True)
    remind = models.CharField(
        _("Wann möchten Sie an ein Gespräch erinnert werden?"), max_length=10, choices=Remind.choices,
        default=Remind.DAY_BEFORE,
    )  # fmt: skip
    # How long before a talk the entry in the calendar rings; None: not at all.
    alarm_minutes = models.PositiveSmallIntegerField(
        _("Wann soll der Kalendereintrag klingeln?"), null=True, blank=True, choices=Alarm.choices, default=Alarm.HALF
    )

    class Meta:
        verbose_name = _("Einstellungen zu Gesprächen")

    def __str__(self) -> str:
        return str(self.owner_id)


def talk_settings_of(user: User) -> TalkSettings:
    """The person's own settings, or the defaults (not stored)."""
    return TalkSettings.objects.filter(owner_id=user.pk).first() or TalkSettings(owner=user)
