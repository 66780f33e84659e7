"""The processes that descend from one that we started: only those are ever killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

TRIALS = ("ray::EvaluationTrial", "ray::PromotedTrial")
"""How the title of a Ray worker begins that holds a trial."""


def descendants(ancestor: int) -> dict[int, str]:
    """Process number -> title of all that a process started, directly or not."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name before may hold anything, also parentheses.
                after_name = (entry / "stat").read_text().rpartition(") ")[2]
            except OSError:
                continue
            parents[int(entry.name)] = int(after_name.split()[1])
    found: set[int] = {ancestor}
    fresh = found
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found = found | fresh
    titles = {process: _title(process) for process in found - {ancestor}}
    return {process: title for process, title in titles.items() if title}


def trial_workers(ancestor: int) -> list[int]:
    """The descendants that are Ray workers with a trial."""
    found = descendants(ancestor).items()
    return sorted(process for process, title in found if title.startswith(TRIALS))


def kill(process: int) -> bool:
    """``kill -9``; False if it has ended already."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(processes: dict[int, str], seconds: float = 120) -> list[str]:
    """Wait for processes to end; the titles of those that do not."""
    end = time.monotonic() + seconds
    left = processes
    while left and time.monotonic() < end:
        time.sleep(0.05)
        left = {process: title for process, title in left.items() if _title(process)}
    return sorted(left.values())


def _title(process: int) -> str:
    """A process's title; "" if it has ended, also as a zombie."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""
