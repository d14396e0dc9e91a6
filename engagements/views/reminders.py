"""Erinnerungen: what I will receive, when and why; and how to stop it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SignedRequest, posted, signed_in
from accounts.models import OutgoingMail, User
from engagements.step_forms import ReminderSettingsForm
from engagements.steps import LearningStep, StepState
from engagements.transfer import TransferCheck
from lernbegleitung import clock

KINDS = ("step_due", "step_follow_up", "transfer_check")


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: SignedRequest) -> HttpResponse:
    """Hour, days, absence; and a list of what is planned."""
    person = User.objects.get(pk=request.user.pk)
    form = ReminderSettingsForm(posted(request), initial=ReminderSettingsForm.initial_of(person))
    if request.method == "POST" and form.is_valid():
        User.objects.filter(pk=person.pk).update(**form.values())
        messages.success(request, _("Gespeichert. Es gilt ab der nächsten Nachricht."))
        return redirect("engagements:reminders")
    planned = OutgoingMail.objects.filter(
        recipient=person, sent_at=None, dropped_at=None, failed_at=None, kind__in=KINDS
    )
    steps = LearningStep.objects.filter(
        pk__in=planned.values("subject_id"), state=StepState.OPEN, remind=True
    ).in_bulk()
    looks = set(TransferCheck.objects.filter(owner=person, answered_at=None).values_list("pk", flat=True))
    mails = [
        mail
        for mail in planned.order_by("due_at")[:50]
        if mail.subject_id in looks
        or (step := steps.get(mail.subject_id))
        and f"{step.due_on:%Y-%m-%d}" == mail.facts.get("due_on")
    ]
    context = {"form": form, "mails": mails, "person": person}
    return render(request, "engagements/reminders.html", context, status=422 if form.errors else 200)


@signed_in
@require_POST
def stop(request: SignedRequest) -> HttpResponse:
    """Stop all reminders at once, or let them come again."""
    resume = request.POST.get("resume") == "1"
    User.objects.filter(pk=request.user.pk).update(reminders_stopped_at=None if resume else clock.now())
    messages.success(
        request, _("Erinnerungen kommen wieder.") if resume else _("Sie bekommen keine Erinnerungen mehr.")
    )
    return redirect("engagements:reminders")
