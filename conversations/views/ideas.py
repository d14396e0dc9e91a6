"""On the desk: ideas are collected and marked, steps planned, and the next date left open."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import drafting
from accounts.access import SignedRequest, posted, signed_in
from accounts.drafting import with_draft
from conversations.access import conversation_or_404
from conversations.actions import documenting
from conversations.actions import ideas as actions
from conversations.conversation import Conversation
from conversations.conversation_forms import IdeaForm
from conversations.ideas import ChangeIdea, ideas_before_us
from conversations.views.conversation import at_part, desk_page, only_learner, step_form
from engagements.access import kindly
from engagements.actions import steps
from engagements.actions.requests import Stale
from engagements.forms import stand_again
from engagements.states import State
from lernbegleitung import ids
from lernbegleitung.audience import show_readers
from lernbegleitung.kept import first_or_404

IDEAS, STEPS = 2, 3  # the parts in which they stand


@signed_in
@require_POST
@kindly
def collect(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """A new idea."""
    conversation = own_open_talk(request, pk)
    form = IdeaForm(request.POST, auto_id="idee-%s")
    if not form.is_valid():
        return desk_page(request, conversation, 422, idea_form=form, open_part=IDEAS)
    new_id = form.cleaned_data["id"] or ids.new_id()
    actions.collect(conversation=conversation, pk=new_id, text=form.cleaned_data["text"], by=request.user)
    return redirect(at_part(conversation, IDEAS))


@signed_in
@require_POST
@kindly
def mark(request: SignedRequest, pk: uuid.UUID, idea_id: uuid.UUID) -> HttpResponse:
    """Tried, chosen, parked; a parked idea of an earlier talk is taken up into this one."""
    conversation = own_open_talk(request, pk)
    idea = idea_or_404(conversation, idea_id)
    state = request.POST.get("state", "")
    if idea.conversation_id != conversation.pk:
        actions.take_up(idea=idea, conversation=conversation, by=request.user)
    elif state in ChangeIdea.State.values:
        actions.mark(idea=idea, state=ChangeIdea.State(state), by=request.user)
    return redirect(at_part(conversation, IDEAS))


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def edit(request: SignedRequest, pk: uuid.UUID, idea_id: uuid.UUID) -> HttpResponse:
    """Other words for an idea, or leave it out."""
    conversation = own_open_talk(request, pk)
    idea = get_object_or_404(conversation.ideas.select_related("conversation__engagement"), pk=idea_id)
    initial = {"id": idea.pk, "version": idea.version, "text": idea.text}
    form = show_readers(IdeaForm(posted(request), initial=initial, button=_("Speichern")), idea, request.user)
    with_draft(form, request)
    context = {"form": form, "idea": idea, "conversation": conversation}
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            actions.rewrite(idea=idea, version=values["version"] or 0, text=values["text"], by=request.user)
        except Stale as stale:
            stand_again(form, version=stale.stored.version)
            context["stored"] = [(form.fields["text"].label, stale.stored.text)]
            return render(request, "conversations/idea_edit.html", context, status=412)
        drafting.done(request)
        return redirect(at_part(conversation, IDEAS))
    return render(request, "conversations/idea_edit.html", context, status=422 if form.errors else 200)


@signed_in
@require_POST
@kindly
def leave_out(request: SignedRequest, pk: uuid.UUID, idea_id: uuid.UUID) -> HttpResponse:
    """Delete an idea from the record."""
    conversation = own_open_talk(request, pk)
    idea = get_object_or_404(conversation.ideas.select_related("conversation"), pk=idea_id)
    actions.leave_out(idea=idea, by=request.user)
    messages.success(request, _("Die Idee ist gelöscht."))
    return redirect(at_part(conversation, IDEAS))


@signed_in
@require_POST
@kindly
def plan(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """A step planned during the talk: the learner's own, like every other."""
    conversation = own_open_talk(request, pk)
    conversation.engagement.require(State.ACTIVE)
    form = step_form(request, conversation, steps=[], data=request.POST)
    if not form.is_valid():
        return desk_page(request, conversation, 422, step_form=form, open_part=STEPS)
    new_id = form.cleaned_data["id"] or ids.new_id()
    steps.plan(
        engagement=conversation.engagement, pk=new_id, values=form.cleaned_data, by=request.user, talk=conversation.pk
    )
    messages.success(request, _("Der Schritt ist geplant."))
    return redirect(at_part(conversation, STEPS))


@signed_in
@require_POST
@kindly
def leave_open(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """No next date for now; or not so any more."""
    conversation = own_open_talk(request, pk)
    documenting.leave_open(conversation=conversation, is_open=request.POST.get("open") == "1", by=request.user)
    return redirect(at_part(conversation))


def own_open_talk(request: SignedRequest, pk: uuid.UUID) -> Conversation:
    """The learner's own talk, while its record is open; else 403 or 404."""
    conversation = conversation_or_404(request.user, pk)
    only_learner(conversation, request)
    return conversation


def idea_or_404(conversation: Conversation, pk: uuid.UUID) -> ChangeIdea:
    """One of the ideas on this desk."""
    return first_or_404([idea for idea in ideas_before_us(conversation) if idea.pk == pk])
