"""Drafts: kept while one types, let go of after asking; and forms that arrive after their session has ended."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import drafting
from accounts.access import SignedRequest, signed_in, to_login
from accounts.actions import drafts as actions
from accounts.drafts import Draft
from accounts.people import User
from lernbegleitung import pages


@signed_in
@require_POST
def keep(request: SignedRequest) -> HttpResponse:
    """What stands in a page now; the answer is the status line. 422 when it is more than a draft holds."""
    page = drafting.page_of(request)
    if not page:
        return HttpResponse(status=400)
    try:
        draft = actions.keep(page=page, values=drafting.values_of(request.POST), by=request.user)
    except actions.TooLong:
        return render(request, "accounts/draft_too_long.html", status=422)
    return render(request, "accounts/draft_kept.html") if draft else HttpResponse(status=400)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Let go of a draft, after showing once more what stands in it."""
    draft = get_object_or_404(Draft.objects.select_related("owner"), pk=pk, owner=request.user)
    if request.method == "POST":
        place = draft.place
        draft.delete()
        messages.success(request, _("Der Entwurf ist gelöscht."))
        return redirect(place)
    texts = [text for texts in draft.typed().values() for text in texts if " " in text or len(text) > 20]
    return render(request, "accounts/draft_discard.html", {"draft": draft, "texts": texts})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that has become too old: signed in again meanwhile, or no longer. What was typed stands in it again."""
    if request.headers.get("HX-Request"):
        return pages.csrf_failure(request, reason)
    if not isinstance(request.user, User):
        return to_login(request) if drafting.held(request) else pages.csrf_failure(request, reason)
    if not (page := drafting.page_of(request)):
        return pages.csrf_failure(request, reason)
    try:
        actions.keep(page=page, values=drafting.values_of(request.POST), by=request.user)
    except actions.TooLong:
        return pages.csrf_failure(request, reason)
    messages.warning(
        request,
        _("Die Seite war zu lange offen, gespeichert ist noch nichts. Ihr Text steht hier: Senden Sie noch einmal ab."),
    )
    return redirect(page.place)
