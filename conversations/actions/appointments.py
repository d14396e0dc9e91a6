"""Appointments made, moved, cancelled. The database lets nobody be in two talks at once."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from accounts import audit, outbox
from accounts.models import User
from accounts.outbox import Kind
from conversations.appointments import Appointment
from conversations.calendar import calendar_object
from conversations.conversation import Conversation, ConversationPart
from conversations.guide import PARTS
from conversations.mails import APPOINTMENT_CANCELLED, APPOINTMENT_MOVED, APPOINTMENT_NEW
from engagements.models import Engagement
from engagements.states import NotPossible, State
from lernbegleitung import clock

TAKEN = {"23P01", "40P01"}  # exclusion violated; deadlock of two who wanted the same time


class TimeTaken(Exception):
    """One of the two has another appointment then."""


def make(*, engagement: Engagement, pk: uuid.UUID, values: dict[str, Any], by: User) -> Appointment:
    """A new appointment with its empty talk; the same `pk` twice makes one. Raises TimeTaken."""
    if existing := Appointment.objects.filter(pk=pk, engagement=engagement).first():
        return existing
    engagement.require(State.INTRODUCTION, State.ACTIVE)
    if not engagement.companion:
        raise NotPossible()
    appointment = Appointment(
        pk=pk, engagement=engagement, learner=engagement.learner, companion=engagement.companion, made_by=by, **values
    )
    _save(appointment, new=True)
    conversation = Conversation.objects.create(engagement=engagement, appointment=appointment)
    ConversationPart.objects.bulk_create(
        [ConversationPart(conversation=conversation, part=part.number) for part in PARTS]
    )
    audit.write("appointment.made", by=by.pk, subject=engagement.pk)
    _tell(appointment, APPOINTMENT_NEW, "REQUEST")
    return appointment


def move(*, appointment: Appointment, values: dict[str, Any], by: User) -> None:
    """Another time or place; the talk's preparation and notes travel along. Raises TimeTaken."""
    appointment = _locked(appointment)
    if appointment.cancelled_at:
        raise NotPossible(_("Dieser Termin ist abgesagt. Vereinbaren Sie einen neuen."))
    if all(getattr(appointment, name) == value for name, value in values.items()):
        return
    for name, value in values.items():
        setattr(appointment, name, value)
    appointment.sequence += 1
    _save(appointment, new=False)
    audit.write("appointment.moved", by=by.pk, subject=appointment.engagement_id)
    _tell(appointment, APPOINTMENT_MOVED, "REQUEST")


def cancel(*, appointment: Appointment, by: User) -> None:
    """Call it off; both calendars are told. Twice is once."""
    appointment = _locked(appointment)
    if appointment.cancelled_at:
        return
    appointment.cancelled_at, appointment.sequence = clock.now(), appointment.sequence + 1
    appointment.save(update_fields=["cancelled_at", "sequence"])
    audit.write("appointment.cancelled", by=by.pk, subject=appointment.engagement_id)
    _tell(appointment, APPOINTMENT_CANCELLED, "CANCEL")


def _locked(appointment: Appointment) -> Appointment:
    return (
        Appointment.objects.select_for_update(no_key=True, of=("self",))
        .select_related("learner", "companion")
        .get(pk=appointment.pk)
    )


def _save(appointment: Appointment, *, new: bool) -> None:
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:  # companion first, learner second: one order of locks, no deadlock
                cursor.execute("SELECT lock_calendars(%s)", [appointment.engagement_id])
            appointment.save(force_insert=new)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", "") in TAKEN:
            raise TimeTaken from error
        raise


def _tell(appointment: Appointment, kind: Kind, method: str) -> None:
    attachment = calendar_object(appointment, method=method)
    for person in (appointment.learner, appointment.companion):
        outbox.post(
            f"{kind.name}:{appointment.pk}:{appointment.sequence}:{person.pk}",
            kind=kind,
            to=person,
            about=appointment.pk,
            facts={"path": f"/termine/{appointment.pk}/"},
            attachment=attachment,
        )
