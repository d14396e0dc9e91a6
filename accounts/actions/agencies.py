"""Agencies that change: hung below another one, or gone up into another one (docs/decisions/0021)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat, Substr

from accounts import audit
from accounts.free_days import FreeDay
from accounts.people import Agency, RoleGrant, User
from accounts.roles import Role
from accounts.rooms import VideoService, nearest_service
from accounts.sessions import end_sessions
from lernbegleitung import clock


class NotInTheTree(Exception):
    """The agency cannot hang there: below itself, or one of the two has gone up into another meanwhile."""


def move(*, agency: Agency, parent: Agency, by: User) -> None:
    """Hang an agency, with all below it, below another one. Twice is once. Raises NotInTheTree.

    Whoever coordinates it from then on, or no longer, is signed out: what their pages have shown is asked for anew.
    """
    agency, parent = _in_the_locked_tree(agency, parent)
    if agency.parent_id == parent.pk:
        return
    seen_by = coordination_above(agency)
    _hang(agency, parent)
    agency.refresh_from_db()
    _sign_out(seen_by.symmetric_difference(coordination_above(agency)), by)
    audit.write("agency.moved", by=by.pk)


def merge(*, agency: Agency, into: Agency, keep: Iterable[int], free_days: bool, by: User) -> None:
    """Let an agency go up into another one: people, roles, agencies below, at once. Twice is once. Raises NotInTheTree.

    `keep`: the roles (ids of grants) that are to hold for the other agency; the others end, companions' roles go over
    anyway. `free_days`: whether its own free days hold there, too. The agency itself stays, closed, below the other one.
    """
    agency, into = _in_the_locked_tree(agency, into)
    if agency.merged_on:
        return
    changed = {grant.user_id for grant in grants_at(agency).exclude(role=Role.COMPANION)}
    changed |= coordination_above(agency).symmetric_difference(coordination_above(into))
    for below in Agency.objects.open().filter(parent=agency):
        _hang(below, into)
    _hand_over_roles(agency, into, set(keep), by)
    User.objects.filter(agency=agency).update(agency=into, agency_since=clock.now())
    _hand_over_video(agency, into)
    if free_days:
        there = set(FreeDay.objects.filter(agency=into).values_list("day", "state"))
        for free in FreeDay.objects.filter(agency=agency):
            if (free.day, free.state) not in there:
                FreeDay.objects.filter(pk=free.pk).update(agency=into)
    _hang(agency, into)
    Agency.objects.filter(pk=agency.pk).update(merged_on=clock.today())
    _sign_out(changed, by)
    audit.write("agency.merged", by=by.pk)


def grants_at(agency: Agency) -> QuerySet[RoleGrant]:
    """Roles for exactly this agency that hold today or later."""
    rows = RoleGrant.objects.filter(Q(ends_on=None) | Q(ends_on__gte=clock.today()), agency=agency)
    return rows.select_related("user").order_by("role", "user__name", "pk")


def coordination_above(agency: Agency) -> set[int]:
    """The people who coordinate this agency today, from here or from above."""
    grants = RoleGrant.objects.in_force(clock.today()).filter(role=Role.COORDINATOR, user__is_active=True)
    return set(grants.filter(agency__in=agency.trail()).values_list("user", flat=True))


def has_room_for(agency: Agency, parent: Agency) -> bool:
    """Whether the agency may hang below this one: both are open, and no ring comes of it."""
    return agency.merged_on is None and parent.merged_on is None and not parent.path.startswith(agency.path)


def _in_the_locked_tree(agency: Agency, other: Agency) -> tuple[Agency, Agency]:
    """Both as they are now, with the tree held: two moves at once could tie a ring."""
    tree = {row.pk: row for row in Agency.objects.select_for_update().order_by("pk")}
    here, there = tree[agency.pk], tree[other.pk]
    gone_there = here.merged_on and here.parent_id == there.pk
    if not gone_there and not has_room_for(here, there):
        raise NotInTheTree
    return here, there


def _hang(agency: Agency, parent: Agency) -> None:
    """Change the paths of the agency and of all below it."""
    path = f"{parent.path}{agency.pk}/"
    below = Agency.objects.filter(path__startswith=agency.path)
    below.update(path=Concat(Value(path), Substr("path", len(agency.path) + 1)))
    Agency.objects.filter(pk=agency.pk).update(parent=parent)


def _hand_over_roles(agency: Agency, into: Agency, keep: set[int], by: User) -> None:
    """Those that go on begin there today, or later as they would have here; then all end here yesterday.

    The own administration always goes on, and as the last one: without it nothing more could be written.
    """
    today = clock.today()
    there = {(grant.user_id, grant.role, grant.starts_on): grant for grant in grants_at(into)}
    for grant in sorted(grants_at(agency), key=lambda grant: grant.user_id == by.pk):
        starts, ends = max(grant.starts_on, today), grant.ends_on
        own = grant.user_id == by.pk and grant.role == Role.ADMINISTRATOR
        if own or grant.role == Role.COMPANION or grant.pk in keep:
            has = there.get((grant.user_id, grant.role, starts))
            if has is None:
                there[grant.user_id, grant.role, starts] = RoleGrant.objects.create(
                    user_id=grant.user_id, role=grant.role, agency=into, starts_on=starts, ends_on=ends, granted_by=by
                )
            elif has.ends_on and (ends is None or ends > has.ends_on):
                has.ends_on = ends
                RoleGrant.objects.filter(pk=has.pk).update(ends_on=ends)
        grant.end()


def _hand_over_video(agency: Agency, into: Agency) -> None:
    """The other agency's service holds; only where it has none, not even from above, the one from here goes over."""
    own = VideoService.objects.filter(agency=agency).first()
    if own:
        if not nearest_service(into):
            VideoService.objects.create(agency=into, kind=own.kind, base=own.base, changed_at=clock.now())
        own.delete()


def _sign_out(people: Iterable[int], by: User) -> None:
    for person in User.objects.filter(pk__in=set(people) - {by.pk}):
        end_sessions(person)
