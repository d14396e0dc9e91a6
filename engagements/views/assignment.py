"""Zuordnung: open requests, ranked companions of all agencies, and proposing one to three. No word of a concern."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignedRequest, needs, number_in
from accounts.models import User
from accounts.roles import Role
from engagements.access import kindly
from engagements.actions import assigning
from engagements.candidates import by_name, first_candidates, wishes_of
from engagements.companions import CompanionLoad
from engagements.engagement import CompanionProposal, Engagement
from engagements.matching import CAREFUL, reason_text, reasons, rule_text
from engagements.queue import clean, queue, requests_of, short
from engagements.states import NotPossible, State
from lernbegleitung.kept import kept

FIRST, MORE = 10, 30  # companions shown at first, and on a further page
A_LOT = 100_000  # further pages end here


def choice_context(engagement: Engagement, sent: QueryDict | None = None) -> dict[str, Any]:
    """Companions to choose from for a request of the queue, and who is proposed already.

    They are the first in the soft order, or those after so many (`ab`); with `alle` everybody by name who fits what is
    sought (`wer`), with the rules against them in words.
    """
    sent = sent or QueryDict()
    opened = _open_proposals(engagement.pk)
    proposed = {proposal.companion_id for proposal in opened}
    by_names, text = "alle" in sent, short(sent.get("wer", ""))
    place = sent.get("ab", "").replace("\x00", "")[:200]
    skip = min(number_in(place), A_LOT)
    number = MORE if by_names or skip else FIRST
    if by_names:
        name, _sep, pk = place.rpartition("~")
        found = by_name(engagement, number + 1, text=text, after=(name, number_in(pk)))
    else:
        found = first_candidates(engagement, number + 1, skip=skip)
    shown, wishes = found[:number], wishes_of(engagement)
    rows = [
        {
            "number": position,
            "person": person,
            "candidate": candidate,
            "proposed": person.pk in proposed,
            "rules": [rule_text(rule) for rule in candidate.rules],
            "reasons": [
                ("care" if code in CAREFUL else "yes", reason_text(code))
                for code in ([] if candidate.rules else reasons(candidate, wishes))
            ],
        }
        for position, (person, candidate) in enumerate(shown, skip + 1)
    ]
    last = f"{shown[-1].person.name}~{shown[-1].person.pk}" if by_names and shown else str(skip + number)
    return {
        "rows": rows,
        "by_name": by_names,
        "sought": text,
        "further": bool(place),
        "more_of_them": last if len(found) > number else "",
        "open_proposals": opened,
        "places_left": assigning.AT_MOST - len(proposed),
        "sheet": sheet_of(engagement, proposed),
        "places": places_of((c.person, c.taken, c.held, c.capacity) for _person, c in shown[:FIRST]),
    }


@kept
def _open_proposals(engagement_id: uuid.UUID) -> QuerySet[CompanionProposal]:
    return CompanionProposal.objects.filter(engagement=engagement_id, answer="open").select_related("companion__agency")


def as_id(text: str) -> uuid.UUID | None:
    """The id that an address names, if it names one."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def fingerprint(*things: object) -> str:
    """A short sum of what a page shows, to see whether it has changed; says nothing by itself."""
    return hashlib.blake2b(repr(things).encode(), digest_size=8).hexdigest()


def sheet_of(engagement: Engagement, proposed: Iterable[int]) -> str:
    """The sum of what colleagues may have done with a request: proposed, or taken back."""
    return fingerprint(str(engagement.pk), str(engagement.state), sorted(proposed))


def places_of(rows: Iterable[tuple[int, int, int, int]]) -> str:
    """The sum of the shown companions' places."""
    return fingerprint(sorted(rows))


def list_of(context: dict[str, Any]) -> str:
    """The sum of the list as it is shown."""
    rows = [(str(r.pk), str(r.state), r.proposed_at) for r in context["requests"]]
    return fingerprint(context["total"], rows, bool(context["more"]))


def show(request: SignedRequest, context: dict[str, Any]) -> HttpResponse:
    """The page, with the question whether it has changed since."""
    asked = request.GET.copy()
    asked["liste"] = list_of(context)
    if context.get("current"):
        asked["anfrage"], asked["blatt"], asked["plaetze"] = context["current"].pk, context["sheet"], context["places"]
        asked.setlist("person", [row["person"].pk for row in context["rows"][:FIRST]])
    look = f"{reverse('engagements:assignment_news')}?{asked.urlencode()}"
    return render(request, "engagements/assignment.html", context | {"look": look})


