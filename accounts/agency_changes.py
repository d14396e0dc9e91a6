"""What moving or merging an agency would change, to be said beforehand. Reads only; counts accounts, never requests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from accounts.actions.agencies import coordination_above, grants_at
from accounts.forms import STATES
from accounts.free_days import FreeDay
from accounts.people import Agency, Invitation, RoleGrant, User
from accounts.roles import Role
from accounts.rooms import VideoService, video_service_for
from lernbegleitung import clock


@dataclass(frozen=True)
class Change:
    """Who will coordinate an agency's people and who no longer, which video service and which free days will hold."""

    agency: Agency
    other: Agency
    gain: list[User]
    lose: list[User]
    video_before: VideoService | None
    video_after: VideoService | None
    free_gained: list[FreeDay] = field(default_factory=list)
    free_lost: list[FreeDay] = field(default_factory=list)

    def new_state(self) -> str:
        """The name of the Bundesland whose holidays hold from now on; empty where it is the same."""
        return "" if self.agency.state == self.other.state else dict(STATES)[self.other.state]

    def stamp(self) -> str:
        """Changes when what was shown is no longer what would happen."""
        seen = [self.agency.path, self.other.path, *(p.pk for p in self.gain), 0, *(p.pk for p in self.lose)]
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Merger:
    """What goes over, beside the change of coordination."""

    change: Change
    people: int
    companions: int
    roles: list[RoleGrant]
    invitations: int
    below: list[Agency]
    free_days: list[FreeDay]

    def stamp(self) -> str:
        """As above; a role given meanwhile shows, too."""
        seen = [self.change.stamp(), *(grant.pk for grant in self.roles), *(agency.pk for agency in self.below)]
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def moved(agency: Agency, parent: Agency) -> Change:
    """What hanging the agency below this one changes for its people."""
    before = coordination_above(agency)
    after = coordination_above(parent) | _coordinates_itself(agency)
    old_trail, new_trail = set(agency.trail()[:-1]), set(parent.trail())
    own = VideoService.objects.filter(agency=agency).first()
    return Change(
        agency, parent, _people(after - before), _people(before - after),
        video_service_for(agency), own or video_service_for(parent),
        _free_days(agency, new_trail - old_trail), _free_days(agency, old_trail - new_trail),
    )  # fmt: skip


def passes_to(person: User, agency: Agency) -> Change:
    """What belonging to this agency changes for a person."""
    before, after = coordination_above(person.agency), coordination_above(agency)
    return Change(
        person.agency, agency, _people(after - before), _people(before - after),
        video_service_for(person.agency), video_service_for(agency),
    )  # fmt: skip


def merged(agency: Agency, into: Agency) -> Merger:
    """What goes over when the agency goes up into this one."""
    before, after = coordination_above(agency), coordination_above(into)
    video = video_service_for(into) or VideoService.objects.filter(agency=agency).first()
    change = Change(
        agency, into, _people(after - before), _people(before - after - _coordinates_itself(agency)),
        video_service_for(agency), video,
    )  # fmt: skip
    grants = list(grants_at(agency))
    waiting = Invitation.objects.filter(agency=agency, accepted_at=None, withdrawn_at=None)
    return Merger(
        change,
        people=User.objects.filter(agency=agency).count(),
        companions=sum(grant.role == Role.COMPANION for grant in grants),
        roles=[grant for grant in grants if grant.role != Role.COMPANION],
        invitations=waiting.filter(expires_at__gt=clock.now()).count(),
        below=list(Agency.objects.open().filter(parent=agency).order_by("name")),
        free_days=list(FreeDay.objects.filter(agency=agency)),
    )


def coordination_of(agencies: Iterable[Agency]) -> dict[int, list[str]]:
    """Agency id → the names of those who coordinate exactly this one today."""
    grants = RoleGrant.objects.in_force(clock.today()).filter(role=Role.COORDINATOR, user__is_active=True)
    names: dict[int, list[str]] = {}
    for agency, name in grants.order_by("user__name").values_list("agency", "user__name"):
        names.setdefault(agency, []).append(name)
    return {agency.pk: names[agency.pk] for agency in agencies if agency.pk in names}


def _coordinates_itself(agency: Agency) -> set[int]:
    grants = grants_at(agency).in_force(clock.today())  # type: ignore[attr-defined]
    return set(grants.filter(role=Role.COORDINATOR, user__is_active=True).values_list("user", flat=True))


def _people(ids: set[int]) -> list[User]:
    return list(User.objects.filter(pk__in=ids).order_by("name", "pk"))


def _free_days(agency: Agency, above: set[int]) -> list[FreeDay]:
    """Free days of agencies above that hold for this one's Bundesland."""
    return [day for day in FreeDay.objects.filter(agency__in=above) if day.state in ("", agency.state)]
