"""Zuordnung: open requests, ranked companions of all agencies, and proposing one to three. No word of a concern."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignedRequest, needs
from accounts.models import Agency, User
from accounts.roles import Role, agencies_of
from engagements.access import kindly
from engagements.actions import assigning
from engagements.candidates import candidates_of, wishes_of
from engagements.companions import Format, Occasion
from engagements.engagement import Engagement
from engagements.matching import CAREFUL, rank, reason_text, rule_text
from engagements.programmes import full_programmes, region_of
from engagements.states import NotPossible, State

PAGE, FIRST = 30, 10


def requests_of(user: User) -> QuerySet[Engagement]:
    """The open requests sent to the agencies this person coordinates; the database agrees."""
    mine = Q()
    for agency in agencies_of(user, Role.COORDINATOR):
        mine |= Q(coordinating_agency__path__startswith=agency.path)
    rows = Engagement.objects.searching().filter(mine) if mine else Engagement.objects.none()
    return rows.select_related("learner__agency", "occasion", "programme", "coordinating_agency")


def clean(request: SignedRequest, name: str) -> str:
    """A filter's value from the address, short and printable."""
    return request.GET.get(name, "").strip().replace("\x00", "")[:80]


def filtered(request: SignedRequest) -> tuple[QuerySet[Engagement], dict[str, str]]:
    """The requests that the filters leave, and the filters that are set."""
    filters = {name: clean(request, name) for name in ("q", "dienststelle", "anlass", "treffen")}
    rows = requests_of(request.user)
    if filters["q"]:
        rows = rows.filter(Q(learner__name__icontains=filters["q"]) | Q(learner__agency__name__icontains=filters["q"]))
    if agency := Agency.objects.by_code(filters["dienststelle"]) if filters["dienststelle"] else None:
        rows = rows.filter(learner__agency__path__startswith=agency.path)
    if filters["anlass"]:
        rows = rows.filter(occasion__code=filters["anlass"])
    if filters["treffen"]:
        rows = rows.filter(format__in=[filters["treffen"], Format.ANY])
    return rows.longest_waiting_first(), filters


def queue(request: SignedRequest) -> dict[str, object]:
    """The list at the side, with its filters."""
    rows, filters = filtered(request)
    after = clean(request, "nach")
    if after.isdigit():
        rows = rows[int(after) :]
    found = list(rows[: PAGE + 1])
    start = int(after) if after.isdigit() else 0
    paths = [agency.path for agency in agencies_of(request.user, Role.COORDINATOR)]
    within = Q()
    for path in paths:
        within |= Q(path__startswith=path)
    return {
        "requests": found[:PAGE],
        "waiting": waiting_for_a_place(found),
        "more": start + PAGE if len(found) > PAGE else None,
        "filters": filters,
        "filtered": any(filters.values()),
        "agencies": Agency.objects.open().filter(within).in_tree_order() if paths else [],
        "occasions": Occasion.objects.filter(is_active=True),
        "formats": Format.choices,
        "total": rows.count() if not after else None,
        "query": request.GET.urlencode(),
    }


def waiting_for_a_place(requests: list[Engagement]) -> set[uuid.UUID]:
    """The requests whose programme has no place left in the learner's region."""
    if not any(row.programme_id for row in requests):
        return set()
    full = full_programmes()
    return {
        row.pk
        for row in requests
        if row.state == State.REQUESTED and (row.programme_id, region_of(row.learner.agency.path)) in full
    }


def choice_context(engagement: Engagement, *, all_of_them: bool) -> dict[str, object]:
    """Ranked companions, excluded ones with the rule in words, and what is proposed already."""
    candidates = candidates_of(engagement)
    ranked = rank(candidates, wishes_of(engagement), str(engagement.pk))
    opened = list(engagement.proposals.filter(answer="open").select_related("companion__agency"))
    proposed = {proposal.companion_id for proposal in opened}
    rows = [
        {
            "candidate": r.candidate,
            "person": r.candidate.person,
            "reasons": [("care" if code in CAREFUL else "yes", reason_text(code)) for code in r.reasons],
            "proposed": r.candidate.person.pk in proposed,
        }
        for r in ranked
    ]
    out = [c for c in candidates if c.rules]
    shown = rows if all_of_them else rows[:FIRST]
    out_rows = [
        {"candidate": c, "person": c.person, "rules": [rule_text(rule) for rule in c.rules]}
        for c in (out if all_of_them else out[:FIRST])
    ]
    return {
        "current": engagement,
        "waits": assigning.is_full(engagement) and engagement.state == State.REQUESTED,
        "ranked": shown,
        "ranked_total": len(rows),
        "excluded": out_rows,
        "excluded_total": len(out),
        "open_proposals": opened,
        "places_left": assigning.AT_MOST - len(proposed),
        "has_more": not all_of_them and (len(rows) > FIRST or len(out) > FIRST),
    }


@needs(Role.COORDINATOR)
@require_safe
def board(request: SignedRequest) -> HttpResponse:
    """The queue, and the request that waits longest."""
    context = queue(request)
    rows: list[Engagement] = context["requests"]  # type: ignore[assignment]
    if rows:
        context |= choice_context(rows[0], all_of_them=False)
    return render(request, "engagements/assignment.html", context)


@needs(Role.COORDINATOR)
@require_safe
def request_detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """One request."""
    engagement = get_object_or_404(requests_of(request.user), pk=pk)
    context = queue(request) | choice_context(engagement, all_of_them="alle" in request.GET)
    return render(request, "engagements/assignment.html", context | {"detail": True})


@needs(Role.COORDINATOR)
@require_http_methods(["POST"])
@kindly
def propose(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Propose the ticked ones: first a look at what will happen, then for good."""
    engagement = get_object_or_404(requests_of(request.user), pk=pk)
    chosen = [int(value) for value in request.POST.getlist("companion") if value.isdigit()][:10]
    if not chosen:
        messages.warning(request, _("Wählen Sie mindestens eine Person aus."))
        return redirect("engagements:assignment_request", pk)
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
    return redirect("engagements:assignment_request", pk)


@needs(Role.COORDINATOR)
@require_POST
@kindly
def take_back(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Undo a proposal."""
    engagement = get_object_or_404(requests_of(request.user), pk=pk)
    person = request.POST.get("companion", "")
    assigning.take_back(engagement=engagement, companion_id=int(person) if person.isdigit() else 0, by=request.user)
    messages.success(request, _("Der Vorschlag ist zurückgenommen."))
    return redirect("engagements:assignment_request", pk)
