"""A step's row on Heute and on Lernschritte: one tap answers it, one tap in the same place takes the answer back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from accounts.access import SignedRequest
from engagements.access import own_step_or_404
from engagements.actions import steps as actions
from engagements.states import NotPossible
from engagements.step_forms import TapForm
from engagements.steps import LearningStep, StepState
from lernbegleitung.templatetags.ui import day

PAGES = ("/heute/", "/lernschritte/")


def row_of(request: SignedRequest) -> str:
    """The address of the page on which the answered row stands; empty for every other form."""
    back: str = request.POST.get("back", "")
    return back if back.startswith(PAGES) else ""


def answer(request: SignedRequest, step: LearningStep, back: str) -> HttpResponse:
    """The row with its undo; without scripts the page where one was, with the undo in its message."""
    context = {"step": step, "back": back, "focus": True}
    say = messages.success
    try:
        sentence, now = _answered(request, step)
        context |= now
    except NotPossible as reason:
        sentence, say = str(reason), messages.warning
        context["step"] = own_step_or_404(request.user, step.pk)
    if request.headers.get("HX-Request"):
        return render(request, "engagements/step_answered.html", {**context, "sentence": sentence})
    undo = render_to_string("components/step_undo.html", context, request) if context.get("just") else ""
    say(request, render_to_string("engagements/step_message.html", {"sentence": sentence, "undo": undo}))
    return redirect(back)


def _answered(request: SignedRequest, step: LearningStep) -> tuple[str, dict[str, object]]:
    """Do it; the sentence that says so, and what the row needs to take it back."""
    given, form, by = request.POST.get("answer", ""), TapForm(request.POST), request.user
    sent = form.cleaned_data if form.is_valid() else {}
    if given == "done":
        return _("Erledigt. Gut gemacht."), {
            "step": actions.tap(step=step, state=StepState.DONE, by=by),
            "just": "done",
        }
    if given == "drop":
        dropped = actions.tap(step=step, state=StepState.DROPPED, by=by)
        return _("Sie lassen es. Auch das ist eine gute Antwort."), {"step": dropped, "just": "drop"}
    if given == "reopen":
        return _("Wieder offen."), {"step": actions.answer(step=step, state=StepState.OPEN, by=by)}
    if given == "later" and sent.get("due_on"):
        former = step.due_on if step.due_on != sent["due_on"] else sent["former"]
        moved = actions.plan_anew(step=step, due_on=sent["due_on"], by=by)
        words = _("Neu eingeplant: %(day)s.") % {"day": day(moved.due_on)}
        return words, {"step": moved, "just": "later", "former": former}
    if given == "put_back" and sent.get("former"):
        restored = actions.put_back(step=step, due_on=sent["former"], version=sent["version"] or 0, by=by)
        return _("Rückgängig gemacht."), {"step": restored}
    raise NotPossible()
