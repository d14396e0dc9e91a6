"""Blick zurück: one page, answerable in a minute, for those who wished for it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import drafting
from accounts.access import SignedRequest, posted, signed_in
from accounts.drafting import with_draft
from engagements.actions import transfer as actions
from engagements.closing_forms import TransferForm
from engagements.engagement import Engagement
from engagements.states import UNFINISHED, State
from engagements.transfer import TransferAnswer, TransferCheck
from lernbegleitung.audience import show_readers

READ_AND_WRITE = ["GET", "HEAD", "POST"]


def own_check_or_404(request: SignedRequest, pk: uuid.UUID) -> TransferCheck:
    """The check, for its owner alone."""
    return get_object_or_404(TransferCheck.objects.select_related("owner"), pk=pk, owner=request.user)


@signed_in
@require_http_methods(READ_AND_WRITE)
def detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """What one wanted to do, four answers, one optional sentence; afterwards what could come next."""
    check = own_check_or_404(request, pk)
    changes = "aendern" in request.GET
    form = show_readers(TransferForm(posted(request), initial=TransferForm.initial_of(check)), check, request.user)
    with_draft(form, request)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        answer = TransferAnswer(values["answer"])
        actions.answer(check=check, answer=answer, words=values["words"], as_rule=values["as_rule"], by=request.user)
        drafting.done(request)
        messages.success(request, _("Danke. Das haben Sie für sich festgehalten."))
        return redirect("engagements:transfer_check", pk)
    shows_answer = bool(check.answered_at) and not changes and not form.errors
    context = {"check": check, "form": form, "shows_answer": shows_answer}
    if shows_answer:
        context |= what_next(request, check)
    return render(request, "engagements/transfer_check.html", context, status=422 if form.errors else 200)


def what_next(request: SignedRequest, check: TransferCheck) -> dict[str, object]:
    """Whether a new companionship may begin, and whether the old one is still there to begin from."""
    mine = Engagement.objects.of_learner(request.user)
    states = set(mine.filter(state__in=UNFINISHED).values_list("state", flat=True))
    earlier = mine.filter(pk=check.engagement, state=State.CLOSED).values_list("pk", flat=True).first()
    return {"may_begin": not states, "earlier": earlier}


@signed_in
@require_http_methods(READ_AND_WRITE)
def delete(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Give up a look back that is to come, or delete one that was; after asking."""
    check = own_check_or_404(request, pk)
    if request.method == "POST":
        check.delete()
        messages.success(request, _("Gelöscht. Dazu kommt keine Nachricht mehr."))
        return redirect("engagements:insights")
    return render(request, "engagements/transfer_check_delete.html", {"check": check})
