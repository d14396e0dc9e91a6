"""A series: its dates are looked at before anything is saved. "Again in four weeks", and whether a talk took place."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SignedRequest, signed_in
from conversations.access import appointment_or_404, in_own_time
from conversations.actions import series as actions
from conversations.actions.appointments import TimeTaken
from conversations.series import Slot, again_at
from conversations.series_forms import SeriesForm, choice_of
from engagements.access import engagement_or_404, kindly
from engagements.engagement import Engagement
from engagements.states import NotPossible, State
from lernbegleitung import ids

from .appointments import READ_AND_WRITE, form_for, habits


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
@in_own_time
def create(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """First what and how often, then each date with what stands against it, then they are made."""
    engagement = engagement_or_404(request.user, pk)
    if engagement.state != State.ACTIVE:
        raise NotPossible(_("Zurzeit lässt sich kein Termin vereinbaren."))
    usual = {**habits(engagement), "id": ids.new_id()}
    form = form_for(request, engagement, usual, _("Termine ansehen"), form_class=SeriesForm)
    context: dict[str, Any] = {"form": form, "engagement": engagement, "partner": engagement.partner_of(request.user)}
    if request.method != "POST" or not form.is_valid() or "back" in request.POST:
        status = 422 if request.method == "POST" and form.errors else 200
        return render(request, "conversations/series_form.html", context, status=status)
    return _checked(request, engagement, form, context)


def _checked(request: SignedRequest, engagement: Engagement, form: Any, context: dict[str, Any]) -> HttpResponse:
    values, first = form.cleaned_data, form.meeting()
    looked = {"engagement": engagement, "first": first, "every": values["every"], "by": request.user}
    slots = actions.look_at(number=values["number"], **looked)
    status = 200
    if "checked" in request.POST:
        dates = [(slot, at) for slot in slots if (at := slot.chosen(choice_of(request.POST, slot)))]
        if not dates:
            messages.warning(request, _("Lassen Sie mindestens einen Termin stehen."))
        elif made := _made(form, dates, looked):
            messages.success(request, ngettext(
                "Ein Termin steht. Beide bekommen eine Nachricht.",
                "%(n)d Termine stehen. Beide bekommen eine Nachricht mit allen.", len(made)) % {"n": len(made)},
            )  # fmt: skip
            return redirect("conversations:engagement", engagement.pk)
        else:
            slots = actions.look_at(number=values["number"], **looked)
            messages.warning(
                request, _("Eine der Zeiten ist inzwischen vergeben. Sehen Sie die Termine noch einmal an.")
            )
        status = 422
    rows = [(slot, choice_of(request.POST, slot)) for slot in slots]
    context |= {"rows": rows, "first": first, "troubles": sum(bool(slot.trouble) for slot in slots)}
    return render(request, "conversations/series_check.html", context, status=status)


def _made(form: Any, dates: list[tuple[Slot, Any]], looked: dict[str, Any]) -> list[Any] | None:
    """The appointments; None where one of the times is taken by now."""
    new_id = form.cleaned_data["id"] or ids.new_id()
    try:
        return actions.make_series(series=new_id, kind=form.chosen_kind(), dates=dates, **looked)
    except TimeTaken:
        return None


@signed_in
@require_POST
@kindly
@in_own_time
def again(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The same once more in four weeks; where that is taken, the form with that day."""
    appointment = appointment_or_404(request.user, pk)
    try:
        made = actions.again(appointment=appointment, by=request.user)
    except TimeTaken:
        engagement, zone = appointment.engagement, request.user.zone()
        starts = timezone.localtime(again_at(appointment.starts_at, zone, actions.rhythms_of(engagement)), zone)
        messages.warning(request, _("Zu dieser Zeit ist schon etwas anderes. Wählen Sie eine andere."))
        address = reverse("conversations:appointment_create", args=[engagement.pk])
        return redirect(f"{address}?tag={starts:%Y-%m-%d}&zeit={starts:%H:%M}")
    messages.success(request, _("Der Termin steht. Beide bekommen eine Nachricht mit dem Kalendereintrag."))
    return redirect("conversations:appointment", made.pk)


@signed_in
@require_POST
@kindly
def held(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Whether the two met; for the two alone."""
    appointment = appointment_or_404(request.user, pk)
    answers = {"yes": True, "no": False}
    actions.say_held(appointment=appointment, held=answers.get(request.POST.get("held", "")), by=request.user)
    return redirect("conversations:appointment", pk)
