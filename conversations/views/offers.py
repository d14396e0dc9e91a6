"""On the desk: the companion offers an observation or a wording, the learner takes, changes or drops it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import SignedRequest, signed_in
from conversations.access import conversation_or_404
from conversations.actions import offers as actions
from conversations.conversation_forms import AnswerForm, OfferForm
from conversations.views.conversation import at_part, desk_page, sentences
from engagements.access import kindly


@signed_in
@require_POST
@kindly
def offer(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The companion offers what they noticed, or a wording."""
    conversation = conversation_or_404(request.user, pk)
    if conversation.engagement.is_learner(request.user) or conversation.is_locked():
        raise PermissionDenied
    form = OfferForm(request.POST)
    if not form.is_valid():
        return desk_page(
            request,
            conversation,
            422,
            offer_errors=sentences(form),
            typed_offer=request.POST.get("text", ""),
            typed_meaning=request.POST.get("meaning", ""),
            typed_what=request.POST.get("what", ""),
            typed_part=request.POST.get("part"),
        )
    values = form.cleaned_data
    actions.offer(
        conversation=conversation,
        pk=values["id"],
        part=values["part"],
        what=values["what"],
        text=values["text"],
        meaning=values["meaning"],
        by=request.user,
    )
    messages.success(request, _("Angeboten. Die lernende Person entscheidet, ob sie es übernimmt."))
    return redirect(at_part(conversation, values["part"]))


@signed_in
@require_POST
@kindly
def answer(request: SignedRequest, pk: uuid.UUID, observation_id: uuid.UUID) -> HttpResponse:
    """The learner takes, changes or drops it; the companion takes it back."""
    conversation = conversation_or_404(request.user, pk)
    observation = get_object_or_404(conversation.observations.select_related("conversation"), pk=observation_id)
    if not conversation.engagement.is_learner(request.user):
        actions.take_back(observation=observation, by=request.user)
        return redirect(at_part(conversation, observation.part))
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return desk_page(
            request,
            conversation,
            422,
            answer_errors=sentences(form),
            answered=str(observation.pk),
            typed_answer=request.POST.get("text", ""),
        )
    actions.answer(observation=observation, chosen=form.chosen(), text=form.words(), by=request.user)
    return redirect(at_part(conversation, observation.part))
