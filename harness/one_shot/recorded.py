"""One-shot searches with checkpoint, log and trace below an experiment's directory."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.benchmarks.base import Benchmark
from harness.benchmarks.packed import atomic_write
from harness.loop import Budget
from harness.one_shot.problem import problem_of
from harness.one_shot.search import OneShotSearch
from harness.spec import SearcherSpec
from harness.traces import Trace, batch_bytes, telemetry

if TYPE_CHECKING:
    from harness.experiment import Batch

CHECKPOINT_SECONDS = 2.0
"""Real seconds between two checkpoints, which are made where an epoch ends."""


class Files(Protocol):
    """Files of an experiment, by their paths relative to its directory."""

    def read(self, path: str) -> bytes | None:
        """A file's content; None if there is none."""

    def write(self, path: str, content: bytes) -> None:
        """Write a file, whole or not at all."""

    def remove(self, path: str) -> None:
        """Delete a file, if it is there."""


class LocalFiles:
    """Files on this machine.

    Args:
        out: The experiment's directory.
    """

    def __init__(self, out: Path) -> None:
        self._out = out

    def read(self, path: str) -> bytes | None:
        """See `Files.read`."""
        file = self._out / path
        return file.read_bytes() if file.exists() else None

    def write(self, path: str, content: bytes) -> None:
        """See `Files.write`."""
        with atomic_write(self._out / path) as stream:
            stream.write(content)

    def remove(self, path: str) -> None:
        """See `Files.remove`."""
        (self._out / path).unlink(missing_ok=True)


def start(
    spec: SearcherSpec,
    benchmark: Benchmark,
    budget: Budget,
    seed: int,
    state: bytes | None = None,
) -> OneShotSearch:
    """A search, begun or resumed; see `OneShotSearch`."""
    method = spec.build_one_shot(problem_of(benchmark), seed)
    return OneShotSearch(method, benchmark, budget, seed, spec.identity, state)


def run_whole(spec: SearcherSpec, benchmark: Benchmark, budget: Budget, seed: int) -> Trace:
    """A search in this process, with nothing on disk."""
    search = start(spec, benchmark, budget, seed)
    while not search.over:
        search.advance()
    return search.trace()


class RecordedSearch:
    """One of a cell's searches, which goes on where an earlier process was interrupted.

    Args:
        batch: The search's batch, which holds no other.
        benchmark: Its cell's benchmark.
        files: Where all of it is kept.
    """

    def __init__(self, batch: Batch, benchmark: Benchmark, files: Files) -> None:
        cell, (seed,) = batch.cell, batch.seeds
        self._path, self._files = batch.path, files
        self._log = log_path(cell.directory, seed)
        self._checkpoint = checkpoint_path(cell.directory, seed)
        state = files.read(self._checkpoint)
        self.search = start(cell.searcher, benchmark, cell.budget, seed, state)
        self._saved = time.monotonic()

    def advance(self) -> Trace | None:
        """Train for an epoch; the trace, recorded, after the last one."""
        if not self.search.over:
            self.search.advance()
            if time.monotonic() - self._saved > CHECKPOINT_SECONDS:
                self._files.write(self._checkpoint, self.search.state())
                self._saved = time.monotonic()
        if not self.search.over:
            return None
        trace = self.search.trace()
        lines = [json.dumps(entry, separators=(",", ":")) for entry in self.search.logs]
        self._files.write(self._log, "".join(f"{line}\n" for line in lines).encode())
        # The trace says that the search is finished: nothing comes after it but tidying.
        self._files.write(self._path, batch_bytes([trace], telemetry()))
        self._files.remove(self._checkpoint)
        return trace


def run_recorded(batch: Batch, benchmark: Benchmark, files: Files) -> Trace:
    """The search of a batch, from its checkpoint if there is one, in this process."""
    search = RecordedSearch(batch, benchmark, files)
    trace = None
    while trace is None:
        trace = search.advance()
    return trace


def checkpoint_path(directory: str, seed: int) -> str:
    """Where an unfinished search's state is, by the name of its cell's directory."""
    return f"journal/{directory}/seed-{seed:06d}.pt"


def log_path(directory: str, seed: int) -> str:
    """Where a finished search's log is: one line of JSON an epoch."""
    return f"one-shot/{directory}/seed-{seed:06d}.jsonl"


def read_log(out: str | Path, directory: str, seed: int) -> list[dict[str, Any]]:
    """What a method said of each epoch of a finished search, see `OneShot.log`.

    Args:
        out: The experiment's directory.
        directory: Name of the cell's directory below ``traces/``.
        seed: The search's seed.
    """
    text = (Path(out) / log_path(directory, seed)).read_text()
    return [json.loads(line) for line in text.splitlines()]
