"""The whole application with demo data, as `make demo` starts it, in a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lernbegleitung.serve import free_port

ROOT = Path(__file__).parents[1]


def start_house(folder: Path) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """The process to terminate at the end, and where it answers (`base`) and keeps its data (`var`)."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "lernbegleitung.serve", "--port", str(free_port())]
    command += ["--var", str(folder / "var"), "--ready-file", str(ready)]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    while not ready.exists():
        assert process.poll() is None, (folder / "serve.log").read_text()
        time.sleep(0.2)
    return process, json.loads(ready.read_text())
