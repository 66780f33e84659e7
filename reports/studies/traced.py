"""Searches of a study: run in this process, or read from an experiment, with their winners."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from harness.benchmarks import Benchmark
from harness.loop import Budget, Search, run_search
from harness.spec import SearcherSpec
from harness.traces import Trace
from reports.incumbents import incumbents
from reports.records import Cell, Question


def question_of(benchmark: Benchmark) -> Question:
    """What an opened benchmark asks, as an experiment would describe it."""
    protocol = benchmark.protocol
    measures = {
        "search": protocol.search,
        "selection": protocol.selection,
        "report": protocol.report,
    }
    return Question(
        name=benchmark.name,
        label=benchmark.name,
        source=benchmark.name,
        checksum=benchmark.checksum,
        dataset=benchmark.dataset,
        protocol=protocol,
        leaks=tuple(benchmark.leaks),
        split={role: benchmark.split_of(m) for role, m in measures.items()},
        units={role: benchmark.unit_of(m) for role, m in measures.items()},
    )


def run_searches(
    benchmark: Benchmark, spec: SearcherSpec, seeds: Iterable[int], budget: Budget
) -> list[Trace]:
    """One search a seed, with one worker, in this process.

    Raises:
        UserError: If the searcher does not suit the benchmark.
    """
    return [
        run_search(
            Search(
                spec.build(benchmark.search_space(), seed, benchmark.fidelities),
                benchmark,
                budget,
                seed,
                spec.identity,
            )
        )
        for seed in seeds
    ]


def padded(cell: Cell, values: Sequence[np.ndarray]) -> np.ndarray:
    """Numbers of every evaluation in the shape of a cell's columns, float64 [searches, longest].

    Args:
        cell: The searches.
        values: One array a search, in the order of its seeds.
    """
    found = np.full(cell.columns["end"].shape, np.nan)
    for row, numbers in zip(found, values, strict=True):
        row[: len(numbers)] = numbers
    return found


def of_incumbents(cell: Cell, numbers: np.ndarray, *, missing_charged: bool = True) -> np.ndarray:
    """What some number of the incumbent is after every charged evaluation.

    Args:
        cell: The searches.
        numbers: [searches, longest], a number of every recorded evaluation.
        missing_charged: As `reports.incumbents.incumbents` has it.

    Returns:
        float64 [searches, charged evaluations], as `Incumbents.values`.
    """
    renumbered = replace(cell, columns=cell.columns | {"report": numbers})
    return incumbents(renumbered, missing_charged=missing_charged).values["report"]
