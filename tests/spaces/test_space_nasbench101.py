"""The NAS-Bench-101 space against the published rules and the enumerated space."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.spaces.nasbench101 import EDGES, OPERATIONS, NasBench101Space, module_hash

CONV3, CONV1, POOL = OPERATIONS
NASBENCH101 = NasBench101Space()


@pytest.fixture(scope="module")
def space() -> NasBench101Space:
    return NASBENCH101


def matrix_of(cell: tuple[int, ...]) -> np.ndarray:
    matrix = np.zeros((7, 7), int)
    for (x, y), bit in zip(EDGES, cell[:21], strict=True):
        matrix[x, y] = bit
    return matrix


def pruned(cell: tuple[int, ...]) -> tuple[np.ndarray, list[str]] | None:
    """The official pruning, by walking all paths; None without one."""
    matrix = matrix_of(cell)
    names = ["input", *(OPERATIONS[v] for v in cell[21:]), "output"]
    used: set[int] = set()

    def walk(path: tuple[int, ...]) -> None:
        if path[-1] == 6:
            used.update(path)
        for y in range(path[-1] + 1, 7):
            if matrix[path[-1], y]:
                walk((*path, y))

    walk((0,))
    if not used:
        return None
    kept = sorted(used)
    return matrix[np.ix_(kept, kept)], [names[v] for v in kept]


def relabelled(
    matrix: np.ndarray, names: list[str], rng: random.Random
) -> tuple[np.ndarray, list[str]]:
    """The same graph with its vertices in another topological order."""
    left, order = set(range(len(names))), []
    while left:
        free = [v for v in sorted(left) if not any(matrix[u, v] for u in left)]
        order.append(rng.choice(free))
        left.remove(order[-1])
    return matrix[np.ix_(order, order)], [names[v] for v in order]


# Some encodings are valid (73%), some are not.
encodings = st.tuples(*[st.integers(0, 1)] * 21, *[st.integers(0, 2)] * 5)


@settings(max_examples=400)
@given(encodings)
def test_validity_and_pruning(cell: tuple[int, ...]) -> None:
    space = NASBENCH101
    rest = pruned(cell)
    if rest is None or rest[0].sum() > 9:
        assert cell not in space
        with pytest.raises(UserError, match="space 'nasbench101'"):
            space.key(cell)
        with pytest.raises(UserError, match="space 'nasbench101'"):
            space.graph(cell)
        with pytest.raises(UserError, match="at most 9 edges"):
            space.from_string(space.to_string(cell))
        return
    matrix, names = rest
    assert cell in space
    graph = space.graph(cell)
    assert np.array_equal(graph.adjacency, matrix)
    assert list(graph.operations) == names
    # The pruned graph is a cell of its own, with the same hash.
    small = space.from_matrix(matrix, names)
    assert space.key(small) == space.key(cell)
    labels = [-1, *(OPERATIONS.index(name) for name in names[1:-1]), -2]
    assert module_hash(matrix, labels) == space.key(cell)


@given(st.integers(0, 2**32))
def test_relabelled_graphs_are_equal(seed: int) -> None:
    space, rng = NASBENCH101, random.Random(seed)
    cell = space.sample(rng)
    rest = pruned(cell)
    assert rest is not None
    other = space.from_matrix(*relabelled(*rest, rng))
    assert space.canonical(other) == space.canonical(cell)
    assert space.key(other) == space.key(cell)
    assert space.hash(other) == space.key(cell).hex()
    assert space.representative(other) == space.representative(cell)
    assert space.key(space.representative(cell)) == space.key(cell)


def test_different_graphs_have_different_hashes(space: NasBench101Space) -> None:
    """All cells of up to four vertices: 1, 6 and 84 of them."""
    found: dict[int, set[str]] = {2: set(), 3: set(), 4: set()}
    for n in (2, 3, 4):
        ends = list(itertools.combinations(range(n), 2))
        for bits in itertools.product((0, 1), repeat=len(ends)):
            matrix = np.zeros((n, n), int)
            for (x, y), bit in zip(ends, bits, strict=True):
                matrix[x, y] = bit
            for inner in itertools.product(OPERATIONS, repeat=n - 2):
                try:
                    cell = space.from_matrix(matrix, ["input", *inner, "output"])
                except UserError:
                    continue
                found[len(space.graph(cell).operations)].add(space.hash(cell))
    assert {n: len(hashes) for n, hashes in found.items()} == {2: 1, 3: 6, 4: 84}


@pytest.mark.parametrize(
    ("upper", "inner", "expected"),
    [
        ("110101", [POOL, POOL], "001a6fcc8b38cbc515be788a86bdc804"),
        ("101111", [CONV3, CONV3], "01f0f1cf81ef9193f2946db78ea759ee"),
        ("111011", [CONV3, CONV3], "03d84046b0ce567b2b59e85903aa2f5f"),
        ("100111000111101", [CONV3, POOL, CONV3, CONV3], "18fdcb150ccf7da857c8e7158628e3db"),
        (
            "100001100101100001101",
            [CONV1, CONV1, CONV1, CONV3, CONV1],
            "009ef9ada2620607ba0ae63668c925fb",
        ),
    ],
)
def test_published_hashes(
    space: NasBench101Space, upper: str, inner: list[str], expected: str
) -> None:
    """Cells of the published table."""
    n = len(inner) + 2
    matrix = np.zeros((n, n), int)
    matrix[np.triu_indices(n, 1)] = [int(bit) for bit in upper]
    cell = space.from_matrix(matrix, ["input", *inner, "output"])
    assert space.hash(cell) == expected
    assert space.canonical(cell) == expected
    assert space.key(cell) == bytes.fromhex(expected)


def test_the_official_example(space: NasBench101Space) -> None:
    """The cell that the read-me of google-research/nasbench takes as its example."""
    matrix = [
        [0, 1, 1, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 0],
    ]
    names = ["input", CONV1, CONV3, CONV3, CONV3, POOL, "output"]
    cell = space.from_matrix(matrix, names)
    assert cell[:6] == (1, 1, 1, 0, 1, 0)
    graph = space.graph(cell)
    assert np.array_equal(graph.adjacency, np.array(matrix, bool))
    assert list(graph.operations) == names


def test_notation(space: NasBench101Space) -> None:
    cell = space.from_matrix([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", POOL, "output"])
    text = "100001" + "00001" + "0" * 10 + f":{POOL},{CONV3},{CONV3},{CONV3},{CONV3}"
    assert space.to_string(cell) == text
    assert space.from_string(text) == cell
    for wrong in (text.replace(POOL, "pool"), text[1:], text + f",{CONV3}", "0" * 21 + text[21:]):
        with pytest.raises(UserError, match="space 'nasbench101'"):
            space.from_string(wrong)


@pytest.mark.parametrize(
    ("matrix", "names", "says"),
    [
        ([[0, 1], [0, 0]], ["input", POOL, "output"], "square matrix"),
        ([[0]], ["input"], "square matrix"),
        (np.triu(np.ones((8, 8), int), 1), ["input", *[POOL] * 6, "output"], "2 to 7"),
        ([[0, 1], [1, 0]], ["input", "output"], "above its diagonal"),
        ([[0, 2], [0, 0]], ["input", "output"], "zeros and ones"),
        ([[0, 0], [0, 0]], ["input", "output"], "a path from input to output"),
        (np.triu(np.ones((5, 5), int), 1), ["input", *[POOL] * 3, "output"], "at most 9 edges"),
        ([[0, 1], [0, 0]], ["output", "input"], "operations must be"),
        ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "pool", "output"], CONV3),
    ],
)
def test_what_is_no_cell(
    space: NasBench101Space, matrix: list[list[int]], names: list[str], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        space.from_matrix(matrix, names)


def test_whole_matrices_keep_all_their_decisions(space: NasBench101Space) -> None:
    rng = random.Random(4)
    for _ in range(200):
        cell = space.sample(rng)
        names = ["input", *(OPERATIONS[v] for v in cell[21:]), "output"]
        assert space.from_matrix(matrix_of(cell), names) == cell


def test_length_and_acceptance(space: NasBench101Space) -> None:
    assert len(space) == 1_538_083 * 3**5
    rng = random.Random(0)
    draws = [tuple(int(rng.random() * n) for n in space.sizes) for _ in range(5000)]
    accepted = sum(space.valid(draw) for draw in draws) / 5000
    assert abs(accepted - 1_538_083 / 2**21) < 0.03


def test_sampling_is_that_of_rejection(space: NasBench101Space) -> None:
    """Shares of every decision's options, and of cell sizes, as by drawing until valid."""
    rng = random.Random(6)

    def rejection() -> tuple[int, ...]:
        while True:
            draw = tuple(int(rng.random() * n) for n in space.sizes)
            if space.valid(draw):
                return draw

    n = 8000
    direct = [space.sample(rng) for _ in range(n)]
    drawn = [rejection() for _ in range(n)]
    shares = [np.mean([space.features(c) for c in cells], axis=0) for cells in (direct, drawn)]
    assert np.abs(shares[0] - shares[1]).max() < 0.04
    sizes = [
        np.bincount([len(space.graph(c).operations) for c in cells[:3000]], minlength=8) / 3000
        for cells in (direct, drawn)
    ]
    assert np.abs(sizes[0] - sizes[1]).max() < 0.05


