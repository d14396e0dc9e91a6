"""Fragen: the question bank to look through, keep from, and take along into a talk; and questions of one's own."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import drafting
from accounts.access import SignedRequest, needs, posted, signed_in
from accounts.drafting import with_draft
from accounts.roles import Role, has_role
from conversations.access import conversation_or_404
from conversations.actions import questions as actions
from conversations.appointments import Kind
from conversations.bank import PLACES, Bank, Wanted, grouped, named
from conversations.conversation import Conversation
from conversations.guide import GuidingQuestion
from conversations.kept_questions import OwnQuestion, QuestionProposal
from conversations.question_forms import OwnQuestionForm, ProposalForm
from conversations.views.preparation import bank_of, drawer_of
from engagements.access import kindly
from engagements.actions.requests import Stale
from engagements.forms import stand_again
from engagements.models import Occasion
from lernbegleitung import ids
from lernbegleitung.audience import show_readers

READ_AND_WRITE = ["GET", "HEAD", "POST"]


@needs(Role.COMPANION, Role.METHOD_OWNER)
@require_safe
def bank(request: SignedRequest) -> HttpResponse:
    """The bank, searched and filtered by its address; with `gespraech`, questions can be taken along into that talk."""
    talk, wanted = _talk(request, request.GET.get("gespraech", "")), Wanted.read(request.GET)
    lines = Bank(request.user, talk.engagement if talk else None).found(wanted)
    context = {
        "groups": grouped(lines),
        "number": len(lines),
        "wanted": wanted,
        "filtered": wanted != Wanted(),
        "talk": talk,
        "here": request.get_full_path(),
        "places": PLACES,
        "kinds": Kind.choices,
        "occasions": Occasion.objects.filter(is_active=True),
        "may_write_own": has_role(request.user, Role.COMPANION),
        "may_edit": has_role(request.user, Role.METHOD_OWNER),
    }
    return render(request, "conversations/questions.html", context)


def _talk(request: SignedRequest, key: str) -> Conversation | None:
    """The talk questions are looked for, if it is one of the person's own."""
    try:
        pk = uuid.UUID(key)
    except ValueError:
        return None
    mine = Conversation.objects.of_pair_member(request.user).select_related("appointment", "engagement")
    return mine.filter(pk=pk, locked_at=None).first()


def back(request: HttpRequest, otherwise: str, anchor: str = "") -> HttpResponse:
    """To the page of ours that the form names, else to another."""
    target = request.POST.get("next", "")
    inside = target.startswith("/") and url_has_allowed_host_and_scheme(target, None)
    return redirect((target if inside else reverse(otherwise)) + anchor)


@needs(Role.COMPANION, Role.METHOD_OWNER)
@require_POST
def keep(request: SignedRequest, pk: int) -> HttpResponse:
    """Among the favourites, or no longer. The question stays in sight, whatever its filter says."""
    question = get_object_or_404(GuidingQuestion.objects.filter(Q(is_active=True) | Q(pk__in=_kept(request))), pk=pk)
    actions.keep(question=question, kept=request.POST.get("keep") == "1", by=request.user)
    if request.headers.get("HX-Request"):
        talk = _talk(request, request.POST.get("gespraech", ""))
        context = {
            "line": Bank(request.user, talk.engagement if talk else None).line(question),
            "may_edit": has_role(request.user, Role.METHOD_OWNER),
            "talk": talk,
            "here": request.POST.get("next", ""),
        }
        return render(request, "conversations/_question.html", context)
    return back(request, "conversations:questions", f"#frage-bank-{pk}")


def _kept(request: SignedRequest) -> set[int]:
    return Bank(request.user).kept if request.POST.get("keep") != "1" else set()


