"""Erkenntnisse: what was learned, in one place, and the rules of thumb one keeps for years."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts import drafting
from accounts.access import SignedRequest, posted, signed_in
from accounts.drafting import with_draft
from accounts.keys import load_keys
from engagements.access import kindly
from engagements.actions import insights as actions
from engagements.actions.requests import Stale
from engagements.forms import stand_again
from engagements.rules import RuleOfThumb
from engagements.step_forms import RuleForm
from engagements.steps import Insight
from engagements.transfer import TransferCheck
from lernbegleitung import ids
from lernbegleitung.audience import show_readers

PAGE = 20
READ_AND_WRITE = ["GET", "HEAD", "POST"]


@signed_in
@require_http_methods(READ_AND_WRITE)
@kindly
def index(request: SignedRequest) -> HttpResponse:
    """Rules of thumb first, then the insights of every companionship, the newest first."""
    form = show_readers(
        RuleForm(posted(request), initial={"id": ids.new_id()}), RuleOfThumb(owner=request.user), request.user
    )
    with_draft(form, request)
    if request.method == "POST" and form.is_valid():
        actions.write(pk=form.cleaned_data["id"] or ids.new_id(), text=form.cleaned_data["text"], by=request.user)
        drafting.done(request)
        messages.success(request, _("Die Faustregel gehört jetzt Ihnen, auch über die Begleitung hinaus."))
        return redirect("engagements:insights")
    rules = list(RuleOfThumb.objects.filter(owner=request.user).select_related("owner"))
    rows = insights_of(request)
    if before := request.GET.get("vor", ""):
        try:
            rows = rows.filter(pk__lt=uuid.UUID(before))
        except ValueError:
            rows = rows.none()
    page = list(rows.order_by("-pk")[: PAGE + 1])
    load_keys({insight.engagement_id for insight in page})
    kept = {rule.insight for rule in rules}
    checks = list(TransferCheck.objects.filter(owner=request.user).select_related("owner")[:60])
    context = {
        "form": form,
        "rules": rules,
        "checks": checks,
        "insights": [(insight, insight.pk in kept) for insight in page[:PAGE]],
        "to_keep": [insight for insight in page[:PAGE] if insight.keep and insight.pk not in kept],
        "more": page[PAGE - 1].pk if len(page) > PAGE else None,
    }
    return render(request, "engagements/insights.html", context, status=422 if form.errors else 200)


def insights_of(request: SignedRequest) -> QuerySet[Insight]:
    """The person's own insights, over all companionships."""
    mine = Insight.objects.filter(engagement__learner=request.user)
    return mine.select_related("engagement__companion", "engagement__learner", "step")


@signed_in
@require_POST
def share(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one insight to the companion, or take it back."""
    shared = request.POST.get("shared") == "1"
    actions.share(insight=get_object_or_404(insights_of(request), pk=pk), shared=shared, by=request.user)
    words = _("Ihre Begleitung kann die Erkenntnis jetzt lesen."), _("Die Erkenntnis sehen jetzt nur Sie.")
    messages.success(request, words[0] if shared else words[1])
    return redirect("engagements:insights")


@signed_in
@require_POST
def keep(request: SignedRequest) -> HttpResponse:
    """Keep one insight as a rule of thumb, or all that are shown."""
    wanted = []
    for pk in request.POST.getlist("insight")[: PAGE + 1]:
        try:
            wanted.append(uuid.UUID(pk))
        except ValueError:
            continue
    number = actions.keep(insights=list(insights_of(request).filter(pk__in=wanted)), by=request.user)
    words = ngettext("%(n)d Faustregel behalten.", "%(n)d Faustregeln behalten.", number) % {"n": number}
    messages.success(request, words if number else _("Das haben Sie schon behalten."))
    return redirect("engagements:insights")


@signed_in
@require_http_methods(READ_AND_WRITE)
def edit(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Other words for a rule of thumb; a stale tab shows both versions."""
    rule = get_object_or_404(RuleOfThumb.objects.select_related("owner"), pk=pk, owner=request.user)
    initial = {"text": rule.text, "version": rule.version}
    form = show_readers(RuleForm(posted(request), initial=initial, button=_("Speichern")), rule, request.user)
    with_draft(form, request)
    context: dict[str, Any] = {"form": form, "rule": rule}
    if request.method == "POST" and form.is_valid():
        try:
            version = form.cleaned_data["version"] or 0
            actions.change(rule=rule, version=version, text=form.cleaned_data["text"], by=request.user)
        except Stale as stale:
            stand_again(form, version=stale.stored.version)
            context["stored"] = [(form.fields["text"].label, stale.stored.text)]
            return render(request, "engagements/rule_edit.html", context, status=412)
        drafting.done(request)
        messages.success(request, _("Die Faustregel ist gespeichert."))
        return redirect("engagements:insights")
    return render(request, "engagements/rule_edit.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(READ_AND_WRITE)
def delete(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Delete a rule of thumb for good, after asking."""
    rule = get_object_or_404(RuleOfThumb, pk=pk, owner=request.user)
    if request.method == "POST":
        rule.delete()
        messages.success(request, _("Die Faustregel ist gelöscht."))
        return redirect("engagements:insights")
    return render(request, "engagements/rule_delete.html", {"rule": rule})
