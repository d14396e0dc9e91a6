"""Termine: make, look, move, cancel, take along."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import SignedRequest, signed_in
from conversations.access import appointment_or_404
from conversations.actions import appointments as actions
from conversations.appointment_forms import AppointmentForm
from conversations.appointments import Kind
from conversations.calendar import calendar_object
from engagements.access import engagement_or_404, kindly, may
from engagements.models import Engagement
from engagements.states import State
from lernbegleitung import ids

READ_AND_WRITE = ["GET", "HEAD", "POST"]


def taken(form: AppointmentForm) -> None:
    """Say beside the field that the time is taken; what was typed stays."""
    form.add_error(
        "time",
        _("Zu dieser Zeit hat eine oder einer von Ihnen schon einen anderen Termin. Wählen Sie eine andere Zeit."),
    )


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def create(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """A new appointment of an engagement."""
    engagement = engagement_or_404(request.user, pk)
    if request.method == "GET" and not may(engagement, request.user).make_appointment:
        return redirect("conversations:engagement", pk)
    first = engagement.state == State.INTRODUCTION
    wished = engagement.format if engagement.format != "any" else "video"
    initial = {"id": ids.new_id(), "kind": Kind.INTRODUCTION if first else Kind.CONVERSATION, "format": wished}
    form = AppointmentForm(request.POST or None, initial=initial, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.make(
                engagement=engagement, pk=form.cleaned_data["id"] or ids.new_id(), values=form.values(), by=request.user
            )
        except actions.TimeTaken:
            taken(form)
        else:
            messages.success(request, _("Der Termin steht. Beide bekommen eine Nachricht mit dem Kalendereintrag."))
            return redirect("conversations:appointment", made.pk)
    return _form(request, form, engagement)


def _form(request: SignedRequest, form: AppointmentForm, engagement: Engagement, **also: object) -> HttpResponse:
    partner = engagement.partner_of(request.user)
    context = {"form": form, "engagement": engagement, "partner": partner, **also}
    return render(request, "conversations/appointment_form.html", context, status=422 if form.errors else 200)


@signed_in
@require_safe
def detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """When, where, and what to do with it."""
    appointment = appointment_or_404(request.user, pk)
    context = {
        "appointment": appointment,
        "engagement": appointment.engagement,
        "partner": appointment.engagement.partner_of(request.user),
    }
    return render(request, "conversations/appointment.html", context)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def move(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Another time or place."""
    appointment = appointment_or_404(request.user, pk)
    if appointment.cancelled_at or appointment.conversation.is_locked():
        return redirect("conversations:appointment", pk)
    form = AppointmentForm(
        request.POST or None,
        initial=AppointmentForm.initial_of(appointment, request.user),
        user=request.user,
        moving=True,
    )
    if request.method == "POST" and form.is_valid():
        try:
            actions.move(appointment=appointment, values=form.values(), by=request.user)
        except actions.TimeTaken:
            taken(form)
        else:
            messages.success(request, _("Verschoben. Vorbereitung und Notizen sind mitgewandert."))
            return redirect("conversations:appointment", pk)
    return _form(request, form, appointment.engagement, appointment=appointment)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def cancel(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Call it off, after asking."""
    appointment = appointment_or_404(request.user, pk)
    if request.method == "POST":
        actions.cancel(appointment=appointment, by=request.user)
        messages.success(request, _("Abgesagt. Beide Kalender wissen es."))
        return redirect("conversations:engagement", appointment.engagement_id)
    if appointment.cancelled_at:
        return redirect("conversations:appointment", pk)
    partner = appointment.engagement.partner_of(request.user)
    return render(request, "conversations/appointment_cancel.html", {"appointment": appointment, "partner": partner})


@signed_in
@require_safe
def calendar_file(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The calendar object, to open or keep."""
    appointment = appointment_or_404(request.user, pk)
    text = calendar_object(appointment, method="CANCEL" if appointment.cancelled_at else "REQUEST")
    headers = {"Content-Disposition": 'attachment; filename="termin.ics"'}
    return HttpResponse(text, content_type="text/calendar; charset=utf-8", headers=headers)
