"""The open requests of a coordination: filters, those that stand still, and page after page by waiting time."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.postgres.fields.array import SliceTransform
from django.db import connection
from django.db.models import Case, Count, Func, OuterRef, Q, QuerySet, Subquery, UUIDField, Value, When
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.access import SignedRequest
from accounts.models import Agency, User
from accounts.roles import Role, agencies_of
from lernbegleitung import clock
from lernbegleitung.kept import kept

from .companions import Format, Occasion
from .engagement import CompanionProposal, Engagement, EngagementQuerySet
from .programmes import Full
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


def requests_at(agencies: list[int]) -> EngagementQuerySet:
    """The open requests sent to these agencies: named, they are found by the index; joined, all there are would be read."""
    rows: EngagementQuerySet = Engagement.objects.searching().filter(coordinating_agency__any_of=agencies)
    return rows


@kept
def _listed(ids: list[uuid.UUID], agencies: list[int]) -> QuerySet[Engagement]:
    """Of these requests those sent to the agencies, as the list shows them: `proposed_at`, and `waits`, whether no place is left."""
    rows = with_proposals_since(requests_at(agencies).filter(pk__any_of=ids))
    rows = rows.annotate(
        waits=Case(
            When(state=State.REQUESTED, programme__isnull=False, then=Full("programme_id", "learner__agency__path")),
            default=False,
        )
    )
    return rows.select_related("learner__agency", "occasion", "programme", "forward_to").longest_waiting_first()


def with_proposals_since(rows: EngagementQuerySet) -> EngagementQuerySet:
    """With `proposed_at`, since when the open proposals lie with the learner; None while there are none."""
    return rows.annotate(proposed_at=Subquery(_opened().order_by("proposed_at").values("proposed_at")[:1]))


def _opened() -> QuerySet[CompanionProposal]:
    return CompanionProposal.objects.filter(engagement=OuterRef("pk"), answer=CompanionProposal.Answer.OPEN)


def clean(request: HttpRequest, name: str) -> str:
    """A filter's value from the address, short and printable."""
    return short(request.GET.get(name, ""))


def short(text: str) -> str:
    """What was sent as a filter's value, short and printable."""
    return text.strip().replace("\x00", "")[:80]


def matching(filters: dict[str, str]) -> Q:
    """What the filters leave; a filter nobody knows leaves everything."""
    now, left = clock.now(), Q()
    if filters["q"]:
        left &= Q(learner__name__icontains=filters["q"]) | Q(learner__agency__name__icontains=filters["q"])
    if agency := Agency.objects.by_code(filters["dienststelle"]) if filters["dienststelle"] else None:
        left &= Q(learner__agency__path__startswith=agency.path)
    if filters["anlass"]:
        left &= Q(occasion__code=filters["anlass"])
    if filters["treffen"]:
        left &= Q(format__in=[filters["treffen"], Format.ANY])
    if filters["wartet"] == "neu":
        left &= Q(requested_at__gt=now - OLDER_THAN["woche"])
    elif age := OLDER_THAN.get(filters["wartet"]):
        left &= Q(requested_at__lte=now - age)
    if filters["stand"] == "ohne":
        left &= Q(state=State.REQUESTED)
    elif filters["stand"] in STANDS:
        left &= Q(state=State.MATCHING)
    if filters["stand"] == "lange":
        left &= _unanswered(now - UNANSWERED)
    return left


class Unanswered(Func):
    """The requests (their ids) whose proposals nobody has answered since a moment."""

    template = "(SELECT app_unanswered(%(expressions)s))"
    output_field = UUIDField()


def _unanswered(since: datetime) -> Q:
    return Q(state=State.MATCHING) & Q(pk__in=Unanswered(since))


