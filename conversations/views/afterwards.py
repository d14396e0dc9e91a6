"""Nach dem Gespräch: a short look for oneself alone, and feedback to the other one, if one wants to give it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import drafting
from accounts.access import SignedRequest, posted, signed_in
from accounts.drafting import with_draft
from conversations.access import conversation_or_404, in_own_time
from conversations.actions import after as actions
from conversations.afterwards import Feedback, TalkCheck
from conversations.conversation import Conversation
from conversations.conversation_forms import CheckForm, FeedbackForm
from engagements.access import kindly
from engagements.states import NotPossible
from lernbegleitung import clock, ids
from lernbegleitung.audience import show_readers


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
@in_own_time
def look(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """One's own look at the talk: a POST keeps it."""
    conversation = past_talk(request, pk)
    check = check_form(request, conversation, posted(request))
    if request.method == "POST" and check.is_valid():
        actions.look(conversation=conversation, answers=check.cleaned_data, by=request.user)
        drafting.done(request)
        messages.success(request, _("Für Sie gesichert. Niemand sonst kann es lesen, und niemand zählt es aus."))
        return redirect("conversations:after", pk)
    return page(request, conversation, check=check)


@signed_in
@require_POST
@kindly
@in_own_time
def give_feedback(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Give the other one feedback."""
    conversation = past_talk(request, pk)
    form = feedback_form(request, conversation, request.POST)
    if not form.is_valid():
        return page(request, conversation, feedback=form)
    actions.give(conversation=conversation, pk=form.cleaned_data["id"], text=form.cleaned_data["text"], by=request.user)
    drafting.done(request)
    messages.success(request, _("Ihre Rückmeldung ist da. Sie können sie jederzeit zurücknehmen."))
    return redirect("conversations:after", pk)


@signed_in
@require_POST
@kindly
def take_back(request: SignedRequest, pk: uuid.UUID, feedback_id: uuid.UUID) -> HttpResponse:
    """The author takes feedback back."""
    conversation = conversation_or_404(request.user, pk)
    feedback = get_object_or_404(conversation.feedback.filter(author=request.user), pk=feedback_id)
    actions.take_back(feedback=feedback, by=request.user)
    messages.success(request, _("Die Rückmeldung ist zurückgenommen."))
    return redirect("conversations:after", pk)


def past_talk(request: SignedRequest, pk: uuid.UUID) -> Conversation:
    """A talk that has begun; before that there is nothing to look back at."""
    conversation = conversation_or_404(request.user, pk)
    if conversation.appointment.starts_at > clock.now():
        raise NotPossible(_("Dieses Gespräch steht noch bevor."))
    return conversation


def check_form(request: SignedRequest, conversation: Conversation, data: QueryDict | None) -> CheckForm:
    """The own look, as it is kept, with what was typed and not sent."""
    learns = conversation.engagement.is_learner(request.user)
    kept = TalkCheck.objects.filter(conversation=conversation, owner=request.user).first()
    names = (*(TalkCheck.LEARNER if learns else TalkCheck.COMPANION), "note")
    initial = {name: getattr(kept, name) for name in names} if kept else {}
    form = CheckForm(data, initial=initial, learns=learns)
    show_readers(form, TalkCheck(conversation=conversation, owner=request.user), request.user)
    form.helper.form_action = address = reverse("conversations:after", args=[conversation.pk])
    return with_draft(form, request, place=address)


def feedback_form(request: SignedRequest, conversation: Conversation, data: QueryDict | None) -> FeedbackForm:
    """Feedback to the other one, with what was typed and not sent."""
    form = FeedbackForm(data, initial={"id": ids.new_id()}, auto_id="rueckmeldung-%s")
    show_readers(form, Feedback(conversation=conversation, author=request.user), request.user)
    form.helper.form_action = reverse("conversations:feedback_give", args=[conversation.pk])
    return with_draft(form, request, place=reverse("conversations:after", args=[conversation.pk]) + "#rueckmeldung")


def page(request: SignedRequest, conversation: Conversation, **forms: Any) -> HttpResponse:
    """Both forms, and the feedback there is."""
    given = list(conversation.feedback.select_related("author"))
    for one in given:
        one.conversation = conversation
    partner = conversation.engagement.partner_of(request.user)
    context = {
        "conversation": conversation,
        "appointment": conversation.appointment,
        "engagement": conversation.engagement,
        "learns": conversation.engagement.is_learner(request.user),
        "partner": partner,
        "check": check_form(request, conversation, None),
        "feedback": feedback_form(request, conversation, None) if partner else None,
        "given": given,
        **forms,
    }
    errors = any(form.errors for form in forms.values())
    return render(request, "conversations/after.html", context, status=422 if errors else 200)
