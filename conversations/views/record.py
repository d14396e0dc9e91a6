"""Das Protokoll: agree to it, read it, compare its versions, add to it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import drafting
from accounts.access import SignedRequest, posted, seen_version, signed_in
from accounts.drafting import with_draft
from conversations.access import conversation_or_404, in_own_time, other_reader, require_open
from conversations.actions import documenting
from conversations.actions import versions as actions
from conversations.conversation import Conversation, parts_of
from conversations.conversation_forms import AdditionForm
from conversations.differences import history
from conversations.guide_versions import parts_in
from conversations.ideas import ideas_of
from conversations.planned import next_talk_at, planned_in
from conversations.record import Addition
from engagements.access import kindly
from engagements.actions.requests import Stale
from engagements.states import NotPossible
from lernbegleitung import ids
from lernbegleitung.audience import show_readers


@signed_in
@require_POST
@kindly
def agree(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """So stimmt es: agree to the record as read."""
    conversation = conversation_or_404(request.user, pk)
    if not conversation.is_locked():
        require_open(conversation)
    try:
        both = documenting.agree(conversation=conversation, version=seen_version(request), by=request.user)
    except Stale:
        messages.warning(request, _("Inzwischen hat sich etwas geändert. Lesen Sie es bitte noch einmal."))
        return redirect("conversations:desk", pk)
    messages.success(
        request,
        _("Beide haben zugestimmt. Das Protokoll ist abgeschlossen.")
        if both
        else _("Zugestimmt. Jetzt fehlt noch die andere Seite."),
    )
    return redirect("conversations:protocol" if both else "conversations:desk", pk)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
@in_own_time
def protocol(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The record as a page to print; nothing private is on it. Posting adds to a record both have agreed to."""
    conversation = conversation_or_404(request.user, pk)
    form = addition_form(request, conversation) if conversation.is_locked() else None
    if request.method == "POST" and not form:
        raise NotPossible(_("Das Protokoll ist noch offen: Schreiben Sie es einfach dort hinein."))
    if request.method == "POST" and form and form.is_valid():
        values = form.cleaned_data
        actions.add(conversation=conversation, pk=values["id"], text=values["text"], by=request.user)
        drafting.done(request)
        told = other_reader(conversation, request.user)
        messages.success(
            request,
            _("Der Nachtrag steht im Protokoll. Die andere Person bekommt eine Nachricht.")
            if told
            else _("Der Nachtrag steht im Protokoll."),
        )
        return redirect("conversations:protocol", pk)
    texts = {part.part: part for part in parts_of(conversation)}
    context = {
        "conversation": conversation,
        "appointment": conversation.appointment,
        "engagement": conversation.engagement,
        "parts": [(part, texts[part.number].text) for part in parts_in(conversation.guide)],
        "ideas": ideas_of(conversation),
        "steps": planned_in(conversation).next_first()[:20],
        "next_at": next_talk_at(conversation),
        "additions": additions_of(conversation),
        "form": form,
        "has_versions": conversation.agreed_version > 0,
        "people": [conversation.appointment.learner, conversation.appointment.companion],
    }
    return render(request, "conversations/protocol.html", context, status=422 if form and form.errors else 200)


def addition_form(request: SignedRequest, conversation: Conversation) -> AdditionForm:
    """What the reader may add, with what was typed and not sent."""
    form = AdditionForm(posted(request), initial={"id": ids.new_id()})
    addition = Addition(conversation=conversation, author=request.user)
    return with_draft(show_readers(form, addition, request.user), request)


def additions_of(conversation: Conversation) -> list[Addition]:
    """What was added to the record, in order."""
    found = list(conversation.additions.select_related("author"))
    for addition in found:
        addition.conversation = conversation
    return found


@signed_in
@require_POST
@kindly
def answer_addition(request: SignedRequest, pk: uuid.UUID, addition_id: uuid.UUID) -> HttpResponse:
    """The other one has read it; the author takes it back while it is unread."""
    conversation = conversation_or_404(request.user, pk)
    addition = get_object_or_404(conversation.additions, pk=addition_id)
    if addition.author_id == request.user.pk:
        actions.take_back(addition=addition, by=request.user)
        messages.success(request, _("Der Nachtrag ist zurückgenommen."))
    else:
        actions.note_read(addition=addition, by=request.user)
    return redirect("conversations:protocol", pk)


@signed_in
@require_safe
@in_own_time
def versions(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """What one of the two agreed to, and what has changed since, word by word."""
    conversation = conversation_or_404(request.user, pk)
    context = {
        "conversation": conversation,
        "engagement": conversation.engagement,
        "learns": conversation.engagement.is_learner(request.user),
        "history": history(conversation),
    }
    return render(request, "conversations/versions.html", context)


@signed_in
@require_POST
@kindly
def forget_version(request: SignedRequest, pk: uuid.UUID, version_id: uuid.UUID) -> HttpResponse:
    """The learner deletes an earlier version for good."""
    conversation = conversation_or_404(request.user, pk)
    if not conversation.engagement.is_learner(request.user):
        raise PermissionDenied
    version = get_object_or_404(conversation.versions.select_related("conversation"), pk=version_id)
    actions.forget_version(version=version, by=request.user)
    messages.success(request, _("Die frühere Fassung ist gelöscht."))
    return redirect("conversations:versions", pk)
