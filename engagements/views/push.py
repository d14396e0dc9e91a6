"""Notices in this browser: switched on and off by the person, device by device; and the script that shows them."""

from __future__ import annotations

import hashlib
import uuid
from functools import cache

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedRequest, public, signed_in
from accounts.features import Feature, with_feature
from accounts.models import PushDevice
from accounts.push_crypto import Subscription
from accounts.push_devices import keep_device
from accounts.push_service import Refused, is_on, service_of
from engagements.push import try_out

LONGEST = 2000  # characters of an endpoint


@signed_in
@require_POST
@with_feature(Feature.PUSH)
def switch_on(request: SignedRequest) -> HttpResponse:
    """This browser shows notices from now on, and a first one at once. Twice is once."""
    if not is_on():
        raise Http404
    subscription = Subscription(
        request.POST.get("endpoint", ""), request.POST.get("p256dh", ""), request.POST.get("auth", "")
    )
    try:
        if len(subscription.endpoint) > LONGEST:
            raise ValueError("an endpoint is an address")
        service_of(subscription.endpoint)
        subscription.check()
    except (Refused, ValueError):
        messages.error(
            request, _("Dieser Browser lässt sich nicht einschalten: Sein Push-Dienst ist hier nicht zugelassen.")
        )
        return redirect("engagements:reminders")
    device = keep_device(request.user, subscription, request.headers.get("User-Agent", ""))
    if device is None:
        messages.error(request, _("Es sind schon zehn Geräte eingeschaltet. Entfernen Sie bitte zuerst eines."))
        return redirect("engagements:reminders")
    try_out(device, to=request.user)
    messages.success(request, _("Eingeschaltet. Gleich kommt eine erste Mitteilung zur Probe."))
    return redirect("engagements:reminders")


@signed_in
@require_POST
def remove(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """No more notices on one of the own devices."""
    if not PushDevice.objects.filter(pk=pk, owner=request.user).delete()[0]:
        raise Http404
    messages.success(request, _("Entfernt. Dort erscheint nichts mehr."))
    return redirect("engagements:reminders")


@public
@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """The service worker, at the root so that it may serve the whole house; it keeps no page and answers no request."""
    if not is_on():
        raise Http404
    etag = quote_etag(hashlib.sha256(_text()).hexdigest())
    headers = {"Cache-Control": "no-cache", "ETag": etag}
    response = HttpResponse(_text(), content_type="text/javascript; charset=utf-8", headers=headers)
    return get_conditional_response(request, etag=etag, response=response) or response


@cache
def _text() -> bytes:
    return (settings.BASE_DIR / "static" / "js" / "push-worker.js").read_bytes()
