"""Termin buchen: days with free times, one of them chosen, booked. Three clicks, no script needed."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, signed_in
from conversations.access import in_own_time
from conversations.actions import appointments, booking
from conversations.actions.appointments import TimeTaken
from conversations.appointments import Kind, MeetingFormat
from conversations.booking import LENGTHS, by_day, free_slots, slot_at
from conversations.booking_forms import BookingForm, read_length, read_moment
from conversations.slots import Slot
from conversations.views.appointments import habits
from engagements.access import engagement_or_404, kindly
from engagements.engagement import Engagement
from engagements.states import NotPossible
from lernbegleitung import ids


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
@in_own_time
def book(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The free times; with `beginn`, the one that is to be booked. Taken meanwhile: said so, with the next ones beside."""
    engagement = engagement_or_404(request.user, pk)
    kinds = appointments.kinds_in(engagement.state)
    if not kinds or not engagement.companion:
        raise NotPossible(_("Zurzeit lässt sich kein Termin vereinbaren."))
    asked = request.POST if request.method == "POST" else request.GET
    usual = habits(engagement)
    length = read_length(asked.get("laenge", ""), usual.get("duration"))
    starts_at = read_moment(asked.get("beginn", ""))
    if not starts_at:
        return listed(request, engagement, length, asked)
    slot = slot_at(engagement, starts_at, length)
    if request.method == "POST":
        return sent(request, engagement, kinds, slot or Slot(starts_at, starts_at + length, ways_in(asked)))
    if not slot:
        return listed(request, engagement, length, asked, taken=Slot(starts_at, starts_at + length))
    initial = {"id": ids.new_id(), "format": usual.get("format"), "kind": asked.get("art", "")}
    return chosen(request, engagement, slot, BookingForm(initial=initial, slot=slot, kinds=kinds))


def chosen(request: SignedRequest, engagement: Engagement, slot: Slot, form: BookingForm) -> HttpResponse:
    """The slot, and what is still to be said about it."""
    context = {"form": form, "slot": slot, **both(engagement, request)}
    return render(request, "conversations/book_slot.html", context, status=422 if form.errors else 200)


def sent(request: SignedRequest, engagement: Engagement, kinds: list[Kind], slot: Slot) -> HttpResponse:
    """Book it. What is sent once more finds its slot taken, by itself, and the action answers with the appointment."""
    form = BookingForm(request.POST, slot=slot, kinds=kinds)
    if not form.is_valid():
        return chosen(request, engagement, slot, form)
    try:
        with transaction.atomic():  # whoever comes too late lets go of the two people at once, not after the page
            appointment = booking.book(
                engagement=engagement,
                pk=form.cleaned_data["id"] or ids.new_id(),
                kind=form.chosen("kind"),
                starts_at=slot.starts_at,
                length=slot.ends_at - slot.starts_at,
                format=form.chosen("format"),
                by=request.user,
            )
    except TimeTaken:
        return listed(request, engagement, slot.ends_at - slot.starts_at, request.POST, taken=slot)
    messages.success(request, _("Der Termin steht. Beide bekommen eine Nachricht mit dem Kalendereintrag."))
    return redirect("conversations:appointment", appointment.pk)


def ways_in(asked: QueryDict) -> tuple[str, ...]:
    """How the two meant to meet when the form was made; its slot is not there any more to tell."""
    return tuple(asked.getlist("format")) or (MeetingFormat.VIDEO,)


def listed(
    request: SignedRequest, engagement: Engagement, length: timedelta, asked: QueryDict, taken: Slot | None = None
) -> HttpResponse:
    """Days with free times; `taken` is what somebody else has got meanwhile, and the days begin with its own."""
    zone = request.user.zone()
    first = taken.starts_at.astimezone(zone).date() if taken else read_day(asked.get("ab", ""))
    days, more = by_day(free_slots(engagement, length, first), zone)
    context = {
        "days": days,
        "first": first,
        "more": more,
        "taken": taken,
        "lengths": LENGTHS,
        "minutes": length // timedelta(minutes=1),
        "art": asked.get("art", "") if asked.get("art", "") in Kind.values else "",
        **both(engagement, request),
    }
    return render(request, "conversations/book.html", context, status=422 if taken else 200)


def both(engagement: Engagement, request: SignedRequest) -> dict[str, object]:
    """Who meets, and whose clocks differ."""
    partner = engagement.partner_of(request.user)
    assert partner  # asked before
    elsewhere = partner.time_zone != request.user.time_zone
    return {
        "engagement": engagement,
        "partner": partner,
        "own_zone": city(request.user.time_zone) if elsewhere else "",
        "their_zone": partner.zone() if elsewhere else None,
    }


def city(time_zone: str) -> str:
    """A time zone as people say it: "Europe/Lisbon" is Lisbon."""
    return time_zone.rsplit("/", 1)[-1].replace("_", " ")


def read_day(text: str) -> date | None:
    """A day in an address; None for anything that is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
