"""Anna learns, Ben accompanies, Carla coordinates, Dirk administers, Eva coordinates elsewhere, Mia tends guide and
questions."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

from allauth.account.models import EmailAddress

from accounts.models import Agency, RoleGrant, User
from accounts.roles import Role
from engagements.models import CompanionLoad, CompanionProfile, Occasion
from lernbegleitung import clock

PASSWORD = "correct horse battery"


def agency_of(code: str, kind: str, parent: Agency | None, state: str) -> Agency:
    """An agency of the small world of the tests."""
    return Agency.objects.create(code=code, name=code.title(), kind=kind, parent=parent, state=state, city=code.title())


def person(name: str, agency: Agency, **also: object) -> User:
    """A person who can sign in: Name -> name@example.org."""
    user = User(email=f"{name.lower()}@example.org", name=f"{name} Beispiel", agency=agency, **also)
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_role(user: User, role: Role, agency: Agency | None = None, *, ends_on: date | None = None) -> RoleGrant:
    """A role since last year."""
    return RoleGrant.objects.create(
        user=user,
        role=role,
        agency=agency or user.agency,
        starts_on=clock.today() - timedelta(days=365),
        ends_on=ends_on,
    )


def make_companion(user: User, *, capacity: int = 3, **profile: object) -> User:
    """A companion with places, qualified for another year, meeting in every way, in German."""
    make_role(user, Role.COMPANION)
    values = {
        "formats": ["on_site", "video", "phone"],
        "languages": ["de"],
        "qualified_until": clock.today() + timedelta(days=365),
        "about": "Ich höre zu und frage nach.",
    }
    CompanionProfile.objects.create(user=user, **{**values, **profile})
    CompanionLoad.objects.create(companion=user, capacity=capacity)
    return user


def world() -> SimpleNamespace:
    """The people and agencies every test knows; to be made as the owner of the tables."""
    centre = agency_of("nürnberg", "centre", None, "BY")
    south = agency_of("bayern", "region", centre, "BY")
    north = agency_of("nord", "region", centre, "SH")
    augsburg = agency_of("augsburg", "agency", south, "BY")
    ulm = agency_of("ulm", "agency", south, "BW")
    kiel = agency_of("kiel", "agency", north, "SH")
    anna, ben = person("Anna", augsburg), make_companion(person("Ben", ulm))
    carla, dirk, eva = person("Carla", south), person("Dirk", centre), person("Eva", north)
    make_role(carla, Role.COORDINATOR, south)
    make_role(dirk, Role.ADMINISTRATOR, centre)
    make_role(eva, Role.COORDINATOR, north)
    mia = person("Mia", centre)
    make_role(mia, Role.METHOD_OWNER, centre)
    return SimpleNamespace(
        centre=centre, south=south, north=north, augsburg=augsburg, ulm=ulm, kiel=kiel,
        anna=anna, ben=ben, carla=carla, dirk=dirk, eva=eva, mia=mia, stranger=person("Fritz", kiel),
        occasion=Occasion.objects.get_or_create(code="own_topic", defaults={"name_de": "Eigenes Thema", "name_en": "Own topic"})[0],
    )  # fmt: skip
