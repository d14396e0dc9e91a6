"""The application with one wall left out, for measuring what the wall costs. Never for anything else.

BENCH_WITHOUT: "" (nothing left out), "policies" (the database role bypasses them), "sealing" (texts lie in clear in a
copy of the database), "log" (openings are not written down).
"""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lernbegleitung.settings")
application = get_wsgi_application()

from django.urls import get_resolver  # noqa: E402

import engagements.views.journal  # noqa: E402
from lernbegleitung import rls, vault  # noqa: E402

WITHOUT = os.environ["BENCH_WITHOUT"]


def read_plain(self: vault.SealedText, instance: Any, owner: type) -> Any:
    """As SealedText reads, without a key."""
    if instance is None:
        return self
    text = bytes(getattr(instance, f"{self.name}_sealed") or b"").decode()
    if text:
        rls.note_opened(instance)
    return text


get_resolver().url_patterns  # noqa: B018  (imports every view)
engagements.views.journal.PAGE = 50
if WITHOUT == "sealing":
    vault.SealedText.__get__ = read_plain  # type: ignore[method-assign]
    without = {
        "load_keys": lambda key_ids: None,
        "with_keys": lambda rows, of: rows,
        "take_keys": lambda rows, of: None,
    }
    for module in list(sys.modules.values()):
        for name in without.keys() & vars(module).keys():
            setattr(module, name, without[name])
if WITHOUT == "log":
    rls.opening_logs.clear()
