"""The depot: an actor on the driver's node that hands out work and tables and takes in traces.

A cluster has no shared disk by default. Tables reach a node once, by content hash, into a local
cache; traces go back to the driver's node, which alone writes to ``--out``. Neither passes
through Tune's results, which would keep them in the driver's memory.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from harness.benchmarks import Benchmark, TableBenchmark, function_class, open_table
from harness.benchmarks.packed import PackedTable, atomic_write
from harness.errors import HarnessError, UserError
from harness.experiment import Cell


class Depot:
    """Serves one experiment; runs as a Ray actor without CPU (`start_depot`)."""

    def __init__(self, out: str, files: dict[str, str]) -> None:
        self._out = Path(out)
        self._files = files
        self._batches = iter(range(0))

    def offer(self, batches: int) -> None:
        """Have batches to take, numbered from 0."""
        self._batches = iter(range(batches))

    def take(self) -> int | None:
        """The number of a batch that nobody has taken; None if there is none."""
        return next(self._batches, None)

    def write(self, path: str, content: bytes) -> None:
        """Write a trace file below the experiment's directory, whole or not at all."""
        with atomic_write(self._out / path) as stream:
            stream.write(content)

    def table(self, checksum: str) -> bytes:
        """A table's file."""
        return Path(self._files[checksum]).read_bytes()


def start_depot(out: Path, cells: list[Cell]) -> Any:
    """A depot actor on the node of the calling process."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    names = {cell.checksum: cell.benchmark.source.partition("#")[0] for cell in cells}
    sources = {c: name for c, name in names.items() if function_class(name) is None}
    files = {checksum: str(open_table(source).path) for checksum, source in sources.items()}
    actor = ray.remote(num_cpus=0)(Depot).options(
        scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=False)
    )
    return actor.remote(str(out.resolve()), files)


@cache
def table_cache() -> Path:
    """Where this node keeps tables that came from a driver."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "nas-harness" / "tables"


_benchmarks: dict[str, Benchmark] = {}


def benchmark_of(cell: Cell, depot: Any) -> Benchmark:
    """A cell's benchmark in a worker: a table from this node's disk, or else by the depot.

    Raises:
        UserError: If a computed benchmark is another one here than at the driver.
    """
    if cell.question not in _benchmarks:
        name, _, dataset = cell.benchmark.source.partition("#")
        function = function_class(name)
        if function is None:
            table = _local_table(cell) or _fetched_table(cell, depot)
            _benchmarks[cell.question] = TableBenchmark(table, dataset or None, cell.protocol)
            return _benchmarks[cell.question]
        computed = function(cell.protocol)
        if computed.checksum != cell.checksum:
            raise UserError(
                f"benchmark '{name}' is not the driver's on node {os.uname().nodename}: install"
                " the same version on all nodes"
            )
        _benchmarks[cell.question] = computed
    return _benchmarks[cell.question]


def _local_table(cell: Cell) -> PackedTable | None:
    cached = table_cache() / f"{cell.checksum}.table"
    for source in (cell.benchmark.source.partition("#")[0], str(cached)):
        try:
            table = open_table(source)
        except UserError:
            continue
        if table.checksum == cell.checksum:
            return table
    return None


def _fetched_table(cell: Cell, depot: Any) -> PackedTable:
    import ray

    path = table_cache() / f"{cell.checksum}.table"
    with atomic_write(path) as stream:
        stream.write(ray.get(depot.table.remote(cell.checksum)))
    table = PackedTable(path)
    table.verify()
    if table.checksum != cell.checksum:
        raise HarnessError(
            f"{cell.benchmark.source} changed while the experiment ran: start again"
        )
    return table
