"""The engagement: one agreed working relation of a learner and a companion, and the proposals that lead to it."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.keys import open_key
from accounts.models import Agency, User
from lernbegleitung import clock, ids

from .companions import Format, Occasion, settings_in_words
from .programmes import Programme
from .states import OCCUPYING, PAIRED, SEARCHING, UNFINISHED, NotPossible, State, may_move

if TYPE_CHECKING:
    from .agreements import Agreement


RESTS_AFTER = timedelta(days=28)  # after both were asked, without anything planned


class EngagementQuerySet(models.QuerySet["Engagement"]):
    """Sets of engagements that read as a sentence."""

    def of_learner(self, user: User) -> EngagementQuerySet:
        """Where this person learns."""
        return self.filter(learner=user)

    def of_companion(self, user: User) -> EngagementQuerySet:
        """Where this person accompanies, or is asked to."""
        return self.filter(companion=user)

    def of_pair_member(self, user: User | int) -> EngagementQuerySet:
        """Where this person is one of the two."""
        return self.filter(Q(learner=user) | Q(companion=user))

    def unfinished(self) -> EngagementQuerySet:
        """Not closed, withdrawn or erased."""
        return self.filter(state__in=UNFINISHED)

    def searching(self) -> EngagementQuerySet:
        """Waiting for a companion: with the coordination, or with proposals out."""
        return self.filter(state__in=SEARCHING)

    def longest_waiting_first(self) -> EngagementQuerySet:
        """In the order in which they were asked."""
        return self.order_by("requested_at", "pk")


class Engagement(models.Model):
    """Who, in which state, since when, with which wishes. What is said in it lies sealed in other tables."""

    class Wish(models.TextChoices):
        OWN_AGENCY = "own_agency", _("gern aus meiner Dienststelle")
        ELSEWHERE = "elsewhere", _("aus einer anderen Dienststelle")
        NO_MATTER = "no_matter", _("beides ist mir recht")

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    learner = models.ForeignKey(User, models.PROTECT, related_name="learning_engagements")
    companion = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="companion_engagements")
    state = models.CharField(_("Stand"), max_length=12, choices=State.choices, default=State.DRAFT)
    # The agency whose coordination looks for a companion; empty while the learner chooses directly.
    coordinating_agency = models.ForeignKey(Agency, models.PROTECT, null=True, blank=True, related_name="+")
    # Another agency's coordination, while the learner is asked whether the request may go there (actions/forwarding.py).
    forward_to = models.ForeignKey(Agency, models.SET_NULL, null=True, blank=True, related_name="+")
    occasion = models.ForeignKey(Occasion, models.PROTECT, null=True, blank=True, verbose_name=_("Anlass"))
    # Chosen beside the own concern, if at all; emptied when the learner says no, so that no trace of it is left.
    programme = models.ForeignKey(
        Programme, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("Programm")
    )
    wish = models.CharField(
        _("Woher soll die Begleitung kommen?"), max_length=12, choices=Wish.choices, default=Wish.NO_MATTER
    )
    format = models.CharField(
        _("Wie möchten Sie sich treffen?"), max_length=8, choices=Format.choices, default=Format.ANY
    )
    spoken = models.CharField(_("Sprache der Gespräche"), max_length=2, choices=User.Language.choices, default="de")
    trainee_welcome = models.BooleanField(_("Eine Begleitung in Ausbildung ist mir recht"), default=False)
    # What the meetings need (Setting); a wish of the request, however much it may say about a person.
    needs = ArrayField(
        models.CharField(max_length=15),
        default=list,
        db_default=[],
        blank=True,
        verbose_name=_("Was die Treffen brauchen"),
    )
    earliest_start = models.DateField(_("Ab wann?"), null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    requested_at = models.DateTimeField(null=True, blank=True)
    offered_at = models.DateTimeField(null=True, blank=True)
    introduced_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    # Since when both are asked how it shall go on; emptied as soon as something is planned (conversations/quiet.py).
    quiet_asked_on = models.DateField(null=True, blank=True)
    # When it was let rest because the companion was gone (leaving.py); a trigger empties it with another companion.
    companion_gone_on = models.DateField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    # That the learner got the one ticket for a rating; whether it was used is known to nobody.
    rating_offered = models.BooleanField(default=False)

    objects: ClassVar[Any] = EngagementQuerySet.as_manager()

    class Meta:
        verbose_name = _("Lernbegleitung")
        verbose_name_plural = _("Lernbegleitungen")
        constraints = [
            models.CheckConstraint(
                condition=Q(companion=None) | ~Q(companion=models.F("learner")), name="nobody_accompanies_oneself"
            ),
            models.CheckConstraint(
                condition=Q(state__in=PAIRED, companion__isnull=False)
                | Q(state__in=[State.DRAFT, *SEARCHING], companion=None)
                | Q(state__in=[State.WITHDRAWN, State.ERASED]),
                name="companion_fits_state",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=SEARCHING) | Q(coordinating_agency__isnull=False), name="request_goes_somewhere"
            ),
            models.UniqueConstraint(
                fields=["learner"], condition=Q(state__in=UNFINISHED), name="one_unfinished_engagement_per_learner"
            ),
        ]
        indexes = [
            models.Index(fields=["companion", "state"], name="engagement_companion"),
            models.Index(fields=["learner", "state"], name="engagement_learner"),
            models.Index(  # with all that is to know of hundreds at once, so that nobody looks at the rows (policies.sql)
                fields=["coordinating_agency", "requested_at", "id"],
                include=["state", "learner"],
                condition=Q(state__in=[*SEARCHING, State.OFFERED]),
                name="engagement_open",
            ),
            models.Index(fields=["programme"], condition=Q(programme__isnull=False), name="engagement_of_programme"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def data_key(self) -> bytes:
        """The key of all texts the pair shares."""
        return open_key(self.pk)

    def current_agreement(self) -> Agreement | None:
        """The latest version made with the present companion."""
        return self.agreements.filter(companion_id=self.companion_id).first() if self.companion_id else None

    def require(self, *states: State) -> None:
        """Raise NotPossible unless the engagement stands in one of these states."""
        if self.state not in states:
            raise NotPossible()

    def move(self, there: State, **also: Any) -> None:
        """Go to another state, if the table has the move, and write the other fields with it."""
        if not may_move(self.state, there):
            raise NotPossible()
        self.state = there
        for name, value in also.items():
            setattr(self, name, value)
        self.save(update_fields=["state", *also])

    def is_learner(self, user: User) -> bool:
        """Whether this person learns here."""
        return self.learner_id == user.pk

    def is_companion(self, user: User) -> bool:
        """Whether this person accompanies here, or is asked to."""
        return self.companion_id == user.pk

    def is_one_of_the_pair(self, user: User) -> bool:
        """Whether this person is one of the two."""
        return self.is_learner(user) or self.is_companion(user)

    def partner_of(self, user: User) -> User | None:
        """The other one, as seen by one of the two."""
        return self.companion if self.is_learner(user) else self.learner

    def is_searching(self) -> bool:
        """Whether a companion is looked for."""
        return self.state in SEARCHING

    def is_running(self) -> bool:
        """Whether the two may work: agreed, and not resting."""
        return self.state == State.ACTIVE

    def rests_on(self) -> date | None:
        """The day on which it rests by itself unless something is planned before; None when nobody was asked."""
        asked = self.quiet_asked_on if self.is_running() else None
        return asked + RESTS_AFTER if asked else None

    def rests_by_itself(self) -> bool:
        """Whether it rests because nothing was planned, and not because one of the two wished it."""
        return self.state == State.PAUSED and self.quiet_asked_on is not None

    def is_over(self) -> bool:
        """Whether nothing more can be added."""
        return self.state in (State.CLOSED, State.WITHDRAWN, State.ERASED)

    def has_place_taken(self) -> bool:
        """Whether it occupies one of the companion's places."""
        return self.state in OCCUPYING

    def needs_in_words(self) -> str:
        """What the meetings need; empty for nothing in particular."""
        return settings_in_words(self.needs)

    def format_in_words(self) -> str:
        """How the two want to meet, for lists: Django's own answer builds a table of all formats for each row."""
        return str(Format(self.format).label)

    def waiting_days(self) -> int:
        """Full days since the request was sent."""
        return (clock.now() - (self.requested_at or self.created_at)).days

    def companion_reads_along(self) -> bool:
        """Whether there is a companion who may still read: until 30 days after closing."""
        over = self.closed_at and self.closed_at <= clock.now() - timedelta(days=30)
        return self.companion_id is not None and not over

    def companion_access_until(self) -> date | None:
        """The companion reads along until 30 days after closing (design/domain.md, L7)."""
        return (self.closed_at + timedelta(days=30)).date() if self.closed_at else None


class CompanionProposal(models.Model):
    """A companion proposed to a learner, with the reasons as codes. A refusal keeps no reason."""

    class Answer(models.TextChoices):
        OPEN = "open", _("noch offen")
        CHOSEN = "chosen", _("gewählt")
        PASSED = "passed", _("nicht gewählt")

    id = models.UUIDField(primary_key=True, default=ids.new_id)
    engagement = models.ForeignKey(Engagement, models.CASCADE, related_name="proposals")
    companion = models.ForeignKey(User, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField(default=1)
    reasons = models.JSONField(default=list)
    proposed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    proposed_at = models.DateTimeField(default=clock.now)
    answer = models.CharField(max_length=8, choices=Answer.choices, default=Answer.OPEN)

    class Meta:
        verbose_name = _("Vorschlag")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["engagement", "companion"], condition=Q(answer="open"), name="proposed_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


def shared_key(engagement_id: uuid.UUID) -> bytes:
    """The key of a text that belongs to an engagement."""
    return open_key(engagement_id)
