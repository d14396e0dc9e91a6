"""The calendar to subscribe to: made, renewed, named and switched off by its owner; read by whoever has the address."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedRequest, public, signed_in
from conversations.feeds import CalendarFeed, Naming, close_feed, feed_of, open_feed


@signed_in
@require_POST
def change(request: SignedRequest) -> HttpResponse:
    """A new address, shown once; another title; or no address any more."""
    naming = request.POST.get("naming", "")
    naming = naming if naming in Naming.values else Naming.NEUTRAL
    if "stop" in request.POST:
        close_feed(owner=request.user)
        messages.success(request, _("Das Abo ist abgeschaltet. Die Adresse führt ins Leere."))
    elif "keep" in request.POST:
        CalendarFeed.objects.filter(owner=request.user).update(naming=naming)
        messages.success(request, _("Gespeichert. Ihr Kalender übernimmt es, wenn er das nächste Mal nachsieht."))
    else:
        address = open_feed(owner=request.user, naming=naming)
        context = {"address": address, "webcal": "webcal" + address.removeprefix("https").removeprefix("http")}
        return render(request, "conversations/feed_opened.html", context)
    return redirect("conversations:calendars")


@public
@require_safe
def read(request: HttpRequest, token: str) -> HttpResponseBase:
    """The calendar behind an address; "nothing new" (304) where the asking program has it already."""
    feed = feed_of(token)
    if feed is None:
        raise Http404
    etag = quote_etag(feed.fingerprint())
    answer = get_conditional_response(request, etag=etag) or HttpResponse(
        feed.text(), content_type="text/calendar; charset=utf-8"
    )
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "private, no-cache"
    if answer.status_code == 200:
        answer.headers["Content-Disposition"] = 'inline; filename="termine.ics"'
    return answer
