"""What one does with questions: keep, write, propose to all, take along into a talk."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, connection, transaction

from accounts import outbox
from accounts.models import User
from conversations.actions.preparing import write_sheet
from conversations.conversation import Conversation
from conversations.guide import GuidingQuestion
from conversations.kept_questions import Favourite, OwnQuestion, QuestionProposal, QuestionUse
from conversations.mails import QUESTION_PROPOSED
from conversations.preparation import Preparation
from engagements.actions.requests import Stale
from engagements.mails import Recipient
from engagements.states import NotPossible
from lernbegleitung import clock, ids


def keep(*, question: GuidingQuestion, kept: bool, by: User) -> None:
    """Keep a question among the favourites, or no longer. Twice is once."""
    if kept:
        Favourite.objects.bulk_create([Favourite(owner=by, question=question)], ignore_conflicts=True)
    else:
        Favourite.objects.filter(owner=by, question=question).delete()


def write_own(*, pk: uuid.UUID, part: str, text: str, by: User) -> OwnQuestion:
    """A question of one's own; the same `pk` twice makes one."""
    if existing := OwnQuestion.objects.filter(pk=pk, owner=by).first():
        return existing
    own = OwnQuestion(pk=pk, owner=by, part=part)
    own.text = text
    try:
        with transaction.atomic():
            own.save(force_insert=True)
    except IntegrityError as error:
        raise NotPossible() from error
    return own


def change_own(*, own: OwnQuestion, version: int, part: str, text: str, by: User) -> None:
    """Other words; raises Stale when another tab was faster, and changes nothing then."""
    stored = OwnQuestion.objects.select_for_update(no_key=True).get(pk=own.pk, owner=by)
    if stored.version != version:
        raise Stale(stored)
    stored.part, stored.text, stored.version = part, text, stored.version + 1
    stored.save(update_fields=["part", "text_sealed", "version"])


def propose(*, own: OwnQuestion, part: str, text_de: str, text_en: str, by: User) -> bool:
    """Offer an own question to all, as typed; True when it is new: each is proposed once."""
    if QuestionProposal.objects.filter(owner=by, source=own.pk).exists():
        return False
    proposal = QuestionProposal(owner=by, source=own.pk, part=part, text_de=text_de, text_en=text_en)
    if not ids.insert_once(proposal):
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, language FROM method_owners()")
        owners = [Recipient(*row) for row in cursor.fetchall()]
    for owner in owners:
        key = f"question_proposed:{proposal.pk}:{owner.pk}"
        outbox.post(key, kind=QUESTION_PROPOSED, to=owner, about=proposal.pk, facts={"path": "/methode/"})
    return True


def take_along(*, conversation: Conversation, question: GuidingQuestion | OwnQuestion, by: User) -> Preparation:
    """Put a question into one's own sheet (“Fragen, die ich mitnehme”), and remember that it was taken. Twice is once."""
    Preparation.objects.get_or_create(conversation=conversation, owner=by)
    sheet = Preparation.objects.select_for_update(no_key=True).get(conversation=conversation, owner=by)
    text = with_question(sheet.questions, question)
    if text != sheet.questions:
        sheet = write_sheet(conversation=conversation, texts={"questions": text}, by=by)
    remember(conversation=conversation, question=question, by=by)
    return sheet


def with_question(text: str, question: GuidingQuestion | OwnQuestion) -> str:
    """The list of questions with this one at its end, unless it stands there already."""
    words = question.text if isinstance(question, OwnQuestion) else str(question)
    return text if words in text.splitlines() else f"{text}\n{words}".strip()


def remember(*, conversation: Conversation, question: GuidingQuestion | OwnQuestion, by: User) -> None:
    """That this person has taken this question along in this companionship; seen by the person alone."""
    use = QuestionUse(owner=by, engagement_id=conversation.engagement_id, at=clock.now())
    if isinstance(question, OwnQuestion):
        use.own_question = question
    else:
        use.question = question
    QuestionUse.objects.bulk_create([use], ignore_conflicts=True)
