"""The roles, and what each is for. Everyone is a learner; there is no role for line managers."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from lernbegleitung import clock, rls
from lernbegleitung.kept import kept

if TYPE_CHECKING:
    from .people import Agency, RoleGrant, User


class Role(models.TextChoices):
    """What a person may be beside a learner."""

    COMPANION = "companion", pgettext_lazy("role", "Lernbegleitung")
    COORDINATOR = "coordinator", _("Koordination")
    ADMINISTRATOR = "administrator", _("Administration")
    METHOD_OWNER = "method_owner", pgettext_lazy("role", "Methode")


def grants_of(user: User) -> list[RoleGrant]:
    """The grants in force today; those of who asks come with the person, others are asked for once per request."""
    key = ("grants", user.pk)
    known = rls.memory()
    if key not in known:
        known[key] = _grants(user.pk, clock.today())
    return known[key]


def remember_grants(user: User, grants: list[RoleGrant]) -> None:
    """Have the person's grants in force at hand for the rest of the request."""
    rls.memory()["grants", user.pk] = grants


@kept
def _grants(user_id: int, day: date) -> QuerySet[RoleGrant]:
    from .people import RoleGrant

    return RoleGrant.objects.filter(user=user_id).in_force(day).select_related("agency")


def has_role(user: User, role: Role) -> bool:
    """Whether the person has the role anywhere today."""
    return user.is_authenticated and any(grant.role == role for grant in grants_of(user))


def agencies_of(user: User, role: Role) -> list[Agency]:
    """The agencies for which the person has the role; each stands for all below it, too."""
    return [grant.agency for grant in grants_of(user) if grant.role == role]


def covers(user: User, role: Role, agency: Agency) -> bool:
    """Whether the role reaches this agency."""
    return any(agency.path.startswith(own.path) for own in agencies_of(user, role))
