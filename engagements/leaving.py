"""A companion who stops, or is no longer there: what is agreed rests, and the learner chooses. Nothing moves by itself.

Gone is whoever has named a last day that is over, has the role no more, or whose account is switched off. A long absence
rests, too, but may be gone on with (design/domain.md, section 3, row 18).
"""

from __future__ import annotations

import uuid
from datetime import date

from django.db import connection, transaction
from django.db.models import DateField, Func

from accounts import audit, outbox
from accounts.models import User
from lernbegleitung import clock

from .engagement import Engagement
from .mails import COMPANION_GONE


class LeavesHere(Func):
    """The companion's last day, past or to come, for one of the two; None as long as nothing is known of one."""

    function = "companion_leaves_here"
    output_field = DateField()


def last_day(engagement: Engagement) -> date | None:
    """That of this companionship."""
    return Engagement.objects.filter(pk=engagement.pk).values_list(LeavesHere("pk"), flat=True).first()


def may_be_leaving(engagement: Engagement) -> bool:
    """Whether there is anything to ask: a day was named, or the night has let it rest. Asks nothing itself."""
    profile = getattr(engagement.companion, "companion_profile", None)
    return engagement.companion_gone_on is not None or bool(profile and profile.leaves_on)


def is_over(day: date | None) -> bool:
    """Whether a last day, if there is one, is past."""
    return day is not None and day < clock.today()


def is_gone(engagement: Engagement) -> bool:
    """Whether the companion is no longer there."""
    return is_over(last_day(engagement))


def rest_left_alone() -> dict[str, int]:
    """For the worker: whatever has lost its companion rests, and its learner is asked; each in its own transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT engagement FROM engagements_left_alone()")
        found = [row[0] for row in cursor.fetchall()]
    return {"rested": sum(_rest(engagement) for engagement in found)}


@transaction.atomic
def _rest(engagement: uuid.UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, language FROM rest_left_alone(%s)", [engagement])
        learner = cursor.fetchone()
    if not learner:
        return False
    audit.write("engagement.left_alone", by=None, subject=engagement)
    outbox.post(
        f"{COMPANION_GONE.name}:{engagement}:{clock.today()}",
        kind=COMPANION_GONE,
        to=User(pk=learner[0], language=learner[1]),
        about=engagement,
        facts={"path": f"/begleitungen/{engagement}/wie-weiter/"},
    )
    return True
