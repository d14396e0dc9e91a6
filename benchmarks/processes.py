"""What processes use, from /proc: seconds of CPU, and memory (PSS: what is shared counts in parts)."""

from __future__ import annotations

import os
from pathlib import Path

HZ = os.sysconf("SC_CLK_TCK")


def stat(pid: int) -> list[str]:
    """The fields after the name; [1] is the parent, [11] to [14] the ticks of it and of its children that have ended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def family(pid: int) -> list[int]:
    """A process and all below it, the elder ones first."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int(stat(int(folder.name))[1])
            except OSError:
                continue  # it has ended meanwhile
    found = [pid]
    for one in found:
        found += sorted(child for child, parent in parents.items() if parent == one)
    return found


def cpu(pid: int) -> float:
    """Seconds of CPU of a process and all below it, those that have ended included."""
    ticks = 0
    for one in family(pid):
        try:
            ticks += sum(int(field) for field in stat(one)[11:15])
        except OSError:
            continue
    return ticks / HZ


def pss(pid: int) -> float:
    """Megabytes of one process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def memory(pids: dict[str, int]) -> dict[str, float]:
    """Megabytes of every process of these families: “web” is the master, “web 1” its first child."""
    found = {}
    for name, pid in pids.items():
        for number, one in enumerate(family(pid)):
            try:
                found[f"{name} {number}" if number else name] = pss(one)
            except OSError:
                continue
    return found


def together(found: dict[str, float], name: str) -> dict[str, float]:
    """One family as one line."""
    own = {key: mb for key, mb in found.items() if key.split()[0] == name}
    return {key: mb for key, mb in found.items() if key not in own} | {name: round(sum(own.values()), 1)}
