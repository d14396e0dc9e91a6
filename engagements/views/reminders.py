"""Erinnerungen: what I receive, when and why; my hour, days and absence; and how to stop it, also with one click."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SignedRequest, posted, public, signed_in
from accounts.features import AgencyFeature, Feature, is_on, keep_settings
from accounts.free_days import all_free_days
from accounts.keys import open_rows
from accounts.messages import person_of as signed_person
from accounts.models import DataKey, OutgoingMail, PausedAddress, User
from accounts.push_devices import PushDevice, devices_of
from accounts.push_service import application_key
from engagements import digest as digests
from engagements.digest import SORTS, Plan
from engagements.engagement import Engagement
from engagements.reminders import STEP_AGAIN, STEP_DUE, Digest, Wish
from engagements.step_forms import ReminderSettingsForm
from engagements.steps import LearningStep
from lernbegleitung import clock, rls
from lernbegleitung.kept import first
from lernbegleitung.together import together

AHEAD, BACK = 30, 30  # days
SHOWN, NOTICES = 50, 300  # mails
Titles = dict[uuid.UUID, str]  # of steps, by id


@dataclass(frozen=True)
class Item:
    """One line of the preview: what it is about (after the login, also in own words), why it comes, where it leads."""

    words: str
    title: str
    why: Any
    path: str


@dataclass(frozen=True)
class Beside:
    """What stands beside the plan: the own words of its steps (only ever on a page behind the login), whether the address
    takes no mail, the devices for notices, and the days of the last thirty on which the digest was a notice, too."""

    titles: Titles
    paused_address: PausedAddress | None
    devices: list[PushDevice]
    pushed: set[date]


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: SignedRequest) -> HttpResponse:
    """Hour, days, absence, how much a mail says; what comes in the next thirty days, and what has come."""
    person = request.user
    form = ReminderSettingsForm(posted(request), initial=ReminderSettingsForm.initial_of(person))
    if request.method == "POST" and form.is_valid():
        User.objects.filter(pk=person.pk).update(**form.values())
        digests.arrange_own(person)
        messages.success(request, _("Gespeichert. Es gilt ab der nächsten Nachricht."))
        return redirect("engagements:reminders")
    plan = digests.plans_for([digests.person_of(person)], clock.now())[person.pk]
    soon, later = ([], []) if person.reminders_stopped_at else soon_and_later(plan)
    more = beside(person, [*soon, *later])
    key = application_key() if is_on(Feature.PUSH, person.agency) else ""
    sent = sent_lately(plan)
    context = {
        "form": form,
        "person": person,
        "preview": in_words(soon, more.titles),
        "later": in_words(later, more.titles),
        "sent": sent,
        "pushed": more.pushed if sent else set(),
        "free_days": free_days(person),
        "push_key": key,
        "devices": more.devices if key else [],
        "paused_address": more.paused_address,
    }
    with timezone.override(person.zone()):
        return render(request, "engagements/reminders.html", context, status=422 if form.errors else 200)


def soon_and_later(plan: Plan) -> tuple[list[Digest], list[Digest]]:
    """The mails of the next thirty days, and what is planned after them, by the plan that also decides when one is sent."""
    until = clock.today() + timedelta(days=AHEAD)
    soon = [digest for digest in plan.digests if digest.day <= until]
    return soon[:SHOWN], [digest for digest in plan.digests if digest.day > until][:SHOWN]


def in_words(digests: list[Digest], titles: Titles) -> list[tuple[Digest, list[Item]]]:
    """Each mail with its lines."""
    return [(digest, [_item(wish, digest.day, titles) for wish in digest.wishes]) for digest in digests]


def _item(wish: Wish, day: date, titles: Titles) -> Item:
    sort = SORTS[wish.what]
    return Item(sort.words(wish, day), titles.get(wish.subject, ""), sort.why, sort.path(wish))


def is_step(what: str) -> bool:
    """Whether it is about a learning step."""
    return what in (STEP_DUE, STEP_AGAIN)


def beside(person: User, digests: Iterable[Digest]) -> Beside:
    """What the page shows besides the plan; which features there are is remembered for the request."""
    wanted = {wish.subject for digest in digests for wish in digest.wishes if is_step(wish.what)}
    since = clock.now() - timedelta(days=BACK)
    steps, keys, paused, devices, notices, features = _beside(person.pk, list(wanted), person.email, since)
    open_rows(keys)
    keep_settings(features)
    for step in steps:
        step.engagement = Engagement(pk=step.engagement_id, learner=person)
    return Beside(
        titles={step.pk: step.what for step in steps},
        paused_address=first(paused),
        devices=devices,
        pushed={date.fromisoformat(mail.facts["day"]) for mail in notices},
    )


@together
def _beside(person_id: int, steps: list[uuid.UUID], address: str, since: datetime) -> tuple[QuerySet[Any], ...]:
    own = LearningStep.objects.filter(engagement__learner=person_id, pk__any_of=steps)
    notices = OutgoingMail.objects.filter(recipient=person_id, kind="push", sent_at__gte=since)
    return (
        own,
        DataKey.objects.filter(pk__in=own.values("engagement")),
        PausedAddress.objects.filter(pk=address),
        devices_of(person_id),
        notices.exclude(facts__has_key="trial").only("facts").order_by("pk")[:NOTICES],
        AgencyFeature.objects.all(),
    )


def sent_lately(plan: Plan) -> list[tuple[date, str]]:
    """What was sent in the last thirty days, the latest first."""
    since = clock.today() - timedelta(days=BACK)
    marks = [(day, mark) for mark, day in plan.told.items() if day >= since and mark[0] in SORTS]
    told = [(day, Wish(*mark, first=day, last=day)) for day, mark in sorted(marks, reverse=True)]
    return [(day, SORTS[wish.what].words(wish, day)) for day, wish in told[:50]]


def free_days(person: User) -> list[tuple[date, str]]:
    """The free days of the agency in the coming year, besides the Bundesland's holidays."""
    today, found = clock.today(), []
    for row in all_free_days():
        if row.holds_for(person.agency):
            days = (
                [row.day] if not row.every_year else [_in_year(row.day, today.year), _in_year(row.day, today.year + 1)]
            )
            found += [(day, row.name()) for day in days if today <= day < today + timedelta(days=366)]
    return sorted(found)


