"""People, the tree of agencies, roles in time, invitations, sessions, drafts, data keys, audit lines and outgoing mail."""

from .audit import AuditEvent
from .drafts import Draft
from .keys import DataKey
from .openings import Opening
from .outbox import OutgoingMail
from .people import Agency, Invitation, RoleGrant, User
from .sessions import SignIn

__all__ = [
    "Agency",
    "AuditEvent",
    "DataKey",
    "Draft",
    "Invitation",
    "Opening",
    "OutgoingMail",
    "RoleGrant",
    "SignIn",
    "User",
]
