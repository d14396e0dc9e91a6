"""What the digest tells of learning steps: one reminder on the day, one follow-up, then silence (R1, R2, R9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import User

from . import digest
from .digest import Person, Sort, Told
from .reminders import STEP_AGAIN, STEP_DUE, Wish, wishes_of_step
from .states import State
from .steps import LearningStep, StepState


def steps_to_tell(
    people: list[Person], told: dict[int, Told], today: date, *, as_worker: bool
) -> Iterator[tuple[int, Wish]]:
    """Open steps of running companionships whose learner wishes to be reminded; the worker reads no more of them."""
    rhythms = {person.pk: person.rhythm for person in people}
    rows = LearningStep.objects.filter(
        state=StepState.OPEN, remind=True, engagement__state=State.ACTIVE, engagement__learner__any_of=rhythms
    )
    for pk, due_on, learner in rows.values_list("pk", "due_on", "engagement__learner_id"):
        for wish in wishes_of_step(rhythms[learner], pk, due_on, told[learner], today):
            yield learner, wish


def due_words(wish: Wish, today: date) -> str:
    """Of a step: its day, never what it is."""
    if wish.meant_for == today:
        return _("Ein Lernschritt für heute")
    return _("Ein Lernschritt, gedacht für %(day)s") % {"day": day_words(wish.meant_for)}


def again_words(wish: Wish, today: date) -> str:
    """The one and only second question."""
    return _("Ein Lernschritt vom %(day)s: Wie war er?") % {"day": day_words(wish.meant_for)}


def day_words(day: date) -> str:
    """The day as people say it, in the language in force."""
    return date_format(day, "l, j F" if get_language() == "en" else "l, j. F")


def answer_page(wish: Wish) -> str:
    """Where a step is answered."""
    return f"/lernschritte/{wish.subject}/antwort/"


digest.SOURCES.append(steps_to_tell)
digest.SORTS[STEP_DUE] = Sort(
    due_words,
    answer_page,
    gettext_lazy("Ihr Lernschritt für heute"),
    gettext_lazy("Ihre Lernschritte für heute"),
    gettext_lazy("Sie haben bei diesem Schritt eine Erinnerung gewünscht."),
)
digest.SORTS[STEP_AGAIN] = Sort(
    again_words,
    answer_page,
    gettext_lazy("Wie war Ihr Lernschritt?"),
    gettext_lazy("Wie waren Ihre Lernschritte?"),
    gettext_lazy("Eine zweite, letzte Nachfrage, falls noch offen. Danach fragen wir nicht noch einmal."),
)


def write_reminders(step: LearningStep, learner: User) -> None:
    """After a change of the step, in its transaction: the next digest of its learner stands in the outbox."""
    if step.remind and step.is_open():
        digest.arrange_own(learner)
