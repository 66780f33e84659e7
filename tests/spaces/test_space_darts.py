"""The space of DARTS: samples and moves, several operations on an edge, the notation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.spaces.darts import (
    EDGES,
    INNER,
    INPUTS,
    OPERATIONS,
    DartsSpace,
    Masks,
    cells_of,
    kept,
)
from harness.streams import stream
from tests.released_cells import BAYESNAS, DARTS_V2

SPACE = DartsSpace()
masks = st.integers(0, (1 << len(OPERATIONS)) - 1)
architectures = st.tuples(*[masks] * (2 * len(EDGES))).filter(SPACE.valid)
sparse = st.tuples(*[st.sampled_from([0, 0, 1, 4, 6])] * (2 * len(EDGES))).filter(SPACE.valid)


def edges_by_node(architecture: Masks) -> Iterator[list[tuple[int, int]]]:
    """For each inner node of both cells its used edges: source and number of operations."""
    for cell in cells_of(architecture):
        for node in INNER:
            pairs = zip(EDGES, cell, strict=True)
            yield [(s, len(kept(mask))) for (s, t), mask in pairs if t == node and mask]


def test_a_cell_has_fourteen_edges_of_seven_operations() -> None:
    assert len(EDGES) * len(OPERATIONS) == 98
    assert EDGES[:5] == ((0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
    assert len(SPACE.features(SPACE.sample(stream(0, "darts")))) == 2 * 98


def test_samples_have_two_sources_a_node_and_an_operation_of_each() -> None:
    assert len(SPACE) == (1 * 3 * 6 * 10 * 49**4) ** 2
    rng = stream(1, "darts")
    for _ in range(50):
        sample = SPACE.sample(rng)
        for near in (sample, SPACE.mutate(sample, rng), SPACE.crossover(sample, sample, rng)):
            assert all([n for _, n in edges] == [1, 1] for edges in edges_by_node(near))


def test_every_move_of_a_small_part_is_drawn() -> None:
    """Mutation reaches all neighbours; the neighbours' number follows from the two moves."""
    sample = SPACE.sample(stream(2, "darts"))
    near = SPACE.neighbours(sample)
    other_operations = 16 * (len(OPERATIONS) - 1)
    other_sources = 2 * sum(2 * (node - 2) for node in INNER)
    assert len(near) == other_operations + other_sources
    rng = stream(3, "darts")
    assert {SPACE.mutate(sample, rng) for _ in range(4000)} == set(near)
    unchanged = sum(SPACE.mutate(sample, rng, new_value=False) == sample for _ in range(4000))
    assert unchanged == pytest.approx(500, abs=5 * (4000 * 7 / 64) ** 0.5)


@settings(max_examples=25)
@given(sparse)
def test_moves_keep_the_numbers_of_operations(architecture: Masks) -> None:
    numbers = [sorted(n for _, n in edges) for edges in edges_by_node(architecture)]
    near = SPACE.neighbours(architecture)
    for neighbour in near[:: max(1, len(near) // 5)]:
        assert neighbour in SPACE and architecture in SPACE.neighbours(neighbour)
        assert [sorted(n for _, n in e) for e in edges_by_node(neighbour)] == numbers  # type: ignore[arg-type]


@given(architectures)
def test_any_number_of_operations_has_a_text(architecture: Masks) -> None:
    text = SPACE.to_string(architecture)
    assert SPACE.from_string(text) == architecture
    features = SPACE.features(architecture).reshape(28, 7)
    assert [kept(mask) for mask in architecture] == [tuple(row.nonzero()[0]) for row in features]


def test_released_cells_are_inside() -> None:
    text = SPACE.to_string(SPACE.encoded(*BAYESNAS["0.005"]))
    assert text.startswith("normal:max_pool_3x3~0+avg_pool_3x3~0+skip_connect~0|sep_conv_5x5~0+")
    assert len({SPACE.encoded(*cells) for cells in (*BAYESNAS.values(), DARTS_V2)}) == 4


@pytest.mark.parametrize(
    "old_new",
    [
        ("skip_connect~0+sep_conv_3x3~0", "sep_conv_3x3~0+skip_connect~0"),  # another order
        ("skip_connect~0+", "skip_connect~0+skip_connect~0+"),  # twice
        ("skip_connect~2", "skip_connect~5"),  # a later source
        ("skip_connect~2", "zero~2"),
        ("normal", "reduction"),
        ("skip_connect~1+", "skip_connect~01+"),
        (";reduction", ""),
        ("|", ""),
    ],
)
def test_other_texts_are_refused(old_new: tuple[str, str]) -> None:
    text = SPACE.to_string(SPACE.encoded(*BAYESNAS["0.007"]))
    changed = text.replace(*old_new, 1)
    assert changed != text
    with pytest.raises(UserError, match="not an architecture of the space 'darts'"):
        SPACE.from_string(changed)


def test_something_must_reach_the_output_of_both_cells() -> None:
    one = tuple(int(edge == (1, 4)) for edge in EDGES)
    inner = tuple(int(edge == (2, 4)) for edge in EDGES)  # its source is not fed
    assert one + one in SPACE
    assert inner + one not in SPACE and one + inner not in SPACE
    assert (*one, *one[:-1], 128) not in SPACE and (*one, *one[:-1], True) not in SPACE
    with pytest.raises(UserError, match="not an architecture"):
        SPACE.encoded([[("max_pool_3x3", 0)], [], [], []], [[], [], [], []])


def test_nodes_in_another_order_are_the_same_network() -> None:
    first = SPACE.encoded(*[[[("sep_conv_3x3", 0)], [("skip_connect", 2)], [], []]] * 2)
    second = SPACE.encoded(*[[[], [("sep_conv_3x3", 0)], [], [("skip_connect", 3)]]] * 2)
    third = SPACE.encoded(*[[[], [("sep_conv_3x3", 0)], [], [("skip_connect", 1)]]] * 2)
    assert SPACE.canonical(first) == SPACE.canonical(second) != SPACE.canonical(third)
    dead = SPACE.encoded(
        *[[[("sep_conv_3x3", 0)], [("skip_connect", 2)], [], [("max_pool_3x3", 4)]]] * 2
    )
    assert SPACE.canonical(dead) == SPACE.canonical(first)


@given(sparse)
def test_canonical_forms_are_themselves_canonical(architecture: Masks) -> None:
    canonical = SPACE.canonical(architecture)
    assert canonical in SPACE and SPACE.canonical(canonical) == canonical


def test_graph_is_both_cells_side_by_side() -> None:
    normal = [[("sep_conv_3x3", 0), ("max_pool_3x3", 1)], [("skip_connect", 2)], [], []]
    reduction = [[("avg_pool_3x3", 1)], [], [], []]
    adjacency, names = SPACE.graph(SPACE.encoded(normal, reduction))
    arcs = {(names[a], names[b]) for a, b in zip(*adjacency.nonzero(), strict=True)}
    assert arcs == {
        *(("input", f"{cell} {node}") for cell in ("normal", "reduction") for node in INPUTS),
        ("normal 0", "sep_conv_3x3"),
        ("normal 1", "max_pool_3x3"),
        ("sep_conv_3x3", "skip_connect"),
        ("max_pool_3x3", "skip_connect"),
        ("reduction 1", "avg_pool_3x3"),
        *((n, "output") for n in ("sep_conv_3x3", "max_pool_3x3", "skip_connect", "avg_pool_3x3")),
    }
