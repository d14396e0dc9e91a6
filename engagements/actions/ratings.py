"""The unlinked rating: a ticket is issued at closing and used once, by nobody we know (docs/decisions/0010)."""

from __future__ import annotations

import hashlib
import re
import secrets

from django.db import connection

from engagements.engagement import Engagement
from engagements.ratings import ITEMS

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """256 random bits, for an address."""
    return secrets.token_urlsafe(32)


def issue(*, engagement: Engagement, token: str) -> None:
    """One ticket per companionship, ever; that it was issued is kept there, what became of it nowhere."""
    if TOKEN.fullmatch(token):
        with connection.cursor() as cursor:
            cursor.execute("SELECT issue_rating_ticket(%s, %s)", [engagement.pk, _hash(token)])


def holds_until(token: str) -> str | None:
    """The quarter until whose end the ticket holds; None when it is used, expired or never was."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rating_ticket_holds_until(%s)", [_hash(token)])
        (quarter,) = cursor.fetchone() or (None,)
    return quarter


def rate(*, token: str, numbers: dict[str, int | None], helped: list[str]) -> bool:
    """Use the ticket: it is gone and the answers are kept, in one step. False when there is no such ticket any more."""
    values = [numbers[name] for name in ITEMS]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT use_rating_ticket(%s, ARRAY[%s, %s, %s, %s, %s]::smallint[], %s::text[])",
            [_hash(token), *values, helped],
        )
        (done,) = cursor.fetchone() or (False,)
    return bool(done)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