def overview(agencies: list[int], long: datetime, unanswered: datetime, left: Q, after: Q) -> QuerySet[Engagement, Any]:
    """All that is to say of the open requests sent to these agencies, in one row.

    `total`, and `shown` of the ones `left` by filters: how many; `waiting`: how many of all are older than `long`; `silent`:
    how many have proposals without an answer since `unanswered` (whose answer is missing is not said); `ids`: those of a
    page that begins `after` a place, and one more.
    """
    ids = ArrayAgg("pk", filter=left & after or None, order_by=("requested_at", "pk"))
    return (
        requests_at(agencies)
        .values(one=Value(1))  # what is counted is counted of all together
        .annotate(
            total=Count("pk"),
            shown=Count("pk", filter=left or None),
            waiting=Count("pk", filter=Q(requested_at__lte=long)),
            silent=Count("pk", filter=_unanswered(unanswered)),
            ids=SliceTransform(1, PAGE + 1, ids),
        )
    )


def at_a_glance(long: datetime, unanswered: datetime) -> dict[str, Any]:
    """The same of all there are, from the first one on: what `overview` says without filters, from the index alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT total, waiting, silent, ids FROM app_open_requests(%s, %s, %s)", [long, unanswered, PAGE + 1]
        )
        total, waiting, silent, ids = cursor.fetchone() or (0, 0, 0, [])
    return {"total": total, "shown": total, "waiting": waiting, "silent": silent, "ids": ids}


def place_of(engagement: Engagement) -> str:
    """Where a request stands in the queue, for an address."""
    return f"{engagement.requested_at:%Y-%m-%dT%H:%M:%S.%f%z}~{engagement.pk}"


def after(place: str) -> Q:
    """What comes after this place; everything where there is no such place."""
    moment, _sep, pk = place.partition("~")
    try:
        at, last = datetime.fromisoformat(moment), uuid.UUID(pk)
    except ValueError:
        return Q()
    if at.tzinfo is None:
        return Q()
    return Q(requested_at__gt=at) | Q(requested_at=at, pk__gt=last)


def queue(request: SignedRequest, asked_for: uuid.UUID | None = None) -> dict[str, Any]:
    """One page of the list with what is needed to filter it, to go on, and to come back to it.

    `current` is the request asked for, or else the first one of the page; None where there is none, or none that is open.
    """
    place = clean(request, "nach")
    filters = {name: clean(request, name) for name in FILTERS}
    agencies = (
        Agency.objects.filter(within(request.user))
        .in_tree_order()
        .values_list("pk", "code", "name", "path", "merged_on")
    )
    here = [pk for pk, *_more in agencies]
    choices = [(code, name, path.count("/")) for _pk, code, name, path, merged_on in agencies if not merged_on]
    top = min((depth for *_more, depth in choices), default=0)
    now, left, further = clock.now(), matching(filters), after(place)
    moments = now - LONG, now - UNANSWERED
    there = overview(here, *moments, left, further).get() if left or further else at_a_glance(*moments)
    ids = there["ids"] or []
    rows = {row.pk: row for row in _listed([*ids, asked_for] if asked_for else ids, here)}
    found = [rows[pk] for pk in ids if pk in rows]
    asked = QueryDict(mutable=True)
    carried = {name: value for name, value in (filters | {"nach": place}).items() if value}
    asked.update(carried)
    query = asked.urlencode()
    asked.pop("nach", None)
    return {
        "requests": found[:PAGE],
        "current": rows.get(asked_for) if asked_for else next(iter(found), None),
        "first_page": not place,
        "more": place_of(found[PAGE - 1]) if len(found) > PAGE else "",
        "filters": filters,
        "filtered": any(filters.values()),
        "agencies": [(code, f"{'– ' * (depth - top)}{name}") for code, name, depth in choices],
        "occasions": [(occasion.code, str(occasion)) for occasion in _occasions()],
        "formats": [(code, label) for code, label in Format.choices if code != Format.ANY],
        "ages": AGES.items(),
        "stands": STANDS.items(),
        "total": there["shown"],
        "still": there,
        "query": query,
        "carried": list(carried.items()),
        "query_of_filters": asked.urlencode(),
    }
