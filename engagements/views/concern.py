"""Anliegen klären: three short pages from a wish to a request."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import drafting
from accounts.access import SignedRequest, posted, signed_in
from accounts.drafting import with_draft
from accounts.features import Feature, is_on
from engagements.access import kindly, own_engagement_or_404
from engagements.actions import requests as actions
from engagements.again import learned_by
from engagements.concerns import LearningConcern
from engagements.engagement import Engagement
from engagements.forms import ConcernForm, WhyForm, WishesForm, stand_again
from engagements.goals import FormerWords
from engagements.programmes import full_in_region, no_longer_open, open_versions
from engagements.states import State
from lernbegleitung import ids
from lernbegleitung.audience import show_readers

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def begin(request: SignedRequest) -> HttpResponse:
    """Start a draft, or go to the one that is unfinished."""
    pk = request.POST.get("id", "")
    unfinished = Engagement.objects.of_learner(request.user).unfinished().first()
    if unfinished and str(unfinished.pk) != pk:
        messages.info(request, _("Sie haben schon eine Lernbegleitung begonnen. Hier geht es weiter."))
        return redirect(
            "engagements:concern" if unfinished.state == State.DRAFT else "conversations:engagement", unfinished.pk
        )
    learned = learned_by(request.user, request.GET.get("nach", ""))
    form = ConcernForm(posted(request), initial={"id": ids.new_id(), "version": 0, **learned.texts()})
    show_readers(form, LearningConcern(engagement=Engagement(learner=request.user)), request.user)
    with_draft(form, request)
    if request.method == "POST" and form.is_valid():
        engagement = actions.begin(pk=form.cleaned_data["id"] or ids.new_id(), by=request.user, **form.texts())
        drafting.done(request)
        return redirect("engagements:why", engagement.pk)
    context = {"form": form, "learned": learned}
    return render(request, "engagements/begin.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def concern(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Page one again, or a changed concern later on."""
    engagement = own_engagement_or_404(request.user, pk)
    if engagement.is_over():
        return redirect("conversations:engagement", pk)
    stored = engagement.concerns.get()
    texts = {name: getattr(stored, name) for name in ("ability", "situation", "signs")}
    form = ConcernForm(posted(request), initial={**texts, "version": stored.version})
    with_draft(show_readers(form, stored, request.user), request)
    former = list(FormerWords.objects.filter(item=stored.pk)[:30])
    for words in former:
        words.engagement = engagement
    context = {"form": form, "engagement": engagement, "is_draft": engagement.state == State.DRAFT, "former": former}
    if request.method == "POST" and form.is_valid():
        try:
            actions.write_concern(
                concern=stored, version=form.cleaned_data["version"] or 0, texts=form.texts(), by=request.user
            )
        except actions.Stale as stale:
            return conflict(request, context, form, stale, texts.keys())
        drafting.done(request)
        if engagement.state == State.DRAFT:
            return redirect("engagements:why", pk)
        messages.success(request, _("Ihr Anliegen ist gespeichert."))
        return redirect("conversations:engagement", pk)
    return render(request, "engagements/concern.html", context, status=422 if form.errors else 200)


def conflict(
    request: SignedRequest, context: dict, form: ConcernForm | WhyForm, stale: actions.Stale, names: object
) -> HttpResponse:
    """412: both versions side by side; what was typed stays in the form, which now counts from the stored version."""
    stand_again(form, version=stale.stored.version)
    both = [(form.fields[name].label, getattr(stale.stored, name)) for name in names if name in form.fields]  # type: ignore[attr-defined]
    return render(request, "engagements/concern.html", {**context, "stored": both}, status=412)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def why(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Page two."""
    engagement = own_engagement_or_404(request.user, pk)
    engagement.require(State.DRAFT)
    stored = engagement.concerns.get()
    initial = {"why_now": stored.why_now, "version": stored.version, "occasion": engagement.occasion_id}
    agency = request.user.agency
    form = WhyForm(
        posted(request), initial=initial | {"programme": engagement.programme_id or ""},
        programmes=open_versions(agency), full=full_in_region(agency),
    )  # fmt: skip
    with_draft(show_readers(form, stored, request.user), request)
    context = {"form": form, "engagement": engagement, "is_draft": True, "page": 2}
    if request.method == "POST" and form.is_valid():
        texts = {"why_now": form.cleaned_data["why_now"]}
        try:
            actions.write_concern(
                concern=stored, version=form.cleaned_data["version"] or 0, texts=texts, by=request.user
            )
        except actions.Stale as stale:
            return conflict(request, context, form, stale, texts.keys())
        actions.write_wishes(engagement=engagement, values=form.wishes(), by=request.user)
        drafting.done(request)
        return redirect("engagements:wishes", pk)
    return render(request, "engagements/concern.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def wishes(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Page three, and off it goes."""
    engagement = own_engagement_or_404(request.user, pk)
    if request.method == "POST" and engagement.state == State.REQUESTED:  # the second click of a double click
        return redirect("conversations:engagement", pk)
    engagement.require(State.DRAFT)
    if not engagement.occasion_id:
        return redirect("engagements:why", pk)
    if engagement.programme and not actions.is_programme_open(engagement):
        messages.warning(request, no_longer_open(engagement.programme))
        return redirect("engagements:why", pk)
    nearest = actions.nearest_coordination(request.user.agency_id)
    form = WishesForm(
        posted(request),
        instance=engagement,
        coordinations=actions.coordinations(),
        nearest=nearest,
        may_choose=is_on(Feature.DIRECT_CHOICE, request.user.agency),
    )
    if request.method == "POST" and form.is_valid():
        actions.write_wishes(engagement=engagement, values=form.wishes(), by=request.user)
        if form.cleaned_data["search"] == "myself":
            return redirect(f"{reverse('engagements:directory')}?engagement={pk}")
        actions.send(engagement=engagement, agency=form.cleaned_data["agency"], by=request.user)
        messages.success(
            request, _("Ihre Anfrage ist bei der Koordination. Sie hören von uns, sobald Vorschläge da sind.")
        )
        return redirect("conversations:engagement", pk)
    context = {"form": form, "engagement": engagement}
    return render(request, "engagements/wishes.html", context, status=422 if form.errors else 200)


@signed_in
@require_POST
@kindly
def send_on(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """After a change of agency: let the coordination responsible now look for a companion."""
    actions.send_on(engagement=own_engagement_or_404(request.user, pk), by=request.user)
    messages.success(request, _("Ihre Anfrage ist jetzt bei der Koordination Ihrer Dienststelle."))
    return redirect("conversations:engagement", pk)


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def discard(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Delete a draft, after asking."""
    engagement = own_engagement_or_404(request.user, pk)
    engagement.require(State.DRAFT)
    if request.method == "POST":
        actions.discard(engagement=engagement, by=request.user)
        messages.success(request, _("Der Entwurf ist gelöscht."))
        return redirect("conversations:today")
    return render(request, "engagements/discard.html", {"engagement": engagement})
