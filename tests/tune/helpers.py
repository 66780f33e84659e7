"""Running the command line in a process of its own, and reading what it left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.traces import read_metadata, trace_files

SEARCHERS = ("random_search", "regularized_evolution:population_size=8,tournament_size=3")


def digests(out: Path) -> dict[tuple[str, int], str]:
    """(searcher, seed) -> digest, over all trace files; fails if a search is there twice."""
    found: dict[tuple[str, int], str] = {}
    for path in trace_files(out):
        metadata = read_metadata(path)
        for header, digest in zip(metadata["headers"], metadata["digests"], strict=True):
            key = (header["searcher"], header["seed"])
            assert key not in found, f"{key} was run twice"
            found[key] = digest
    return found


def command(
    table: Path, out: Path, *extra: str, seeds: int = 3, evaluations: int = 25
) -> list[str]:
    """A `nas-harness run` on the table."""
    words = [sys.executable, "-m", "harness", "run", "--benchmark", str(table)]
    for searcher in SEARCHERS:
        words += ["--searcher", searcher]
    budget = ["--seeds", str(seeds), "--evaluations", str(evaluations)]
    return [*words, *budget, "--out", str(out), *extra]


def start(words: Sequence[str], cwd: Path | None = None) -> subprocess.Popen[str]:
    """Start a command in a session of its own, so that it can be killed with its children."""
    return subprocess.Popen(
        words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def finish(process: subprocess.Popen[str], timeout: float = 240) -> tuple[int, str, str]:
    """Wait for a command: its status and what it wrote."""
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def run(words: Sequence[str], cwd: Path | None = None) -> tuple[int, str, str]:
    """Start and finish a command."""
    return finish(start(words, cwd))


def wait_for(
    condition: Callable[[], bool],
    process: subprocess.Popen[str],
    timeout: float = 180,
    *,
    running: bool = True,
) -> None:
    """Wait until a condition holds, by default while the process runs."""
    end = time.monotonic() + timeout
    while not condition():
        assert not running or process.poll() is None, process.communicate()
        assert time.monotonic() < end, "the condition never held"
        time.sleep(0.02)


def kill_session(process: subprocess.Popen[str]) -> None:
    """``kill -9`` of the driver and all that it started, as when a machine goes down."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def workers_of(name: str) -> list[int]:
    """Process numbers of the Ray actors whose title begins with a name."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                title = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if title.startswith(f"ray::{name}"):
                found.append(int(entry.name))
    return found
