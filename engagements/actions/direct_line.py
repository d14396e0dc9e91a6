"""Writing on a direct line, answering, and letting go of it."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import outbox
from accounts.keys import create_key
from accounts.models import Agency, DataKey, User
from engagements.actions.requests import coordinators_of, nearest_coordination
from engagements.direct_line import DirectLine, LineMessage
from engagements.mails import LINE_ANSWERED, LINE_WRITTEN
from engagements.states import NotPossible
from lernbegleitung import clock, ids

AT_MOST, WITHIN = 10, timedelta(hours=1)


def responsible_for(person: User) -> Agency | None:
    """The agency whose coordination answers this person."""
    return nearest_coordination(person.agency_id)


def line_to(agency: Agency | None, *, of: User) -> DirectLine | None:
    """The person's line to the coordination of this agency, if anything was written on it."""
    line = DirectLine.objects.filter(writer=of, agency=agency).first() if agency else None
    if line and agency:
        line.writer, line.agency = of, agency
    return line


def write(*, pk: uuid.UUID, text: str, by: User) -> None:
    """A message to the coordination; the same `pk` twice is one."""
    agency = responsible_for(by)
    if not agency:
        raise NotPossible(_("Für Ihre Dienststelle gibt es gerade keine Koordination."))
    line = line_to(agency, of=by)
    if not line:
        line = DirectLine(writer=by, agency=agency)
        try:
            with transaction.atomic():
                line.save(force_insert=True)
                create_key(line.pk)
        except IntegrityError:  # the other click was faster
            line = DirectLine.objects.get(writer=by, agency=agency)
    if not _add(line, pk, text, by):
        return
    DirectLine.objects.filter(pk=line.pk, waits_since=None).update(waits_since=clock.now())
    for recipient in coordinators_of(agency.pk):
        if recipient.pk != by.pk:
            outbox.post(
                f"line_written:{pk}:{recipient.pk}",
                kind=LINE_WRITTEN,
                to=recipient,
                about=line.pk,
                facts={"path": f"/zuordnung/nachrichten/{line.pk}/"},
            )


def answer(*, line: DirectLine, pk: uuid.UUID, text: str, by: User) -> None:
    """The coordination writes back; the same `pk` twice is one."""
    if not _add(line, pk, text, by):
        return
    DirectLine.objects.filter(pk=line.pk).update(waits_since=None)
    outbox.post(
        f"line_answered:{pk}", kind=LINE_ANSWERED, to=line.writer, about=line.pk, facts={"path": "/direkter-draht/"}
    )


def settle(*, line: DirectLine, by: User) -> None:
    """The coordination has dealt with it without writing. Twice is once; a new message opens it again."""
    DirectLine.objects.filter(pk=line.pk).update(waits_since=None)


def erase(*, by: User) -> None:
    """The writer lets go of all messages, also those to a former coordination, with their keys: nobody reads them again."""
    lines = DirectLine.objects.filter(writer=by)
    DataKey.objects.filter(pk__in=lines.values("pk")).delete()
    lines.delete()


def _add(line: DirectLine, pk: uuid.UUID, text: str, by: User) -> bool:
    """One more message; False when it is there already. Raises NotPossible when somebody writes without end."""
    recent = LineMessage.objects.filter(line=line, author=by, written_at__gt=clock.now() - WITHIN)
    if recent.exclude(pk=pk).count() >= AT_MOST:
        raise NotPossible(_("Das sind viele Nachrichten in kurzer Zeit. Bitte schreiben Sie in einer Stunde weiter."))
    message = LineMessage(pk=pk, line=line, author=by)
    message.text = text
    if not ids.insert_once(message):
        return False
    DirectLine.objects.filter(pk=line.pk).update(last_at=clock.now())
    return True
