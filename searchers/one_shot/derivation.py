"""From scores of operations to a choice among them that connects input and output."""

from __future__ import annotations

import numpy as np

from harness.errors import UserError
from searchers.one_shot.dag import Choice, SparseDAG, reachable
from searchers.one_shot.relevance import THRESHOLD


def argmax(dag: SparseDAG, scores: np.ndarray, keep: int | None = None) -> Choice:
    """The best operation of every edge, or of the best edges into every node.

    Args:
        dag: The graph.
        scores: [edges, operations]; higher is better, and of equals the first is taken.
        keep: How many edges to keep into each node, those with the best operations (two in Liu,
            Simonyan and Yang, "DARTS", 2019, section 2.4); None: all.
    """
    scores = _fitting(dag, scores)
    best = scores.max(axis=1)
    kept = set(range(len(dag.edges)))
    if keep is not None:
        ranked = [sorted(dag.into(node), key=lambda e: -best[e]) for node in range(dag.nodes)]
        kept = {e for into in ranked for e in into[:keep]}
    return tuple((int(scores[e].argmax()),) if e in kept else () for e in range(len(dag.edges)))


def threshold(dag: SparseDAG, gamma: np.ndarray, level: float = THRESHOLD) -> Choice:
    """The operations whose variance exceeds a level.

    Args:
        dag: The graph.
        gamma: Variances [edges, operations].
        level: The default is where the entropy of a Gaussian of this variance is 0 (M. Yang,
            2019, section 3.2): at or below it an operation is pruned.
    """
    gamma = _fitting(dag, gamma)
    return tuple(tuple(int(o) for o in np.flatnonzero(row > level)) for row in gamma)


def pruned(dag: SparseDAG, choice: Choice) -> Choice:
    """A choice without the operations that lie on no path from an input to the output."""
    live = reachable(dag, choice).live
    return tuple(kept if alive else () for kept, alive in zip(choice, live, strict=True))


def connected(
    dag: SparseDAG, scores: np.ndarray, choice: Choice, *, prune: bool = False
) -> Choice:
    """A choice in which a path leads from some input to the output.

    Where there is none, the best path gets the best operation of every edge on it that has none.
    The best path is the one whose weakest addition scores most; of equals, the one that comes
    from lower nodes. This is our rule: the thesis says that coupling the variances keeps graphs
    connected, but where all of them fall below the threshold nothing is left.

    Args:
        dag: The graph.
        scores: [edges, operations]; higher is better.
        choice: What has been kept so far.
        prune: Whether operations on no path are taken out.

    Raises:
        UserError: If the graph has no path from an input to the output at all.
    """
    scores = _fitting(dag, scores)
    if not reachable(dag, choice).connected:
        worths = [np.inf if kept else s.max() for kept, s in zip(choice, scores, strict=True)]
        path = _best_path(dag, worths)
        choice = tuple(
            kept or ((int(scores[e].argmax()),) if e in path else ())
            for e, kept in enumerate(choice)
        )
    return pruned(dag, choice) if prune else choice


def _best_path(dag: SparseDAG, worths: list[float]) -> set[int]:
    """The edges of the path to the output whose least worth is the greatest."""
    weakest = dict.fromkeys(dag.inputs, np.inf)
    arrival: dict[int, int] = {}
    for e, (source, target) in enumerate(dag.edges):
        if source in weakest:
            worth = min(weakest[source], worths[e])
            if target not in weakest or worth > weakest[target]:
                weakest[target], arrival[target] = worth, e
    ends = [node for node in dag.output if node in weakest]
    if not ends:
        raise UserError("graph: no path leads from its inputs to its output")
    node = max(ends, key=lambda end: weakest[end])
    path = set()
    while node in arrival:
        path.add(arrival[node])
        node = dag.edges[arrival[node]][0]
    return path


def _fitting(dag: SparseDAG, scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != dag.shape or np.isnan(scores).any():
        raise UserError(
            f"graph of {dag.shape} edges and operations: no scores for it have the shape"
            f" {scores.shape} or hold NaN"
        )
    return scores
