"""Programmes: where Lernbegleitung meets onboarding, training or leadership programmes, without depending on them.

A programme says for whom it is open, when, and how many places it may take at once in a region; what it suggests to a pair
stands in versions. A pair keeps the version it has agreed on until both accept a newer one (docs/decisions/0024).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar

from django.db import connection, models
from django.db.models import F, Func, Q
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.features import Feature, is_on
from accounts.models import Agency, User
from lernbegleitung import clock, ids

from .companions import Occasion

if TYPE_CHECKING:
    import uuid

    from .engagement import Engagement


def region_of(path: str) -> str:
    """The region in an agency's path (`/1/4/17/` lies in `1/4`), the agency itself at the top of the tree."""
    return "/".join(path.strip("/").split("/")[:2])


def spoken(german: str, english: str) -> str:
    """The words in the reader's language."""
    return english if (get_language() or "de").startswith("en") else german


class ProgrammeQuerySet(models.QuerySet["Programme"]):
    """Sets of programmes that read as a sentence."""

    def open_for(self, agency: Agency, day: date) -> ProgrammeQuerySet:
        """Programmes that take requests from this agency on this day; a pilot reaches its own agency only.

        What was for an agency that has gone up into this one is for this one now.
        """
        merged = Q(agency__parent=agency, agency__merged_on__isnull=False)
        here = Q(agency=agency) | merged | Q(agency__in=agency.trail(), is_pilot=False)
        begun, not_over = Q(starts_on=None) | Q(starts_on__lte=day), Q(ends_on=None) | Q(ends_on__gte=day)
        return self.filter(here & begun & not_over)


class Programme(models.Model):
    """A programme: open from `starts_on` to `ends_on` (both included) for requests from its agency and all below.

    `places`: how many it may take at once in each region; None: as many as come. `version` counts every change of the form.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    name_de = models.CharField(_("Name auf Deutsch"), max_length=80)
    name_en = models.CharField(_("Name auf Englisch"), max_length=80)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name=_("Für welche Dienststelle?"))
    is_pilot = models.BooleanField(_("Das ist ein Pilot"), default=False)
    starts_on = models.DateField(_("Anfragen ab"), null=True, blank=True)
    ends_on = models.DateField(_("Anfragen bis"), null=True, blank=True)
    places = models.PositiveSmallIntegerField(_("Plätze zugleich in jeder Region"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[ProgrammeQuerySet] = ProgrammeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("Programm")
        verbose_name_plural = _("Programme")
        ordering: ClassVar = ["name_de", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gte=models.F("starts_on")),
                name="programme_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(is_pilot=False) | Q(starts_on__isnull=False, ends_on__isnull=False), name="pilot_has_an_end"
            ),
            models.CheckConstraint(condition=Q(places=None) | Q(places__gte=1), name="programme_has_a_place"),
        ]

    def __str__(self) -> str:
        return spoken(self.name_de, self.name_en)

    def is_over(self) -> bool:
        """Whether it takes no new requests any more; running companionships go on."""
        return self.ends_on is not None and self.ends_on < clock.today()

    def is_to_come(self) -> bool:
        """Whether it takes no requests yet."""
        return self.starts_on is not None and self.starts_on > clock.today()


class ProgrammeVersionQuerySet(models.QuerySet["ProgrammeVersion"]):
    """Sets of versions that read as a sentence."""

    def current(self) -> ProgrammeVersionQuerySet:
        """The latest version of each programme."""
        return self.order_by("programme_id", "-number").distinct("programme_id")


class ProgrammeVersion(models.Model):
    """What a programme suggests to a pair, as it was at one time; it never changes, a change makes another one.

    `weeks` between two talks and the number of `talks` are suggestions. `first_guide` is the kind of talk whose guide opens
    in the first one. `introduction_expected`: an introduction belongs to it, never an engagement.
    """

    class FirstGuide(models.TextChoices):
        """Kinds of talk (conversations/appointments.py) with whose guide the first talk may begin."""

        INTRODUCTION = "introduction", _("Leitfaden zum Kennenlernen")
        CONVERSATION = "conversation", _("Leitfaden des Lerngesprächs: gleich am Anliegen arbeiten")

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    programme = models.ForeignKey(Programme, models.CASCADE, related_name="versions")
    number = models.PositiveSmallIntegerField(default=1)
    about_de = models.CharField(_("Worum es geht, auf Deutsch"), max_length=400)
    about_en = models.CharField(_("Worum es geht, auf Englisch"), max_length=400)
    occasion = models.ForeignKey(Occasion, models.PROTECT, related_name="+", verbose_name=_("Anlass"))
    weeks = models.PositiveSmallIntegerField(_("Wochen zwischen zwei Gesprächen"), null=True, blank=True)
    talks = models.PositiveSmallIntegerField(_("Gespräche, ungefähr"), null=True, blank=True)
    first_guide = models.CharField(
        _("Womit beginnt das erste Gespräch?"),
        max_length=12,
        choices=FirstGuide.choices,
        default=FirstGuide.INTRODUCTION,
    )
    purpose_de = models.CharField(_("Vorschlag für „Wozu treffen wir uns?“ auf Deutsch"), max_length=400, blank=True)
    purpose_en = models.CharField(_("Vorschlag für „Wozu treffen wir uns?“ auf Englisch"), max_length=400, blank=True)
    introduction_expected = models.BooleanField(_("Ein Kennenlernen gehört zum Programm"), default=False)
    made_at = models.DateTimeField(default=clock.now)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    objects: ClassVar[ProgrammeVersionQuerySet] = ProgrammeVersionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("Fassung eines Programms")
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["programme", "number"], name="programme_numbered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.programme_id} {self.number}"

    def about(self) -> str:
        """What it is about, in the reader's language."""
        return spoken(self.about_de, self.about_en)

    def purpose(self) -> str:
        """The suggestion for what a pair meets for; may be empty."""
        return spoken(self.purpose_de, self.purpose_en)

    def rhythm(self) -> str:
        """The suggested rhythm in words: "etwa alle 3 Wochen, insgesamt etwa 6 Gespräche"; may be empty."""
        found = []
        if self.weeks:
            found.append(ngettext("etwa jede Woche", "etwa alle %(n)s Wochen", self.weeks) % {"n": self.weeks})
        if self.talks:
            found.append(
                ngettext("insgesamt ein Gespräch", "insgesamt etwa %(n)s Gespräche", self.talks) % {"n": self.talks}
            )
        return ", ".join(found)

    def suggestions(self) -> dict[str, str]:
        """What it suggests for the texts of an agreement."""
        return {"purpose": self.purpose(), "rhythm": self.rhythm()}

    def first_guide_in_words(self) -> str:
        """With which guide the first talk begins."""
        return str(self.FirstGuide(self.first_guide).label)


