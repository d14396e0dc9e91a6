"""What the method owner does with the questions for all: write, change, let rest, answer proposals."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Max

from accounts import audit, outbox
from accounts.models import User
from conversations.guide import GuidingQuestion
from conversations.kept_questions import QuestionProposal
from conversations.mails import QUESTION_ANSWERED
from engagements.actions.requests import Stale
from lernbegleitung import ids

FIELDS = ("part", "kinds", "occasions", "text_de", "text_en")


def write(*, values: dict[str, Any], by: User, code: str = "") -> GuidingQuestion:
    """A new question for all. The same `code` twice makes one."""
    if code and (existing := GuidingQuestion.objects.filter(code=code).first()):
        return existing
    last = GuidingQuestion.objects.aggregate(last=Max("position"))["last"] or 0
    question = GuidingQuestion.objects.create(
        code=code or f"m{ids.new_id().hex[-12:]}", position=last + 1, **{name: values[name] for name in FIELDS}
    )
    audit.write("question.written", by=by.pk)
    return question


def change(*, question: GuidingQuestion, version: int, values: dict[str, Any], by: User) -> None:
    """Other words; raises Stale when somebody else was faster, and changes nothing then."""
    stored = GuidingQuestion.objects.select_for_update(no_key=True).get(pk=question.pk)
    if stored.version != version:
        raise Stale(stored)
    for name in FIELDS:
        setattr(stored, name, values[name])
    stored.version += 1
    stored.save(update_fields=[*FIELDS, "version"])
    audit.write("question.changed", by=by.pk)


def let_rest(*, question: GuidingQuestion, rests: bool, by: User) -> None:
    """Take a question out of the bank, or bring it back; sheets that name it keep their words. Twice is once."""
    if GuidingQuestion.objects.filter(pk=question.pk, is_active=rests).update(is_active=not rests):
        audit.write("question.retired" if rests else "question.revived", by=by.pk)


def answer(*, proposal: QuestionProposal, values: dict[str, Any] | None, by: User) -> bool:
    """Take a proposal for all, in these words and without a name, or decline it (no values). False: it was answered."""
    proposer = proposal.owner
    with connection.cursor() as cursor:
        cursor.execute("SELECT decide_question_proposal(%s, %s)", [proposal.pk, values is not None])
        if not cursor.fetchone()[0]:
            return False
    if values is not None:
        write(values=values, by=by)
    audit.write("question.accepted" if values is not None else "question.declined", by=by.pk)
    key = f"{QUESTION_ANSWERED.name}:{proposal.pk}"
    outbox.post(key, kind=QUESTION_ANSWERED, to=proposer, about=proposal.pk, facts={"path": "/fragen/eigene/"})
    return True
