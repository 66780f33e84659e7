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
from harness.benchmarks.live import LiveBenchmark
from harness.benchmarks.packed import PackedTable, atomic_write
from harness.errors import HarnessError, UserError
from harness.experiment import Cell
from harness.live.question import LiveQuestion, is_live
from harness.live.record import Record
from harness.live.store import DirectoryStore, training_directory
from harness.one_shot.recorded import LocalFiles


class Depot:
    """Serves one experiment; runs as a Ray actor without CPU (`start_depot`)."""

    def __init__(self, out: str, files: dict[str, str]) -> None:
        self._out = Path(out)
        self._local = LocalFiles(self._out)
        self._files = files
        self._batches = iter(range(0))
        self._stores: dict[str, DirectoryStore] = {}

    def offer(self, batches: int) -> None:
        """Have batches to take, numbered from 0."""
        self._batches = iter(range(batches))

    def take(self) -> int | None:
        """The number of a batch that nobody has taken; None if there is none."""
        return next(self._batches, None)

    def read(self, path: str) -> bytes | None:
        """A file below the experiment's directory."""
        return self._local.read(path)

    def write(self, path: str, content: bytes) -> None:
        """Write a file below the experiment's directory, whole or not at all."""
        self._local.write(path, content)

    def remove(self, path: str) -> None:
        """Delete a file below the experiment's directory."""
        self._local.remove(path)

    def table(self, checksum: str) -> bytes:
        """A table's file."""
        return Path(self._files[checksum]).read_bytes()

    def trainings(self, checksum: str, method: str, *args: Any, **options: Any) -> Any:
        """Call the store of a live benchmark: find, keep, checkpoint or keep_checkpoint."""
        if checksum not in self._stores:
            self._stores[checksum] = DirectoryStore(training_directory(self._out, checksum))
        return getattr(self._stores[checksum], method)(*args, **options)


class DepotStore:
    """A depot's store of trainings, from any node (see `harness.live.store.Store`).

    Args:
        depot: The actor.
        checksum: The live benchmark's.
    """

    def __init__(self, depot: Any, checksum: str) -> None:
        self._depot = depot
        self._checksum = checksum

    def _ask(self, method: str, *args: Any, **options: Any) -> Any:
        import ray

        call = self._depot.trainings.remote(self._checksum, method, *args, **options)
        return ray.get(call)

    def find(self, key: str) -> Record | None:
        """See `Store.find`."""
        found: Record | None = self._ask("find", key)
        return found

    def keep(self, record: Record, *, last: int) -> Record:
        """See `Store.keep`."""
        kept: Record = self._ask("keep", record, last=last)
        return kept

    def checkpoint(self, key: str) -> bytes | None:
        """See `Store.checkpoint`."""
        content: bytes | None = self._ask("checkpoint", key)
        return content

    def keep_checkpoint(self, key: str, content: bytes) -> None:
        """See `Store.keep_checkpoint`."""
        self._ask("keep_checkpoint", key, content)


class DepotFiles:
    """The files of a depot's experiment, from any node (see `harness.one_shot.recorded.Files`).

    Args:
        depot: The actor.
    """

    def __init__(self, depot: Any) -> None:
        self._depot = depot

    def read(self, path: str) -> bytes | None:
        """See `Files.read`."""
        import ray

        content: bytes | None = ray.get(self._depot.read.remote(path))
        return content

    def write(self, path: str, content: bytes) -> None:
        """See `Files.write`."""
        import ray

        ray.get(self._depot.write.remote(path, content))

    def remove(self, path: str) -> None:
        """See `Files.remove`."""
        import ray

        ray.get(self._depot.remove.remote(path))


def start_depot(out: Path, cells: list[Cell]) -> Any:
    """A depot actor on the node of the calling process."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    names = {cell.checksum: cell.benchmark.source.partition("#")[0] for cell in cells}
    computed = {c for c, name in names.items() if is_live(name) or function_class(name)}
    sources = {c: name for c, name in names.items() if c not in computed}
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
        UserError: If a computed benchmark, or what a live one trains on, is another one here
            than at the driver.
    """
    if cell.question not in _benchmarks:
        found = _opened(cell, depot)
        if found.checksum != cell.checksum:
            raise UserError(
                f"benchmark '{found.name}' is not the driver's on node {os.uname().nodename}:"
                " install the same versions and data on all nodes"
            )
        _benchmarks[cell.question] = found
    benchmark = _benchmarks[cell.question]
    if isinstance(benchmark, LiveBenchmark):
        benchmark.trainings.store = DepotStore(depot, cell.checksum)
        if benchmark.trainings.question.workers > 1:
            from harness.tune.parallel import on_ray

            benchmark.trainings.launch = on_ray
    return benchmark


def _opened(cell: Cell, depot: Any) -> Benchmark:
    source = cell.benchmark.source
    if is_live(source):
        return LiveBenchmark(LiveQuestion.parse(source), cell.protocol)
    name, _, dataset = source.partition("#")
    function = function_class(name)
    if function is not None:
        return function(cell.protocol)
    table = _local_table(cell) or _fetched_table(cell, depot)
    return TableBenchmark(table, dataset or None, cell.protocol)


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
