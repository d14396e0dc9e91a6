"""One's own calendar: connect it, fetch it now, forget it. The web never fetches; the worker does."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import SignedRequest, signed_in
from conversations import busy_calendars
from conversations.calendar_forms import BusyCalendarForm

from .calendars import about


@signed_in
@require_POST
def change(request: SignedRequest) -> HttpResponse:
    """Another address, a look right now, or none any more."""
    if "remove" in request.POST:
        busy_calendars.remove(owner=request.user)
        messages.success(request, _("Ihr Kalender ist nicht mehr verbunden. Adresse und Zeiten sind gelöscht."))
    elif "now" in request.POST:
        busy_calendars.ask_now(owner=request.user)
        messages.success(request, _("Wir sehen gleich nach. Laden Sie diese Seite in einer Minute neu."))
    else:
        form = BusyCalendarForm(request.POST)
        if not form.is_valid():
            return render(request, "conversations/calendars.html", about(request.user, busy_form=form), status=422)
        busy_calendars.keep(owner=request.user, address=form.cleaned_data["address"])
        messages.success(
            request, _("Verbunden. Wir sehen gleich nach; ob es geklappt hat, steht in einer Minute hier.")
        )
    return redirect("conversations:calendars")
