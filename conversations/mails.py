"""The mails about talks: that an appointment was made, moved or cancelled, that a record waits. Never what it is about."""

from __future__ import annotations

from datetime import datetime

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from accounts import outbox
from accounts.due import DueMail
from accounts.models import OutgoingMail, User
from accounts.outbox import DROP, SEND, Decision, Kind
from engagements.digest import rhythm_of
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import clock

from .appointments import Appointment
from .calendar import Method, alarms_of, calendar_text
from .proposed_dates import DateProposal


def decide(mail: DueMail) -> Decision:
    """Only what is still to come, and only the last word on it; the worker sees no appointments, so the row says when."""
    over = datetime.fromisoformat(mail.facts["ends_at"]) <= clock.now()
    if over or not mail.recipient or not mail.recipient.is_active:
        return DROP
    same = OutgoingMail.objects.filter(
        subject_id=mail.subject_id, recipient_id=mail.recipient_id, kind__startswith="appointment_"
    )
    return DROP if same.filter(pk__gt=mail.pk).exists() else SEND


def decide_rests(mail: DueMail) -> Decision:
    """While it still rests, on a working day of the person's, within the hours of reminders."""
    resting = Engagement.objects.filter(pk=mail.subject_id, state=State.PAUSED).exists()
    if not resting or not mail.recipient or not mail.recipient.is_active:
        return DROP
    chance = rhythm_of(mail.recipient).next_chance(clock.now())
    return Decision(send=False, later=chance) if chance else SEND


def decide_dates(mail: DueMail) -> Decision:
    """Only while one of the dates is still to come."""
    return SEND if datetime.fromisoformat(mail.facts["until"]) > clock.now() else DROP


def decide_series(mail: DueMail) -> Decision:
    """As long as one of its talks is still to come."""
    over = datetime.fromisoformat(mail.facts["ends_at"]) <= clock.now()
    return DROP if over or not mail.recipient or not mail.recipient.is_active else SEND


APPOINTMENT_NEW = outbox.kind("appointment_new", decide=decide)
APPOINTMENT_MOVED = outbox.kind("appointment_moved", decide=decide)
APPOINTMENT_CANCELLED = outbox.kind("appointment_cancelled", decide=decide)
APPOINTMENT_DECLINED = outbox.kind("declined_in_calendar", decide=decide_series)
RESTS = outbox.kind("rests", decide=decide_rests)
DATES_PROPOSED = outbox.kind("dates_proposed", decide=decide_dates)
DATES_NONE_FITS = outbox.kind("dates_none_fits")
SERIES_NEW = outbox.kind("series_new", decide=decide_series)
SERIES_MOVED = outbox.kind("series_moved", decide=decide_series)
SERIES_CANCELLED = outbox.kind("series_cancelled", decide=decide_series)
RECORD_TO_AGREE = outbox.kind("record_to_agree")
RECORD_LOCKED = outbox.kind("record_locked")
RECORD_ADDITION = outbox.kind("record_addition")
FEEDBACK_GIVEN = outbox.kind("feedback_given")
QUESTION_PROPOSED = outbox.kind("question_proposed")
QUESTION_ANSWERED = outbox.kind("question_answered")


def tell_both(kind: Kind, appointment: Appointment) -> None:
    """A mail with the calendar object to each of the two, in the transaction of the change."""
    method = Method.CANCEL if kind is APPOINTMENT_CANCELLED else Method.REQUEST
    alarms = alarms_of([appointment.learner_id, appointment.companion_id])
    for person in (appointment.learner, appointment.companion):
        facts = {
            "path": f"/termine/{appointment.pk}/",
            "when": when_in_words(appointment, person),
            "ends_at": appointment.ends_at.isoformat(),
        }
        text = calendar_text([appointment], method=method, person=person, alarm=alarms[person.pk])
        key = f"{kind.name}:{appointment.pk}:{appointment.sequence}:{person.pk}"
        outbox.post(key, kind=kind, to=person, about=appointment.pk, facts=facts, attachment=text)


def tell_of_dates(kind: Kind, proposal: DateProposal, *, to: User | None) -> None:
    """That dates are proposed, or that none of them fits; which ones, the page says."""
    if to:
        here = f"/begleitungen/{proposal.engagement_id}/termine/"
        path = f"{here}vorschlag/" if kind is DATES_PROPOSED else f"{here}buchen/"
        facts = {"path": path, "until": proposal.until.isoformat()}
        outbox.post(f"{kind.name}:{proposal.pk}", kind=kind, to=to, about=proposal.engagement_id, facts=facts)


def tell_both_of_series(kind: Kind, appointments: list[Appointment]) -> None:
    """One mail about all of these to each of the two, in the transaction of the change."""
    method = Method.CANCEL if kind is SERIES_CANCELLED else Method.REQUEST
    first, last = appointments[0], max(appointment.ends_at for appointment in appointments)
    alarms = alarms_of([first.learner_id, first.companion_id])
    for person in (first.learner, first.companion):
        facts = {
            "path": f"/termine/{first.pk}/",
            "dates": [when_in_words(appointment, person) for appointment in appointments],
            "ends_at": last.isoformat(),
        }
        text = calendar_text(
            appointments, method=method, person=person, alarm=alarms[person.pk], whole=kind is SERIES_NEW
        )
        key = f"{kind.name}:{first.pk}:{first.sequence}:{person.pk}"
        outbox.post(key, kind=kind, to=person, about=first.series, facts=facts, attachment=text)


def when_in_words(appointment: Appointment, person: User) -> str:
    """Day and time in the person's language and time zone."""
    with translation.override(person.language):
        starts, ends = (
            timezone.localtime(moment, person.zone()) for moment in (appointment.starts_at, appointment.ends_at)
        )
        pattern = "l, j F Y" if person.language == "en" else "l, j. F Y"
        words = {"day": formats.date_format(starts, pattern), "from": f"{starts:%H:%M}", "to": f"{ends:%H:%M}"}
        return _("%(day)s, %(from)s bis %(to)s Uhr") % words
