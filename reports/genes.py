"""Architectures of searches as decisions ("genes"), and what uniform sampling makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.benchmarks import Benchmark, TableBenchmark
from harness.spaces import Architecture, CategoricalSpace, SearchSpace
from harness.streams import stream
from reports.records import Cell

DRAWS = 10_000
"""Sampled architectures, where a space cannot be enumerated from a table."""


def architectures_at(cell: Cell, space: SearchSpace, places: np.ndarray) -> list[Architecture]:
    """The architectures of chosen evaluations.

    Args:
        cell: The searches.
        space: Where they searched.
        places: int [searches], one recorded evaluation of each; -1 for none, which is left out.

    Raises:
        UserError: If the space does not know an architecture of the traces.
    """
    codes = cell.columns["architecture"][np.arange(len(places)), places][places >= 0]
    known = {code: space.from_string(cell.architectures[code]) for code in set(codes.tolist())}
    return [known[code] for code in codes.tolist()]


def enumerated(benchmark: Benchmark) -> np.ndarray | None:
    """All architectures of a table, int64 [architectures, decisions]; None where it hides them.

    Tables that are keyed by something else than an architecture's decisions (a hash of its graph)
    do not give them back.
    """
    space = benchmark.space
    own_keys = isinstance(space, CategoricalSpace) and type(space).key is CategoricalSpace.key
    if not isinstance(benchmark, TableBenchmark) or not own_keys:
        return None
    return np.asarray(benchmark.table.keys, dtype=np.int64)


def uniform_draws(space: SearchSpace) -> Sequence[Architecture]:
    """`DRAWS` architectures of a space, the same every time."""
    rng = stream(0, "null", space.name)
    return [space.sample(rng) for _ in range(DRAWS)]
