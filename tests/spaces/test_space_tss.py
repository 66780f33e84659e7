"""The topology space against the published counts, the official code and the official table."""

from __future__ import annotations

import csv
import gzip
import itertools
import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from harness.spaces.tss import EDGES, OPERATIONS, TopologySpace, unique_string

CELLS = list(itertools.product(range(5), repeat=6))


@pytest.fixture(scope="module")
def space() -> TopologySpace:
    return TopologySpace()


def test_the_official_text(space: TopologySpace) -> None:
    text = (
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|"
        "+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
    )
    assert space.from_string(text) == (3, 3, 4, 1, 3, 1)
    assert space.to_string((3, 3, 4, 1, 3, 1)) == text


def test_all_texts_differ_and_round_trip(space: TopologySpace) -> None:
    assert len(space) == len(CELLS) == 15_625
    texts = [space.to_string(cell) for cell in CELLS]
    assert len(set(texts)) == 15_625
    assert [space.from_string(text) for text in texts] == CELLS


def test_samples_are_uniform(space: TopologySpace) -> None:
    rng = random.Random(2)
    counts = Counter(space.sample(rng) for _ in range(156_250))
    # Poisson with mean 10: the variance equals the mean.
    values = np.array([counts[cell] for cell in CELLS])
    assert values.sum() == 156_250
    assert abs(values.var() - 10) < 0.5
    for place in range(6):
        shares = Counter[int]()
        for cell, count in counts.items():
            shares[cell[place]] += count
        assert all(abs(shares[v] / 156_250 - 0.2) < 0.006 for v in range(5))


def test_published_counts(space: TopologySpace) -> None:
    """Cells without a path and with a dangling node, by independent searches."""

    def paths(cell: tuple[int, ...]) -> list[tuple[int, ...]]:
        edges = dict(zip(EDGES, cell, strict=True))
        routes = [(0, 3), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3)]
        return [r for r in routes if all(edges[e] for e in itertools.pairwise(r))]

    for cell in CELLS:
        routes = paths(cell)
        assert space.has_path(cell) == bool(routes)
        on_path = {node for route in routes for node in route}
        assert space.has_dangling_node(cell) == (not {1, 2} <= on_path)
    assert sum(not space.has_path(cell) for cell in CELLS) == 341
    assert sum(space.has_dangling_node(cell) for cell in CELLS) == 6_345


def test_classes(space: TopologySpace) -> None:
    for grouping, count in ((space.canonical, 6_466), (space.functional, 5_260)):
        least: dict[tuple[int, ...], tuple[int, ...]] = {}
        for cell in CELLS:  # in lexicographic order
            least.setdefault(grouping(cell), cell)
        assert len(least) == count
        assert all(representative == cell for representative, cell in least.items())
        assert all(grouping(representative) == representative for representative in least)


def test_unique_string_is_the_official_one(space: TopologySpace) -> None:
    official = pytest.importorskip("nats_bench.genotype_utils")
    for cell in CELLS[::5]:
        structure = official.topology_str2structure(space.to_string(cell))
        assert unique_string(cell) == structure.to_unique_str(consider_zero=True)
        assert space.has_path(cell) == structure.check_valid()


def test_isomorphic_cells_are_equal(space: TopologySpace) -> None:
    """Without an operation on 1->2, nodes 1 and 2 can change places."""
    for cell in CELLS:
        a, b, inner, direct, c, d = cell
        if inner == 0:
            swapped = (b, a, 0, direct, d, c)
            assert space.functional(cell) == space.functional(swapped)
    # The official string keeps the absent operand's mark in node 2's sum: it tells these apart.
    assert space.canonical((0, 3, 0, 0, 0, 3)) != space.canonical((3, 0, 0, 0, 3, 0))


