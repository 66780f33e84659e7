"""How long a search by a supernet would take, from one of its epochs."""

from __future__ import annotations

import time

from harness.benchmarks import Benchmark
from harness.experiment import Cell
from harness.one_shot.recorded import start


def one_shot_seconds(cell: Cell, benchmark: Benchmark, seed: int) -> float:
    """Real seconds of one of a cell's searches on this machine: its start and its epochs.

    The network that a live benchmark trains at the end comes on top.
    """
    began = time.perf_counter()
    search = start(cell.searcher, benchmark, cell.budget, seed)
    started = time.perf_counter() - began
    search.advance()
    return started + (time.perf_counter() - began - started) * search.epochs
