"""What the talks answer when an engagement goes its way."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models.signals import pre_save
from django.dispatch import receiver

from accounts.models import User
from engagements.engagement import Engagement
from engagements.signals import parting
from engagements.states import PAIRED, State


@receiver(pre_save, sender=Engagement)
def cancel_what_was_to_come(
    sender: type[Engagement], instance: Engagement, update_fields: Any = None, **kwargs: Any
) -> None:
    """The two part or close: their coming appointments are cancelled while both can still be told."""
    if "state" not in (update_fields or ()) or instance.state in PAIRED and instance.state != State.CLOSED:
        return
    from .actions.appointments import cancel_coming

    if actor := _actor():
        cancel_coming(engagement=instance, by=User(pk=actor))


@receiver(parting)
def cancel_when_parting(sender: type[Engagement], engagement: Engagement, by: User, **kwargs: Any) -> None:
    """Somebody says no, or "not a fit": coming appointments are cancelled while both can still be told."""
    from .actions.appointments import cancel_coming

    cancel_coming(engagement=engagement, by=by)


def _actor() -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app_user_id()")
        return cursor.fetchone()[0]
