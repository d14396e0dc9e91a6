"""Meine Daten: who opened what is mine, how long it is kept, and where to change it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.access import SignedRequest, signed_in
from accounts.openings import Opening

PAGE = 40
WORDS = {
    "learningconcern": _("Anliegen"),
    "learningstep": _("Lernschritt"),
    "insight": _("Erkenntnis"),
    "goal": _("Ziel"),
    "goalrating": _("Einschätzung zu einem Ziel"),
    "journalentry": _("Eintrag im Lerntagebuch"),
    "conversation": _("Gespräch in einem Satz"),
    "conversationpart": _("Protokoll eines Gesprächs"),
    "topicwish": _("Thema für ein Gespräch"),
    "agreement": _("Lernvereinbarung"),
    "observation": _("Angebotene Beobachtung"),
    "changeidea": _("Idee"),
    "recordversion": _("Fassung des Protokolls"),
    "addition": _("Nachtrag"),
    "feedback": _("Rückmeldung"),
    "talkcheck": _("Blick auf das Gespräch"),
    "preparation": _("Vorbereitung"),
}


@signed_in
@require_safe
def own_data(request: SignedRequest) -> HttpResponse:
    """The access log, the latest first, page by page; the database shows nobody else's lines."""
    rows = Opening.objects.filter(owner=request.user).select_related("reader")
    if before := read_mark(request):
        at, pk = before
        rows = rows.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk))
    page = list(rows[: PAGE + 1])
    last = page[PAGE - 1] if len(page) > PAGE else None
    lines = [(row, WORDS[row.kind], address_of(row)) for row in page[:PAGE]]
    context = {"lines": lines, "more": f"{last.at.isoformat()}~{last.pk}" if last else None, "is_older": bool(before)}
    return render(request, "accounts/own_data.html", context)


def address_of(line: Opening) -> str:
    """Where the item stands: a step has its own page, everything else lies on the engagement's."""
    if line.kind == "learningstep":
        return reverse("engagements:step", args=[line.item])
    return reverse("conversations:engagement", args=[line.engagement])


def read_mark(request: HttpRequest) -> tuple[datetime, int] | None:
    """Where the page begins, from the address; None for anything that is not a mark."""
    at, _sep, pk = request.GET.get("vor", "").partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (moment, int(pk)) if moment.tzinfo and pk.isascii() and pk.isdigit() and len(pk) < 19 else None
