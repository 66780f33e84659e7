"""Architectures as a data set: graphs with accuracies, for predictors that rank them.

Kyriakides (2022, chapters 3.5 and 7) trains graph networks on cells of NAS-Bench-101 and on
networks for Fashion-MNIST. Every node has five features, which tell its type of layer. A predictor
answers either one number for a graph or, for a pair, whether the first is worse, equal or better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.datasets.base import Split
from harness.datasets.npz import read_arrays, save_arrays
from harness.datasets.places import folders
from harness.datasets.splitting import deal
from harness.errors import UserError, unknown
from harness.spaces.base import Graph

FEATURES = 5
NAMES = {
    f"graph-{task}{outputs}": (f"graph-{task}", outputs)
    for task in ("nasbench", "f-mnist")
    for outputs in (3, 1)
}
"""A data set's name -> its file's stem, and what is asked of a predictor: one of three classes for
a pair of graphs, or one number for a graph."""

WORSE, EQUAL, BETTER = range(3)

_ARRAYS = ("adjacency", "features", "labels")


@dataclass(frozen=True)
class Graphs:
    """Architectures as graphs.

    Attributes:
        adjacency: bool of shape [n, nodes, nodes]; ``[i, a, b]`` says that a feeds b in graph i.
        features: float32 of shape [n, nodes, 5]; zeros for nodes that a smaller graph lacks.
        labels: float64 of shape [n], such as accuracies: higher is better.
    """

    adjacency: np.ndarray
    features: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class GraphData:
    """Architectures in three parts that have none in common.

    Attributes:
        name: Of the data set.
        outputs: 3 where pairs are compared (see `pairs`), 1 where labels are predicted.
        train: What a predictor learns from.
        valid: What its design is chosen by; may be empty.
        test: What it is judged on.
    """

    name: str
    outputs: int
    train: Graphs
    valid: Graphs
    test: Graphs


@dataclass(frozen=True)
class Pairs:
    """Comparisons of graphs.

    Attributes:
        first: int64 of shape [pairs], positions of the first graphs.
        second: Likewise of the second ones, never before the first.
        relation: int64 of shape [pairs]: whether the first is `WORSE`, `EQUAL` or `BETTER`.
    """

    first: np.ndarray
    second: np.ndarray
    relation: np.ndarray


def pairs(labels: np.ndarray, epsilon: float) -> Pairs:
    """All N (N + 1) / 2 unordered pairs of N graphs, each graph with itself included.

    Args:
        labels: Of the graphs, shape [N].
        epsilon: Graphs are equal if their labels differ by less; 0 leaves none equal but a
            graph to itself (by definition) and exact ties.
    """
    first, second = np.triu_indices(len(labels))
    difference = labels[first] - labels[second]
    relation = np.where(difference > 0, BETTER, WORSE)
    relation[(np.abs(difference) < epsilon) | (difference == 0)] = EQUAL
    return Pairs(first, second, relation.astype(np.int64))


def load_graphs(name: str, split: Split) -> GraphData:
    """A user's own copy of a data set of graphs, dealt as images are.

    The file is an ``.npz`` file with the arrays of `Graphs`; `write_graphs` makes one from
    architectures of any space.

    Args:
        name: One of `NAMES`, of a file in the data sets' folders, or the path of an ``.npz`` file
            (of which pairs are compared).
        split: How many graphs each part gets.

    Raises:
        UserError: If there is no such file, it has another form, or too few graphs.
    """
    path, outputs = _located(name)
    graphs = _read(path)
    train, valid, test = deal(path.stem, len(graphs), None, split)
    return GraphData(name, outputs, _at(graphs, train), _at(graphs, valid), _at(graphs, test))


def write_graphs(
    graphs: Sequence[Graph], labels: Sequence[float], operations: Sequence[str], path: Path
) -> None:
    """Store architectures as `load_graphs` reads them.

    Args:
        graphs: Such as ``space.graph(architecture)`` gives.
        labels: One number a graph; higher is better.
        operations: At most five names; a node's features are the one-hot code of its operation.
        path: Ends in ``.npz``.

    Raises:
        UserError: If an operation is not among the names, or there are more than five.
    """
    if len(operations) > FEATURES:
        raise UserError(f"{len(operations)} operations do not fit into {FEATURES} node features")
    nodes = max(len(graph.operations) for graph in graphs)
    adjacency = np.zeros((len(graphs), nodes, nodes), bool)
    features = np.zeros((len(graphs), nodes, FEATURES), np.float32)
    for i, graph in enumerate(graphs):
        size = len(graph.operations)
        adjacency[i, :size, :size] = graph.adjacency
        for node, operation in enumerate(graph.operations):
            if operation not in operations:
                raise unknown("operation", operation, operations)
            features[i, node, operations.index(operation)] = 1
    save_arrays(
        path,
        {"adjacency": adjacency, "features": features, "labels": np.array(labels, np.float64)},
    )


def _located(name: str) -> tuple[Path, int]:
    """The file of a data set, and the number of outputs that its name asks for."""
    if name not in NAMES:
        if Path(name).suffix == ".npz" and Path(name).is_file():
            return Path(name), 3
        raise unknown("data set of graphs", name, NAMES)
    stem, outputs = NAMES[name]
    for folder in folders():
        if (folder / f"{stem}.npz").is_file():
            return folder / f"{stem}.npz", outputs
    raise UserError(
        f"data set '{name}' is not in {folders()[0]}: make {stem}.npz there with"
        " harness.datasets.graphs.write_graphs"
    )


def _read(path: Path) -> Graphs:
    arrays = read_arrays(path, lambda found: _names(path, found))
    adjacency, features, labels = (arrays[name] for name in _ARRAYS)
    n, nodes = features.shape[:2] if features.ndim == 3 else (0, 0)
    if (
        (features.shape, adjacency.shape, labels.shape)
        != ((n, nodes, FEATURES), (n, nodes, nodes), (n,))
        or any(array.dtype.kind not in "buif" for array in arrays.values())
        or not n
    ):
        raise UserError(
            f"{path} has arrays of shapes {adjacency.shape}, {features.shape} and {labels.shape}:"
            f" adjacency must be [n, nodes, nodes], features [n, nodes, {FEATURES}], labels [n]"
        )
    if not np.isfinite(labels).all() or not np.isfinite(features).all():
        raise UserError(f"{path} has labels or features that are not finite: leave them out")
    return Graphs(adjacency.astype(bool), features.astype(np.float32), labels.astype(np.float64))


def _names(path: Path, found: list[str]) -> list[str]:
    if not set(_ARRAYS) <= set(found):
        raise UserError(
            f"{path} holds {', '.join(found) or 'nothing'}: its arrays must be called"
            f" {', '.join(_ARRAYS)}"
        )
    return list(_ARRAYS)


def _at(graphs: Graphs, chosen: np.ndarray) -> Graphs:
    return Graphs(graphs.adjacency[chosen], graphs.features[chosen], graphs.labels[chosen])
