"""Alle zuordnen: ask for a draft for all open requests, look it over, edit it, publish it, take it back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignedRequest, needs, number_in
from accounts.models import Agency, User
from accounts.roles import Role, agencies_of
from engagements.actions import assigning_all as actions
from engagements.assignment import AssignmentDraft, DraftLine, DraftLineQuerySet
from engagements.explaining import why_in_words
from engagements.matching import CAREFUL, reason_text
from engagements.states import NotPossible, State
from lernbegleitung import ids

from .assignment import clean, requests_of

PAGE, DRAFTS = 30, 10
KINDS = {
    "mit": gettext_lazy("Mit Vorschlag"),
    "ohne": gettext_lazy("Ohne Vorschlag"),
    "geaendert": gettext_lazy("Anders als zuvor"),
    "behalten": gettext_lazy("Behalten"),
    "ausgelassen": gettext_lazy("Ausgelassen"),
    "nicht": gettext_lazy("Nicht mehr möglich"),
}


def own_draft_or_404(user: User, pk: uuid.UUID) -> AssignmentDraft:
    """The draft, for its maker while coordinating; everybody else gets 404."""
    return get_object_or_404(AssignmentDraft.objects.filter(made_by=user).select_related("agency", "based_on"), pk=pk)


def scopes(user: User) -> list[tuple[Agency, int]]:
    """The agencies with open requests below what this person coordinates, in the order of the tree, and how many."""
    counts = dict(
        requests_of(user).filter(state=State.REQUESTED).values_list("learner__agency__path").annotate(Count("pk"))
    )
    above = Q(pk=None)
    for agency in agencies_of(user, Role.COORDINATOR):
        above |= Q(path__startswith=agency.path)
    rows = [
        (agency, sum(number for path, number in counts.items() if path.startswith(agency.path)))
        for agency in Agency.objects.open().filter(above).in_tree_order()
    ]
    return [(agency, number) for agency, number in rows if number]


@needs(Role.COORDINATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: SignedRequest) -> HttpResponse:
    """Choose what to assign, and the drafts of the last thirty days."""
    if request.method == "POST":
        return _ask(request)
    rows = AssignmentDraft.objects.filter(made_by=request.user).select_related("agency")
    if after := _uuid(clean(request, "nach")):
        rows = rows.filter(pk__lt=after)
    given = Count("lines", filter=Q(lines__companion__isnull=False, lines__left_out=False))
    found = list(rows.annotate(all=Count("lines"), given=given)[: DRAFTS + 1])
    context = {
        "scopes": scopes(request.user),
        "total": requests_of(request.user).filter(state=State.REQUESTED).count(),
        "new": ids.new_id(),
        "drafts": found[:DRAFTS],
        "more": found[DRAFTS - 1].pk if len(found) > DRAFTS else None,
    }
    return render(request, "engagements/assign_all.html", context)


def _ask(request: SignedRequest) -> HttpResponse:
    code, pk = request.POST.get("dienststelle", ""), _uuid(request.POST.get("pk", ""))
    agency = None
    if code:
        agency = next((agency for agency, _number in scopes(request.user) if agency.code == code), None)
        if agency is None:
            messages.warning(request, _("In dieser Dienststelle ist keine Anfrage mehr offen."))
            return redirect("engagements:assign_all")
    pk = pk or ids.new_id()
    actions.ask(pk=pk, agency=agency, by=request.user)
    return redirect("engagements:assignment_draft", pk)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _filtered(request: SignedRequest, draft: AssignmentDraft) -> tuple[DraftLineQuerySet, dict[str, str]]:
    filters = {name: clean(request, name) for name in ("q", "stand")}
    rows: DraftLineQuerySet = draft.lines.all()
    if filters["q"]:
        learner = Q(engagement__learner__name__icontains=filters["q"])
        rows = rows.filter(learner | Q(engagement__learner__agency__name__icontains=filters["q"]))
    only: dict[str, Callable[[], DraftLineQuerySet]] = {
        "mit": rows.with_somebody,
        "ohne": rows.without_anybody,
        "geaendert": rows.changed,
        "behalten": lambda: rows.filter(pinned=True),
        "ausgelassen": lambda: rows.filter(left_out=True),
        "nicht": lambda: rows.filter(outcome__in=[DraftLine.Outcome.GONE, DraftLine.Outcome.IMPOSSIBLE]),
    }
    return only.get(filters["stand"], lambda: rows)(), filters


def _lines(request: SignedRequest, draft: AssignmentDraft) -> dict[str, Any]:
    """A page of lines with everything that is said of them in words."""
    rows, filters = _filtered(request, draft)
    after = clean(request, "nach")
    if after.isascii() and after.isdigit() and len(after) < 10:
        rows = rows.filter(position__gt=int(after))
    whole = rows.select_related(
        "engagement__learner__agency", "engagement__occasion", "engagement__programme", "companion__agency", "before"
    )
    found = list(whole[: PAGE + 1])
    shown = found[:PAGE]
    wanted = {person for line in shown for person, _reasons in line.alternatives}
    wanted |= {person for line in shown for person in line.unwanted}
    people = {person.pk: person for person in User.objects.filter(pk__in=wanted).select_related("agency")}
    return {
        "lines": [_in_words(line, people) for line in shown],
        "more": shown[-1].position if len(found) > PAGE else None,
        "filters": filters,
        "filtered": any(filters.values()),
        "kinds": KINDS.items(),
        "query": request.GET.urlencode(),
    }


def _in_words(line: DraftLine, people: dict[int, User]) -> dict[str, Any]:
    somebody = line.companion_id is not None
    return {
        "line": line,
        "engagement": line.engagement,
        "reasons": _reasons(line.reasons),
        "why": [] if line.left_out else why_in_words(line.engagement, line.why, somebody=somebody),
        "changed": line.before if line.before_id and line.before_id != line.companion_id else None,
        "others": [(people[pk], _reasons(codes)) for pk, codes in line.alternatives if pk in people],
        "unwanted": [people[pk] for pk in line.unwanted if pk in people],
    }


def _reasons(codes: list[str]) -> list[tuple[str, str]]:
    return [("care" if code in CAREFUL else "yes", reason_text(code)) for code in codes]


@needs(Role.COORDINATOR)
@require_safe
def detail(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """How far the worker is, or the draft: in a sentence, and line by line."""
    draft = own_draft_or_404(request.user, pk)
    context: dict[str, Any] = {"draft": draft, "sums": draft.lines.summary(), "new": ids.new_id()}
    if not draft.is_at_work():
        context |= _lines(request, draft)
    return render(request, "engagements/assignment_draft.html", context)


def _do(request: SignedRequest, action: Callable[[], None]) -> bool:
    """Whether it was possible; if not, the sentence why stands on the next page and nothing is changed."""
    try:
        with transaction.atomic():
            action()
    except NotPossible as reason:
        messages.warning(request, str(reason))
        return False
    return True


@needs(Role.COORDINATOR)
@require_POST
def edit_line(request: SignedRequest, pk: uuid.UUID, line_id: int) -> HttpResponse:
    """Keep, not this person, leave out, somebody else: what the coordinator decides about one line."""
    draft, companion = own_draft_or_404(request.user, pk), number_in(request.POST.get("companion", ""), digits=17)
    edits: dict[str, Callable[[], None]] = {
        "keep": lambda: actions.keep(draft=draft, line_id=line_id, kept=True),
        "let_go": lambda: actions.keep(draft=draft, line_id=line_id, kept=False),
        "not_this": lambda: actions.not_this_person(draft=draft, line_id=line_id, companion_id=companion),
        "forgive": lambda: actions.forgive(draft=draft, line_id=line_id),
        "leave_out": lambda: actions.leave_out(draft=draft, line_id=line_id, out=True),
        "take_in": lambda: actions.leave_out(draft=draft, line_id=line_id, out=False),
        "choose": lambda: actions.choose(draft=draft, line_id=line_id, companion_id=companion),
    }
    if edit := edits.get(request.POST.get("do", "")):
        _do(request, edit)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return redirect(f"{reverse('engagements:assignment_draft', args=[pk])}{query}#zeile-{line_id}")


@needs(Role.COORDINATOR)
@require_POST
def compute_anew(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """A new draft that honours the decisions in this one."""
    draft, new = own_draft_or_404(request.user, pk), _uuid(request.POST.get("pk", "")) or ids.new_id()
    went = _do(request, lambda: actions.compute_anew(draft=draft, pk=new))
    return redirect("engagements:assignment_draft", new if went else pk)


@needs(Role.COORDINATOR)
@require_POST
def start_again(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """For a draft at which every attempt has failed."""
    draft = own_draft_or_404(request.user, pk)
    _do(request, lambda: actions.start_again(draft=draft))
    return redirect("engagements:assignment_draft", pk)


@needs(Role.COORDINATOR)
@require_POST
def publish(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Propose to everybody: first a look at what will happen, then for good."""
    return _after_asking(request, pk, "publish", lambda draft: actions.publish(draft=draft))


@needs(Role.COORDINATOR)
@require_POST
def take_back(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Take back what no learner has decided on, after asking."""
    return _after_asking(request, pk, "take_back", lambda draft: actions.take_back(draft=draft))


@needs(Role.COORDINATOR)
@require_POST
def discard(request: SignedRequest, pk: uuid.UUID) -> HttpResponse:
    """Put a draft away, after asking."""
    return _after_asking(request, pk, "discard", lambda draft: actions.discard(draft=draft))


def _after_asking(
    request: SignedRequest, pk: uuid.UUID, what: str, action: Callable[[AssignmentDraft], None]
) -> HttpResponse:
    draft = own_draft_or_404(request.user, pk)
    if "confirmed" not in request.POST:
        context = {"draft": draft, "sums": draft.lines.summary(), "what": what}
        return render(request, "engagements/assignment_confirm.html", context)
    went = _do(request, lambda: action(draft))
    if went and what == "discard":
        messages.success(request, _("Der Entwurf ist verworfen."))
        former = draft.based_on_id
        return redirect("engagements:assignment_draft", former) if former else redirect("engagements:assign_all")
    return redirect("engagements:assignment_draft", pk)
