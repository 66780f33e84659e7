"""How many different cells NAS-Bench-101 has, by counting orbits instead of listing cells.

A cell is a graph, and an operation on each inner vertex. Two cells are one network if a
permutation of the inner vertices turns one into the other. So for each graph up to isomorphism
the number of cells is, by Burnside's lemma, the mean over its automorphisms of 3 to the number of
their cycles.

Source: Ying et al., "NAS-Bench-101" (ICML 2019), section 2, for what a cell is.
"""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np

from harness.spaces.nasbench101 import MAX_EDGES, OPERATIONS, VERTICES


def different_cells() -> int:
    """Cells of two to seven vertices, all on paths from input to output, with at most 9 edges."""
    return sum(_cells_of(vertices) for vertices in range(2, VERTICES + 1))


def _cells_of(vertices: int) -> int:
    edges = list(combinations(range(vertices), 2))
    graphs = _graphs(vertices, edges)
    orders = [(0, *inner, vertices - 1) for inner in permutations(range(1, vertices - 1))]
    # [orders, graphs]: the graph with its vertices renamed, as the bits of a whole matrix.
    renamed = np.array(
        [
            sum(
                graphs[:, place].astype(np.int64) << (order[x] * vertices + order[y])
                for place, (x, y) in enumerate(edges)
            )
            for order in orders
        ]
    )
    # The first graph of each class of equal smallest names stands for its class.
    _, representatives = np.unique(renamed.min(axis=0), return_index=True)
    same = renamed[:, representatives] == renamed[0, representatives]  # the first order is none
    colourings = np.array([len(OPERATIONS) ** _cycles(order[1:-1]) for order in orders])
    return int((colourings @ same // same.sum(axis=0)).sum())


def _graphs(vertices: int, edges: list[tuple[int, int]]) -> np.ndarray:
    """All upper triangular graphs [n, edges] whose vertices are all on paths, with few edges."""
    codes = np.arange(1 << len(edges))
    codes = codes[np.bitwise_count(codes) <= MAX_EDGES]
    bits: np.ndarray = (codes[:, None] >> np.arange(len(edges))) & 1 == 1
    fed = [bits[:, [y == v for _, y in edges]].any(axis=1) for v in range(1, vertices)]
    feeding = [bits[:, [x == v for x, _ in edges]].any(axis=1) for v in range(vertices - 1)]
    # In an acyclic graph that is enough: going back from a vertex ends at the input.
    return bits[np.all(fed + feeding, axis=0)]


def _cycles(order: tuple[int, ...]) -> int:
    """Cycles of a permutation of 1, 2, ..."""
    left, found = set(order), 0
    while left:
        vertex = left.pop()
        found += 1
        while (vertex := order[vertex - 1]) in left:
            left.remove(vertex)
    return found
