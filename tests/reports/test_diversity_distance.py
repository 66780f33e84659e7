"""Graph edit distances against networkx's search and against all maps written out."""

from __future__ import annotations

import random
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.spaces import CategoricalSpace, get_space
from harness.spaces.tss import EDGES, OPERATIONS
from reports.studies.diversity.distance import distances
from reports.studies.diversity.graphs import CellGraph, cell_graph
from tests.reports.edit_distance import by_every_map, by_networkx

TSS = get_space("tss")
NB101 = get_space("nasbench101")
NONE = OPERATIONS.index("none")
CHAIN = CategoricalSpace("chain", [list("abc"), list("xy"), list("pqrs"), list("ab")])

cells = st.tuples(*[st.integers(0, len(OPERATIONS) - 1)] * len(EDGES))
seeds = st.integers(0, 2**32)


def distance(a: CellGraph, b: CellGraph) -> int:
    return int(distances([a, b])[0, 1])


def cell_of_101(seed: int) -> tuple[int, ...]:
    return NB101.sample(random.Random(seed))  # type: ignore[return-value]


def relabelled(cell: tuple[int, ...], order: tuple[int, ...]) -> tuple[int, ...] | None:
    """The same cell with its inner vertices in another order, if that is an encoding."""
    matrix = np.zeros((7, 7), dtype=int)
    matrix[np.triu_indices(7, 1)] = cell[:21]
    places = [0, *order, 6]
    moved = matrix[np.ix_(places, places)]
    if np.tril(moved).any():
        return None
    return (*moved[np.triu_indices(7, 1)].tolist(), *(cell[21 + place - 1] for place in order))


@given(cells, cells)
def test_numbered_cells(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    """Symmetric, zero for equal cells only, and what the definition says."""
    first, second = cell_graph(TSS, a), cell_graph(TSS, b)
    found = distances([first, second])
    assert found[0, 1] == found[1, 0] == by_every_map(first, second)
    assert (found[0, 1] == 0) == (a == b)
    # Each edge: nothing, one operation more or fewer, or a swap.
    by_edge = [0 if x == y else 1 + (NONE not in (x, y)) for x, y in zip(a, b, strict=True)]
    assert found[0, 1] == sum(by_edge)


@given(cells, st.integers(0, len(EDGES) - 1), st.integers(0, len(OPERATIONS) - 1))
def test_one_swap_is_two(cell: tuple[int, ...], place: int, value: int) -> None:
    other = (*cell[:place], value, *cell[place + 1 :])
    expected = 0 if value == cell[place] else 1 if NONE in (value, cell[place]) else 2
    assert distance(cell_graph(TSS, cell), cell_graph(TSS, other)) == expected


@given(seeds, seeds)
def test_free_vertices(first: int, second: int) -> None:
    """NAS-Bench-101's pruned cells: the least over all maps, zero for isomorphic cells only."""
    a, b = cell_of_101(first), cell_of_101(second)
    graphs = cell_graph(NB101, a), cell_graph(NB101, b)
    found = distances(graphs)
    assert found[0, 1] == found[1, 0] == by_every_map(*graphs)
    assert (found[0, 1] == 0) == (NB101.canonical(a) == NB101.canonical(b))


@given(seeds, st.sampled_from(list(permutations(range(1, 6)))))
def test_isomorphic_cells_are_nowhere_apart(seed: int, order: tuple[int, ...]) -> None:
    cell = cell_of_101(seed)
    other = relabelled(cell, order)
    if other is not None:
        assert NB101.canonical(other) == NB101.canonical(cell)
        assert distance(cell_graph(NB101, cell), cell_graph(NB101, other)) == 0


@given(seeds, st.integers(0, 4), st.integers(1, 2))
def test_one_swapped_vertex_is_two(seed: int, place: int, by: int) -> None:
    cell = cell_of_101(seed)
    other = (*cell[: 21 + place], (cell[21 + place] + by) % 3, *cell[22 + place :])
    graphs = cell_graph(NB101, cell), cell_graph(NB101, other)
    pruned = graphs[0].vertices == graphs[1].vertices
    assert distance(*graphs) == (0 if pruned else 2)


@given(st.lists(seeds, min_size=3, max_size=3))
def test_triangles(three: list[int]) -> None:
    for graphs in (
        [cell_graph(NB101, cell_of_101(seed)) for seed in three],
        [cell_graph(TSS, TSS.sample(random.Random(seed))) for seed in three],
    ):
        found = distances(graphs)
        assert found[0, 2] <= found[0, 1] + found[1, 2]


def test_against_networkx() -> None:
    """The sum over numbered vertices, and the least over exchanges, are its exact distance."""
    rng = random.Random(3)
    small = [
        g for g in (cell_graph(NB101, NB101.sample(rng)) for _ in range(40)) if len(g.vertices) < 6
    ]
    for graphs in ([cell_graph(TSS, TSS.sample(rng)) for _ in range(7)], small[:7]):
        found = distances(graphs)
        for i, a in enumerate(graphs):
            for j, b in enumerate(graphs[:i]):
                assert found[i, j] == by_networkx(a, b)


def test_decisions_in_a_chain() -> None:
    """Two for each decision that differs: their vertices are numbered."""
    rng = random.Random(4)
    cells_ = [CHAIN.sample(rng) for _ in range(20)]
    found = distances([cell_graph(CHAIN, cell) for cell in cells_])
    expected = [
        [2 * sum(x != y for x, y in zip(a, b, strict=True)) for b in cells_] for a in cells_
    ]
    assert found.tolist() == expected


def test_equal_graphs_are_computed_once_and_many_are_refused() -> None:
    graph = CellGraph(("input", "a", "output"), ((0, 1, ""), (1, 2, "")), numbered=False)
    assert distances([graph] * 3).tolist() == [[0] * 3] * 3
    assert distances([]).shape == (0, 0)
    wide = CellGraph(("input", *"abcdefgh", "output"), (), numbered=False)
    with pytest.raises(UserError, match="8 inner vertices"):
        distances([wide, graph])


def test_operations() -> None:
    cell = (1, 0, 2, 2, 0, 3)
    assert sorted(cell_graph(TSS, cell).operations) == [
        "nor_conv_1x1", "nor_conv_1x1", "nor_conv_3x3", "skip_connect",
    ]  # fmt: skip
    assert cell_graph(CHAIN, (0, 1, 3, 0)).operations == ("a", "y", "s", "a")
