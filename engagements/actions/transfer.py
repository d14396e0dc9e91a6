"""Transfer checks: answered, answered anew, given up. The person's own throughout."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.models import User
from engagements.rules import RuleOfThumb
from engagements.transfer import TransferAnswer, TransferCheck
from lernbegleitung import clock


def answer(*, check: TransferCheck, answer: TransferAnswer, words: str, as_rule: bool, by: User) -> None:
    """How it went; a later answer takes the place of the first. The words may be kept as a rule of thumb, once."""
    check.answer, check.words = answer, words
    check.answered_at = clock.now()
    check.save(update_fields=["answer", "words_sealed", "answered_at"])
    if words and as_rule:
        keep(check=check, by=by)


def keep(*, check: TransferCheck, by: User) -> None:
    """What was said becomes a rule of thumb; kept already is kept."""
    rule = RuleOfThumb(owner=by, insight=check.pk)
    rule.text = check.words
    try:
        with transaction.atomic():
            rule.save(force_insert=True)
    except IntegrityError:
        return
