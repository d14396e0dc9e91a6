"""Run inside the application's environment: each page once through Django's client, with the queries it asks."""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lernbegleitung.settings")
django.setup()

from django.db import connection, reset_queries  # noqa: E402
from django.test import Client  # noqa: E402

FRAME = ("django_session", "set_config", "current_setting", "accounts_rolegrant")  # session, actor, person and roles
READ_ONLY = (
    ", set_config('transaction_read_only', 'on', true)"  # the floor writes down openings in the same transaction
)


def main() -> None:
    wanted = json.loads(Path(sys.argv[1]).read_text())
    result = {}
    for name, (person, path) in wanted.items():
        client = Client(headers={"host": "127.0.0.1"})
        signed = client.post("/accounts/login/", {"login": f"{person}@example.org", "password": "lernbegleitung-demo"})
        assert signed.status_code == 302, signed.status_code
        client.get(path)
        connection.force_debug_cursor = True
        reset_queries()
        response = client.get(path)
        queries = [q["sql"] for q in connection.queries]
        connection.force_debug_cursor = False
        assert response.status_code == 200, (path, response.status_code)
        html = response.content.decode()
        asked = [q for q in queries if q.upper().lstrip("(").startswith(("SELECT", "UPDATE", "INSERT"))]
        own = [q for q in asked if not any(word in q for word in FRAME)]
        actor = [q.replace(READ_ONLY, "") for q in asked if "set_config('app.user_id'" in q][-1:] or []
        result[name] = {
            "queries": [*actor, *own],
            "all": len(asked),
            "own": len(own),
            "html": html,
            "kb": round(len(html.encode()) / 1024, 1),
            "gzip_kb": round(len(gzip.compress(html.encode(), 6)) / 1024, 1),
        }
    Path(sys.argv[2]).write_text(json.dumps(result))


main()
