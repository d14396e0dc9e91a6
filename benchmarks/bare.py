"""The floor: a page's own queries by psycopg and one f-string, no framework. `PAGES` names a JSON file of the pages."""

from __future__ import annotations

import json
import os
from pathlib import Path

from psycopg_pool import ConnectionPool

PAGES = json.loads(Path(os.environ["BARE_PAGES"]).read_text())
POOL = ConnectionPool(os.environ["BARE_DATABASE"], min_size=2, max_size=10, open=True)


def application(environ, start_response):
    page = PAGES[environ["PATH_INFO"].strip("/")]
    rows = 0
    with POOL.connection() as connection, connection.cursor() as cursor:
        for query in page["queries"]:
            cursor.execute(query, prepare=True)
            if cursor.description:
                rows += len(cursor.fetchall())
    body = f"{page['html']}<!-- {rows} rows -->".encode()
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
