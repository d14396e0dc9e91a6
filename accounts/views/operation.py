"""Betrieb: whether mail goes out, what could not be delivered, when each job ran; free days. Nobody's content."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import connection
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignedRequest, needs, posted
from accounts.actions import operation as actions
from accounts.free_day_forms import SAME, FreeDayForm
from accounts.free_days import FreeDay
from accounts.operation import STUCK_AFTER, JobRun, PausedAddress, figures, mail_is_stuck
from accounts.people import User
from accounts.roles import Role
from lernbegleitung import clock
from lernbegleitung.celery import JOBS

MOST = 50
# Groups of kinds: an operator needs no more than this to find the fault, and nobody learns who does what.
KINDS = {
    "digest": gettext_lazy("Erinnerung"),
    "appointment": gettext_lazy("Termin"),
    "dates": gettext_lazy("Terminvorschlag"),
    "invitation": gettext_lazy("Einladung"),
    "second": gettext_lazy("Konto"),
    "agency": gettext_lazy("Konto"),
    "qualification": gettext_lazy("Konto"),
    "substitute": gettext_lazy("Vertretung"),
    "push": gettext_lazy("Mitteilung an einen Browser"),
}


@dataclass(frozen=True)
class Job:
    """One line of the timetable: what it is for, its last run, whether it is later than it should be."""

    words: str
    run: JobRun | None
    late: bool


@needs(Role.ADMINISTRATOR)
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """The health of delivery and timetable on one page."""
    runs = {run.name: run for run in JobRun.objects.all()}
    paused = list(PausedAddress.objects.all()[:MOST])
    people = dict(User.objects.filter(email__in=[row.pk for row in paused]).values_list("email", "pk"))
    numbers = figures()
    context = {
        "numbers": numbers,
        "oldest": timedelta(seconds=int(numbers.get(("oldest_due_seconds", ""), 0))),
        "stuck": mail_is_stuck(numbers),
        "stuck_after": int(STUCK_AFTER.total_seconds() // 60),
        "waiting": int(numbers.get(("due", ""), 0)),
        "planned": int(numbers.get(("planned", ""), 0)),
        "retrying": int(numbers.get(("retrying", ""), 0)),
        "sent": int(numbers.get(("sent_last_day", ""), 0)),
        "dropped": int(numbers.get(("dropped_last_day", ""), 0)),
        "jobs": [job(name, runs.get(name)) for name in JOBS],
        "rings": deliver.result.get("rings_waiting", 0) if (deliver := runs.get("accounts.tasks.deliver_due")) else 0,
        "letters": dead_letters(),
        "paused": [(row, people.get(row.pk)) for row in paused],
    }
    return render(request, "accounts/operation.html", context)


def job(name: str, run: JobRun | None) -> Job:
    """A job of the timetable, late when it has not succeeded for twice its time."""
    words, within = JOBS[name]
    succeeded = run.succeeded_at if run else None
    return Job(str(words), run, succeeded is None or clock.now() - succeeded > 2 * within)


def dead_letters() -> list[dict[str, Any]]:
    """What could not be delivered: the sort, when, which answer; not to whom."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, kind, domain, failed_at, attempts, smtp_code, smtp_status FROM dead_letters(%s)", [MOST]
        )
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        row["sort"] = KINDS.get(row["kind"].partition("_")[0], _("Nachricht über eine Antwort, die aussteht"))
        row["answer"] = f"{row['smtp_code'] or ''} {row['smtp_status'] or ''}".strip()
        row["words"] = meaning(row["smtp_code"], row["smtp_status"])
    return rows


def meaning(code: int | None, status: str) -> str:
    """What an answer of a relay means, in words that say what to do."""
    if status == "paused":
        return _("Die Adresse ist pausiert, siehe unten.")
    if status == "push":
        return meaning_of_push(code)
    if status.startswith(("5.1.", "5.4.4")) or code in (550, 551, 553) and not status:
        return _("Diese Adresse gibt es nicht. Stimmt sie bei der Person?")
    if status.startswith(("4.2.2", "5.2.2")):
        return _("Das Postfach ist voll.")
    if status.startswith("5.2."):
        return _("Das Postfach nimmt nichts an.")
    if status.startswith("5.7."):
        return _("Der Mailserver lehnt aus Gründen der Sicherheit ab. Absender und Regeln dort prüfen.")
    if code and code < 500:
        return _("Drei Tage lang „später“. Der Mailserver kann mehr dazu sagen.")
    return _("Der Mailserver hat die Nachricht abgelehnt.")


def meaning_of_push(code: int | None) -> str:
    """What an answer of a push service means (RFC 8030, RFC 8292); without one we have refused ourselves."""
    if not code:
        return _(
            "Dorthin wird nichts gesendet: Der Push-Dienst steht nicht in PUSH_SERVICES, oder seine Adresse ist keine öffentliche."
        )
    if code in (401, 403):
        return _("Der Push-Dienst nimmt unseren Schlüssel nicht an. Ist PUSH_KEY ein anderer geworden?")
    return _("Der Push-Dienst hat die Mitteilung abgelehnt.")


@needs(Role.ADMINISTRATOR)
@require_POST
def retry(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Send an undelivered mail once more."""
    if not actions.retry(mail=pk, by=request.user):
        raise Http404
    messages.success(request, _("Die Nachricht wird noch einmal gesendet."))
    return redirect("accounts:operation")


@needs(Role.ADMINISTRATOR)
@require_POST
def resume_address(request: SignedRequest) -> HttpResponse:
    """Mail goes to a paused address again."""
    address = request.POST.get("address", "").replace("\x00", "")[:254]
    if actions.resume_address(address=address, by=request.user):
        messages.success(request, _("An diese Adresse wird wieder gesendet."))
    return redirect("accounts:operation")


# ── free days ──────────────────────────────────────────────────────────────


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def free_days(request: SignedRequest) -> HttpResponse:
    """Free days beside the public holidays: a list, and a form for one more."""
    form = FreeDayForm(posted(request), initial={"agency": request.user.agency_id})
    if request.method == "POST" and form.is_valid():
        if actions.add_free_day(day=form.save(commit=False), by=request.user):
            messages.success(request, _("Der freie Tag ist eingetragen. An ihm kommen keine Erinnerungen."))
            return redirect("accounts:free_days")
        form.add_error("day", SAME)
    today = clock.today()
    rows = [row for row in FreeDay.objects.select_related("agency") if row.every_year or row.day >= today]
    context = {"form": form, "days": sorted(rows, key=lambda row: (not row.every_year, row.day))}
    return render(request, "accounts/free_days.html", context, status=422 if form.errors else 200)


@needs(Role.ADMINISTRATOR)
@require_POST
def remove_free_day(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Take it away; what it was is named, to be entered again."""
    day = actions.remove_free_day(pk=pk, by=request.user)
    if not day:
        raise Http404
    messages.success(request, _("„%(name)s“ ist entfernt. An diesem Tag kommen wieder Erinnerungen.") % {"name": day})
    return redirect("accounts:free_days")
