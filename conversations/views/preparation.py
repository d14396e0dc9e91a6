"""Vorbereiten: what was agreed last time, own thoughts, questions, the learner's topic."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import drafting
from accounts.access import SignedRequest, signed_in
from accounts.drafting import with_draft
from accounts.keys import open_rows
from accounts.models import DataKey, User
from accounts.roles import Role, has_role
from conversations.access import conversation_or_404
from conversations.actions import preparing as actions
from conversations.actions import questions
from conversations.afterwards import TalkCheck
from conversations.appointments import Appointment
from conversations.bank import Bank, Group, named
from conversations.conversation import Conversation
from conversations.conversation_forms import SheetForm, TopicForm
from conversations.desk import Desk, desk_of
from conversations.preparation import Preparation, TopicWish
from engagements.access import kindly
from engagements.actions.requests import Stale
from engagements.forms import stand_again
from lernbegleitung.audience import show_readers
from lernbegleitung.kept import first
from lernbegleitung.together import together

# The fields of the sheet before a talk; guesses are the companion's temptation, and get a place of their own.
LEARNERS, COMPANIONS = ("before", "questions"), ("before", "questions", "hypotheses")
SHOWN = 12  # steps


def carried_over(conversation: Conversation, desk: Desk, last: Conversation | None) -> dict[str, Any]:
    """What both take along from last time: the last record, open and answered steps, what was shared since."""
    return {
        "concern": desk.concern,
        "last": last,
        "steps": desk.steps[:SHOWN],
        "shared_entries": desk.shared_entries,
    }


def last_time(conversation: Conversation, person: User) -> tuple[Conversation | None, TalkCheck | None]:
    """The last record before this talk, and what the person noted for themselves after the talk before it.

    The own key comes with them; most of what stands on this page is sealed with it.
    """
    asked = conversation.engagement_id, conversation.appointment.starts_at, person.pk
    records, appointments, looks, keys = _last_time(*asked)
    open_rows(keys)
    for record, appointment in zip(records, appointments, strict=True):
        record.appointment, record.engagement = appointment, conversation.engagement
    for look in looks:
        look.owner = person
    return first(records), first(looks)


@together
def _last_time(engagement_id: uuid.UUID, before: datetime, person_id: int) -> tuple[QuerySet[Any], ...]:
    former = Conversation.objects.filter(engagement=engagement_id, appointment__starts_at__lt=before)
    record = former.documented().latest_first()[:1]
    looks = TalkCheck.objects.filter(
        owner=person_id, conversation__engagement=engagement_id, conversation__appointment__starts_at__lt=before
    )
    return (
        record,
        Appointment.objects.filter(pk__in=record.values("appointment")),
        looks.order_by("-conversation__appointment__starts_at")[:1],
        DataKey.objects.filter(owner=person_id),
    )


def topic_of(conversation: Conversation) -> TopicWish | None:
    """The learner's topic for this talk, as far as the viewer may read it."""
    return getattr(conversation, "topic_wish", None)  # fetched with the talk (conversation_or_404)


def fields_of(request: SignedRequest, conversation: Conversation) -> tuple[str, ...]:
    """What this one of the two writes down beforehand."""
    return LEARNERS if conversation.engagement.is_learner(request.user) else COMPANIONS


def prepare_context(request: SignedRequest, conversation: Conversation) -> dict[str, object]:
    """The page of preparing: own sheet, own topic, questions, what is carried over."""
    learns = conversation.engagement.is_learner(request.user)
    last, look = last_time(conversation, request.user)
    desk = desk_of(conversation, request.user)
    wish = topic_of(conversation)
    return {
        "conversation": conversation,
        "engagement": conversation.engagement,
        "partner": conversation.engagement.partner_of(request.user),
        "learns": learns,
        "wish": wish,
        "form": own_form(request, conversation, initial=known_of(desk.sheet, fields_of(request, conversation))),
        "topic_form": topic_form(
            request,
            conversation,
            wish,
            initial={
                "text": wish.text if wish else "",
                "shared": bool(wish.shared_at) if wish else True,
                "seen": actions.fingerprint(wish.text if wish else ""),
            },
        ),
        "groups": drawer_of(conversation, bank_of(conversation, request.user)),
        "may_look": has_role(request.user, Role.COMPANION),
        "own_look": look,
        **carried_over(conversation, desk, last),
    }


def bank_of(conversation: Conversation, person: User) -> Bank:
    """The questions as this person sees them in this companionship."""
    return Bank(person, conversation.engagement, counted=False)


