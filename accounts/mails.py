"""The mails of this app: each kind, and when it is still wanted."""

from . import outbox
from .due import DueMail
from .outbox import DROP, SEND, Decision

SECOND_FACTOR_RESET = outbox.kind("second_factor_reset", decide=lambda mail: SEND)
AGENCY_CHANGED = outbox.kind("agency_changed")
INVITATION = outbox.kind("invitation", decide=lambda mail: still_invited(mail))


def still_invited(mail: DueMail) -> Decision:
    """An invitation is sent within its seven days, or not at all."""
    from datetime import timedelta

    from lernbegleitung import clock

    return SEND if clock.now() - mail.created_at < timedelta(days=7) else DROP
