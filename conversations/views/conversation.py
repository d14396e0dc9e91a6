"""Das Lerngespräch: the list of talks, and the desk with its four parts, on which both write."""

from __future__ import annotations

import base64
import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import SignedRequest, signed_in
from conversations.access import conversation_or_404, other_reader, require_open
from conversations.actions import documenting as actions
from conversations.actions import preparing
from conversations.conversation import Conversation, Observation
from conversations.conversation_forms import ClosingSentenceForm, DeskStepForm, IdeaForm, PartForm, SheetForm
from conversations.desk import desk_of
from conversations.guide import PARTS, suggested_part
from conversations.guide_versions import arranged, parts_in
from conversations.ideas import ChangeIdea, ideas_before_us
from conversations.planned import next_talk_at
from conversations.preparation import Preparation
from conversations.questions import by_part
from conversations.views.preparation import carried_over, last_time, occasion_of, topic_of
from engagements.access import kindly, may
from engagements.actions.requests import Stale
from engagements.models import LearningStep
from engagements.states import State
from lernbegleitung import clock, ids
from lernbegleitung.audience import show_readers

OWN = ("observations", "reflection")


def desk_context(request: SignedRequest, conversation: Conversation) -> dict[str, Any]:
    """Everything on the desk, for one of the two."""
    learns = conversation.engagement.is_learner(request.user)
    last, _look = last_time(conversation, request.user)
    lying = desk_of(conversation, request.user)
    carried = carried_over(conversation, lying, last)
    texts = {part.part: part for part in lying.parts}
    questions = by_part(conversation.guide_kind(), occasion_of(conversation))
    first_open = suggested_part(conversation.guide_kind(), is_first=last is None)
    guide = parts_in(conversation.guide)
    beside = {part.number: arranged(part, questions.get(str(part.number), [])) for part in guide}
    ideas = ideas_before_us(conversation)
    planned = [step for step in lying.steps if step.talk == conversation.pk]
    here = [idea for idea in ideas if idea.conversation_id == conversation.pk]
    earlier = [idea for idea in ideas if idea.conversation_id != conversation.pk]
    taken_up = {idea.text for idea in here}
    filled = {number for number, part in texts.items() if part.text_sealed}
    filled |= {2} if here else set()
    filled |= {3} if planned else set()
    parts = [
        {
            "part": part,
            "field_id": f"text-{part.number}",
            "observation_field_id": f"beobachtung-{part.number}",
            "meaning_field_id": f"deutung-{part.number}",
            "offer_id": ids.new_id(),
            "stored": texts[part.number],
            "questions": beside[part.number][0],
            "more_questions": beside[part.number][1],
            "observations": [offer for offer in lying.observations if offer.part == part.number],
            "open": part.number == first_open or part.number in filled,
            "filled": part.number in filled,
        }
        for part in guide
    ]
    locked = conversation.is_locked()
    may_write = learns and not locked
    may_plan = may_write and conversation.engagement.state == State.ACTIVE
    return {
        "conversation": conversation,
        "appointment": conversation.appointment,
        "engagement": conversation.engagement,
        "partner": conversation.appointment.companion if learns else conversation.appointment.learner,
        "both_read": other_reader(conversation, request.user) is not None,
        "learns": learns,
        "parts": parts,
        "may_close": learns
        and conversation.appointment.kind == "closing"
        and may(conversation.engagement, request.user).close,
        "sheet": lying.sheet,
        "own_form": show_readers(
            SheetForm(
                initial={name: getattr(lying.sheet, name) for name in OWN} if lying.sheet else {},
                names=OWN,
                learns=learns,
            ),
            Preparation(owner=request.user),
            request.user,
        ),
        "wish": topic_of(conversation),
        "may_write": may_write,
        "may_observe": not learns and not locked,
        # Before the talk, and with nothing written, there is nothing to agree to yet.
        "begun": conversation.appointment.starts_at <= clock.now() or any(part["filled"] for part in parts),
        "agreed": conversation.has_agreed(request.user),
        "other_agreed": bool(conversation.companion_agreed_at if learns else conversation.learner_agreed_at),
        "device_key": device_key(request),
        "quiet": request.GET.get("ansicht") == "ruhig",
        "state": actions.state_of(conversation, lying.observations, [step.pk for step in planned if step.shared_at]),
        "ideas": here,
        "parked": [idea for idea in earlier if idea.text not in taken_up] if may_write else [],
        "idea_form": IdeaForm(initial={"id": ids.new_id()}, auto_id="idee-%s"),
        "idea_states": ChangeIdea.State.choices,
        "new_idea": ChangeIdea(conversation=conversation),
        "planned": planned,
        "step_form": step_form(request, conversation, steps=carried["steps"]) if may_plan else None,
        "next_at": next_talk_at(conversation),
        "changed_since": not locked and 0 < conversation.agreed_version < conversation.version,
        "is_past": conversation.appointment.starts_at <= clock.now(),
        "open_part": None,
        "new_observation": Observation(conversation=conversation, author=request.user),
        **carried,
    }


def step_form(
    request: SignedRequest, conversation: Conversation, *, steps: list[LearningStep], data: QueryDict | None = None
) -> DeskStepForm:
    """A step to be planned here, by the day of the next talk unless the learner says otherwise."""
    next_at = next_talk_at(conversation)
    soon = clock.day_of(next_at) if next_at else clock.today()
    by = soon if soon > clock.today() else clock.today() + timedelta(days=7)
    initial = {"id": ids.new_id(), "remind": steps[0].remind if steps else True, "shared": True, "due_on": by}
    step = LearningStep(engagement=conversation.engagement, shared_at=None)
    return show_readers(DeskStepForm(data, initial=initial), step, request.user)


