"""Vereinbarung: write, read, accept, print."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import drafting
from accounts.access import SignedRequest, number_in, posted, seen_version, signed_in
from accounts.drafting import with_draft
from engagements.access import engagement_or_404, kindly, may
from engagements.actions import agreement as actions
from engagements.actions.requests import Stale
from engagements.agreements import Agreement
from engagements.engagement import Engagement
from engagements.forms import AgreementForm, stand_again
from engagements.programmes import ProgrammeVersion, latest_version
from engagements.states import NotPossible
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
    programme = of_programme(engagement, latest)
    texts = {name: getattr(latest, name) if latest else "" for name in actions.TEXTS}
    if programme and "vorschlag" in request.GET:
        texts |= {name: text for name, text in programme.suggested.suggestions().items() if text}
    initial = {**texts, "id": ids.new_id(), "version": latest.version if latest else 0}
    form = AgreementForm(
        posted(request), initial=initial | {"programme_version": programme.suggested.pk if programme else None}
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
        "programme": programme,
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
                suggested=programme.as_seen(values["programme_version"]) if programme else None,
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
        bool(form.errors) or {"schreiben", "vorschlag"} & set(request.GET) or not latest or bool(form.drafting.taken)  # type: ignore[attr-defined]
    )
    return render(request, "engagements/agreement.html", context, status=422 if form.errors else 200)


@dataclass(frozen=True)
class OfProgramme:
    """What the page says of a programme: the version the pair has, and the newest one."""

    held: ProgrammeVersion | None
    newest: ProgrammeVersion

    @property
    def suggested(self) -> ProgrammeVersion:
        """What is suggested when one writes now: before the first agreement the newest, later what one has."""
        return self.held or self.newest

    @property
    def newer(self) -> ProgrammeVersion | None:
        """A version that the pair may take over, if there is one."""
        return self.newest if self.held and self.held.number < self.newest.number else None

    def as_seen(self, pk: uuid.UUID | None) -> ProgrammeVersion | None:
        """The version that stood on the page that was sent."""
        return next((version for version in (self.held, self.newest) if version and version.pk == pk), None)


def of_programme(engagement: Engagement, latest: Agreement | None) -> OfProgramme | None:
    """The programme of the engagement, as the page of its agreement shows it; None without one."""
    newest = latest_version(engagement.programme_id)
    if not newest:
        return None
    held = newest.programme.versions.filter(pk=latest.programme_version_id).first() if latest else None
    return OfProgramme(held, newest)


@signed_in
@require_POST
@kindly
def take_over(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Offer the other one the programme's newer version; nothing holds until both have accepted it."""
    engagement = engagement_or_404(request.user, pk)
    newest = latest_version(engagement.programme_id)
    agreement_id = request.POST.get("id", "")
    if not newest or str(newest.pk) != request.POST.get("programme_version") or not is_uuid(agreement_id):
        raise NotPossible()
    try:
        actions.take_over(
            engagement=engagement,
            pk=uuid.UUID(agreement_id),
            seen_version=seen_version(request),
            newer=newest,
            by=request.user,
        )
    except Stale:
        messages.warning(
            request, _("Inzwischen gibt es eine neue Fassung der Vereinbarung. Lesen Sie sie bitte zuerst.")
        )
        return redirect("engagements:agreement", pk)
    messages.success(
        request, _("Vorgeschlagen. Die neue Fassung des Programms gilt, sobald beide sie angenommen haben.")
    )
    return redirect("engagements:agreement", pk)


def is_uuid(value: str) -> bool:
    """Whether this can be an identifier."""
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


@signed_in
@require_POST
@kindly
def accept(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Accept the version that was read."""
    engagement = engagement_or_404(request.user, pk)
    version = request.POST.get("version", "")
    both = actions.accept(engagement=engagement, version=number_in(version), by=request.user)
    messages.success(
        request,
        _("Beide haben angenommen. Ihre Lernbegleitung beginnt.")
        if both
        else _("Angenommen. Jetzt fehlt noch die andere Seite."),
    )
    return redirect("conversations:engagement", pk)
