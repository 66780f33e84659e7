"""A benchmark whose processes write down what they do, in one log and so in one order.

Every line is a JSON object that says ``what`` happened: a trial ``measured`` an architecture; a
journal was ``opened``, ``appended`` to or ``removed``; a file or a directory was ``synced``; a
trace was ``renamed`` to its final name; a searcher ``heard`` of an evaluation.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.benchmarks.base import Answer
from harness.journal import Journal
from harness.loop import Search
from harness.spaces import Architecture
from tests.function_benchmark import Slopes

NAME = "tests.tune.kills.observed:Observed"
LOG = "NAS_HARNESS_KILLS_LOG"
"""Environment variable: where the log is."""
DIE = "NAS_HARNESS_KILLS_DIE"
"""Environment variable: the process kills itself just before it would sync for the n-th time."""

SECONDS = 0.01
"""How long a measurement takes, so that kills meet some."""


class Observed(Slopes):
    """`Slopes` that notes every measurement by a trial, but not what proposals ask of it."""

    def read(
        self, architecture: Architecture, fidelity: int | None, seed: int, visit: int
    ) -> float:
        note(
            "measured",
            seed=seed,
            architecture=self.space.to_string(architecture),
            epochs=fidelity or self.protocol.search.epoch,
            visit=visit,
        )
        time.sleep(SECONDS)
        return super().read(architecture, fidelity, seed, visit)

    def evaluator(self, seed: int) -> Callable[..., Answer]:
        return Slopes(self.protocol).evaluator(seed)


def note(what: str, **more: Any) -> None:
    """Add a line to the log that the environment names."""
    write(os.environ[LOG], {"what": what, **more})


def write(log: str | Path, event: dict[str, Any]) -> None:
    """Add a line to a log, whole even if other processes do so at the same time."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, json.dumps(event).encode() + b"\n")
    os.close(handle)


def observe(die: int = 0) -> None:
    """From now on, note what this process does.

    Args:
        die: Kill it just before it would sync for the `die`-th time; 0 for never.
    """
    sync, rename = os.fsync, os.replace
    begin, append, remove = Journal.__init__, Journal.append, Journal.remove
    advance = Search.advance
    left = die

    def fsync(handle: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        size = os.fstat(handle).st_size
        sync(handle)
        note("synced", path=str(Path(f"/proc/self/fd/{handle}").readlink()), size=size)

    def replace(source: Any, target: Any) -> None:
        rename(source, target)
        note("renamed", path=str(Path(target).resolve()))

    def opened(journal: Journal, path: Path) -> None:
        note("opened", path=str(path.resolve()))
        begin(journal, path)

    def appended(journal: Journal, entry: dict[str, Any]) -> None:
        note("appended", path=str(journal.path.resolve()), number=entry["number"])
        append(journal, entry)

    def removed(journal: Journal) -> None:
        note("removed", path=str(journal.path.resolve()))
        remove(journal)

    def advanced(search: Search, *given: Any) -> None:
        number = search.running[0].number
        advance(search, *given)
        note("heard", seed=search.seed, number=number)

    changes: list[tuple[Any, str, Any]] = [
        (os, "fsync", fsync), (os, "replace", replace), (Search, "advance", advanced),
        (Journal, "__init__", opened), (Journal, "append", appended), (Journal, "remove", removed),
    ]  # fmt: skip
    for owner, name, changed in changes:
        setattr(owner, name, changed)


# A driver that `nas-harness run` started comes here when it opens the benchmark.
if LOG in os.environ:
    observe(int(os.environ.get(DIE, "0")))