@needs(Role.COORDINATOR)
@require_safe
def board(request: SignedRequest) -> HttpResponse:
    """The queue, and the request that waits longest."""
    context = queue(request)
    if context["current"]:
        context |= choice_context(context["current"])
    return show(request, context)


@needs(Role.COORDINATOR)
@require_safe
def news(request: SignedRequest) -> HttpResponse:
    """Whether a page of the board still stands as it was shown: 204, or 200 when it should be fetched again."""
    same = [list_of(queue(request)) == clean(request, "liste")]
    if asked := clean(request, "anfrage"):
        engagement = requests_of(request.user).filter(pk=as_id(asked)).first()
        opened = CompanionProposal.objects.filter(engagement=engagement, answer=CompanionProposal.Answer.OPEN)
        proposed = opened.values_list("companion_id", flat=True)
        same += [engagement is not None and sheet_of(engagement, proposed) == clean(request, "blatt")]
        people = [int(pk) for pk in request.GET.getlist("person")[:FIRST] if pk.isdecimal() and len(pk) < 19]
        loads = CompanionLoad.objects.filter(pk__in=people).values_list("pk", "taken", "held", "capacity")
        same += [places_of(loads) == clean(request, "plaetze")]
    return HttpResponse(status=204 if all(same) else 200)


def while_open(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Hands the view an open request of the coordination; for any other the page that says it is not open (any more)."""

    @wraps(view)
    def checked(request: SignedRequest, pk: uuid.UUID) -> HttpResponseBase:
        engagement = requests_of(request.user).filter(pk=pk).first()
        return view(request, engagement) if engagement else not_open(request, pk)

    return checked


def not_open(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """That a companion is being asked is the last that a coordination sees; later, and for others, there is nothing."""
    asked = Engagement.objects.filter(pk=pk, state=State.OFFERED).exclude(learner=request.user)
    asked = asked.exclude(companion=request.user)
    return render(request, "engagements/request_gone.html", {"asked": asked.exists()}, status=404)


@needs(Role.COORDINATOR)
@require_safe
def request_detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """One request."""
    context = queue(request, pk)
    if not context["current"]:
        return not_open(request, pk)
    return show(request, context | choice_context(context["current"], request.GET) | {"detail": True})


def back_to(engagement: Engagement) -> HttpResponse:
    """To the request, where it says what is proposed: there the keyboard goes on."""
    address = reverse("engagements:assignment_request", args=[engagement.pk])
    return redirect(f"{address}#vorschlaege")


@needs(Role.COORDINATOR)
@require_http_methods(["POST"])
@kindly
@while_open
def propose(request: SignedRequest, engagement: Engagement) -> HttpResponse:
    """Propose the ticked ones: first a look at what will happen, then for good."""
    chosen = [int(value) for value in request.POST.getlist("companion") if value.isdecimal() and len(value) < 19][:10]
    if not chosen:
        messages.warning(request, _("Wählen Sie mindestens eine Person aus."))
        return back_to(engagement)
    if "confirmed" not in request.POST:
        people = User.objects.filter(pk__in=chosen, companion_profile__isnull=False).select_related("agency")
        return render(request, "engagements/propose.html", {"engagement": engagement, "people": people})
    try:
        number = assigning.propose(engagement=engagement, companion_ids=chosen, by=request.user)
    except NotPossible as reason:
        messages.warning(request, str(reason))
    else:
        if number:
            messages.success(request, _("Vorgeschlagen. Die lernende Person wählt jetzt."))
    return back_to(engagement)


@needs(Role.COORDINATOR)
@require_POST
@kindly
@while_open
def take_back(request: SignedRequest, engagement: Engagement) -> HttpResponse:
    """Undo a proposal."""
    person = request.POST.get("companion", "")
    assigning.take_back(engagement=engagement, companion_id=number_in(person), by=request.user)
    messages.success(request, _("Der Vorschlag ist zurückgenommen."))
    return back_to(engagement)
