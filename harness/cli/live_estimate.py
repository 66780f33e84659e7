"""How long live training would take, from the training of one network for one epoch."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import fmean, median_low
from typing import Any

from harness.benchmarks.live import LiveBenchmark
from harness.cli.console import console, print_table
from harness.experiment import Experiment
from harness.streams import stream

_SAMPLES = 20
"""Architectures whose networks are counted."""


def estimate_live(grid: Experiment, out: Path | None) -> None:
    """Print what the searches on live benchmarks would cost; the others take seconds.

    A random network of the middle size is trained for one epoch on this machine. Times of the
    others are taken to grow with their multiply-adds.
    """
    rows: list[list[object]] = []
    for benchmark in grid.opened:
        if not isinstance(benchmark, LiveBenchmark):
            continue
        left = sum(
            len(batch.seeds)
            for batch in grid.pending(out)
            if batch.cell.live and batch.cell.checksum == benchmark.checksum
        )
        most = (grid.budget.evaluations or 0) * left
        seconds, factor = _one_epoch(benchmark)
        epochs = benchmark.protocol.search.epoch
        each = seconds * factor * epochs
        of_all = f"{most * each / 3600:,.2f}" if most else "-"
        rows.append([benchmark.name, left, most or "-", f"{each:,.1f}", of_all])
    head = ["benchmark", "searches", "evaluations", "seconds a training", "hours in all"]
    print_table("live training, one trial after the other on this machine", head, rows)
    console.print(
        "Trials run side by side, and searches under one seed share trainings: it takes less."
        " The first epoch also starts PyTorch's kernels: on a GPU it is slower than the others.",
    )


def _one_epoch(benchmark: LiveBenchmark) -> tuple[float, float]:
    """Seconds of a middling network's epoch, and how many times as much a mean one computes."""
    space, rng = benchmark.search_space(), stream(0, "live estimate")
    counted: list[tuple[int, Any]] = []
    for _ in range(_SAMPLES):
        architecture = space.sample(rng)
        _, flops = benchmark.trainings.counts(architecture)
        if flops:
            counted.append((flops, architecture))
    middle = median_low([flops for flops, _ in counted])
    architecture = next(a for flops, a in counted if flops == middle)
    benchmark.trainings.train(architecture, 1, 1 << 40, 0)  # loads the images
    began = time.perf_counter()
    benchmark.trainings.train(architecture, 1, (1 << 40) + 1, 0)
    return time.perf_counter() - began, fmean(flops for flops, _ in counted) / middle
