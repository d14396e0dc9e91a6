"""Roles given and ended, people switched off and on, own settings."""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.people import Agency, RoleGrant, User
from accounts.signals import joined
from lernbegleitung import clock


def grant_role(*, user: User, role: str, agency: Agency, ends_on: date | None, by: User) -> bool:
    """Give a role from today on; False when the person has just got the very same one."""
    try:
        with transaction.atomic():
            RoleGrant.objects.create(user=user, role=role, agency=agency, ends_on=ends_on, granted_by=by)
    except IntegrityError:
        return False
    joined.send(sender=User, user=user, role=role)
    audit.write(f"role.granted.{role}", by=by.pk)
    return True


def end_role(*, grant: RoleGrant, by: User) -> None:
    """End a role at once: yesterday was its last day; one that began today is taken back entirely."""
    if grant.starts_on >= clock.today():
        grant.delete()
    else:
        grant.ends_on = date.fromordinal(clock.today().toordinal() - 1)
        grant.save(update_fields=["ends_on"])
    audit.write(f"role.ended.{grant.role}", by=by.pk)


def set_active(*, user: User, active: bool, by: User) -> None:
    """Switch an account off (its next request is a stranger's) or on again."""
    if user.is_active != active:
        user.is_active = active
        user.save(update_fields=["is_active"])
        audit.write("person.activated" if active else "person.deactivated", by=by.pk)
