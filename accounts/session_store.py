"""Sessions in the database, as Django keeps them; the one query of every request is put into words once."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from lernbegleitung.kept import first, kept


class SessionStore(DatabaseSessions):
    """Django's own, but for how a session is found."""

    def _get_session_from_db(self) -> Session | None:
        found = first(_session(self.session_key, timezone.now())) if self.session_key else None
        if found is None:
            self._session_key = None
        return found


@kept
def _session(key: str, now: datetime) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=now)
