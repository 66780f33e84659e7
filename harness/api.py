"""One search by one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.benchmarks import Benchmark, open_benchmark
from harness.experiment import as_searcher
from harness.loop import Budget, Search, run_search
from harness.protocol import Protocol
from harness.spec import SearcherSpec
from harness.traces import Trace


def search(
    benchmark: str | Path | Benchmark,
    searcher: str | Mapping[str, Any] | SearcherSpec,
    *,
    seed: int = 0,
    evaluations: int | None = None,
    seconds: float | None = None,
    epochs: int | None = None,
    image_passes: int | None = None,
    workers: int = 1,
    protocol: str | Protocol | None = None,
) -> Trace:
    """Run one search in this process.

    Args:
        benchmark: Registered name, path of a table (``#dataset`` added if need be), or an opened
            benchmark.
        searcher: As in ``"regularized_evolution:population_size=50"``, or a mapping.
        seed: The search's seed.
        evaluations: Most charged evaluations.
        seconds: Most virtual seconds.
        epochs: Most trained epochs in all.
        image_passes: Most images on their way through a network in training.
        workers: Simulated asynchronous workers.
        protocol: One of the benchmark's protocols; default: its default.

    Returns:
        The trace: header, architectures, columns (`harness.traces.COLUMNS`) and digest.

    Raises:
        UserError: If something is unknown or out of range, or the protocol leaks test data.

    Example:
        >>> import harness
        >>> trace = harness.search("tss-digits", "random_search", seed=1, evaluations=100)
        >>> len(trace)
        100
    """
    spec = as_searcher(searcher)
    if not isinstance(benchmark, Benchmark):
        benchmark = open_benchmark(benchmark, protocol)
    budget = Budget(evaluations, seconds, epochs, image_passes)
    if spec.one_shot:
        from harness.one_shot.recorded import run_whole

        return run_whole(spec, benchmark, budget, int(seed))
    built = spec.build(benchmark.search_space(), int(seed), benchmark.fidelities)
    return run_search(Search(built, benchmark, budget, int(seed), spec.identity, workers))
