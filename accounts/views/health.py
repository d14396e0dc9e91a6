"""Whether the house runs: for the proxy, the operator and their monitoring, without a word about anybody."""

from __future__ import annotations

import hmac
import ipaddress

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.views.decorators.http import require_safe

from accounts.access import public
from accounts.operation import figures, mail_is_stuck

PREFIX = "lernbegleitung_"
HELP = {
    "due": "Mails that are due and not sent yet.",
    "planned": "Mails planned for later.",
    "oldest_due_seconds": "For how long the oldest due mail has waited.",
    "retrying": "Mails put off by the relay that will be tried again.",
    "failed": "Undelivered mails that wait for the operator.",
    "sent_last_day": "Mails sent within 24 hours.",
    "dropped_last_day": "Mails no longer wanted when they were due, within 24 hours.",
    "paused_addresses": "Addresses that take no mail.",
    "job_age_seconds": "Since when a job of the timetable has not succeeded.",
    "job_failed": "1 when the last run of a job failed.",
}


@public
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 when the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@public
@require_safe
def mail_health(request: HttpRequest) -> JsonResponse:
    """The dead man's switch: 503 when a mail has been due for more than a quarter of an hour. Says no numbers."""
    stuck = mail_is_stuck()
    return JsonResponse({"status": "late" if stuck else "ok"}, status=503 if stuck else 200)


@public
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Numbers in Prometheus' text format: with the token, or from this machine where none is set; else 404."""
    if not _may_read(request):
        return HttpResponseNotFound()
    lines, named = [], set()
    for (name, label), value in sorted(figures().items()):
        if name not in named:
            named.add(name)
            lines += [f"# HELP {PREFIX}{name} {HELP[name]}", f"# TYPE {PREFIX}{name} gauge"]
        labels = f'{{job="{label}"}}' if label else ""
        lines.append(f"{PREFIX}{name}{labels} {value:g}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    try:  # nothing that came through a proxy is of this machine
        here = ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    return here and not request.headers.get("X-Forwarded-For") and not request.headers.get("Forwarded")
