"""Asking for a substitute, saying yes or no, and taking it back."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _

from accounts import audit, outbox
from accounts.models import User
from engagements.companions import CompanionProfile
from engagements.mails import SUBSTITUTE_ANSWERED, SUBSTITUTE_ASKED
from engagements.states import NotPossible
from engagements.substitutes import Substitution, coming_absence
from lernbegleitung import clock, ids


def companion_with_address(address: str, *, by: User) -> User | None:
    """Another companion with this address; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT person_with_address(%s)", [address])
        (found,) = cursor.fetchone() or (None,)
    if not found or found == by.pk:
        return None
    profile = CompanionProfile.objects.select_related("user").filter(pk=found, user__is_active=True).first()
    return profile.user if profile else None


def ask(*, substitute: User, by: User) -> None:
    """Ask somebody for the declared absence, instead of whoever was asked before. Twice is once."""
    absence = coming_absence(by)
    if not absence:
        raise NotPossible(_("Tragen Sie zuerst ein, wann Sie abwesend sind."))
    User.objects.select_for_update(no_key=True).get(pk=by.pk)  # two clicks, one after the other
    wanted = Substitution(companion=by, substitute=substitute, starts_on=absence[0], ends_on=absence[1])
    stored = Substitution.objects.filter(companion=by)
    if stored.filter(substitute=substitute, starts_on=wanted.starts_on, ends_on=wanted.ends_on).exists():
        return
    stored.delete()
    wanted.save(force_insert=True)
    _tell(SUBSTITUTE_ASKED, substitute)
    audit.write("substitute.asked", by=by.pk)


def take_back(*, by: User) -> None:
    """Not needed any more."""
    if Substitution.objects.filter(companion=by).delete()[0]:
        audit.write("substitute.taken_back", by=by.pk)


def agree(*, companion_id: int, by: User) -> None:
    """Say yes. Twice is once."""
    mine = Substitution.objects.filter(companion=companion_id, substitute=by)
    if mine.filter(agreed_at=None).update(agreed_at=clock.now()):
        _tell(SUBSTITUTE_ANSWERED, User.objects.get(pk=companion_id))
        audit.write("substitute.agreed", by=by.pk)
    elif not mine.exists():
        raise NotPossible()


def decline(*, companion_id: int, by: User) -> None:
    """Say no, or no longer; without a reason."""
    mine = Substitution.objects.filter(companion=companion_id, substitute=by)
    if mine.delete()[0]:
        _tell(SUBSTITUTE_ANSWERED, User.objects.get(pk=companion_id))
        audit.write("substitute.declined", by=by.pk)


def _tell(kind: outbox.Kind, person: User) -> None:
    path = "/begleitende/vertretung/"
    outbox.post(f"{kind.name}:{ids.new_id()}", kind=kind, to=person, facts={"path": path})
