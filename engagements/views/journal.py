"""Lerntagebuch: own entries, private until shared one by one."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import drafting
from accounts.access import SignedRequest, posted, signed_in
from accounts.drafting import with_draft
from accounts.keys import load_keys
from engagements.access import kindly, own_entry_or_404
from engagements.actions import journal as actions
from engagements.actions.requests import Stale
from engagements.engagement import Engagement
from engagements.forms import stand_again
from engagements.journal import JournalEntry
from engagements.states import UNFINISHED
from engagements.step_forms import JournalForm
from lernbegleitung import ids
from lernbegleitung.audience import show_readers

PAGE = 20


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def index(request: SignedRequest) -> HttpResponse:
    """Entries, the newest first, and a place to write one."""
    engagement = (
        Engagement.objects.of_learner(request.user).filter(state__in=UNFINISHED).select_related("companion").first()
    )
    things = actions.things_to_write_about(engagement) if engagement else []
    about = next((value for value, _words in things if value == request.GET.get("zu")), "")
    form = JournalForm(posted(request), initial={"id": ids.new_id(), "about": about}, things=things)
    if engagement:
        engagement.learner = request.user
        with_draft(show_readers(form, JournalEntry(engagement=engagement), request.user), request)
    if request.method == "POST" and engagement and form.is_valid():
        values = form.cleaned_data
        actions.write(
            engagement=engagement,
            pk=values["id"],
            text=values["text"],
            mood=values["mood"],
            about=values["about"],
            shared=values["audience"] == "pair",
            by=request.user,
        )
        drafting.done(request)
        messages.success(request, _("Der Eintrag ist gesichert."))
        return redirect("engagements:journal")
    rows = JournalEntry.objects.filter(engagement__learner=request.user).select_related(
        "engagement__companion", "engagement__learner", "step"
    )
    if before := request.GET.get("vor", ""):
        try:
            rows = rows.filter(pk__lt=uuid.UUID(before))
        except ValueError:
            rows = rows.none()
    page = list(rows.order_by("-pk")[: PAGE + 1])
    load_keys({entry.engagement_id for entry in page})
    more = page[PAGE - 1].pk if len(page) > PAGE else None
    context = {"form": form, "engagement": engagement, "entries": page[:PAGE], "more": more}
    return render(request, "engagements/journal.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def edit(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Other words for an entry; a stale tab shows both versions."""
    entry = own_entry_or_404(request.user, pk)
    things = actions.things_to_write_about(entry.engagement)
    known = dict(things)
    if (about := actions.about_of(entry)) and about not in known:
        things = [(about, _("wie bisher")), *things]
    initial = {
        "text": entry.text,
        "mood": entry.mood,
        "about": about,
        "audience": "pair" if entry.shared_at else "me",
        "version": entry.version,
    }
    form = show_readers(JournalForm(posted(request), initial=initial, things=things, changes=True), entry, request.user)
    with_draft(form, request)
    context: dict[str, Any] = {"form": form, "entry": entry}
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            actions.change(
                entry=entry,
                version=values["version"] or 0,
                text=values["text"],
                mood=values["mood"],
                about=values["about"],
                shared=values["audience"] == "pair",
                by=request.user,
            )
        except Stale as stale:
            stand_again(form, version=stale.stored.version)
            context["stored"] = [(form.fields["text"].label, stale.stored.text)]
            return render(request, "engagements/journal_edit.html", context, status=412)
        drafting.done(request)
        messages.success(request, _("Der Eintrag ist gesichert."))
        return redirect("engagements:journal")
    return render(request, "engagements/journal_edit.html", context, status=422 if form.errors else 200)


@signed_in
@require_POST
def share(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one entry to the companion, or take it back."""
    shared = request.POST.get("shared") == "1"
    actions.share(entry=own_entry_or_404(request.user, pk), shared=shared, by=request.user)
    messages.success(
        request, _("Ihre Begleitung kann den Eintrag jetzt lesen.") if shared else _("Den Eintrag sehen jetzt nur Sie.")
    )
    return redirect("engagements:journal")


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Delete an entry for good, after asking."""
    entry = own_entry_or_404(request.user, pk)
    if request.method == "POST":
        entry.delete()
        messages.success(request, _("Der Eintrag ist gelöscht."))
        return redirect("engagements:journal")
    return render(request, "engagements/journal_delete.html", {"entry": entry})