def drawer_of(conversation: Conversation, bank: Bank) -> list[Group]:
    """The questions for this talk, the person's own selection first, with what was taken along before."""
    return bank.drawer(conversation.guide_kind(), occasion_of(conversation))


def occasion_of(conversation: Conversation) -> str:
    """The code of the occasion, or nothing."""
    occasion = conversation.engagement.occasion
    return occasion.code if occasion else ""


def known_of(sheet: Preparation | None, names: tuple[str, ...]) -> dict[str, str]:
    """The own sheet as it is, and the fingerprint of it."""
    texts = {name: getattr(sheet, name) if sheet else "" for name in names}
    return {**texts, "seen": actions.fingerprint(*texts.values())}


def two_versions(form: SheetForm | TopicForm, stored: Preparation | TopicWish, *names: str) -> dict[str, object]:
    """For the page: what is stored, beside what was typed; sending again is then a decision."""
    texts = {name: getattr(stored, name) for name in names}
    stand_again(form, seen=actions.fingerprint(*texts.values()))
    return {"stored": [(form.fields[name].label, text) for name, text in texts.items()]}


def own_form(request: SignedRequest, conversation: Conversation, **filled: Any) -> SheetForm:
    """The own sheet, with what was typed and not sent."""
    form = SheetForm(
        names=(*fields_of(request, conversation), "seen"),
        learns=conversation.engagement.is_learner(request.user),
        **filled,
    )
    place = reverse("conversations:prepare", args=[conversation.pk])
    return with_draft(show_readers(form, Preparation(owner=request.user), request.user), request, place=place)


def topic_form(request: SignedRequest, conversation: Conversation, wish: TopicWish | None, **filled: Any) -> TopicForm:
    """The learner's topic, with what was typed and not sent."""
    form = show_readers(TopicForm(**filled), wish or TopicWish(conversation=conversation), request.user)
    place = reverse("conversations:prepare", args=[conversation.pk]) + "#thema"
    return with_draft(form, request, place=place)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@kindly
def prepare(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The own sheet before a talk."""
    conversation = conversation_or_404(request.user, pk)
    if request.method != "POST":
        return render(request, "conversations/prepare.html", prepare_context(request, conversation))
    form = own_form(request, conversation, data=request.POST)
    if form.is_valid():
        names = fields_of(request, conversation)
        texts = {name: form.cleaned_data[name] for name in names}
        if chosen := named(request.POST.get("question", ""), request.user):
            texts["questions"] = questions.with_question(texts["questions"], chosen)
        seen = form.cleaned_data["seen"] or None
        try:
            actions.write_sheet(conversation=conversation, texts=texts, seen=seen, by=request.user)
        except Stale as stale:
            context = {**prepare_context(request, conversation), "form": form}
            both = two_versions(form, stale.stored, *names)
            return render(request, "conversations/prepare.html", {**context, **both}, status=412)
        drafting.done(request)
        if chosen:
            questions.remember(conversation=conversation, question=chosen, by=request.user)
            return redirect(request.path + "#fragen")
        messages.success(request, _("Ihre Vorbereitung ist gesichert. Nur Sie können sie lesen."))
        return redirect("conversations:prepare", pk)
    context = {**prepare_context(request, conversation), "form": form}
    return render(request, "conversations/prepare.html", context, status=422)


@signed_in
@require_POST
@kindly
def topic(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The learner's topic: kept, sent, or taken back."""
    conversation = conversation_or_404(request.user, pk)
    if not conversation.engagement.is_learner(request.user):
        raise PermissionDenied
    form = topic_form(request, conversation, None, data=request.POST)
    if form.is_valid():
        shared = form.cleaned_data["shared"]
        text, seen = form.cleaned_data["text"], form.cleaned_data["seen"] or None
        try:
            actions.write_topic(conversation=conversation, text=text, shared=shared, seen=seen, by=request.user)
        except Stale as stale:
            context = {**prepare_context(request, conversation), "topic_form": form}
            both = two_versions(form, stale.stored, "text")
            return render(request, "conversations/prepare.html", {**context, **both}, status=412)
        drafting.done(request)
        messages.success(
            request, _("Ihr Thema ist unterwegs.") if shared else _("Ihr Thema ist gesichert. Nur Sie sehen es.")
        )
        return redirect("conversations:prepare", pk)
    context = prepare_context(request, conversation)
    return render(request, "conversations/prepare.html", {**context, "topic_form": form}, status=422)
