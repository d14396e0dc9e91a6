"""People, the tree of agencies, their features, free days, roles in time, invitations, sessions, drafts, data keys, audit, outgoing mail, devices for notices,
files that are brought in."""

from .audit import AuditEvent
from .drafts import Draft
from .features import AgencyFeature
from .free_days import FreeDay
from .imports import ImportFile, ImportLine
from .keys import DataKey
from .openings import Opening
from .operation import JobRun, PausedAddress
from .outbox import OutgoingMail
from .people import Agency, Invitation, RoleGrant, User
from .push_devices import PushDevice
from .rooms import TalkSettings, VideoService
from .sessions import SignIn

__all__ = [
    "Agency",
    "AgencyFeature",
    "AuditEvent",
    "DataKey",
    "Draft",
    "FreeDay",
    "ImportFile",
    "ImportLine",
    "Invitation",
    "JobRun",
    "Opening",
    "OutgoingMail",
    "PausedAddress",
    "PushDevice",
    "RoleGrant",
    "SignIn",
    "TalkSettings",
    "User",
    "VideoService",
]
