"""Kalender und Termine: what a person settles once for all talks, and how their own calendar goes together with them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, posted, signed_in
from accounts.models import User
from accounts.rooms import talk_settings_of
from conversations.access import in_own_time
from conversations.busy_calendars import BusyCalendar, BusyTime
from conversations.calendar_forms import BusyCalendarForm, TalkSettingsForm
from conversations.feeds import CalendarFeed, Naming
from engagements import digest
from lernbegleitung import clock


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@in_own_time
def calendars(request: SignedRequest) -> HttpResponse:
    """The usual link and number, and when one is reminded."""
    form = TalkSettingsForm(posted(request), instance=talk_settings_of(request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        digest.arrange_own(request.user)
        messages.success(request, _("Gespeichert. Es gilt ab dem nächsten Termin."))
        return redirect("conversations:calendars")
    return render(
        request, "conversations/calendars.html", about(request.user, form=form), status=422 if form.errors else 200
    )


def about(user: User, **forms: Any) -> dict[str, Any]:
    """Everything on the page; `forms` that were sent stand as they were typed."""
    feed = CalendarFeed.objects.filter(owner=user).first()
    busy = BusyCalendar.objects.filter(owner=user).first()
    return {
        "form": TalkSettingsForm(instance=talk_settings_of(user)) if "form" not in forms else None,
        "feed": feed,
        "naming": feed.naming if feed else Naming.NEUTRAL,
        "namings": Naming.choices,
        "busy": busy,
        "busy_times": BusyTime.objects.filter(calendar=busy, ends_at__gt=clock.now()).count() if busy else 0,
        "busy_form": BusyCalendarForm(),
        **forms,
    }
