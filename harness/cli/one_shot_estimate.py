"""How long a search by a supernet would take, from a few of its steps."""

from __future__ import annotations

import time

from harness.benchmarks import Benchmark
from harness.experiment import Cell
from harness.one_shot.recorded import start

_BATCHES = 10


def one_shot_seconds(cell: Cell, benchmark: Benchmark, seed: int) -> float:
    """Real seconds of one of a cell's searches on this machine: its start and its training.

    The network that a live benchmark trains at the end comes on top.
    """
    began = time.perf_counter()
    search = start(cell.searcher, benchmark, cell.budget, seed)
    started = time.perf_counter() - began
    method, passes = search.method, search.plan.passes
    used = method.epoch(min(passes, _BATCHES * method.problem.recipe.batch_size))
    took = time.perf_counter() - began - started
    return started + took * passes / max(used, 1)
