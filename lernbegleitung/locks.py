"""`python -m lernbegleitung.locks`: lock files name versions and hashes, never the address of a registry."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt", "package-lock.json")
ADDRESS = re.compile(r"https?://|file:|--(?:extra-)?index-url|--find-links")


def named_addresses() -> list[str]:
    """The lines that name an address."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name in LOCKS
        for number, line in enumerate((BASE_DIR / name).read_text().splitlines(), 1)
        if ADDRESS.search(line) and "funding" not in line
    ]


def unhashed() -> list[str]:
    """Requirements without a hash."""
    blocks = re.split(r"\n(?=[a-z0-9])", (BASE_DIR / "requirements-dev.txt").read_text())
    return [block.splitlines()[0] for block in blocks if "==" in block and "--hash=" not in block]


def strip_addresses() -> None:
    """Take `resolved` and `funding` out of package-lock.json; npm finds the files by version and checks `integrity`."""
    file = BASE_DIR / "package-lock.json"
    lock = json.loads(file.read_text())
    for package in lock["packages"].values():
        for key in ("resolved", "funding"):
            package.pop(key, None)
    file.write_text(json.dumps(lock, indent=2) + "\n")


def main() -> int:
    """0 when all is well."""
    if "--strip" in sys.argv:
        strip_addresses()
    faults = named_addresses() + [f"no hash: {line}" for line in unhashed()]
    for fault in faults:
        sys.stderr.write(fault + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
