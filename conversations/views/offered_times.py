"""Meine Zeiten: what a companion offers, with a preview of what learners find; every line is taken back in its place."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SignedRequest, needs
from accounts.roles import Role
from conversations.access import in_own_time
from conversations.actions import offered_times as actions
from conversations.booking import PREVIEW, by_day, preview_of
from conversations.offered_time_forms import BookingRulesForm, OfferedTimeForm, SingleDayForm, WeeklyForm
from conversations.offered_times import OfferedTime, offers_of, rules_of
from engagements.access import kindly
from engagements.companions import CompanionProfile
from lernbegleitung import ids

PREVIEW_LENGTH = timedelta(hours=1)


@needs(Role.COMPANION)
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
@in_own_time
def offered_times(request: SignedRequest) -> HttpResponse:
    """Times of every week, days that differ, and how all of it may be booked; three forms, one page."""
    user, what, removed = request.user, request.POST.get("form", ""), request.GET.get("entfernt", "")
    rows = [row for row in OfferedTime.objects.not_over_of(user) if not row.removed_at or str(row.pk) == removed]
    lines = [row for row in rows if not row.removed_at]
    data = {name: request.POST if what == name else None for name in ("weekly", "day", "rules")}
    profile = CompanionProfile.objects.filter(pk=user.pk).first()
    usual = {"id": ids.new_id(), "formats": profile.formats if profile else []}
    forms: dict[str, OfferedTimeForm] = {
        "weekly": WeeklyForm(data["weekly"], prefix="weekly", initial=usual, companion=user, lines=lines),
        "day": SingleDayForm(
            data["day"], prefix="day", initial={**usual, "id": ids.new_id()}, companion=user, lines=lines
        ),
    }
    rules = rules_of(user)
    rules_form = BookingRulesForm(data["rules"], prefix="rules", initial=BookingRulesForm.initial_of(rules))
    if what in forms and forms[what].is_valid():
        actions.offer(line=forms[what].line())
        messages.success(request, _("Gespeichert. So finden es Lernende ab jetzt."))
        return redirect("conversations:offered_times")
    if what == "rules" and rules_form.is_valid():
        actions.set_rules(companion=user, **rules_form.cleaned_data)
        messages.success(request, _("Gespeichert. So finden es Lernende ab jetzt."))
        return redirect("conversations:offered_times")
    wrong = bool(rules_form.errors or any(form.errors for form in forms.values()))
    context = {
        "forms": forms,
        "rules_form": rules_form,
        "rules": rules,
        "wrong": wrong,
        "zone": user.time_zone,
        "weekly": [row for row in rows if row.weekday is not None],
        "single": [row for row in rows if row.weekday is None],
        "days": by_day(preview_of(user, offers_of(rules, lines), PREVIEW_LENGTH), user.zone(), PREVIEW)[0],
    }
    return render(request, "conversations/offered_times.html", context, status=422 if wrong else 200)


@needs(Role.COMPANION)
@require_POST
def change(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a line away, or back."""
    if request.POST.get("back") == "1":
        if not actions.take_back(pk=pk, by=request.user):
            raise Http404
        messages.success(request, _("Die Zeit gilt wieder."))
        return redirect("conversations:offered_times")
    if not actions.take_away(pk=pk, by=request.user):
        raise Http404
    return redirect(f"{reverse('conversations:offered_times')}?entfernt={pk}")  # its undo takes the focus