@signed_in
@require_safe
def drawer(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The questions for a talk: fetched when somebody opens the drawer of the desk, a page of their own without JavaScript."""
    conversation = conversation_or_404(request.user, pk)
    context = {
        "conversation": conversation,
        "groups": drawer_of(conversation, bank_of(conversation, request.user)),
        "may_look": has_role(request.user, Role.COMPANION),
        "on_desk": True,
    }
    piece = bool(request.headers.get("HX-Request"))
    return render(request, f"conversations/{'_question_drawer' if piece else 'drawer'}.html", context)


@signed_in
@require_POST
def take(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Into the own sheet for this talk, from the desk or from the bank."""
    conversation = conversation_or_404(request.user, pk)
    question = named(request.POST.get("question", ""), request.user)
    if not question:
        raise Http404
    sheet = actions.take_along(conversation=conversation, question=question, by=request.user)
    if request.headers.get("HX-Request"):
        return render(request, "conversations/_taken.html", {"sheet": sheet, "question": question, "swapped": True})
    messages.success(request, _("Die Frage steht jetzt bei Ihren Fragen zum Mitnehmen."))
    target = request.POST.get("next", "")
    if target.startswith("/") and url_has_allowed_host_and_scheme(target, None):
        return redirect(target)
    return redirect("conversations:desk", pk)


# ── questions of one's own ─────────────────────────────────────────────────


@needs(Role.COMPANION)
@require_http_methods(READ_AND_WRITE)
@kindly
def own(request: SignedRequest) -> HttpResponse:
    """The own questions, what became of proposals, and a form for a new one."""
    form = show_readers(
        OwnQuestionForm(posted(request), initial={"id": ids.new_id()}), OwnQuestion(owner=request.user), request.user
    )
    with_draft(form, request)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        actions.write_own(pk=values["id"] or ids.new_id(), part=values["part"], text=values["text"], by=request.user)
        drafting.done(request)
        messages.success(request, _("Die Frage gehört jetzt Ihnen. Beim Vorbereiten steht sie ganz oben."))
        return redirect("conversations:own_questions")
    proposals = list(QuestionProposal.objects.filter(owner=request.user))
    proposed = {row.source for row in proposals}
    rows = list(OwnQuestion.objects.filter(owner=request.user).select_related("owner"))
    context = {"form": form, "rows": [(row, row.pk in proposed) for row in rows], "proposals": proposals}
    return render(request, "conversations/own_questions.html", context, status=422 if form.errors else 200)


def own_or_404(request: SignedRequest, pk: uuid.UUID) -> OwnQuestion:
    """The question, for the person whose it is."""
    return get_object_or_404(OwnQuestion.objects.select_related("owner"), pk=pk, owner=request.user)


@needs(Role.COMPANION)
@require_http_methods(READ_AND_WRITE)
def edit_own(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Other words; a stale tab shows both versions."""
    row = own_or_404(request, pk)
    initial = {"text": row.text, "part": row.part, "version": row.version}
    form = show_readers(OwnQuestionForm(posted(request), initial=initial, button=_("Speichern")), row, request.user)
    with_draft(form, request)
    context: dict[str, Any] = {"form": form, "row": row}
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            actions.change_own(
                own=row, version=values["version"] or 0, part=values["part"], text=values["text"], by=request.user
            )
        except Stale as stale:
            stale.stored.owner = request.user
            return stale_page(request, "conversations/own_question_edit.html", context, stale, ("text",))
        drafting.done(request)
        messages.success(request, _("Die Frage ist gespeichert."))
        return redirect("conversations:own_questions")
    return render(request, "conversations/own_question_edit.html", context, status=422 if form.errors else 200)


def stale_page(
    request: HttpRequest, template: str, context: dict[str, Any], stale: Stale, names: tuple[str, ...]
) -> HttpResponse:
    """412: what is stored beside what was typed; sent once more, the typed words replace it."""
    form = context["form"]
    stand_again(form, version=stale.stored.version)
    stored = [(form.fields[name].label, getattr(stale.stored, name)) for name in names]
    return render(request, template, {**context, "stored": stored}, status=412)


@needs(Role.COMPANION)
@require_http_methods(READ_AND_WRITE)
def delete_own(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Delete an own question for good, after asking."""
    row = own_or_404(request, pk)
    if request.method == "POST":
        row.delete()
        messages.success(request, _("Die Frage ist gelöscht."))
        return redirect("conversations:own_questions")
    return render(request, "conversations/own_question_delete.html", {"row": row})


@needs(Role.COMPANION)
@require_http_methods(READ_AND_WRITE)
def propose(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Offer an own question to all; the method owner reads it with the name until it is decided."""
    row = own_or_404(request, pk)
    if QuestionProposal.objects.filter(owner=request.user, source=pk).exists():
        messages.info(request, _("Diese Frage haben Sie schon vorgeschlagen."))
        return redirect("conversations:own_questions")
    form = ProposalForm(posted(request), initial=ProposalForm.initial_of(row, get_language() or "de"))
    with_draft(form, request)
    if request.method == "POST" and form.is_valid():
        actions.propose(own=row, **form.cleaned_data, by=request.user)
        drafting.done(request)
        messages.success(request, _("Ihr Vorschlag ist unterwegs. Ihre eigene Frage behalten Sie in jedem Fall."))
        return redirect("conversations:own_questions")
    context = {"form": form, "row": row}
    return render(request, "conversations/question_propose.html", context, status=422 if form.errors else 200)


@needs(Role.COMPANION)
@require_POST
def withdraw(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Take an open proposal back."""
    proposal = get_object_or_404(QuestionProposal, pk=pk, owner=request.user)
    if proposal.is_open():
        proposal.delete()
        messages.success(request, _("Ihr Vorschlag ist zurückgezogen."))
    return redirect("conversations:own_questions")
