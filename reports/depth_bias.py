"""Are the winners shallower, or deeper, than chance? A null test against uniform sampling.

Lundberg ("Evolution of Residual Architectures", 2020) remarks that no winner of six searches has
more than 80 layers in a space that goes to 218. Against uniform sampling that has a probability:
F(80) to the sixth power, F being the distribution of the depth of a uniformly drawn architecture.
The deepest of many winners says little, so that the test here is of their *mean* depth. Depths are
whole numbers, and the distribution of a sum of n of them is computed, not approximated.

A small p says that winners are not like uniform draws. That can be a bias of the strategy, of the
fidelity that guides it, or simply the truth about the space: the depths of what random search
finds, and of the best architectures, stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harness.benchmarks import Benchmark, TableBenchmark
from harness.spaces import Architecture, CategoricalSpace, SearchSpace
from reports.enumerated import Enumerated
from reports.genes import architectures_at, enumerated, uniform_draws
from reports.incumbents import winners
from reports.intervals import Estimate, estimate_mean
from reports.random_search import RandomSearch
from reports.records import Cell

IDENTITIES = frozenset({"skip_connect", "skip", "identity"})
"""Operations that add no depth."""

LEAST_P = 1e-9
"""Smaller p values are lost in the rounding of the transform."""

BEST = 0.01
"""Share of the architectures that count as the best ones, by their report, with ties."""


@dataclass(frozen=True, eq=False)
class DepthNull:
    """Depths of uniformly drawn architectures.

    Attributes:
        first: The least depth.
        chance: float64 [depths], probability of each depth from `first` on.
    """

    first: int
    chance: np.ndarray

    @classmethod
    def of(cls, depths: np.ndarray, weights: np.ndarray | None = None) -> DepthNull:
        """From depths int [n], equally likely or weighted."""
        first = int(depths.min())
        chance = np.bincount(depths - first, weights)
        return cls(first, chance / chance.sum())

    @property
    def mean(self) -> float:
        """The expected depth."""
        return self.first + float(self.chance @ np.arange(len(self.chance)))

    def at_most(self, depth: float) -> float:
        """The probability of a depth of at most so much."""
        return float(min(self.chance[: max(int(np.floor(depth)) - self.first + 1, 0)].sum(), 1.0))

    def p_of_mean(self, depths: np.ndarray) -> float:
        """Two-sided p that n uniform draws have a mean depth as far out as `depths` int [n]."""
        n, total = len(depths), int((depths - self.first).sum())
        length = n * (len(self.chance) - 1) + 1
        size = 1 << (length - 1).bit_length()
        sums = np.fft.irfft(np.fft.rfft(self.chance, size) ** n, size)[:length]
        sums = np.clip(sums, 0.0, None)
        # Where the null was sampled, winners may lie outside of it.
        lower, upper = sums[: max(total + 1, 0)], sums[max(total, 0) :]
        tails = float(lower.sum()), float(upper.sum())
        return float(np.clip(2.0 * min(tails), LEAST_P, 1.0))


@dataclass(frozen=True)
class DepthBias:
    """The depths of one strategy's winners.

    Attributes:
        searcher: Its label.
        n: Winners.
        depth: Their mean depth.
        p: Two-sided p against uniform sampling; `LEAST_P` means that or less.
        deepest: The deepest winner's depth.
        below_deepest: Probability that one uniform draw is at most so deep.
        all_below: Probability that n are: the deepest winner's own null test.
    """

    searcher: str
    n: int
    depth: Estimate
    p: float
    deepest: int
    below_deepest: float
    all_below: float


@dataclass(frozen=True)
class DepthBiases:
    """Depths on one benchmark.

    Attributes:
        drawn: Architectures of the null, all of the table or sampled ones.
        exhaustive: Whether these are all.
        uniform: Their mean depth.
        shallowest: The least depth among them.
        deepest: The greatest.
        random_search: Expected depth of what exact random search finds; None without it.
        best: Mean depth of the best architectures (`BEST`) by their report; None where the table
            does not give them back.
        found: One a strategy.
    """

    drawn: int
    exhaustive: bool
    uniform: float
    shallowest: int
    deepest: int
    random_search: float | None
    best: float | None
    found: tuple[DepthBias, ...]


def depth_of(space: SearchSpace, architecture: Architecture) -> int:
    """Operations on the longest path from input to output; identities count nothing.

    A space that has a method `depth` answers itself, as one of layers does. 0 without any path.
    """
    own = getattr(space, "depth", None)
    if own is not None:
        return int(own(architecture))
    graph = space.graph(architecture)
    last = len(graph.operations) - 1
    longest = [0, *[-1] * last]
    for node in range(1, last + 1):
        before = [longest[i] for i in np.flatnonzero(graph.adjacency[:, node]).tolist()]
        reached = max((d for d in before if d >= 0), default=-1)
        if reached >= 0:
            counts = node < last and graph.operations[node] not in IDENTITIES
            longest[node] = reached + counts
    return max(longest[last], 0)


def compare_depths(searcher: str, depths: np.ndarray, null: DepthNull) -> DepthBias:
    """Compare winners' depths int [n] with uniform sampling."""
    deepest = int(depths.max())
    below = null.at_most(deepest)
    return DepthBias(
        searcher=searcher,
        n=len(depths),
        depth=estimate_mean(depths.astype(np.float64)),
        p=null.p_of_mean(depths),
        deepest=deepest,
        below_deepest=below,
        all_below=below ** len(depths),
    )


