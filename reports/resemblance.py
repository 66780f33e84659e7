"""How much of the best initial sample is left in what a search found.

A lucky initial sample can decide a search: Lundberg ("Evolution of Residual Architectures", 2020,
discussion) found four of the eight genes of the best initial sample in a winner. That says
something only beside what chance gives: a uniformly drawn architecture has genes in common with
any other, and two good ones have more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.benchmarks import Benchmark
from harness.spaces import SearchSpace
from reports.genes import architectures_at, enumerated, uniform_draws
from reports.incumbents import winners
from reports.intervals import Estimate, estimate_mean
from reports.records import Cell


@dataclass(frozen=True)
class Resemblance:
    """A strategy's winners beside the best of their own initial samples.

    Attributes:
        searcher: The strategy's label.
        initial: Evaluations of the initial design, by the strategy's options.
        n: Searches that found something in it.
        same: Share of searches whose winner *is* the best initial sample, or equals it.
        shared: Mean share of decisions that the winner has in common with the best initial one.
        chance: The same for a uniformly drawn architecture in the winner's place.
        random_search: The same for the sampled random search, with as many first evaluations as
            its initial design; None if there is none.
    """

    searcher: str
    initial: int
    n: int
    same: float
    shared: Estimate
    chance: float
    random_search: Estimate | None


@dataclass(frozen=True)
class Resemblances:
    """All strategies with an initial design on one benchmark.

    Attributes:
        decisions: Decisions of an architecture.
        drawn: Architectures that `chance` was averaged over, all of the table or sampled ones.
        exhaustive: Whether these are all.
        found: One a strategy.
    """

    decisions: int
    drawn: int
    exhaustive: bool
    found: tuple[Resemblance, ...]


def initial_samples(options: Mapping[str, Any]) -> int | None:
    """Evaluations before a strategy begins to learn, by its options; None if they do not say."""
    for name in ("initial_samples", "population_size"):
        value = options.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def resemblances(
    cells: Mapping[str, Cell],
    options: Mapping[str, Mapping[str, Any]],
    benchmark: Benchmark,
    random_search: str | None,
) -> Resemblances | None:
    """Compare winners with initial samples.

    Args:
        cells: Label -> searches, of strategies that evaluate.
        options: Label -> the strategy's options.
        benchmark: What was searched.
        random_search: Label of the sampled random search.

    Returns:
        None where architectures are no lists of decisions, or no strategy has an initial design.
    """
    space = benchmark.space
    initial = {label: initial_samples(options[label]) for label in cells}
    if space.sizes is None or not any(initial.values()):
        return None
    everyone = enumerated(benchmark)
    drawn = everyone if everyone is not None else _matrix(uniform_draws(space), space)
    frequencies = [
        np.bincount(drawn[:, i], minlength=size) / len(drawn) for i, size in enumerate(space.sizes)
    ]
    reference = cells.get(random_search) if random_search is not None else None
    found = []
    for label, cell in cells.items():
        first = initial[label]
        # Without evaluations after the initial design there is nothing to resemble it.
        if first is None or first >= cell.columns["status"].shape[1]:
            continue
        shared, best = _shared(cell, space, first)
        if not shared.size:
            continue
        chance = np.mean([f[best[:, i]] for i, f in enumerate(frequencies)], axis=0)
        beside = None if reference is None else _shared(reference, space, first)[0]
        found.append(
            Resemblance(
                searcher=label,
                initial=first,
                n=len(shared),
                same=float((shared == 1.0).mean()),
                shared=estimate_mean(shared).clipped(0.0, 1.0),
                chance=float(chance.mean()),
                random_search=None if beside is None else estimate_mean(beside).clipped(0.0, 1.0),
            )
        )
    if not found:
        return None
    return Resemblances(len(space.sizes), len(drawn), everyone is not None, tuple(found))


def _shared(cell: Cell, space: SearchSpace, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Share of decisions in common, float64 [searches]; the best initial ones' decisions."""
    early = winners(cell, first=first)
    late = np.where(early >= 0, winners(cell), -1)
    best, last = (_matrix(architectures_at(cell, space, p), space) for p in (early, late))
    return (best == last).mean(axis=1), best


def _matrix(architectures: Sequence[Any], space: SearchSpace) -> np.ndarray:
    """Architectures as int64 [architectures, decisions]."""
    assert space.sizes is not None
    return np.array(architectures, dtype=np.int64).reshape(-1, len(space.sizes))
