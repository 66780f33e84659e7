"""A large sweep through the command line, and the report on it."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from harness.errors import HarnessError
from perf.bench import Bench
from perf.figures import Bar, Row, Sample
from perf.fresh import checked_run
from perf.searches import POPULATION, TOURNAMENT

_SIZES = f"population_size={POPULATION},tournament_size={TOURNAMENT}"
SEARCHERS = (
    "random_search",
    "random_search:replacement=false",
    f"regularized_evolution:{_SIZES}",
    f"classic_evolution:{_SIZES}",
    "local_search",
    "reinforce",
)
_WALL = "Wall time of the command."


def measure(bench: Bench) -> list[Row]:
    """A row for `nas-harness run` and one for `nas-harness report`."""
    sizes, table = bench.sizes, bench.table
    out = bench.scratch / "sweep"
    expected = sizes.seeds * sizes.evaluations * len(SEARCHERS) * len(table.datasets)
    grid = (
        f"{sizes.seeds} seeds x {sizes.evaluations} evaluations x {len(SEARCHERS)} model-free"
        f" searchers x {len(table.datasets)} data sets = {expected:,} evaluations"
    )
    command = ["run", "--seeds", str(sizes.seeds), "--evaluations", str(sizes.evaluations)]
    command += ["--protocol", table.protocol, "--out", str(out)]
    for dataset in table.datasets:
        command += ["--benchmark", f"{table.path}#{dataset}"]
    for searcher in SEARCHERS:
        command += ["--searcher", searcher]
    seconds = []
    for _ in range(sizes.sweeps):
        shutil.rmtree(out, ignore_errors=True)  # or nothing would be left to do
        seconds.append(_timed(command, bench.scratch))
        found = evaluations_in(out)
        if found != expected:
            raise HarnessError(f"the sweep left {found:,} evaluations, not {expected:,}")
    run = Row(
        "sweep on Ray Tune: `nas-harness run` to finished Parquet",
        "s",
        Sample.of(seconds),
        bar=Bar(40, at_least=False),
        note=f"{grid}, on {table.words}; Ray's start and the printed summary included. {_WALL}",
    )
    try:
        command = ["report", str(out)]
        reported: Sample | str = Sample.of(
            [_timed(command, bench.scratch) for _ in range(sizes.sweeps)]
        )
    except HarnessError as error:
        # The sweep's figure is worth keeping.
        reported = f"failed: {error}"
    report = Row(
        "report on the sweep: `nas-harness report`",
        "s",
        reported,
        bar=Bar(30, at_least=False),
        note=f"{expected:,} evaluations. {_WALL}",
    )
    return [run, report]


def _timed(command: list[str], directory: Path) -> float:
    began = time.perf_counter()
    checked_run([sys.executable, "-m", "harness", *command], cwd=directory)
    return time.perf_counter() - began


def evaluations_in(out: Path) -> int:
    """Evaluations in all trace files of an experiment."""
    import pyarrow.parquet as pq

    from harness.traces import trace_files

    return sum(pq.read_metadata(path).num_rows for path in trace_files(out))
