"""Kalender und Termine: what a person settles once for all talks."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedRequest, posted, signed_in
from accounts.rooms import talk_settings_of
from conversations.calendar_forms import TalkSettingsForm
from conversations.feeds import CalendarFeed, Naming


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def calendars(request: SignedRequest) -> HttpResponse:
    """The usual link and number."""
    form = TalkSettingsForm(posted(request), instance=talk_settings_of(request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Gespeichert. Es gilt ab dem nächsten Termin."))
        return redirect("conversations:calendars")
    feed = CalendarFeed.objects.filter(owner=request.user).first()
    context = {
        "form": form,
        "feed": feed,
        "naming": feed.naming if feed else Naming.NEUTRAL,
        "namings": Naming.choices,
    }
    return render(request, "conversations/calendars.html", context, status=422 if form.errors else 200)
