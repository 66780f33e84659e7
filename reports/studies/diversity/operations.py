"""Which operations the found architectures use, and which together, beside the space's rates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.intervals import estimate_mean
from reports.studies.diversity.graphs import CellGraph
from reports.studies.diversity.result import OperationUse, Together

ALL = "all"


def counted(graphs: Sequence[CellGraph], names: Sequence[str]) -> np.ndarray:
    """How often each operation is in each graph, int64 [graphs, names]."""
    place = {name: i for i, name in enumerate(names)}
    found = np.zeros((len(graphs), len(names)), dtype=np.int64)
    for row, graph in zip(found, graphs, strict=True):
        for operation in graph.operations:
            row[place[operation]] += 1
    return found


def operation_use(
    group: str, names: Sequence[str], searches: Sequence[np.ndarray], base: np.ndarray
) -> list[OperationUse]:
    """Mean numbers of each operation in an architecture, and of all of them.

    Args:
        group: Label of the group.
        names: The operations.
        searches: Counts [architectures, operations] of each search.
        base: Counts of architectures of the space.
    """
    means = np.stack([counts.mean(axis=0) for counts in searches])
    use = [
        OperationUse(group, name, estimate_mean(means[:, i]), float(base[:, i].mean()))
        for i, name in enumerate(names)
    ]
    total = estimate_mean(means.sum(axis=1))
    return [*use, OperationUse(group, ALL, total, float(base.sum(axis=1).mean()))]


def together(
    group: str, names: Sequence[str], searches: Sequence[np.ndarray], base: np.ndarray
) -> list[Together]:
    """Shares of architectures with two operations; arguments as of `operation_use`."""
    shares = np.mean([_both(counts) for counts in searches], axis=0)
    of_space = _both(base)
    return [
        Together(group, first, second, float(shares[i, j]), float(of_space[i, j]))
        for i, first in enumerate(names)
        for j, second in enumerate(names)
        if i <= j
    ]


def _both(counts: np.ndarray) -> np.ndarray:
    """Share of architectures [n, operations] with both, or with two of one: [ops, ops]."""
    has = (counts > 0).astype(np.float64)
    shares = has.T @ has / len(counts)
    np.fill_diagonal(shares, (counts > 1).mean(axis=0))
    return np.asarray(shares)
