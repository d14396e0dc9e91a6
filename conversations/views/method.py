"""Leitfaden und Fragen: where the method owner tends what is for all. Nothing of any companionship is here."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import drafting
from accounts.access import SignedRequest, needs, posted
from accounts.drafting import with_draft
from accounts.roles import Role
from conversations.actions import method as actions
from conversations.appointments import Kind
from conversations.bank import MOST, kept_by_several
from conversations.guide import GuidingQuestion
from conversations.guide_versions import GuideState, GuideVersion
from conversations.kept_questions import PLACES, QuestionProposal
from conversations.question_forms import QuestionForm
from conversations.views.questions import stale_page
from engagements.actions.requests import Stale
from lernbegleitung import ids

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@needs(Role.METHOD_OWNER)
@require_safe
def index(request: SignedRequest) -> HttpResponse:
    """Proposals that wait, how many questions stand where, and those that rest."""
    rows = list(GuidingQuestion.objects.all()[:MOST])
    several = kept_by_several()
    kept = sorted((row for row in rows if row.pk in several), key=lambda row: -several[row.pk])
    context = {
        "proposals": QuestionProposal.objects.filter(answer="open").select_related("owner")[:100],
        "places": [(part, title, sum(row.part == part and row.is_active for row in rows)) for part, title in PLACES],
        "guides": guides(),
        "resting": [row for row in rows if not row.is_active],
        "kept": [(row, several[row.pk]) for row in kept[:10]],
    }
    return render(request, "conversations/method.html", context)


def guides() -> list[tuple[Kind, GuideVersion, GuideVersion | None]]:
    """For each kind of talk the published version, and the draft if there is one."""
    rows = {(row.kind, row.state): row for row in GuideVersion.objects.exclude(state=GuideState.FORMER)}
    found = [(kind, rows.get((kind.value, "published")), rows.get((kind.value, "draft"))) for kind in Kind]
    return [(kind, published, draft) for kind, published, draft in found if published]


@needs(Role.METHOD_OWNER)
@require_http_methods(READ_AND_WRITE)
def create(request: SignedRequest) -> HttpResponse:
    """A new question for all."""
    form = QuestionForm(
        posted(request), initial={"code": f"m{ids.new_id().hex[-12:]}"}, button=_("In die Fragenbank aufnehmen")
    )
    with_draft(form, request)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        actions.write(values=form.cleaned_data, code=code if code.startswith("m") else "", by=request.user)
        drafting.done(request)
        messages.success(request, _("Die Frage steht jetzt in der Fragenbank."))
        return redirect("conversations:questions")
    context = {"form": form}
    return render(request, "conversations/question_edit.html", context, status=422 if form.errors else 200)


@needs(Role.METHOD_OWNER)
@require_http_methods(READ_AND_WRITE)
def edit(request: SignedRequest, pk: int) -> HttpResponse:
    """Other words, another place; what talks have taken along keeps its words."""
    question = get_object_or_404(GuidingQuestion, pk=pk)
    form = QuestionForm(posted(request), initial=QuestionForm.initial_of(question))
    with_draft(form, request)
    context: dict[str, Any] = {"form": form, "question": question}
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"] or 0
        try:
            actions.change(question=question, version=version, values=form.cleaned_data, by=request.user)
        except Stale as stale:
            return stale_page(request, "conversations/question_edit.html", context, stale, ("text_de", "text_en"))
        drafting.done(request)
        messages.success(request, _("Die Frage ist gespeichert."))
        return redirect("conversations:questions")
    return render(request, "conversations/question_edit.html", context, status=422 if form.errors else 200)


@needs(Role.METHOD_OWNER)
@require_POST
def rest(request: SignedRequest, pk: int) -> HttpResponse:
    """Take a question out of the bank, or bring it back."""
    rests = request.POST.get("rest") == "1"
    actions.let_rest(question=get_object_or_404(GuidingQuestion, pk=pk), rests=rests, by=request.user)
    words = _("Die Frage ruht. Sie können sie jederzeit zurückholen."), _("Die Frage steht wieder in der Fragenbank.")
    messages.success(request, words[0] if rests else words[1])
    return redirect("conversations:method")


@needs(Role.METHOD_OWNER)
@require_http_methods(READ_AND_WRITE)
def proposal(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """One proposal: the wording can be edited before it is taken for all; declining needs no reason."""
    row = get_object_or_404(QuestionProposal.objects.filter(answer="open").select_related("owner"), pk=pk)
    initial = {"text_de": row.text_de, "text_en": row.text_en, "part": row.part}
    declines = request.POST.get("decline") == "1"
    form = QuestionForm(None if declines else posted(request), initial=initial, button=_("Für alle übernehmen"))
    with_draft(form, request)
    if request.method == "POST" and (declines or form.is_valid()):
        actions.answer(proposal=row, values=None if declines else form.cleaned_data, by=request.user)
        drafting.done(request)
        words = (
            _("Nicht übernommen. Die Person bekommt eine freundliche Nachricht."),
            _("Die Frage ist jetzt für alle."),
        )
        messages.success(request, words[0] if declines else words[1])
        return redirect("conversations:method")
    context = {"form": form, "row": row}
    return render(request, "conversations/question_proposal.html", context, status=422 if form.errors else 200)
