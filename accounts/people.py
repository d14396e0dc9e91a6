"""Agencies as a tree, people, their roles in time, and the invitations by which they come in."""

from __future__ import annotations

import zoneinfo
from datetime import date
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock

from .roles import Role


class AgencyQuerySet(models.QuerySet["Agency"]):
    """Sets of agencies that read as a sentence."""

    def below(self, agency: Agency) -> AgencyQuerySet:
        """The agency itself and all below it."""
        return self.filter(path__startswith=agency.path)

    def in_tree_order(self) -> AgencyQuerySet:
        """Parents before children, siblings by name of their path."""
        return self.order_by("path")

    def open(self) -> AgencyQuerySet:
        """Those that have not gone up into another one."""
        return self.filter(merged_on=None)

    def above(self, agency: Agency) -> AgencyQuerySet:
        """The agency itself and all above it, the root first."""
        return self.filter(pk__in=agency.trail()).order_by(Length("path"))

    def by_code(self, code: str) -> Agency | None:
        """The agency with this code, or the one it has gone up into: old addresses and old lists still lead somewhere."""
        found = self.filter(code=code.replace("\x00", "")[:60]).first()
        return found.standing() if found else None


class Agency(models.Model):
    """An organisational unit with its own head and staff council."""

    class Kind(models.TextChoices):
        CENTRE = "centre", _("Zentrale")
        REGION = "region", _("Regionaldirektion")
        AGENCY = "agency", _("Agentur für Arbeit")
        JOBCENTER = "jobcenter", _("Jobcenter")

    code = models.SlugField(_("Kürzel"), max_length=60, unique=True)
    name = models.CharField(_("Name"), max_length=120)
    kind = models.CharField(_("Art"), max_length=10, choices=Kind.choices)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    # "/1/4/17/": the ids from the root down to this one. An agency's tree is whatever starts with its path.
    path = models.CharField(max_length=200, unique=True, editable=False)
    state = models.CharField(_("Bundesland"), max_length=2)
    city = models.CharField(_("Ort"), max_length=80, blank=True)
    # Since when it has gone up into its parent (docs/decisions/0021); None: it is open.
    merged_on = models.DateField(_("aufgegangen am"), null=True, blank=True, editable=False)

    objects: ClassVar[Any] = AgencyQuerySet.as_manager()

    class Meta:
        verbose_name = _("Dienststelle")
        verbose_name_plural = _("Dienststellen")
        indexes = [models.Index(fields=["path"], name="agency_path", opclasses=["text_pattern_ops"])]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(merged_on=None) | Q(parent__isnull=False), name="merged_into_some_agency"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def trail(self) -> list[int]:
        """The ids from the root down to this one."""
        return [int(part) for part in self.path.strip("/").split("/")]

    def depth(self) -> int:
        """How many agencies are above it."""
        return len(self.trail()) - 1

    def standing(self) -> Agency:
        """This agency, or the one it has gone up into, however often that one has gone up further; a root never does."""
        return self if self.merged_on is None else Agency.objects.above(self).open().reverse()[0]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row, and the path once the id is known. Moving an agency moves its path only, see actions."""
        if self.pk is None:
            self.path = f"new-{clock.now().timestamp()}-{id(self)}"
            super().save(*args, **kwargs)
            self.path = f"{self.parent.path if self.parent else '/'}{self.pk}/"
            super().save(update_fields=["path"])
        else:
            super().save(*args, **kwargs)


class UserManager(BaseUserManager["User"]):
    """People by e-mail address, in lower case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """The person with this address, whatever its capitals."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person. Everyone is a learner; other roles are granted for a time. When they last signed in is not recorded."""

    class Language(models.TextChoices):
        GERMAN = "de", _("Deutsch")
        ENGLISH = "en", _("Englisch")

    class MailStyle(models.TextChoices):
        """How much a reminder says. Own words never go by mail (docs/decisions/0013)."""

        NEUTRAL = "neutral", _("Was ansteht, ohne meine Worte")
        DISCREET = "discreet", _("Nur, dass etwas wartet")

    last_login = None  # type: ignore[assignment]
    email = models.EmailField(_("E-Mail-Adresse"), unique=True)
    name = models.CharField(_("Name"), max_length=120)
    job = models.CharField(_("Tätigkeit"), max_length=120, blank=True)
    team = models.CharField(_("Team"), max_length=60, blank=True)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="people", verbose_name=_("Dienststelle"))
    language = models.CharField(_("Sprache"), max_length=2, choices=Language.choices, default=Language.GERMAN)
    time_zone = models.CharField(_("Zeitzone"), max_length=40, default="Europe/Berlin")
    # Bits 0 to 6 are Monday to Sunday.
    work_days = models.PositiveSmallIntegerField(_("Arbeitstage"), default=0b0011111)
    reminder_hour = models.PositiveSmallIntegerField(_("Uhrzeit der Erinnerungen"), default=8)
    absent_from = models.DateField(_("Abwesend ab"), null=True, blank=True)
    absent_until = models.DateField(_("Abwesend bis"), null=True, blank=True)
    mail_style = models.CharField(
        _("Was in den Nachrichten steht"), max_length=8, choices=MailStyle.choices, default=MailStyle.NEUTRAL
    )
    reminders_stopped_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    # Since when the person belongs to the present agency; None: from the beginning.
    agency_since = models.DateTimeField(null=True, blank=True)
    joined_at = models.DateTimeField(default=clock.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[Any] = UserManager()

    class Meta:
        verbose_name = _("Person")
        verbose_name_plural = _("Personen")
        # Lists of people go by name, page after page.
        indexes = [models.Index(fields=["name", "id"], name="user_by_name")]
        constraints = [
            models.CheckConstraint(
                condition=Q(reminder_hour__gte=8, reminder_hour__lt=16), name="reminder_hour_8_to_16"
            ),
            models.CheckConstraint(condition=Q(work_days__gt=0, work_days__lt=128), name="work_days_one_at_least"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        """The first letters of first and last name."""
        words = [word for word in self.name.split() if word[:1].isalpha()] or ["?"]
        return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()

    def zone(self) -> zoneinfo.ZoneInfo:
        """The person's own time zone."""
        return zoneinfo.ZoneInfo(self.time_zone)

    def works_on(self, day: date) -> bool:
        """Whether this weekday is one of the person's working days, and no absence is declared."""
        absent = self.absent_from and self.absent_from <= day <= (self.absent_until or date.max)
        return bool(self.work_days >> day.weekday() & 1) and not absent

    # What Django's and allauth's code asks of a user; there is no superuser and no staff here.
    is_staff = False
    is_superuser = False

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """No permissions of Django's kind exist: what a person may do is in each app's access.py."""
        return False


def in_force(day: date, grants: str = "") -> Q:
    """The condition that a grant holds on this day; `grants`: how it is reached from what is asked, "grants__"."""
    unended = Q(**{f"{grants}ends_on": None}) | Q(**{f"{grants}ends_on__gte": day})
    return Q(**{f"{grants}starts_on__lte": day}) & unended


class RoleGrantQuerySet(models.QuerySet["RoleGrant"]):
    """Sets of grants that read as a sentence."""

    def in_force(self, day: date) -> RoleGrantQuerySet:
        """Grants that hold on this day."""
        return self.filter(in_force(day))


class RoleGrant(models.Model):
    """A role, for an agency and all below it, for a time."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants")
    role = models.CharField(_("Rolle"), max_length=20, choices=Role.choices)
    agency = models.ForeignKey(Agency, models.PROTECT, verbose_name=_("für Dienststelle"))
    starts_on = models.DateField(_("ab"), default=clock.today)
    ends_on = models.DateField(_("bis"), null=True, blank=True)
    granted_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    objects: ClassVar[Any] = RoleGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("Rolle einer Person")
        constraints = [
            models.UniqueConstraint(fields=["user", "role", "agency", "starts_on"], name="one_grant_of_a_kind"),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=models.F("starts_on")), name="role_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.agency}"

    def end(self) -> None:
        """Yesterday was its last day; a role that begins today or later is taken back entirely."""
        today = clock.today()
        if self.starts_on >= today:
            self.delete()
        else:
            self.ends_on = date.fromordinal(today.toordinal() - 1)
            self.save(update_fields=["ends_on"])


class Invitation(models.Model):
    """The only way in: bound to one address, valid for seven days, used once. The token itself is not stored."""

    email = models.EmailField(_("E-Mail-Adresse"))
    name = models.CharField(_("Name"), max_length=120)
    agency = models.ForeignKey(Agency, models.PROTECT, verbose_name=_("Dienststelle"))
    role = models.CharField(_("Rolle"), max_length=20, choices=Role.choices, blank=True)
    role_until = models.DateField(_("Rolle bis"), null=True, blank=True)
    job = models.CharField(_("Tätigkeit"), max_length=120, blank=True, db_default="")
    team = models.CharField(_("Team"), max_length=60, blank=True, db_default="")
    language = models.CharField(_("Sprache"), max_length=2, choices=User.Language.choices, default="de")
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    invited_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("Einladung")
        verbose_name_plural = _("Einladungen")
        constraints = [
            models.UniqueConstraint(
                fields=["email"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="one_open_invitation_per_address",
            )
        ]

    def __str__(self) -> str:
        return self.email

    def is_open(self) -> bool:
        """Whether it can still be accepted."""
        return not self.accepted_at and not self.withdrawn_at and self.expires_at > clock.now()
