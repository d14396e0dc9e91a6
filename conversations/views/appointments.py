"""Termin: make, read, move, cancel, take along."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import SignedRequest, posted, signed_in
from accounts.models import User
from conversations.access import appointment_or_404, conversation_of, in_own_time, may_meet
from conversations.actions import appointments as actions
from conversations.actions import series as series_actions
from conversations.appointment_forms import FOLLOWING, AppointmentForm, initial_of
from conversations.appointments import Appointment, Kind, MeetingFormat
from conversations.booking import FreeDay, by_day, free_slots
from conversations.calendar import file_of
from conversations.off_days import off_words
from conversations.places import FRESH, TYPED, places_of
from conversations.series import again_at
from engagements.access import engagement_or_404, kindly
from engagements.engagement import Engagement
from engagements.states import NotPossible, State
from lernbegleitung import clock, ids

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
@in_own_time
def create(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """A date for the two."""
    engagement = engagement_or_404(request.user, pk)
    usual = {**habits(engagement), "id": ids.new_id()}
    if (wished := request.GET.get("art", "")) in Kind.values:
        usual["kind"] = wished
    usual |= {name: request.GET[key] for name, key in (("day", "tag"), ("time", "zeit")) if key in request.GET}
    form, days = form_for(request, engagement, usual, _("Termin vereinbaren")), []
    if request.method == "POST" and form.is_valid():
        new_id = form.cleaned_data["id"] or ids.new_id()
        try:
            appointment = actions.make(
                engagement=engagement, pk=new_id, kind=form.chosen_kind(), meeting=form.meeting(), by=request.user
            )
        except actions.TimeTaken:
            form.say_taken()
            days = next_free(engagement, form.meeting(), request.user)
        else:
            messages.success(request, _("Der Termin steht. Beide bekommen eine Nachricht mit dem Kalendereintrag."))
            return redirect("conversations:appointment", appointment.pk)
    context = {
        "form": form,
        "engagement": engagement,
        "partner": engagement.partner_of(request.user),
        "appointment": None,
        "stored": None,
        "days": days,
        "minutes": form.cleaned_data.get("duration") if days else None,
    }
    return render(request, "conversations/appointment_form.html", context, status=422 if form.errors else 200)


@signed_in
@require_safe
@in_own_time
def detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """When, where, and what can be done with it."""
    appointment = appointment_or_404(request.user, pk)
    context = about(appointment, request.user)
    if context["may_make_anew"] and not appointment.cancelled_at and appointment.starts_at <= clock.now():
        rhythms = series_actions.rhythms_of(appointment.engagement)
        context["again_at"] = again_at(appointment.starts_at, request.user.zone(), rhythms)
    return render(request, "conversations/appointment.html", context)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
@in_own_time
def move(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Another time or place; everything prepared stays."""
    appointment = appointment_or_404(request.user, pk)
    context = about(appointment, request.user)
    if not context["may"].move:
        raise NotPossible(_("Dieser Termin lässt sich nicht mehr verschieben."))
    form = form_for(
        request,
        appointment.engagement,
        initial_of(appointment, request.user.zone()),
        _("Verschieben"),
        moved=appointment,
    )
    if len(series_actions.following(appointment)) > 1:
        form.ask_which()
    status = 200
    if request.method == "POST" and form.is_valid():
        change = series_actions.move_following if all_following(request) else actions.move
        try:
            moved = change(
                appointment=appointment,
                seen=form.cleaned_data["sequence"] or 0,
                meeting=form.meeting(),
                by=request.user,
            )
        except actions.TimeTaken:
            form.say_taken()
        except actions.Changed as changed:
            context |= {"appointment": changed.stored, "stored": changed.stored}
            form.data = {**form.data.dict(), "sequence": str(changed.stored.sequence)}  # type: ignore[union-attr]
            status = 412
        else:
            messages.success(
                request,
                _("Der Termin ist verschoben. Beide bekommen eine Nachricht.")
                if moved
                else _("An dem Termin hat sich nichts geändert."),
            )
            return redirect("conversations:appointment", pk)
    return render(
        request, "conversations/appointment_form.html", context | {"form": form}, status=422 if form.errors else status
    )


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
@in_own_time
def cancel(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Cancel, after asking."""
    appointment = appointment_or_404(request.user, pk)
    if request.method == "POST":
        if all_following(request):
            series_actions.cancel_following(appointment=appointment, by=request.user)
            messages.success(request, _("Die Termine sind abgesagt. Beide bekommen eine Nachricht."))
        else:
            actions.cancel(appointment=appointment, by=request.user)
            messages.success(request, _("Der Termin ist abgesagt. Beide bekommen eine Nachricht."))
        return redirect("conversations:appointment", pk)
    context = about(appointment, request.user) | {"following": len(series_actions.following(appointment))}
    if not context["may"].cancel:
        return redirect("conversations:appointment", pk)
    return render(request, "conversations/appointment_cancel.html", context)


@signed_in
@require_safe
def calendar_file(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The calendar object to take along."""
    appointment = appointment_or_404(request.user, pk)
    response = HttpResponse(file_of(appointment, request.user), content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="termin.ics"'
    return response


def all_following(request: SignedRequest) -> bool:
    """Whether a change is for all that follow in the series, too."""
    return request.POST.get("which") == FOLLOWING


def about(appointment: Appointment, user: User) -> dict[str, object]:
    """What every page about an appointment shows."""
    conversation = conversation_of(appointment)
    learns = appointment.learner_id == user.pk
    partner = appointment.companion if learns else appointment.learner
    return {
        "appointment": appointment,
        "conversation": conversation,
        "engagement": appointment.engagement,
        "learns": learns,
        "partner": partner,
        "may": may_meet(appointment, conversation),
        "stored": None,
        "days": [],
        "off": off_words(user, partner, appointment.starts_at) if not appointment.is_over() else "",
        "again_at": None,
        "may_make_anew": appointment.engagement.state in (State.INTRODUCTION, State.ACTIVE),
    }


def form_for(
    request: SignedRequest,
    engagement: Engagement,
    initial: dict[str, object],
    button: str,
    moved: Appointment | None = None,
    form_class: type[AppointmentForm] = AppointmentForm,
) -> AppointmentForm:
    """The form, where the state allows an appointment; when moving, its kind is settled."""
    kinds = actions.kinds_in(engagement.state)
    partner = engagement.partner_of(request.user)
    if not kinds or not partner:
        raise NotPossible(_("Zurzeit lässt sich kein Termin vereinbaren."))
    settled = [Kind(moved.kind)] if moved else kinds
    places = places_of(request.user, partner)
    wants_room = places.service and initial.get("format") == MeetingFormat.VIDEO and not initial.get("place")
    return form_class(
        posted(request),
        initial={"where": FRESH if wants_room else TYPED, **initial},
        kinds=settled,
        person=request.user,
        partner=partner,
        places=places,
        button=button,
    )


def next_free(engagement: Engagement, wanted: actions.Meeting, user: User) -> list[FreeDay]:
    """Two days with free times, from the day on that was wanted."""
    length, zone = wanted.ends_at - wanted.starts_at, user.zone()
    return by_day(free_slots(engagement, length, wanted.starts_at.astimezone(zone).date()), zone, 2)[0]


def habits(engagement: Engagement) -> dict[str, object]:
    """What the two did last time, else what the learner wished for."""
    here = Appointment.objects.standing().filter(engagement=engagement, companion=engagement.companion)
    last = here.order_by("-starts_at").first()
    if last:
        return {"format": last.format, "place": last.place, "duration": int(last.duration().total_seconds() // 60)}
    return {"format": engagement.format if engagement.format in MeetingFormat.values else ""}
