"""Who reads what a person writes only for themselves."""

from __future__ import annotations

from lernbegleitung.audience import ME, Audience, Tie, declare

from .drafts import Draft
from .push_devices import PushDevice
from .rooms import TalkSettings

OWN = Tie(f"owner_id = {ME}", "false", lambda item: (item.owner, None))

declare(
    Audience(Draft, OWN, lambda item: item.owner_id, companion_reads=False, writes=f"owner_id = {ME}"),
    Audience(TalkSettings, OWN, lambda item: item.owner_id, companion_reads=False, writes=f"owner_id = {ME}"),
    # Written by keep_push_device() alone; what the worker reads is in policies.sql.
    Audience(PushDevice, OWN, lambda item: item.owner_id, companion_reads=False),
)
