"""Documenting a talk: the learner's words, and the agreement of both that locks them."""

from __future__ import annotations

from collections.abc import Iterable

from accounts import audit, outbox
from accounts.models import User
from conversations.actions.versions import keep_version
from conversations.conversation import Conversation, ConversationPart, Observation
from conversations.mails import RECORD_LOCKED, RECORD_TO_AGREE
from conversations.merging import merged
from conversations.planned import planned_in
from engagements.actions.requests import Stale
from engagements.states import NotPossible
from lernbegleitung import clock

LONGEST = 20_000


def held(conversation: Conversation) -> Conversation:
    """The talk as it is now, held until the transaction ends; raises NotPossible once both have agreed."""
    found = (
        Conversation.objects.select_for_update(no_key=True, of=("self",))
        .select_related("appointment")
        .get(pk=conversation.pk)
    )
    if found.is_locked():
        raise NotPossible()
    return found


def changed(conversation: Conversation) -> None:
    """Whoever had agreed, had agreed to something else."""
    conversation.version += 1
    conversation.learner_agreed_at = conversation.companion_agreed_at = None
    conversation.save(update_fields=["version", "learner_agreed_at", "companion_agreed_at"])


def write_part(
    *, conversation: Conversation, number: int, version: int, text: str, by: User, base: str | None = None
) -> ConversationPart:
    """Store the learner's words in one part, and give back the part as it is then.

    `base` is the text the page knew: what another page has written since is merged. Raises Stale (with the stored
    part) where both changed the same words, and without a base when another page was faster.
    """
    conversation = held(conversation)
    part = ConversationPart.objects.select_related("conversation").get(conversation=conversation, part=number)
    if part.text == text:
        return part
    if base is None and part.version != version:
        raise Stale(part)
    if (both := text if base is None else merged(base, part.text, text)) is None or len(both) > LONGEST:
        raise Stale(part)
    if both == part.text:
        return part
    text = both
    part.text, part.version, part.changed_at = text, part.version + 1, clock.now()
    part.save()
    changed(conversation)
    part.conversation = conversation
    return part


def write_closing(*, conversation: Conversation, text: str, by: User, base: str | None = None) -> Conversation:
    """The talk in one sentence, in the learner's words; merged, or Stale, like a part."""
    conversation = held(conversation)
    both = text if base is None else merged(base, conversation.closing_sentence, text)
    if both is None:
        raise Stale(conversation)
    if conversation.closing_sentence != both:
        conversation.closing_sentence = both
        conversation.save(update_fields=["closing_sentence_sealed"])
        changed(conversation)
    return conversation


def leave_open(*, conversation: Conversation, is_open: bool, by: User) -> None:
    """Write down that the two set no next date for now, or that this no longer holds. Twice is once."""
    conversation = held(conversation)
    if conversation.next_is_open != is_open:
        conversation.next_is_open = is_open
        conversation.save(update_fields=["next_is_open"])
        changed(conversation)


def state_of(
    conversation: Conversation, observations: Iterable[Observation] | None = None, planned: int | None = None
) -> str:
    """What changes whenever one of the two changes something that the other sees on the desk; no word of it.

    `planned`: the number of steps planned in this talk that the asking person sees.
    """
    shown = conversation.observations.only("pk", "answer") if observations is None else observations
    return ".".join(
        [
            str(conversation.version),
            str(planned_in(conversation).count() if planned is None else planned),
            *(f"{observation.pk.hex[-6:]}{observation.answer[0]}" for observation in shown),
            *("a" if agreed else "-" for agreed in (conversation.learner_agreed_at, conversation.companion_agreed_at)),
        ]
    )


def agree(*, conversation: Conversation, version: int, by: User) -> bool:
    """Agree to the record as one has read it; True when both have now, and it is locked. Twice is once."""
    found = (
        Conversation.objects.select_for_update(no_key=True, of=("self",))
        .select_related("appointment", "engagement__learner", "engagement__companion")
        .get(pk=conversation.pk)
    )
    if found.is_locked():
        return True
    if found.version != version:
        raise Stale(found)
    learns = found.appointment.learner_id == by.pk
    side = "learner_agreed_at" if learns else "companion_agreed_at"
    if not getattr(found, side):
        setattr(found, side, clock.now())
        audit.write("conversation.agreed", by=by.pk, subject=found.engagement_id)
        keep_version(found, by)
    both = bool(found.learner_agreed_at and found.companion_agreed_at)
    if both:
        found.locked_at = clock.now()
        audit.write("conversation.documented", by=by.pk, subject=found.engagement_id)
    found.save(update_fields=["learner_agreed_at", "companion_agreed_at", "agreed_version", "locked_at"])
    partner = found.engagement.partner_of(by)
    people = (found.engagement.learner, found.engagement.companion) if both else (partner,)
    for person in people:
        if person:
            kind = RECORD_LOCKED if both else RECORD_TO_AGREE
            key = f"{kind.name}:{found.pk}:{found.version}:{person.pk}"
            outbox.post(key, kind=kind, to=person, about=found.pk, facts={"path": f"/gespraeche/{found.pk}/"})
    return both