def latest_version(programme_id: object) -> ProgrammeVersion | None:
    """The version in force for whoever agrees now; None without a programme."""
    if not programme_id:
        return None
    versions = ProgrammeVersion.objects.filter(programme_id=programme_id)
    return versions.select_related("programme", "occasion").first()


def open_versions(agency: Agency) -> list[ProgrammeVersion]:
    """The current versions of the programmes that take requests from this agency today, by name."""
    if not is_on(Feature.PROGRAMMES, agency):
        return []
    programmes = Programme.objects.open_for(agency, clock.today())
    versions = ProgrammeVersion.objects.current().filter(programme__in=programmes)
    found = versions.select_related("programme", "occasion")
    return sorted(found, key=lambda version: str(version.programme).casefold())


def agreed_version(engagement: Engagement) -> ProgrammeVersion | None:
    """The version that both have accepted with an agreement; before that, the latest one."""
    if not engagement.programme_id:
        return None
    accepted = engagement.agreements.filter(
        companion_id=engagement.companion_id,
        programme_version__isnull=False,
        learner_accepted_at__isnull=False,
        companion_accepted_at__isnull=False,
    ).select_related("programme_version__programme")
    found = accepted.first()
    return found.programme_version if found else latest_version(engagement.programme_id)


def no_room() -> str:
    """That a programme has no place left in a region, in words."""
    return gettext(
        "Im Programm sind in dieser Region gerade alle Plätze vergeben. Die Anfrage wartet, bis einer frei wird: "
        "So bleiben Plätze für selbst gewählte Anliegen."
    )


def full_in_region(agency: Agency) -> set[uuid.UUID]:
    """The programmes that have no place left in this agency's region."""
    return {programme for programme, region in full_programmes() if region == region_of(agency.path)}


def full_programmes() -> set[tuple[uuid.UUID, str]]:
    """(programme, region) wherever all places are taken; nobody is told how many there are, or whose."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT programme, region FROM full_programmes()")
        return set(cursor.fetchall())


class Full(Func):
    """Whether a programme (its id) has no place left in the region of an agency (its path), as an expression."""

    template = "(%(expressions)s) IN (SELECT programme, region FROM full_programmes())"
    output_field = models.BooleanField()

    def __init__(self, programme: str, path: str) -> None:
        super().__init__(F(programme), Func(F(path), function="region_of"))


def no_longer_open(programme: Programme) -> str:
    """That a programme takes no requests now, in words."""
    return gettext(
        "„%(name)s“ nimmt gerade keine Anfragen an. Sie können das Programm unter „Warum gerade jetzt?“ weglassen: "
        "Ihr eigenes Anliegen braucht keines."
    ) % {"name": programme}