@pytest.fixture(scope="module")
def cells(data_dir: Path) -> dict[str, np.ndarray]:
    path = data_dir / "nasbench101" / "nb101_space.npz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    with np.load(path) as file:
        return {name: file[name] for name in file}


@pytest.mark.data
def test_every_cell_reached_is_in_the_published_space(
    space: NasBench101Space, cells: dict[str, np.ndarray]
) -> None:
    hashes = cells["hash"].tobytes()
    known = {hashes[i : i + 16] for i in range(0, len(hashes), 16)}
    assert len(known) == 423_624
    rng = random.Random(9)
    for _ in range(2000):
        a, b = space.sample(rng), space.sample(rng)
        child = space.mutate(space.crossover(a, b, rng), rng)
        assert {space.key(a), space.key(child)} <= known
    assert {space.key(cell) for cell in space.neighbours(a)} <= known


@pytest.mark.data
def test_hashes_of_the_published_space(
    space: NasBench101Space, cells: dict[str, np.ndarray]
) -> None:
    rows = random.Random(10).sample(range(len(cells["hash"])), 3000)
    small = np.flatnonzero(cells["n_vertices"] < 6)  # rare in a sample
    for row in [*rows, *small[::3].tolist()]:
        n = int(cells["n_vertices"][row])
        bits, ops = int(cells["adj_bits"][row]), int(cells["ops_base3"][row])
        matrix = [
            [int(x < y and bits >> (x + y * (y - 1) // 2) & 1) for y in range(n)] for x in range(n)
        ]
        inner = [OPERATIONS[ops // 3**i % 3] for i in range(n - 2)]
        cell = space.from_matrix(matrix, ["input", *inner, "output"])
        assert space.key(cell) == cells["hash"][row].tobytes()
        assert len(space.graph(cell).operations) == n
