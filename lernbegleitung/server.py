"""What gunicorn is told, wherever it starts: `gunicorn -c python:lernbegleitung.server`.

Chosen by measurement (docs/decisions/0028-server-settings.md); everything else is gunicorn's own default.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

wsgi_app = "lernbegleitung.wsgi"
bind = "127.0.0.1:8000"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))  # processes: one for each core
threads = int(os.environ.get("WEB_THREADS", "4"))  # in each; the pool of connections is as large (settings.py)
preload_app = True  # loaded once, shared by all: a new process is there in milliseconds and knows the walls stand
max_requests, max_requests_jitter = 10_000, 1_000  # then a process is replaced by a fresh one
graceful_timeout = 20  # seconds for what runs at the end; no statement may take longer than ten
keepalive = 65  # seconds; longer than the proxy keeps its connections, so that it is never we who hang up
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  (a sign of life must not wait for a disk)
control_socket_disable = True  # nobody steers the server past the machine it runs on


def when_ready(server: Any) -> None:
    """Before the first process is forked: fetch what all of them need, and let the collector leave it where it is."""
    from .wsgi import warm

    warm()
    gc.collect()
    gc.freeze()
