"""Companions: what they offer, how many places they have, and with whom they cannot work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Agency, User
from lernbegleitung import clock

REMIND_BEFORE = timedelta(weeks=6)  # a qualification that ends


class Format(models.TextChoices):
    """How two people meet."""

    ANY = "any", _("Beides ist möglich")
    ON_SITE = "on_site", _("Vor Ort")
    VIDEO = "video", _("Per Video")
    PHONE = "phone", _("Am Telefon")


class Setting(models.TextChoices):
    """How a meeting can be arranged, asked about the meeting and never about the person. A closed list: H10 compares it."""

    STEP_FREE = "step_free", _("Raum ohne Stufen erreichbar")
    QUIET = "quiet", _("Ruhiger Raum")
    SIGN_LANGUAGE = "sign_language", _("Deutsche Gebärdensprache")
    CAPTIONS = "captions", _("Schriftmittlung oder Untertitel")
    EASY_LANGUAGE = "easy_language", _("Leichte Sprache")


def settings_in_words(codes: Sequence[str]) -> str:
    """These settings in the order of the list: "Ruhiger Raum, Leichte Sprache"; empty for none."""
    return ", ".join(str(label) for code, label in Setting.choices if code in codes)


class Occasion(models.Model):
    """Why now: training transfer, new job, task change, return, leadership programme, own topic. Extensible without code."""

    OWN_TOPIC = "own_topic"  # the first one: needs no programme and no approval, and cannot be given up

    code = models.SlugField(max_length=40, unique=True)
    name_de = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        verbose_name = _("Anlass")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.name_en if (get_language() or "de").startswith("en") else self.name_de


def towns_of(formats: list[str], places: list[str], city: str) -> list[str]:
    """Where somebody meets on site: the places they have named, else the town of their agency; nowhere if they do not."""
    if Format.ON_SITE not in formats:
        return []
    return places or [city]


class CompanionProfile(models.Model):
    """What everybody signed in may know of a companion."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="companion_profile")
    about = models.CharField(_("Über mich"), max_length=400, blank=True)
    occasions = models.ManyToManyField(Occasion, blank=True, verbose_name=_("Anlässe"))
    formats = ArrayField(models.CharField(max_length=8), default=list, verbose_name=_("Wie ich mich treffe"))
    languages = ArrayField(models.CharField(max_length=2), default=list, verbose_name=_("Sprachen"))
    # Towns; without any, the town of the own agency.
    places = ArrayField(
        models.CharField(max_length=80), default=list, db_default=[], verbose_name=_("Wo ich mich vor Ort treffe")
    )
    settings = ArrayField(
        models.CharField(max_length=15), default=list, db_default=[], verbose_name=_("Wie ich Treffen einrichten kann")
    )
    in_training = models.BooleanField(_("in Ausbildung"), default=False)
    teaches = models.BooleanField(_("Lehrkraft"), default=False)
    qualified_until = models.DateField(_("Qualifizierung gültig bis"), null=True, blank=True)
    is_paused = models.BooleanField(_("nimmt gerade niemanden an"), default=False)
    leaves_on = models.DateField(_("letzter Tag als Begleitung"), null=True, blank=True)

    class Meta:
        verbose_name = _("Profil einer Lernbegleitung")

    def __str__(self) -> str:
        return str(self.user)

    def settings_in_words(self) -> str:
        """How meetings can be arranged; empty where nothing is said."""
        return settings_in_words(self.settings)

    def towns(self) -> list[str]:
        """Where the companion meets on site; empty for those who do not."""
        return towns_of(self.formats, self.places, self.user.agency.city)

    def qualification_ends_soon(self) -> bool:
        """Whether it ends within the next weeks, or has ended."""
        return bool(self.qualified_until and self.qualified_until <= clock.today() + REMIND_BEFORE)

    def qualification_is_over(self) -> bool:
        """Whether it has ended."""
        return bool(self.qualified_until and self.qualified_until < clock.today())

    def is_qualified(self, day: date) -> bool:
        """Whether the qualification holds on this day."""
        return bool(self.qualified_until and self.qualified_until >= day)


class CompanionLoad(models.Model):
    """Places of a companion: for the companion and for coordinators, never for learners.

    `taken` and `held` are counted by a trigger from the engagements; a place more than `capacity` is refused there.
    Another one lays companions out as `matching_first` looks for them (decision 33): by `fullness`, how full in tenths of
    the capacity, and by agency, as the account says.
    """

    companion = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="load")
    capacity = models.PositiveSmallIntegerField(_("Plätze"), default=3)
    taken = models.PositiveSmallIntegerField(default=0, editable=False)
    held = models.PositiveSmallIntegerField(default=0, editable=False)
    fullness = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    agency = models.ForeignKey(Agency, models.PROTECT, null=True, editable=False, related_name="+", db_index=False)

    class Meta:
        verbose_name = _("Plätze einer Lernbegleitung")
        constraints = [models.CheckConstraint(condition=Q(capacity__lte=12), name="capacity_at_most_12")]
        indexes: ClassVar = [models.Index(fields=["fullness", "agency"], name="companions_to_find")]

    def __str__(self) -> str:
        return f"{self.taken}+{self.held}/{self.capacity}"

    def free(self) -> int:
        """Free places; never below nought."""
        return max(0, self.capacity - self.taken - self.held)


class ConflictDeclaration(models.Model):
    """Another role that makes accompanying improper, declared by one of the two. Stored: the declaration, no more."""

    class Rule(models.TextChoices):
        H1 = "H1", _("Führungskraft, jetzt oder in den letzten 24 Monaten (in einer der beiden Richtungen)")
        H2 = "H2", _("Lehrt, prüft oder bewertet in der Qualifizierung, um die es geht")
        H3 = "H3", _("Arbeitet im selben Team")
        H4 = "H4", _("Bereitet Personalentscheidungen über die lernende Person vor")

    declared_by = models.ForeignKey(User, models.CASCADE, related_name="declared_conflicts")
    other = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("Person"))
    rule = models.CharField(_("Welche Verbindung besteht?"), max_length=2, choices=Rule.choices)
    declared_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Rollenkonflikt")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["declared_by", "other", "rule"], name="conflict_declared_once"),
            models.CheckConstraint(condition=~Q(declared_by=models.F("other")), name="conflict_with_somebody_else"),
        ]

    def __str__(self) -> str:
        return self.rule


class Veto(models.Model):
    """A private no to a person: without a reason, shown to nobody else, never inferable."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="vetoes")
    other = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("Person"))
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Stilles Nein")
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "other"], name="veto_once")]

    def __str__(self) -> str:
        return str(self.pk)