def depth_biases(
    cells: Mapping[str, Cell],
    benchmark: Benchmark,
    listed: Enumerated | None = None,
    search: RandomSearch | None = None,
    n: int | None = None,
) -> DepthBiases | None:
    """Compare the depths of all strategies' winners with uniform sampling.

    Args:
        cells: Label -> searches.
        benchmark: What was searched.
        listed: Its table's values, if it has a table.
        search: Exact random search.
        n: Evaluations of a whole search.

    Returns:
        None where all architectures are equally deep.
    """
    space = benchmark.space
    if not hasattr(space, "depth") and type(space).graph is CategoricalSpace.graph:
        # Chains of one length.
        return None
    everyone = enumerated(benchmark)
    if everyone is None:
        depths = np.array([depth_of(space, a) for a in uniform_draws(space)])
    else:
        depths = _all_depths(space, everyone.astype(np.uint8).tobytes(), everyone.shape[1])
    null = DepthNull.of(depths)
    if len(null.chance) == 1:
        return None
    found = []
    for label, cell in cells.items():
        won = architectures_at(cell, space, winners(cell))
        if won:
            found.append(compare_depths(label, _depths(space, won), null))
    expected = best = None
    if everyone is not None and isinstance(benchmark, TableBenchmark) and listed is not None:
        rows = _row_depths(benchmark, depths)
        top = listed.among(BEST)
        best = float(np.average(rows[top], weights=listed.size[top])) if top.any() else None
        if search is not None and n is not None:
            chance = search.holders(n)
            expected = float(chance @ rows[search.outcomes.row] / chance.sum())
    return DepthBiases(
        drawn=len(depths),
        exhaustive=everyone is not None,
        uniform=null.mean,
        shallowest=null.first,
        deepest=null.first + len(null.chance) - 1,
        random_search=expected,
        best=best,
        found=tuple(found),
    )


def _depths(space: SearchSpace, architectures: Sequence[Architecture]) -> np.ndarray:
    known = {a: depth_of(space, a) for a in dict.fromkeys(architectures)}
    return np.array([known[a] for a in architectures], dtype=np.int64)


@lru_cache(maxsize=4)
def _all_depths(space: SearchSpace, keys: bytes, decisions: int) -> np.ndarray:
    """Depths of a table's architectures; benchmarks on one space share them."""
    genes = np.frombuffer(keys, np.uint8).reshape(-1, decisions)
    depths = np.array([depth_of(space, tuple(a)) for a in genes.tolist()], dtype=np.int64)
    depths.flags.writeable = False
    return depths


def _row_depths(benchmark: TableBenchmark, depths: np.ndarray) -> np.ndarray:
    """Mean depth of the architectures that share each row; 0 where there is none."""
    table = benchmark.table
    size = np.bincount(table.row_of, minlength=table.n_rows)
    total = np.bincount(table.row_of, depths, minlength=table.n_rows)
    return np.asarray(total / np.maximum(size, 1))
