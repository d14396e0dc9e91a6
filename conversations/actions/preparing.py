"""Preparing a talk: the own sheet, and the learner's topic, kept or sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from accounts.models import User
from conversations.conversation import Conversation
from conversations.merging import merged
from conversations.preparation import Preparation, TopicWish
from engagements.actions.requests import Stale
from lernbegleitung import clock


def fingerprint(*texts: str) -> str:
    """Of texts as a page shows them, so that it can be told later whether they have changed."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:20]


def write_sheet(
    *,
    conversation: Conversation,
    texts: dict[str, str],
    by: User,
    seen: str | None = None,
    bases: Mapping[str, str | None] | None = None,
) -> Preparation:
    """Store the given parts of one's own sheet; nobody else can ever open it.

    `seen`: the fingerprint of these parts when the page was made; raises Stale when they say something else by now.
    `bases`: the texts as the page knew them; what another device has written since is merged, and where both changed
    the same words, both stay, one below the other.
    """
    sheet = Preparation.objects.select_for_update(no_key=True).filter(conversation=conversation, owner=by).first()
    sheet = sheet or Preparation(conversation=conversation, owner=by)
    stored = [getattr(sheet, name) for name in texts]
    if seen is not None and seen != fingerprint(*stored) and stored != list(texts.values()):
        raise Stale(sheet)
    for name, text in texts.items():
        base, kept = (bases or {}).get(name), getattr(sheet, name)
        setattr(sheet, name, text if base is None else _both(_lines(base), _lines(kept), _lines(text)))
    sheet.version += 1
    sheet.changed_at = clock.now()
    sheet.save()
    return sheet


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _both(base: str, kept: str, text: str) -> str:
    found = merged(base, kept, text)
    return f"{kept}\n\n{text}" if found is None else found


def write_topic(*, conversation: Conversation, text: str, shared: bool, by: User, seen: str | None = None) -> None:
    """What the learner would like to talk about; sent to the companion, or kept, or taken back. `seen` as above."""
    wish = TopicWish.objects.select_for_update(no_key=True).filter(conversation=conversation).first()
    wish = wish or TopicWish(conversation=conversation)
    if seen is not None and seen != fingerprint(wish.text) and wish.text != text:
        raise Stale(wish)
    wish.text = text
    wish.shared_at = (wish.shared_at or clock.now()) if shared else None
    wish.changed_at = clock.now()
    wish.save()
