"""What an agency can switch off and on again: a closed list. Security, exclusions and what is a learner's right are not in it.

A setting holds for the agency and all below that have none of their own; without any, everything is on. The pair's features
follow the learner's agency, as the record does. Whatever is there already stays: it is shown again when the feature is back
(docs/decisions/0025).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar

from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lernbegleitung import clock, rls

from .people import Agency

View = Callable[..., HttpResponseBase]


class Feature(models.TextChoices):
    """The features that can be switched."""

    DIRECT_CHOICE = "direct_choice", _("Begleitung selbst wählen")
    PROGRAMMES = "programmes", _("Programme")
    VIDEO_ROOMS = "video_rooms", _("Videoräume")
    QUIET_QUESTION = "quiet_question", _("Leise Frage, wenn nichts geplant ist")
    LOOKS_BACK = "looks_back", _("Blick zurück nach Monaten")
    PUSH = "push", _("Mitteilungen im Browser")


@dataclass(frozen=True)
class Effect:
    """What a feature does, and what becomes of whom when it is switched off."""

    does: str | Promise
    loses: str | Promise


EFFECTS = {
    Feature.DIRECT_CHOICE: Effect(
        _("Lernende suchen im Verzeichnis und fragen jemanden unmittelbar. Dann erfährt keine Koordination davon."),
        _("Lernende fragen über die Koordination und wählen aus deren Vorschlägen. Wer schon gefragt ist, bleibt gefragt."),
    ),
    Feature.PROGRAMMES: Effect(
        _("Bei der Anfrage stehen offene Programme zur Wahl, neben dem eigenen Anliegen."),
        _("Neue Anfragen kommen ohne Programm. Wer schon in einem begleitet wird, behält, was vereinbart ist."),
    ),
    Feature.VIDEO_ROOMS: Effect(
        _("Mit einem Klick entsteht ein Raum im Videodienst der Dienststelle."),
        _("Wer sich per Video trifft, trägt einen eigenen Link ein. Vereinbarte Termine behalten ihren Raum."),
    ),
    Feature.QUIET_QUESTION: Effect(
        _("Ist acht Wochen nichts geplant, werden beide einmal gefragt, wie es weitergeht. Vier Wochen später ruht es."),
        _("Niemand wird gefragt, und nichts ruht von selbst. Eine schon gestellte Frage verfällt."),
    ),
    Feature.LOOKS_BACK: Effect(
        _("Beim Abschluss können sich Lernende eine Nachfrage nach drei oder sechs Monaten wünschen."),
        _("Es wird nicht mehr danach gefragt. Wer sich schon einen Blick zurück gewünscht hat, bekommt ihn."),
    ),
    Feature.PUSH: Effect(
        _("Wer mag, bekommt die Nachricht des Tages auch als Mitteilung im Browser."),
        _("Es kommt nur noch die E-Mail. Eingeschaltete Geräte bleiben gemerkt und melden sich wieder, wenn es zurückkommt."),
    ),
}  # fmt: skip


class AgencyFeature(models.Model):
    """A feature switched on or off, for an agency and all below that have no setting of their own."""

    agency = models.ForeignKey(Agency, models.CASCADE, related_name="feature_settings")
    feature = models.CharField(max_length=20, choices=Feature.choices)
    is_on = models.BooleanField()
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name = _("Funktion einer Dienststelle")
        constraints: ClassVar = [models.UniqueConstraint(fields=["agency", "feature"], name="feature_set_once")]

    def __str__(self) -> str:
        return f"{self.agency_id} {self.feature}"


Settings = dict[tuple[int, str], bool]


def all_settings() -> Settings:
    """(agency, feature) → on or off; asked of the database once per request. They are few, and a switch holds at once."""
    if "features" not in rls.memory():
        keep_settings(AgencyFeature.objects.all())
    found: Settings = rls.memory()["features"]
    return found


def keep_settings(rows: Iterable[AgencyFeature]) -> None:
    """For a page that has asked for all of them beside something else: nobody needs to ask again in this request."""
    rls.memory()["features"] = {(row.agency_id, row.feature): row.is_on for row in rows}


def forget_settings() -> None:
    """Ask the database again: something was switched in this request."""
    rls.memory().pop("features", None)


def decided_by(feature: Feature, trail: Iterable[int], settings: Settings) -> int | None:
    """The agency nearest to the end of a trail (root first) that has a setting; None: nobody has switched anything."""
    return next((pk for pk in reversed([*trail]) if (pk, feature.value) in settings), None)


def is_on(feature: Feature, agency: Agency) -> bool:
    """Whether an agency has this feature."""
    settings = all_settings()
    decided = decided_by(feature, agency.trail(), settings)
    return decided is None or settings[decided, feature.value]


def with_feature(feature: Feature) -> Callable[[View], View]:
    """Below an access line: where the own agency has switched it off, a page says so kindly (404)."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return view(request, *args, **kwargs) if is_on(feature, request.user.agency) else off(request, feature)  # type: ignore[union-attr]

        return checked

    return decorate


def off(request: HttpRequest, feature: Feature) -> HttpResponse:
    """The page in place of what is switched off."""
    return render(request, "accounts/feature_off.html", {"feature": feature, "effect": EFFECTS[feature]}, status=404)
