"""The guide of each kind of talk: its draft, how it will look, and publishing it for the talks to come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import drafting
from accounts.access import SignedRequest, needs, posted, seen_version
from accounts.drafting import with_draft
from accounts.roles import Role
from conversations.actions import guides as actions
from conversations.appointments import Kind
from conversations.guide_forms import GuideForm
from conversations.guide_versions import GuideState, GuideVersion, arranged
from conversations.questions import by_part
from engagements.actions.requests import Stale
from engagements.forms import stand_again

READ_AND_WRITE = ["GET", "HEAD", "POST"]


def versions_of(kind: str) -> tuple[GuideVersion, GuideVersion | None]:
    """The published version and the draft; 404 for no kind of talk."""
    known = {row.state: row for row in GuideVersion.objects.filter(kind=kind).exclude(state=GuideState.FORMER)}
    if kind not in Kind.values or GuideState.PUBLISHED not in known:
        raise Http404
    return known[GuideState.PUBLISHED.value], known.get(GuideState.DRAFT.value)


@needs(Role.METHOD_OWNER)
@require_http_methods(READ_AND_WRITE)
def edit(request: SignedRequest, kind: str) -> HttpResponse:
    """The draft, begun from what is published; a stale tab is told, and its words stay."""
    published, draft = versions_of(kind)
    questions = [row for rows in by_part(kind).values() for row in rows if row.part in "1234"]
    initial = GuideForm.initial_of((draft or published).sections) | {"version": draft.version if draft else 0}
    form = with_draft(GuideForm(posted(request), questions=questions, initial=initial), request)
    context: dict[str, Any] = {"form": form, "kind": Kind(kind), "published": published, "draft": draft}
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"] or 0
        try:
            actions.write_draft(kind=kind, version=version, sections=form.sections(), by=request.user)
        except Stale as stale:
            return _stale(request, context, stale.stored)
        drafting.done(request)
        messages.success(request, _("Der Entwurf ist gesichert. Noch gilt die veröffentlichte Fassung."))
        return redirect("conversations:guide_preview", kind)
    return render(request, "conversations/guide_edit.html", context, status=422 if form.errors else 200)


def _stale(request: SignedRequest, context: dict[str, Any], stored: GuideVersion) -> HttpResponse:
    """412: the fields in which the stored draft says something else, beside what was typed."""
    form = context["form"]
    stand_again(form, version=stored.version)
    there = GuideForm.initial_of(stored.sections)
    differing = [
        (f"{name[1]}. {form.fields[name].label}", text)
        for name, text in there.items()
        if isinstance(text, str) and text != form.cleaned_data.get(name)
    ]
    return render(request, "conversations/guide_edit.html", {**context, "stored": differing}, status=412)


@needs(Role.METHOD_OWNER)
@require_safe
def preview(request: SignedRequest, kind: str) -> HttpResponse:
    """The draft as it would stand beside a talk, in both languages; without a draft, what is published."""
    published, draft = versions_of(kind)
    shown, rows = draft or published, by_part(kind)
    both = zip(shown.parts("de"), shown.parts("en"), strict=True)
    context = {
        "kind": Kind(kind),
        "published": published,
        "draft": draft,
        "parts": [(de, en, arranged(de, rows[str(de.number)])[0]) for de, en in both],
    }
    return render(request, "conversations/guide_preview.html", context)


@needs(Role.METHOD_OWNER)
@require_POST
def publish(request: SignedRequest, kind: str) -> HttpResponse:
    """In force for talks made from now on; talks already made keep their version."""
    words = _("Veröffentlicht. Neue Termine bekommen diese Fassung, schon vereinbarte behalten ihre.")
    return _settle(request, kind, actions.publish, words)


@needs(Role.METHOD_OWNER)
@require_POST
def discard(request: SignedRequest, kind: str) -> HttpResponse:
    """Throw the draft away; what is published goes on."""
    words = _("Der Entwurf ist verworfen. Es gilt weiter die veröffentlichte Fassung.")
    return _settle(request, kind, actions.discard, words)


def _settle(request: SignedRequest, kind: str, act: Callable[..., bool], words: str) -> HttpResponse:
    """What ends a draft, done to the draft as it stood on the page; a newer one is to be read first."""
    versions_of(kind)
    try:
        done = act(kind=kind, version=seen_version(request), by=request.user)
    except Stale:
        messages.warning(request, _("Inzwischen hat sich der Entwurf geändert. Lesen Sie ihn bitte noch einmal."))
        return redirect("conversations:guide_preview", kind)
    if done:
        messages.success(request, words)
    return redirect("conversations:method")
