"""The direct line: one page for whoever writes, an inbox and a page for the coordination."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import F, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import drafting
from accounts.access import SignedRequest, needs, posted, signed_in
from accounts.drafting import with_draft
from accounts.roles import Role
from engagements.access import kindly
from engagements.actions import direct_line as actions
from engagements.direct_line import DirectLine, LineMessage
from engagements.line_forms import LineForm
from engagements.queue import clean
from lernbegleitung import ids
from lernbegleitung.audience import show_readers

PAGE, LATEST = 30, 50


def shown(line: DirectLine | None) -> list[LineMessage]:
    """The latest messages, the oldest of them first."""
    if not line:
        return []
    found = list(line.messages.select_related("author").order_by("-written_at", "-pk")[:LATEST])
    for message in found:
        message.line = line
    return found[::-1]


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def write(request: SignedRequest) -> HttpResponse:
    """What I and the coordination responsible for me have written, and a place to write."""
    agency = actions.responsible_for(request.user)
    line = actions.line_to(agency, of=request.user)
    form = LineForm(posted(request), initial={"id": ids.new_id()})
    if agency:
        planned = line or DirectLine(writer=request.user, agency=agency)
        with_draft(show_readers(form, LineMessage(line=planned), request.user), request)
    if request.method == "POST" and form.is_valid():
        actions.write(pk=form.cleaned_data["id"], text=form.cleaned_data["text"], by=request.user)
        drafting.done(request)
        messages.success(request, _("Ihre Nachricht ist bei der Koordination."))
        return redirect("engagements:direct_line")
    context = {"agency": agency, "line": line, "line_messages": shown(line), "form": form}
    return render(request, "engagements/direct_line.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def erase(request: SignedRequest) -> HttpResponse:
    """Let go of everything on the line."""
    if request.method == "POST":
        actions.erase(by=request.user)
        messages.success(request, _("Alle Nachrichten sind gelöscht, auch bei der Koordination."))
        return redirect("engagements:direct_line")
    return render(request, "engagements/direct_line_erase.html")


@needs(Role.COORDINATOR)
@require_safe
def inbox(request: SignedRequest) -> HttpResponse:
    """What waits for an answer, those waiting longest first; below, what is answered."""
    rows = DirectLine.objects.exclude(writer=request.user).select_related("writer__agency", "agency")
    answered = rows.filter(waits_since=None).order_by("-last_at", "-pk")
    moment, _sep, pk = clean(request, "nach").partition("~")
    try:
        at, last = datetime.fromisoformat(moment), uuid.UUID(pk)
        answered = answered.filter(Q(last_at__lt=at) | Q(last_at=at, pk__lt=last)) if at.tzinfo else answered
    except ValueError:
        pass
    page = list(answered[: PAGE + 1])
    more = page[PAGE - 1] if len(page) > PAGE else None
    context: dict[str, Any] = {
        "waiting": rows.filter(waits_since__isnull=False).order_by(F("waits_since").asc(), "pk")[:PAGE],
        "answered": page[:PAGE],
        "more": f"{more.last_at.isoformat()}~{more.pk}" if more else "",
    }
    return render(request, "engagements/line_inbox.html", context)


def line_or_404(request: SignedRequest, pk: uuid.UUID) -> DirectLine:
    """The line, for the coordination in force; the database shows it to nobody else."""
    rows = DirectLine.objects.exclude(writer=request.user).select_related("writer__agency", "agency")
    return get_object_or_404(rows, pk=pk)


@needs(Role.COORDINATOR)
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def answer(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """One line, and a place to answer."""
    line = line_or_404(request, pk)
    form = LineForm(posted(request), initial={"id": ids.new_id()})
    with_draft(show_readers(form, LineMessage(line=line), request.user), request)
    if request.method == "POST" and form.is_valid():
        actions.answer(line=line, pk=form.cleaned_data["id"], text=form.cleaned_data["text"], by=request.user)
        drafting.done(request)
        messages.success(request, _("Ihre Antwort ist unterwegs."))
        return redirect("engagements:line_inbox")
    context = {"line": line, "line_messages": shown(line), "form": form}
    return render(request, "engagements/line_answer.html", context, status=422 if form.errors else 200)


@needs(Role.COORDINATOR)
@require_POST
@kindly
def settle(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Dealt with, without an answer in writing."""
    actions.settle(line=line_or_404(request, pk), by=request.user)
    messages.success(request, _("Das ist erledigt. Eine neue Nachricht öffnet es wieder."))
    return redirect("engagements:line_inbox")
