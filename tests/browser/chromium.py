"""Find a Chromium for the browser tests; where it may, install Debian's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


def find_chromium() -> Path | None:
    """The browser named by CHROMIUM, or the first on the path."""
    named = os.environ.get("CHROMIUM")
    found = next((path for name in ([named] if named else NAMES) if name and (path := shutil.which(name))), None)
    return Path(found) if found else None


def install() -> None:
    """Install Debian's, if there is none and this is root on a machine with apt."""
    if find_chromium():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("· Chromium for the browser tests (apt-get install chromium)", flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False, **quiet)


if __name__ == "__main__" and "--install" in sys.argv:
    install()
