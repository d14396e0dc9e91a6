"""Inviting people, and coming in by an invitation."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.db import IntegrityError, connection, transaction

from accounts import audit, outbox
from accounts.mails import INVITATION
from accounts.people import Agency, Invitation, RoleGrant, User
from accounts.roles import Role, covers, has_role
from accounts.signals import joined
from lernbegleitung import clock

VALID_FOR = timedelta(days=7)


class NotInvited(Exception):
    """The invitation is used, withdrawn or expired, or the address has come in otherwise."""


class AlreadyHere(Exception):
    """There is an account, or an open invitation, with this address."""


def may_invite(user: User, agency: Agency, role: str) -> bool:
    """Administrators invite anybody; coordinators learners and companions, for their agencies and those below."""
    if has_role(user, Role.ADMINISTRATOR):
        return True
    return role in ("", Role.COMPANION) and covers(user, Role.COORDINATOR, agency)


def invite(*, email: str, name: str, agency: Agency, role: str, language: str, by: User) -> Invitation:
    """Store an invitation and mail its link; the token is only in the mail. Raises AlreadyHere."""
    token = secrets.token_urlsafe(32)
    if address_is_taken(email):
        raise AlreadyHere
    expired = Invitation.objects.filter(
        email=email.lower(), accepted_at=None, withdrawn_at=None, expires_at__lte=clock.now()
    )
    expired.update(withdrawn_at=clock.now())
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                email=email.lower(),
                name=name,
                agency=agency,
                role=role,
                language=language,
                token_hash=hash_of(token),
                invited_by=by,
                expires_at=clock.now() + VALID_FOR,
            )
    except IntegrityError as error:
        raise AlreadyHere from error
    post_links([(invitation.pk, invitation.email, language, token)])
    audit.write("person.invited", by=by.pk)
    return invitation


def post_links(invited: list[tuple[int, str, str, str]]) -> None:
    """Mail the links of invitations: (invitation, address, language, token) of each."""
    outbox.post_all(
        [
            outbox.letter(
                f"invitation:{pk}",
                kind=INVITATION,
                address=address,
                language=language,
                facts={"path": f"/accounts/einladung/{token}/"},
            )
            for pk, address, language, token in invited
        ]
    )


def withdraw(*, invitation: Invitation, by: User) -> None:
    """Make the link useless; twice is once."""
    if Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(
        withdrawn_at=clock.now()
    ):
        audit.write("invitation.withdrawn", by=by.pk)


def open_invitation(token: str) -> Invitation | None:
    """The invitation this link opens, or None when it is used, withdrawn, expired or never was."""
    invitation = Invitation.objects.select_related("agency").filter(token_hash=hash_of(token)).first()
    return invitation if invitation and invitation.is_open() else None


def accept(*, token: str, name: str, password: str, language: str) -> User:
    """Make the account of the invited address. Exactly one of two clicks wins; the other gets NotInvited."""
    invitation = open_invitation(token)
    if not invitation:
        raise NotInvited
    with transaction.atomic():
        used = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None).update(
            accepted_at=clock.now()
        )
        if not used:
            raise NotInvited
        user = User(email=invitation.email, name=name, agency=invitation.agency, language=language)
        user.job, user.team = invitation.job, invitation.team
        user.set_password(password)
        try:
            with transaction.atomic():
                user.save()
        except IntegrityError as error:
            raise NotInvited from error
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        over = invitation.role_until is not None and invitation.role_until < clock.today()
        if invitation.role and not over:
            RoleGrant.objects.create(
                user=user,
                role=invitation.role,
                agency=invitation.agency,
                ends_on=invitation.role_until,
                granted_by_id=invitation.invited_by_id,
            )
            joined.send(sender=User, people=[user.pk], role=invitation.role)
        audit.write("person.joined", by=None)
    return user


def address_is_taken(email: str) -> bool:
    """Whether an account has this address, also one that the asking person may not see."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT address_is_taken(%s)", [email.lower()])
        return bool(cursor.fetchone()[0])


def hash_of(token: str) -> str:
    """What is kept of a link."""
    return hashlib.sha256(token.encode()).hexdigest()