def test_known_equal_and_unequal_networks(space: TopologySpace) -> None:
    def equal(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[bool, bool]:
        return (
            space.canonical(one) == space.canonical(other),
            space.functional(one) == space.functional(other),
        )

    # One convolution from input to output, and dead operations around it.
    assert equal((0, 0, 0, 3, 0, 0), (3, 0, 0, 3, 0, 0)) == (True, True)
    # Two convolutions side by side, and one that is used twice: other weights.
    assert equal((3, 0, 0, 3, 1, 0), (3, 0, 1, 0, 1, 1)) == (False, False)
    assert equal((3, 0, 0, 3, 1, 0), (3, 3, 0, 0, 1, 1)) == (False, True)
    # A skip connection in front of a convolution or behind it.
    assert equal((1, 0, 0, 0, 3, 0), (3, 0, 0, 0, 1, 0)) == (True, True)
    # An operation after another one is not the two in the other order.
    assert equal((2, 0, 0, 0, 3, 0), (3, 0, 0, 0, 2, 0)) == (False, False)


def exact_network(cell: tuple[int, ...]) -> str:
    """The live network with every shared convolution named, least over all namings."""
    terms: dict[int, list[tuple]] = {0: [("input",)]}  # type: ignore[type-arg]
    for node in (1, 2, 3):
        terms[node] = []
        for place, ((source, target), value) in enumerate(zip(EDGES, cell, strict=True)):
            if target == node and value and terms[source]:
                name = None if OPERATIONS[value] == "avg_pool_3x3" else place
                own = (value, name, terms[source])
                terms[node] += terms[source] if value == 1 else [own]

    uses = Counter[int]()

    def count(sum_: list[tuple]) -> None:  # type: ignore[type-arg]
        for term in sum_:
            if len(term) == 3:
                if term[1] is not None:
                    uses[term[1]] += 1
                count(term[2])

    def write(sum_: list[tuple], names: dict[int, str]) -> str:  # type: ignore[type-arg]
        parts = [
            "input" if len(t) == 1 else f"{t[0]}{names.get(t[1], '')}({write(t[2], names)})"
            for t in sum_
        ]
        return "+".join(sorted(parts))

    count(terms[3])
    shared = [place for place, times in uses.items() if times > 1]
    orders = itertools.permutations([f"'{i}" for i in range(len(shared))])
    return min(write(terms[3], dict(zip(shared, order, strict=True))) for order in orders)


def test_functional_tells_shared_convolutions_from_equal_ones(space: TopologySpace) -> None:
    by_exact = defaultdict(set)
    for cell in CELLS:
        by_exact[exact_network(cell)].add(space.functional(cell))
    assert len(by_exact) == 5_260
    assert all(len(classes) == 1 for classes in by_exact.values())
    # As many classes on both sides, so the groupings are the same.


def test_how_the_official_grouping_differs(space: TopologySpace) -> None:
    networks = defaultdict(set)
    for cell in CELLS:
        networks[space.canonical(cell)].add(space.functional(cell))
    assert sum(len(several) > 1 for several in networks.values()) == 430


def test_graph(space: TopologySpace) -> None:
    adjacency, operations = space.graph((3, 0, 4, 1, 0, 2))
    names = ("input", "nor_conv_3x3", "avg_pool_3x3", "skip_connect", "nor_conv_1x1", "output")
    assert operations == names
    edges = {(operations[i], operations[j]) for i, j in np.argwhere(adjacency)}
    assert edges == {
        ("input", "nor_conv_3x3"),
        ("nor_conv_3x3", "avg_pool_3x3"),
        ("avg_pool_3x3", "nor_conv_1x1"),
        ("nor_conv_1x1", "output"),
        ("input", "skip_connect"),
        ("skip_connect", "output"),
    }


def test_graphs_have_paths_where_cells_have(space: TopologySpace) -> None:
    for cell in CELLS[::7]:
        adjacency, operations = space.graph(cell)
        assert len(operations) == 2 + sum(value != 0 for value in cell)
        reach = np.linalg.matrix_power(np.eye(len(operations)) + adjacency, 6)
        assert (reach[0, -1] > 0) == space.has_path(cell)


@pytest.mark.data
def test_the_official_table(space: TopologySpace, data_dir: Path) -> None:
    path = data_dir / "nasbench201" / "nb201_main.csv.gz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    pairs = set()
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            cell = tuple(int(digit) for digit in row["ops"])
            assert space.to_string(cell) == row["arch_str"]
            assert unique_string(cell) == row["unique_str"]
            pairs.add((space.canonical(cell), row["unique_str"]))
    assert len(pairs) == 6_466
