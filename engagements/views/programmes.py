"""Programme und Anlässe: what the administration offers beside self-chosen concerns. No list of who takes part is here."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import drafting
from accounts.access import SignedRequest, needs, posted
from accounts.drafting import with_draft
from accounts.roles import Role
from engagements.actions import programmes as actions
from engagements.actions.requests import Stale
from engagements.companions import Occasion
from engagements.forms import stand_again
from engagements.programme_forms import OccasionForm, ProgrammeForm
from engagements.programmes import Programme, ProgrammeVersion, latest_version
from lernbegleitung import ids

READ_AND_WRITE = ["GET", "HEAD", "POST"]
MOST = 200  # of each; a list for people, longer ones would be no help


@needs(Role.ADMINISTRATOR)
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """All programmes with their latest versions, those that are over at the end; and all occasions."""
    versions = ProgrammeVersion.objects.current().select_related("programme__agency", "occasion")[:MOST]
    rows = sorted(versions, key=lambda row: (row.programme.is_over(), str(row.programme).casefold()))
    occasions = list(Occasion.objects.all()[:MOST])
    context = {"rows": rows, "occasions": occasions, "own_topic": Occasion.OWN_TOPIC}
    return render(request, "engagements/programmes.html", context)


@needs(Role.ADMINISTRATOR)
@require_http_methods(READ_AND_WRITE)
def create(request: SignedRequest) -> HttpResponse:
    """A new programme."""
    return _write(request, {})


@needs(Role.ADMINISTRATOR)
@require_http_methods(READ_AND_WRITE)
def copy(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """A new programme that begins with the words of another one; the days are its own."""
    programme = get_object_or_404(Programme, pk=pk)
    last = latest_version(pk)
    assert last is not None  # a programme is never without a version
    values = ProgrammeForm.initial_of(programme, last) | {"starts_on": None, "ends_on": None}
    return _write(request, values | copied_names(programme))


def copied_names(row: Programme | Occasion) -> dict[str, str]:
    """„Kopie von …“ in both languages, cut to what a name may be long."""
    found = {}
    for language in ("de", "en"):
        with override(language):
            found[f"name_{language}"] = (_("Kopie von %(name)s") % {"name": getattr(row, f"name_{language}")})[:80]
    return found


def _write(request: SignedRequest, values: dict[str, Any]) -> HttpResponse:
    form = with_draft(ProgrammeForm(posted(request), initial=values | {"id": ids.new_id(), "version": 0}), request)
    if request.method == "POST" and form.is_valid():
        pk = form.cleaned_data["id"] or ids.new_id()
        actions.write_programme(pk=pk, values=form.cleaned_data, by=request.user)
        drafting.done(request)
        messages.success(request, _("Das Programm ist angelegt. Lernende sehen es, sobald es offen ist."))
        return redirect("engagements:programmes")
    context = {"form": form, "copied": bool(values)}
    return render(request, "engagements/programme_edit.html", context, status=422 if form.errors else 200)


@needs(Role.ADMINISTRATOR)
@require_http_methods(READ_AND_WRITE)
def edit(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Another frame at once, other suggestions as a new version: running pairs keep theirs until both accept it."""
    programme = get_object_or_404(Programme.objects.select_related("agency"), pk=pk)
    versions = list(programme.versions.select_related("occasion"))
    form = with_draft(ProgrammeForm(posted(request), initial=ProgrammeForm.initial_of(programme, versions[0])), request)
    context: dict[str, Any] = {"form": form, "programme": programme, "versions": versions}
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"] or 0
        try:
            new = actions.change_programme(
                programme=programme, version=version, values=form.cleaned_data, by=request.user
            )
        except Stale as stale:
            return _stale(request, context, stale.stored)
        drafting.done(request)
        words = _("Gespeichert. Laufende Begleitungen behalten ihre Fassung, bis beide die neue annehmen.")
        messages.success(request, words if new else _("Das Programm ist gespeichert."))
        return redirect("engagements:programmes")
    return render(request, "engagements/programme_edit.html", context, status=422 if form.errors else 200)


def _stale(request: SignedRequest, context: dict[str, Any], stored: Programme) -> HttpResponse:
    """412: the fields in which something else is stored, beside what was typed."""
    form, last = context["form"], latest_version(stored.pk)
    assert last is not None
    stand_again(form, version=stored.version)
    there = ProgrammeForm.initial_of(stored, last)
    differing = [
        (form.fields[name].label, form.in_words(name, value))
        for name, value in there.items()
        if name != "version" and value != form.cleaned_data.get(name)
    ]
    return render(request, "engagements/programme_edit.html", {**context, "stored": differing}, status=412)


@needs(Role.ADMINISTRATOR)
@require_http_methods(READ_AND_WRITE)
def occasion_create(request: SignedRequest) -> HttpResponse:
    """A new occasion."""
    return _write_occasion(request, {})


@needs(Role.ADMINISTRATOR)
@require_http_methods(READ_AND_WRITE)
def occasion_copy(request: SignedRequest, pk: int) -> HttpResponse:
    """A new occasion that begins with the words of another one."""
    return _write_occasion(request, copied_names(get_object_or_404(Occasion, pk=pk)))


def _write_occasion(request: SignedRequest, values: dict[str, Any]) -> HttpResponse:
    form = OccasionForm(posted(request), initial=values | {"code": f"a{ids.new_id().hex[-12:]}"})
    with_draft(form, request)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"] or f"a{ids.new_id().hex[-12:]}"
        actions.write_occasion(code=code, by=request.user, **form.names())
        drafting.done(request)
        messages.success(request, _("Der Anlass steht jetzt zur Wahl."))
        return redirect("engagements:programmes")
    return render(request, "engagements/occasion_edit.html", {"form": form}, status=422 if form.errors else 200)


@needs(Role.ADMINISTRATOR)
@require_http_methods(READ_AND_WRITE)
def occasion_edit(request: SignedRequest, pk: int) -> HttpResponse:
    """Other words for an occasion."""
    occasion = get_object_or_404(Occasion, pk=pk)
    names = ("name_de", "name_en", "version")
    form = OccasionForm(posted(request), initial={name: getattr(occasion, name) for name in names})
    with_draft(form, request)
    context: dict[str, Any] = {"form": form, "occasion": occasion}
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"] or 0
        try:
            actions.change_occasion(occasion=occasion, version=version, by=request.user, **form.names())
        except Stale as stale:
            stand_again(form, version=stale.stored.version)
            stored = [(form.fields[name].label, getattr(stale.stored, name)) for name in names[:2]]
            return render(request, "engagements/occasion_edit.html", {**context, "stored": stored}, status=412)
        drafting.done(request)
        messages.success(request, _("Der Anlass ist gespeichert."))
        return redirect("engagements:programmes")
    return render(request, "engagements/occasion_edit.html", context, status=422 if form.errors else 200)


@needs(Role.ADMINISTRATOR)
@require_POST
def occasion_rest(request: SignedRequest, pk: int) -> HttpResponse:
    """Offer an occasion no longer, or again."""
    rests = request.POST.get("rest") == "1"
    try:
        actions.let_occasion_rest(occasion=get_object_or_404(Occasion, pk=pk), rests=rests, by=request.user)
    except actions.NotPossible as reason:
        messages.warning(request, str(reason))
        return redirect("engagements:programmes")
    words = (
        _("Der Anlass ruht. Wer ihn schon gewählt hat, behält ihn."),
        _("Der Anlass steht wieder zur Wahl."),
    )
    messages.success(request, words[0] if rests else words[1])
    return redirect("engagements:programmes")