def desk_page(request: SignedRequest, conversation: Conversation, status: int = 200, **extra: Any) -> HttpResponse:
    """The desk, with what another view has to say on it."""
    return render(request, "conversations/desk.html", {**desk_context(request, conversation), **extra}, status=status)


def device_key(request: SignedRequest) -> str:
    """256 bits, base64: what the browser seals unsent text with. Of this session, and of no other."""
    secret = salted_hmac("conversations.device", request.session.session_key or "", algorithm="sha256").digest()
    return base64.b64encode(secret).decode()


@signed_in
def desk(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The page for the room; a POST stores the own private column."""
    conversation = conversation_or_404(request.user, pk)
    if request.method == "POST":
        form = SheetForm(request.POST, names=OWN, learns=conversation.engagement.is_learner(request.user))
        show_readers(form, Preparation(owner=request.user), request.user)
        if form.is_valid():
            bases = {name: request.POST.get(f"base-{name}") for name in OWN}
            texts = form.cleaned_data
            sheet = preparing.write_sheet(conversation=conversation, texts=texts, by=request.user, bases=bases)
            return saved(request, conversation, {name: getattr(sheet, name) for name in OWN})
        if request.headers.get("HX-Request"):
            return render(request, "conversations/problem_part.html", {"errors": sentences(form)}, status=422)
        return render(
            request, "conversations/desk.html", {**desk_context(request, conversation), "own_form": form}, status=422
        )
    return render(request, "conversations/desk.html", desk_context(request, conversation))


def at_part(conversation: Conversation, part: int | None = None) -> str:
    """The address of the desk, at one of its parts or at its end."""
    return reverse("conversations:desk", args=[conversation.pk]) + (f"#teil-{part}" if part else "#schluss")


def saved(
    request: SignedRequest, conversation: Conversation, texts: dict[str, str], *, version: int | None = None
) -> HttpResponse:
    """The answer to a save: the state line for the background, with the text as it stands now where others write
    along; the desk again without JavaScript."""
    if request.headers.get("HX-Request"):
        response = render(request, "conversations/saved.html", {"texts": texts})
        response["X-State"] = actions.state_of(conversation)
        if version is not None:
            response["X-Version"] = str(version)
        return response
    messages.success(request, _("Gesichert."))
    return redirect("conversations:desk", conversation.pk)


def only_learner(conversation: Conversation, request: SignedRequest) -> None:
    """The record is the learner's: the companion reads it, but does not write it; nobody does once it is locked."""
    if not conversation.engagement.is_learner(request.user) or conversation.is_locked():
        raise PermissionDenied
    require_open(conversation)


def sentences(form: forms.Form) -> list[str]:
    """What is wrong with a form, in sentences."""
    return [str(error) for found in form.errors.values() for error in found]


@signed_in
@require_POST
@kindly
def save_part(request: SignedRequest, pk: uuid.UUID, part: int) -> HttpResponse:
    """Store the learner's words in one part; 412 with both versions when another tab was faster."""
    conversation = conversation_or_404(request.user, pk)
    only_learner(conversation, request)
    form = PartForm(request.POST)
    if part not in range(1, 5) or not form.is_valid():
        return problem(request, conversation, part, form)
    values = form.cleaned_data
    try:
        stored = actions.write_part(
            conversation=conversation,
            number=part,
            version=values["version"],
            text=values["text"],
            base=form.known(),
            by=request.user,
        )
    except Stale as stale:
        return two_versions(request, stale.stored.text, values["text"], conversation, stale.stored.version, part)
    return saved(request, stored.conversation, {"text": stored.text}, version=stored.version)


def two_versions(
    request: SignedRequest, stored: str, typed: str, conversation: Conversation, version: int = 0, part: int = 1
) -> HttpResponse:
    """412: both versions, and three ways to go on; without JavaScript a page of its own."""
    context = {
        "conversation": conversation,
        "part": PARTS[part - 1],
        "stored": stored,
        "typed": typed,
        "version": version,
    }
    template = "conflict_part.html" if request.headers.get("HX-Request") else "conflict.html"
    return render(request, f"conversations/{template}", context, status=412)


def problem(request: SignedRequest, conversation: Conversation, part: int, form: PartForm) -> HttpResponse:
    """422: what is wrong, with the text as it was typed."""
    if part not in range(1, 5):
        return redirect("conversations:desk", conversation.pk)
    errors = sentences(form)
    context = {
        "conversation": conversation,
        "part": PARTS[part - 1],
        "errors": errors,
        "typed": request.POST.get("text", ""),
        "version": request.POST.get("version", "1"),
    }
    template = "conversations/problem_part.html" if request.headers.get("HX-Request") else "conversations/problem.html"
    return render(request, template, context, status=422)


@signed_in
@require_POST
@kindly
def save_closing(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """The talk in one sentence."""
    conversation = conversation_or_404(request.user, pk)
    only_learner(conversation, request)
    form = ClosingSentenceForm(request.POST)
    if form.is_valid():
        text = form.cleaned_data["text"]
        try:
            stored = actions.write_closing(conversation=conversation, text=text, base=form.known(), by=request.user)
        except Stale as stale:
            return two_versions(request, stale.stored.closing_sentence, text, conversation)
        return saved(request, stored, {"text": stored.closing_sentence})
    if request.headers.get("HX-Request"):
        return render(request, "conversations/problem_part.html", {"errors": sentences(form)}, status=422)
    context = {"closing_errors": sentences(form), "typed_closing": request.POST.get("text", "")}
    return render(request, "conversations/desk.html", {**desk_context(request, conversation), **context}, status=422)


@signed_in
@require_safe
def state(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Whether something has changed that this one of the two sees on the desk; asked every few seconds."""
    return HttpResponse(actions.state_of(conversation_or_404(request.user, pk)), content_type="text/plain")
