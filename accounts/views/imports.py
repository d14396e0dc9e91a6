"""Importieren: bring in a file of agencies or people, look over what it would do, take it over, see what became of it."""

from __future__ import annotations

import uuid
from typing import Any

from allauth.core import ratelimit
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignedRequest, confirmed, needs, posted
from accounts.actions import imports as actions
from accounts.import_columns import COLUMNS, EXAMPLES
from accounts.import_forms import ImportForm
from accounts.import_reading import NotReadable
from accounts.import_words import changes_in_words, facts_of, reasons_in_words, titles
from accounts.imports import ImportFile, ImportLine
from accounts.people import User
from accounts.roles import Role
from lernbegleitung import ids
from lernbegleitung.spreadsheets import CSV, attached, csv_of

PAGE, FILES = 50, 10
KINDS = {
    "neu": gettext_lazy("Neu"),
    "geaendert": gettext_lazy("Geändert"),
    "unveraendert": gettext_lazy("Unverändert"),
    "abgelehnt": gettext_lazy("Abgelehnt"),
}
VERDICTS = {"neu": "new", "geaendert": "changed", "unveraendert": "unchanged"}


def own_import_or_404(user: User, pk: uuid.UUID) -> ImportFile:
    """The file, for the administrator who brought it; everybody else gets 404."""
    return get_object_or_404(ImportFile.objects.filter(made_by=user), pk=pk)


@needs(Role.ADMINISTRATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: SignedRequest) -> HttpResponse:
    """Choose a file, read what its columns mean, and the files of the last thirty days."""
    kind = request.GET.get("art", "")
    initial = {"pk": ids.new_id(), "art": kind if kind in COLUMNS else ImportFile.Kind.PEOPLE}
    form = ImportForm(posted(request), request.FILES or None, initial=initial)
    if request.method == "POST" and not ratelimit.consume(request, action="import", user=request.user):
        return ratelimit.respond_429(request)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            actions.look_over(pk=values["pk"], kind=values["art"], data=values["file"].read(), by=request.user)
        except NotReadable as reason:
            form.add_error("file", str(reason))
        else:
            return redirect("accounts:import", values["pk"])
    context = {
        "form": form,
        "kinds": [(kind, ImportFile.Kind(kind).label, columns) for kind, columns in COLUMNS.items()],
        "files": ImportFile.objects.filter(made_by=request.user)[:FILES],
    }
    return render(request, "accounts/imports.html", context, status=422 if form.errors else 200)


@needs(Role.ADMINISTRATOR)
@require_safe
def template(request: SignedRequest, kind: str) -> HttpResponse:
    """A file to fill in: the headings, and examples with made-up names."""
    if kind not in COLUMNS:
        raise Http404
    return _download(kind, [str(column.label) for column in COLUMNS[kind]], EXAMPLES[kind])


@needs(Role.ADMINISTRATOR)
@require_safe
def detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """What the file would do, how far the worker is, or what became of it; line by line, page after page."""
    file = own_import_or_404(request.user, pk)
    sums = file.lines.summary()
    sums["total"] = sums["wanted"] if file.invite else sums["wanted"] - sums["held"]
    context: dict[str, Any] = {"file": file, "sums": sums}
    if not file.is_at_work():
        context |= _lines(request, file)
    return render(request, "accounts/import.html", context)


def _lines(request: SignedRequest, file: ImportFile) -> dict[str, Any]:
    which, after = request.GET.get("zeilen", ""), request.GET.get("nach", "")
    rows = file.lines.all()
    if which == "abgelehnt":
        rows = rows.refused()
    elif which in VERDICTS:
        rows = rows.filter(verdict=VERDICTS[which])
    if after.isascii() and after.isdigit() and len(after) < 10:
        rows = rows.filter(line__gt=int(after))
    page = list(rows.order_by("line")[: PAGE + 1])
    return {
        "rows": [
            {
                "line": line,
                "titles": titles(file, line),
                "facts": facts_of(file, line) if line.verdict == ImportLine.Verdict.NEW else "",
                "changes": changes_in_words(file, line),
                "reasons": reasons_in_words(file, line),
            }
            for line in page[:PAGE]
        ],
        "kinds": KINDS.items(),
        "which": which if which in KINDS else "",
        "more": page[PAGE - 1].line if len(page) > PAGE else None,
    }


@needs(Role.ADMINISTRATOR)
@require_POST
@confirmed
def take_over(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """First a look at what will happen, then for good."""
    file = own_import_or_404(request.user, pk)
    if "confirmed" not in request.POST:
        return render(request, "accounts/import_confirm.html", {"file": file, "sums": file.lines.summary()})
    if not actions.take_over(file=file, invite=bool(request.POST.get("invite")), by=request.user):
        messages.info(request, _("Hier ist nichts mehr zu übernehmen."))
    return redirect("accounts:import", pk)


@needs(Role.ADMINISTRATOR)
@require_POST
def start_again(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """For a file at which every attempt has failed."""
    actions.start_again(file=own_import_or_404(request.user, pk))
    return redirect("accounts:import", pk)


@needs(Role.ADMINISTRATOR)
@require_POST
def discard(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Put a file away; what was taken over stays."""
    if not actions.discard(file=own_import_or_404(request.user, pk), by=request.user):
        messages.warning(request, _("Die Datei wird gerade übernommen."))
        return redirect("accounts:import", pk)
    messages.success(request, _("Die Datei und ihre Vorschau sind gelöscht."))
    return redirect("accounts:imports")


@needs(Role.ADMINISTRATOR)
@require_safe
def refused(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The refused lines with their reasons, to be corrected and brought in again."""
    file = own_import_or_404(request.user, pk)
    columns = COLUMNS[file.kind]
    rows = [
        [line.line, " ".join(reasons_in_words(file, line)), *(line.values.get(column.name, "") for column in columns)]
        for line in file.lines.refused().order_by("line")
    ]
    return _download("abgelehnt", [_("Zeile"), _("Grund"), *(str(column.label) for column in columns)], rows)


def _download(name: str, headings: list[str], rows: Any) -> HttpResponse:
    return attached(csv_of(headings, rows), f"{name}.csv", CSV)