def _in_year(day: date, year: int) -> date:
    """The same day in another year; 29 February is 1 March where there is none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


@signed_in
@require_POST
def stop(request: SignedRequest) -> HttpResponse:
    """Stop all reminders at once, or let them come again."""
    resume = request.POST.get("resume") == "1"
    User.objects.filter(pk=request.user.pk).update(reminders_stopped_at=None if resume else clock.now())
    if resume:
        digests.arrange_own(request.user)
    messages.success(
        request, _("Erinnerungen kommen wieder.") if resume else _("Sie bekommen keine Erinnerungen mehr.")
    )
    return redirect("engagements:reminders")


@signed_in
@require_POST
def try_again(request: SignedRequest) -> HttpResponse:
    """The own address takes mail again."""
    PausedAddress.objects.filter(pk=request.user.email).delete()
    messages.success(request, _("Wir versuchen es wieder."))
    return redirect("engagements:reminders")


@public
@csrf_exempt  # a mail program sends it (RFC 8058): no cookie, no form of ours; the address itself is signed
@require_http_methods(["GET", "HEAD", "POST"])
def stop_by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """One click in a mail, no login: all reminders stop. Opening it changes nothing (mail scanners open links)."""
    person = signed_person(token)
    if request.method == "POST" and person:
        with rls.acting_as(person):
            User.objects.filter(pk=person, reminders_stopped_at=None).update(reminders_stopped_at=clock.now())
    context = {"known": person is not None, "stopped": request.method == "POST" and person is not None}
    return render(request, "engagements/reminders_off.html", context, status=200 if person else 404)
