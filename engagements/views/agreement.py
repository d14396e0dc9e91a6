"""Vereinbarung: write, read, accept, print."""

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
from engagements.access import engagement_or_404, kindly, may
from engagements.actions import agreement as actions
from engagements.actions.requests import Stale
from engagements.agreements import Agreement
from engagements.forms import AgreementForm, stand_again
from lernbegleitung import ids
from lernbegleitung.audience import show_readers


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def agreement(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The latest version, and the form for the next one."""
    engagement = engagement_or_404(request.user, pk)
    if not engagement.companion:
        messages.info(request, _("Eine Lernvereinbarung schreiben Sie gemeinsam, sobald Sie eine Begleitung haben."))
        return redirect("conversations:engagement", pk)
    latest = engagement.current_agreement()
    texts = {name: getattr(latest, name) if latest else "" for name in ("purpose", "rhythm", "additions")}
    form = AgreementForm(
        posted(request), initial={**texts, "id": ids.new_id(), "version": latest.version if latest else 0}
    )
    show_readers(form, Agreement(engagement=engagement, companion=engagement.companion), request.user)
    with_draft(form, request)
    mine = latest and (
        latest.learner_accepted_at if engagement.is_learner(request.user) else latest.companion_accepted_at
    )
    context: dict[str, Any] = {
        "engagement": engagement,
        "agreement": latest,
        "form": form,
        "may": may(engagement, request.user),
        "accepted_by_me": mine,
        "partner": engagement.partner_of(request.user),
    }
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            actions.write(
                engagement=engagement,
                pk=values["id"],
                seen_version=values["version"],
                texts=form.texts(),
                by=request.user,
            )
        except Stale as stale:
            stand_again(form, version=stale.stored.version)
            return render(
                request, "engagements/agreement.html", {**context, "stored": stale.stored, "writing": True}, status=412
            )
        drafting.done(request)
        messages.success(request, _("Die Vereinbarung ist gespeichert. Sie gilt, sobald beide sie angenommen haben."))
        return redirect("engagements:agreement", pk)
    context["writing"] = (
        bool(form.errors) or "schreiben" in request.GET or not latest or bool(form.drafting.taken)  # type: ignore[attr-defined]
    )
    return render(request, "engagements/agreement.html", context, status=422 if form.errors else 200)


@signed_in
@require_POST
@kindly
def accept(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Accept the version that was read."""
    engagement = engagement_or_404(request.user, pk)
    version = request.POST.get("version", "")
    both = actions.accept(engagement=engagement, version=int(version) if version.isdigit() else 0, by=request.user)
    messages.success(
        request,
        _("Beide haben angenommen. Ihre Lernbegleitung beginnt.")
        if both
        else _("Angenommen. Jetzt fehlt noch die andere Seite."),
    )
    return redirect("conversations:engagement", pk)
