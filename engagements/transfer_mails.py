"""What the digest tells of transfer checks: that one has come, once, for those who wished for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User

from . import digest
from .digest import Person, Sort, Told
from .reminders import Wish
from .transfer import TransferCheck

LOOK_BACK = "look_back"
# It is not bound to a day, so a holiday of weeks only moves it. Later than this it is on Heute, but not in the mail.
TOO_LATE = timedelta(days=30)


def checks_to_tell(
    people: list[Person], told: dict[int, Told], today: date, *, as_worker: bool
) -> Iterator[tuple[int, Wish]]:
    """Unanswered ones; the worker may read of a check its day and whether it is answered."""
    rhythms = {person.pk: person.rhythm for person in people}
    rows = TransferCheck.objects.filter(owner__any_of=rhythms, answered_at=None, due_on__gte=today - TOO_LATE)
    for pk, due_on, owner in rows.values_list("pk", "due_on", "owner_id"):
        if first := rhythms[owner].working_day_from(due_on):
            yield owner, Wish(LOOK_BACK, pk, due_on, first, due_on + TOO_LATE)


digest.SOURCES.append(checks_to_tell)
digest.SORTS[LOOK_BACK] = Sort(
    lambda wish, today: _("Ein Blick zurück, wie gewünscht. Er dauert eine Minute, und nur Sie sehen Ihre Antwort."),
    lambda wish: f"/rueckblick/{wish.subject}/",
    gettext_lazy("Ein Blick zurück, wie gewünscht"),
    gettext_lazy("Ein Blick zurück, wie gewünscht"),
    gettext_lazy("Sie haben sich beim Abschließen einen Blick zurück gewünscht."),
)


def write_mail(check: TransferCheck, owner: User) -> None:
    """In the transaction of the wish."""
    digest.arrange_own(owner)
