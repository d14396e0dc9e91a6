"""Identifiers of objects with content: made before the row exists, so that its texts can be sealed to its address."""

import secrets
import time
import uuid

from django.db import IntegrityError, transaction
from django.db.models import Model


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): 48 bits of time, so that neighbours in time are neighbours in the index."""
    value = int(time.time() * 1000) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


def insert_once(row: Model) -> bool:
    """Insert a new row; False, and nothing done, where it is there already: a form sent twice is sent once."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return False
    return True
