"""What the administration does to keep the house running: try again, and free days. No content, no recipients."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, connection, transaction

from accounts import audit
from accounts.free_days import FreeDay
from accounts.operation import PausedAddress
from accounts.people import User


def retry(*, mail: uuid.UUID, by: User) -> bool:
    """Send an undelivered mail once more; False when it is none (any more)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT retry_dead_letter(%s)", [mail])
        found = bool((cursor.fetchone() or (False,))[0])
    if found:
        audit.write("mail.retried", by=by.pk)
    return found


def resume_address(*, address: str, by: User) -> bool:
    """Mail goes to an address again; False when it does already."""
    removed, _rows = PausedAddress.objects.filter(pk=address.lower()).delete()
    if removed:
        audit.write("address.resumed", by=by.pk)
    return bool(removed)


def add_free_day(*, day: FreeDay, by: User) -> bool:
    """A free day of an agency and all below it; False when there is the same one."""
    try:
        with transaction.atomic():
            day.save(force_insert=True)
    except IntegrityError:
        return False
    audit.write("free_day.added", by=by.pk)
    return True


def remove_free_day(*, pk: uuid.UUID, by: User) -> FreeDay | None:
    """Take a free day away; answers with what it was."""
    day = FreeDay.objects.filter(pk=pk).select_related("agency").first()
    if day:
        FreeDay.objects.filter(pk=pk).delete()
        audit.write("free_day.removed", by=by.pk)
    return day
