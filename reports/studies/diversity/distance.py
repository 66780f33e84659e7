"""Graph edit distances: how many vertices and edges to delete and insert.

Deleting or inserting a vertex or an edge costs 1; replacing a label is a deletion and an
insertion, 2 (Kyriakides, PhD thesis, University of Macedonia, 2022, section 8.3: one operation
swapped = 2). Input stays input, and output output.

Where vertices are numbered the distance is a sum over pairs of vertices. Elsewhere it is the
least such sum over all exchanges of inner vertices, the smaller graph filled up with absent ones:
with these costs an exchange never costs more than a deletion and an insertion (2 at most for the
vertices themselves, and each pair of edges that it brings together saves), so that nothing
cheaper leaves two vertices unmatched.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from harness.errors import UserError
from reports.studies.diversity.graphs import CellGraph

MOST_INNER = 7
"""Inner vertices without numbers up to which all exchanges are tried: 5,040."""


def distances(graphs: Sequence[CellGraph]) -> np.ndarray:
    """Graph edit distances of all pairs, int64 [n, n].

    Raises:
        UserError: If graphs have too many inner vertices without numbers.
    """
    if not graphs:
        return np.zeros((0, 0), dtype=np.int64)
    distinct = list(dict.fromkeys(graphs))
    codes = _codes(distinct)
    between = _pairwise(codes, codes if distinct[0].numbered else _exchanged(codes))
    place = {graph: i for i, graph in enumerate(distinct)}
    of = np.array([place[graph] for graph in graphs])
    return np.asarray(between[np.ix_(of, of)])


def _codes(graphs: Sequence[CellGraph]) -> np.ndarray:
    """Labels as numbers, int8 [graphs, 1 + size, size]: vertices, then edges by source.

    0 is nothing there. Absent vertices stand before the output.
    """
    labels = {label for g in graphs for label in g.vertices}
    labels |= {label for g in graphs for _, _, label in g.edges}
    number = {label: i for i, label in enumerate(sorted(labels), 1)}
    size = max(len(graph.vertices) for graph in graphs)
    codes = np.zeros((len(graphs), 1 + size, size), dtype=np.int16)
    for found, graph in zip(codes, graphs, strict=True):
        last = len(graph.vertices) - 1
        for vertex, label in enumerate(graph.vertices):
            found[0, vertex if vertex < last else size - 1] = number[label]
        for source, target, label in graph.edges:
            found[1 + source, target if target < last else size - 1] = number[label]
    return codes


def _exchanged(codes: np.ndarray) -> np.ndarray:
    """All exchanges of inner vertices, [exchanges, graphs, 1 + size, size]."""
    size = codes.shape[2]
    if size - 2 > MOST_INNER:
        raise UserError(
            f"graphs of {size - 2} inner vertices: exact edit distances are computed for at most"
            f" {MOST_INNER}"
        )
    orders = [(0, *inner, size - 1) for inner in permutations(range(1, size - 1))]
    return np.stack([codes[:, [0, *(1 + v for v in order)]][:, :, order] for order in orders])


def _pairwise(codes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Least cost over the leading axis of `others`, if it has one, for all pairs [n, n]."""
    n = len(codes)
    flat = codes.reshape(n, -1)
    choices = others.reshape(-1, n, flat.shape[1])
    found = np.empty((n, n), dtype=np.int64)
    for i, own in enumerate(flat):
        rest = choices[:, i:]
        differ = rest != own
        # One more where something stands on both sides.
        cost = differ.sum(axis=2) + (differ & (rest != 0) & (own != 0)).sum(axis=2)
        found[i, i:] = found[i:, i] = cost.min(axis=0)
    return found
