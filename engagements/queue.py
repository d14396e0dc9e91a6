"""The open requests of a coordination: filters, those that stand still, and page after page by waiting time."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.access import SignedRequest
from accounts.models import Agency, User
from accounts.roles import Role, agencies_of
from lernbegleitung import clock
from lernbegleitung.kept import kept

from .companions import Format, Occasion
from .engagement import CompanionProposal, Engagement, EngagementQuerySet
from .programmes import full_programmes, region_of
from .states import State

PAGE = 20
LONG, UNANSWERED = (
    timedelta(days=14),
    timedelta(days=5),
)  # from when on a request, or its proposals, count as standing still
AGES = {
    "neu": _("höchstens eine Woche"),
    "woche": _("länger als eine Woche"),
    "zwei": _("länger als zwei Wochen"),
    "vier": _("länger als vier Wochen"),
}
OLDER_THAN = {"woche": timedelta(days=7), "zwei": LONG, "vier": timedelta(days=28)}
STANDS = {
    "ohne": _("noch ohne Vorschlag"),
    "draussen": _("Vorschläge sind draußen"),
    "lange": _("Vorschläge seit über fünf Tagen draußen"),
}
FILTERS = ("q", "dienststelle", "anlass", "treffen", "wartet", "stand")


@kept
def _occasions() -> QuerySet[Occasion]:
    return Occasion.objects.filter(is_active=True)


def within(user: User, path: str = "path") -> Q:
    """What lies in the agencies that this person coordinates and all below them; nothing for who coordinates none."""
    mine = Q()
    for agency in agencies_of(user, Role.COORDINATOR):
        mine |= Q(**{f"{path}__startswith": agency.path})
    return mine or Q(pk=None)


def requests_of(user: User) -> EngagementQuerySet:
    """The open requests sent to the agencies this person coordinates; the database agrees."""
    rows: EngagementQuerySet = Engagement.objects.searching().filter(within(user, "coordinating_agency__path"))
    return rows.select_related("learner__agency", "occasion", "programme", "coordinating_agency", "forward_to")


def requests_at(agencies: list[Agency]) -> EngagementQuerySet:
    """The open requests sent to these agencies: named, they are found by the index; joined, all there are would be read."""
    rows: EngagementQuerySet = Engagement.objects.searching().filter(
        coordinating_agency__any_of=[agency.pk for agency in agencies]
    )
    return rows


@kept
def _listed(ids: list[uuid.UUID]) -> QuerySet[Engagement]:
    """These requests as the list shows them."""
    rows = with_proposals_since(Engagement.objects.filter(pk__any_of=ids))
    return rows.select_related("learner__agency", "occasion", "programme", "forward_to").longest_waiting_first()


def with_proposals_since(rows: EngagementQuerySet) -> EngagementQuerySet:
    """With `proposed_at`, since when the open proposals lie with the learner; None while there are none."""
    opened = CompanionProposal.objects.filter(engagement=OuterRef("pk"), answer=CompanionProposal.Answer.OPEN)
    return rows.annotate(proposed_at=Subquery(opened.order_by("proposed_at").values("proposed_at")[:1]))


def clean(request: HttpRequest, name: str) -> str:
    """A filter's value from the address, short and printable."""
    return short(request.GET.get(name, ""))


def short(text: str) -> str:
    """What was sent as a filter's value, short and printable."""
    return text.strip().replace("\x00", "")[:80]


def filtered(rows: EngagementQuerySet, filters: dict[str, str]) -> EngagementQuerySet:
    """What the filters leave; a filter nobody knows leaves everything."""
    now = clock.now()
    if filters["q"]:
        rows = rows.filter(Q(learner__name__icontains=filters["q"]) | Q(learner__agency__name__icontains=filters["q"]))
    if agency := Agency.objects.by_code(filters["dienststelle"]) if filters["dienststelle"] else None:
        rows = rows.filter(learner__agency__path__startswith=agency.path)
    if filters["anlass"]:
        rows = rows.filter(occasion__code=filters["anlass"])
    if filters["treffen"]:
        rows = rows.filter(format__in=[filters["treffen"], Format.ANY])
    if filters["wartet"] == "neu":
        rows = rows.filter(requested_at__gt=now - OLDER_THAN["woche"])
    elif age := OLDER_THAN.get(filters["wartet"]):
        rows = rows.filter(requested_at__lte=now - age)
    if filters["stand"] == "ohne":
        rows = rows.filter(state=State.REQUESTED)
    elif filters["stand"] in STANDS:
        rows = rows.filter(state=State.MATCHING)
    if filters["stand"] == "lange":
        rows = rows.filter(proposed_at__lte=now - UNANSWERED)
    return rows


def standing_still(rows: EngagementQuerySet) -> dict[str, int]:
    """How many there are, how many wait long, and how many have proposals that nobody has answered; whose answer is missing is not said."""
    now = clock.now()
    return rows.aggregate(
        total=Count("pk"),
        long=Count("pk", filter=Q(requested_at__lte=now - LONG)),
        unanswered=Count("pk", filter=Q(proposed_at__lte=now - UNANSWERED)),
    )


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


def place_of(engagement: Engagement) -> str:
    """Where a request stands in the queue, for an address."""
    return f"{engagement.requested_at:%Y-%m-%dT%H:%M:%S.%f%z}~{engagement.pk}"


def after(rows: EngagementQuerySet, place: str) -> EngagementQuerySet:
    """What comes after this place; everything where there is no such place."""
    moment, _sep, pk = place.partition("~")
    try:
        at, last = datetime.fromisoformat(moment), uuid.UUID(pk)
    except ValueError:
        return rows
    if at.tzinfo is None:
        return rows
    return rows.filter(Q(requested_at__gt=at) | Q(requested_at=at, pk__gt=last))


def queue(request: SignedRequest) -> dict[str, Any]:
    """One page of the list with what is needed to filter it, to go on, and to come back to it."""
    place = clean(request, "nach")
    filters = {name: clean(request, name) for name in FILTERS}
    all_agencies = list(Agency.objects.filter(within(request.user)).in_tree_order())
    mine = with_proposals_since(requests_at(all_agencies))
    rows, still = filtered(mine, filters), standing_still(mine)
    found = _listed(list(after(rows, place).longest_waiting_first().values_list("pk", flat=True)[: PAGE + 1]))
    agencies = [agency for agency in all_agencies if not agency.merged_on]
    top = min((agency.path.count("/") for agency in agencies), default=0)
    asked = QueryDict(mutable=True)
    carried = {name: value for name, value in (filters | {"nach": place}).items() if value}
    asked.update(carried)
    query = asked.urlencode()
    asked.pop("nach", None)
    return {
        "requests": found[:PAGE],
        "waiting": waiting_for_a_place(found[:PAGE]),
        "first_page": not place,
        "more": place_of(found[PAGE - 1]) if len(found) > PAGE else "",
        "filters": filters,
        "filtered": any(filters.values()),
        "agencies": [(a.code, f"{'– ' * (a.path.count('/') - top)}{a.name}") for a in agencies],
        "occasions": [(occasion.code, str(occasion)) for occasion in _occasions()],
        "formats": [(code, label) for code, label in Format.choices if code != Format.ANY],
        "ages": AGES.items(),
        "stands": STANDS.items(),
        "total": rows.count() if any(filters.values()) else still["total"],
        "still": still,
        "query": query,
        "carried": list(carried.items()),
        "query_of_filters": asked.urlencode(),
    }
