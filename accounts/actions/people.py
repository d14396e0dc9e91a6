"""Roles given and ended, people switched off and on, own settings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import IntegrityError, connection, transaction

from accounts import audit, outbox
from accounts.mails import AGENCY_CHANGED, SECOND_FACTOR_RESET
from accounts.people import Agency, RoleGrant, User
from accounts.sessions import end_sessions
from accounts.signals import joined
from lernbegleitung import clock, ids


def grant_role(*, user: User, role: str, agency: Agency, ends_on: date | None, by: User) -> bool:
    """Give a role from today on; False when the person has just got the very same one."""
    try:
        with transaction.atomic():
            RoleGrant.objects.create(user=user, role=role, agency=agency, ends_on=ends_on, granted_by=by)
    except IntegrityError:
        return False
    joined.send(sender=User, people=[user.pk], role=role)
    audit.write(f"role.granted.{role}", by=by.pk)
    return True


def end_role(*, grant: RoleGrant, by: User) -> None:
    """End a role at once, and the person's sessions: what a page has shown under the role is asked for anew.

    Yesterday was its last day; a role that began today is taken back entirely.
    """
    grant.end()
    if grant.user_id != by.pk:
        end_sessions(grant.user)
    audit.write(f"role.ended.{grant.role}", by=by.pk)


def set_active(*, user: User, active: bool, by: User) -> None:
    """Switch an account off, ending its sessions at once, or on again."""
    if user.is_active != active:
        user.is_active = active
        user.save(update_fields=["is_active"])
        end_sessions(user)
        audit.write("person.activated" if active else "person.deactivated", by=by.pk)


def has_second_factor(user: User) -> bool:
    """Whether the person has one; only the administration is told."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_second_factor(%s)", [user.pk])
        return bool(cursor.fetchone()[0])


def reset_second_factor(*, user: User, by: User) -> bool:
    """Take away the second factors of somebody who has lost them, end their sessions and tell them by mail.

    False when there was nothing to take away. The database refuses it for one's own.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT reset_second_factor(%s)", [user.pk])
        taken = int(cursor.fetchone()[0])
    if taken:
        end_sessions(user)
        outbox.post(
            f"second_factor_reset:{ids.new_id()}",
            kind=SECOND_FACTOR_RESET,
            to=user,
            facts={"path": "/accounts/2fa/"},
        )
        audit.write("second_factor.reset", by=by.pk)
    return bool(taken)


def sign_out(*, user: User, by: User) -> None:
    """End all sessions of a person."""
    end_sessions(user)
    audit.write("person.signed_out", by=by.pk)


def transfer(*, user: User, agency: Agency, end: Iterable[RoleGrant], by: User) -> None:
    """Let a person belong to another agency from now on, end these of their roles, and tell them. Twice is once.

    What runs goes on; an open request stays with the coordination it went to, and its learner is asked there.
    """
    if user.agency_id == agency.pk:
        return
    user.agency, user.agency_since = agency, clock.now()
    user.save(update_fields=["agency", "agency_since"])
    for grant in end:
        end_role(grant=grant, by=by)
    outbox.post_all([letter_of_transfer(user)])
    audit.write("person.transferred", by=by.pk)


def letter_of_transfer(user: User) -> outbox.Letter:
    """What somebody is told who belongs to another agency from now on."""
    facts = {"path": "/begleitungen/"}
    return outbox.letter(f"agency_changed:{ids.new_id()}", kind=AGENCY_CHANGED, to=user, facts=facts)
