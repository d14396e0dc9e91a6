"""Who reads an item: one declaration per model, from which the policy in the database and the sentence on the page
are both made, so that they cannot differ.

A tie says how a row finds its learner and its companion, in SQL (for the policy) and in Python (for the names). Each
app declares the audiences of its models in audiences.py; `rls.apply_policies` turns them into policies, the template
tag `{% read_by %}` into sentences, and the access log asks whose an item is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.db import connection
from django.db.models import Model
from django.utils.translation import gettext

ME = "(SELECT app_user_id())"
# Evaluated once per query, not once per row; CASE keeps the planner from leading with them (docs/decisions/0006).
LEARNING = "ANY ((SELECT app_learning())::uuid[])"
ACCOMPANYING = "ANY ((SELECT app_accompanying())::uuid[])"
TALKS_LEARNING = "ANY ((SELECT app_talks_learning())::uuid[])"
TALKS_ACCOMPANYING = "ANY ((SELECT app_talks_accompanying())::uuid[])"

Form = TypeVar("Form", bound=forms.BaseForm)
Person = Any  # accounts.User, which this room does not know
Pair = tuple[Person, Person | None]


@dataclass(frozen=True)
class Tie:
    """How a row finds the two: conditions on the row for the policy, and the people themselves."""

    learner: str
    companion: str
    pair: Callable[[Any], Pair]


@dataclass(frozen=True)
class Audience:
    """Who reads the rows of a model, and whose they are.

    `shared`: the companion reads a row only while its `shared_at` is set. `owner`: the id of the person whose item it
    is. `writes`: who may insert, change and delete, as SQL; None: the app's policies.sql says it, being finer.
    """

    model: type[Model]
    tie: Tie
    owner: Callable[[Any], int]
    companion_reads: bool = True
    shared: bool = False
    writes: str | None = None

    def condition(self) -> str:
        """The SQL condition under which the asking person reads a row."""
        cases = [f"WHEN {self.tie.learner} THEN true"]
        if self.companion_reads:
            released = "shared_at IS NOT NULL AND " if self.shared else ""
            cases.append(f"WHEN {released}{self.tie.companion} THEN true")
        return f"CASE {' '.join(cases)} ELSE false END"

    def policies(self) -> list[str]:
        """The statements that make the policies of this model; names begin with the app's."""
        app, table = self.model._meta.app_label, self.model._meta.db_table
        made = [f'CREATE POLICY "{app}: {table} readers" ON {table} FOR SELECT TO lern_app USING ({self.condition()})']
        if self.writes:
            check = f"({self.writes})"
            made += [
                f'CREATE POLICY "{app}: {table} new" ON {table} FOR INSERT TO lern_app WITH CHECK {check}',
                f'CREATE POLICY "{app}: {table} change" ON {table} FOR UPDATE TO lern_app USING {check} WITH CHECK {check}',
                f'CREATE POLICY "{app}: {table} delete" ON {table} FOR DELETE TO lern_app USING {check}',
            ]
        return made

    def readers(self, item: Any) -> Readers:
        """The people who read this item now, and who might later."""
        learner, companion = self.tie.pair(item)
        if not self.companion_reads:
            return Readers((learner,))
        if not companion:
            return Readers((learner,), open_place=True)
        if self.shared and not item.shared_at:
            return Readers((learner,), (companion,))
        return Readers((learner, companion))


@dataclass(frozen=True)
class Seen:
    """What stands below a field: `private` or `shared`, and the words."""

    kind: str
    words: str


@dataclass(frozen=True)
class Readers:
    """Who reads something now; who will once the learner releases it; and whether a companion is still to come."""

    now: tuple[Person, ...]
    when_released: tuple[Person, ...] = ()
    open_place: bool = False

    def kind(self, viewer: Person) -> str:
        """`private` when nobody but the viewer reads it, else `shared`."""
        return "private" if all(person == viewer for person in self.now) else "shared"

    def tag(self, viewer: Person) -> str:
        """In two or three words, for lists and fields: "nur Sie", "Sie und Ben Beispiel"."""
        others = _names(self.now, viewer)
        return gettext("Sie und %(names)s") % {"names": others} if others else gettext("nur Sie")

    def field(self, viewer: Person) -> Seen:
        """For the line below a field that is being written."""
        words = self.tag(viewer)
        if later := _names(self.when_released, viewer):
            words = gettext("Sie, und %(names)s erst, wenn Sie es freigeben") % {"names": later}
        elif self.open_place and words == gettext("nur Sie"):
            words = gettext("nur Sie, bis Sie eine Begleitung fragen")
        return Seen(self.kind(viewer), words)

    def sentence(self, viewer: Person) -> str:
        """In one sentence, with the names of the people."""
        if others := _names(self.now, viewer):
            return gettext("Das lesen Sie und %(names)s, sonst niemand.") % {"names": others}
        if later := _names(self.when_released, viewer):
            return gettext("Das lesen nur Sie. %(names)s liest es erst, wenn Sie es freigeben.") % {"names": later}
        if self.open_place:
            return gettext("Das lesen nur Sie, bis Sie eine Begleitung fragen.")
        return gettext("Das lesen nur Sie.")


def _names(people: tuple[Person, ...], viewer: Person) -> str:
    return gettext(" und ").join(person.name for person in people if person != viewer)


class OwnWords(forms.CharField):
    """A field for content: it is shown only together with who will read it (`show_readers`)."""


def show_readers(form: Form, item: Any, viewer: Person) -> Form:
    """Say below each content field of the form who reads what is written there; `item` is, or will be, its row."""
    seen = readers_of(item).field(viewer)
    for field in form.fields.values():
        if isinstance(field, OwnWords):
            field.seen = seen
    return form


AUDIENCES: dict[type[Model], Audience] = {}


def declare(*audiences: Audience) -> None:
    """Make the audiences of an app's models known."""
    for audience in audiences:
        AUDIENCES[audience.model] = audience


def audience_of(item: Any) -> Audience:
    """The audience of an item or a model; a model without one cannot be shown, so this fails loudly."""
    return AUDIENCES[item if isinstance(item, type) else type(item)]


def readers_of(item: Any) -> Readers:
    """Who reads this item."""
    return audience_of(item).readers(item)


def is_known_to_be_of(user_id: int, item: Any) -> bool:
    """Whether the item is this person's own, as far as can be told without asking the database."""
    try:
        with connection.execute_wrapper(_ask_nothing):
            return audience_of(item).owner(item) == user_id
    except AskedAnyway:
        return False


class AskedAnyway(Exception):
    """Somebody wanted to ask the database where that was ruled out."""


def _ask_nothing(*_args: Any) -> Any:
    raise AskedAnyway


def policies_of(app_label: str) -> list[str]:
    """The statements for all declared models of one app."""
    return [sql for model, found in AUDIENCES.items() if model._meta.app_label == app_label for sql in found.policies()]
