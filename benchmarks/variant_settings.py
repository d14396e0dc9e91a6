"""The settings with some of them different, for measuring what each is worth: BENCH_SETTINGS, as JSON."""

from __future__ import annotations

import json
import os

from lernbegleitung.settings import *  # noqa: F403

_changes = json.loads(os.environ.get("BENCH_SETTINGS", "{}"))
if "options" in _changes:
    DATABASES["default"]["OPTIONS"].update(_changes.pop("options"))  # noqa: F405
if "database" in _changes:
    DATABASES["default"].update(_changes.pop("database"))  # noqa: F405
if _changes.pop("read templates anew", False):
    TEMPLATES[0]["APP_DIRS"] = False  # noqa: F405
    TEMPLATES[0]["OPTIONS"]["loaders"] = [  # noqa: F405
        "django.template.loaders.filesystem.Loader",
        "django.template.loaders.app_directories.Loader",
    ]
globals().update(_changes)
