"""Building step by step: encodings worked by hand, and which cells can be built."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.spaces import get_space
from harness.spaces.nasbench101 import EDGES, MAX_EDGES, NasBench101Space
from harness.streams import distinct
from searchers.builders import NOWHERE, STOP, Builder, Cell, CellBuilder, DecisionBuilder

SPACE = get_space("nasbench101")
CONV3, CONV1, POOL = range(3)


def build(builder: Builder[Any], *choices: list[list[int]]) -> Any:
    """The state after these steps, each of which must be allowed."""
    state = builder.start
    for chosen in choices:
        assert builder.finished(state) is None
        for head, neurons, picks in zip(
            builder.heads, builder.allowed(state), chosen, strict=True
        ):
            assert len(picks) == len(set(picks)) == head.picks
            assert set(picks) <= set(neurons) <= set(range(head.size))
        state = builder.step(state, chosen)
    return state


def random_build(builder: Builder[Any], rng: random.Random) -> Any:
    """A finished state, every choice of which was uniform."""
    state = builder.start
    while builder.finished(state) is None:
        chosen = [
            [neurons[i] for i in distinct(rng, len(neurons), head.picks)]
            for head, neurons in zip(builder.heads, builder.allowed(state))
        ]
        state = builder.step(state, chosen)
    return state


def decode(bits: list[int]) -> tuple[int, ...]:
    """The architecture of a finished cell's 45 bits."""
    operations = np.array(bits[21:]).reshape(6, 4)
    return (*bits[:21], *operations[1:].argmax(axis=1).tolist())


# --- cells ------------------------------------------------------------------------------------


def test_the_empty_cell() -> None:
    builder = CellBuilder()
    assert builder.width == 45
    assert builder.encode(builder.start) == [0] * 21 + [0, 0, 0, 1] + [0] * 20
    assert [list(neurons) for neurons in builder.allowed(builder.start)] == [
        [CONV3, CONV1, POOL, STOP],
        [0, NOWHERE],
    ]


def test_encoding_of_a_cell_under_construction() -> None:
    """input -> conv3x3 -> maxpool3x3, and the input to the pooling as well."""
    builder = CellBuilder()
    state = build(builder, [[CONV3], [0, NOWHERE]], [[POOL], [1, 0]])
    assert builder.encode(state) == [
        1, 1, 0, 0, 0, 0,  # 0 -> 1 and 0 -> 2
           1, 0, 0, 0, 0,  # 1 -> 2
              0, 0, 0, 0,
                 0, 0, 0,
                    0, 0,
                       0,
        0, 0, 0, 1,  # input
        1, 0, 0, 0,  # conv3x3
        0, 0, 1, 0,  # maxpool3x3
        0, 0, 0, 0,
        0, 0, 0, 0,
        0, 0, 0, 0,
    ]  # fmt: skip
    assert list(builder.allowed(state)[1]) == [0, 1, 2, NOWHERE]
    assert builder.finished(state) is None


def test_the_output_of_a_small_cell_stands_in_the_last_column() -> None:
    builder = CellBuilder()
    state = build(builder, [[CONV1], [NOWHERE, 0]], [[STOP], [1, 0]])
    bits = builder.encode(state)
    assert bits[:21] == [
        1, 0, 0, 0, 0, 1,  # 0 -> 1 and 0 -> 6
           0, 0, 0, 0, 1,  # 1 -> 6
              0, 0, 0, 0,
                 0, 0, 0,
                    0, 0,
                       0,
    ]  # fmt: skip
    assert bits[21:29] == [0, 0, 0, 1, 0, 1, 0, 0]
    assert bits[29:] == [0] * 16
    matrix = [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    expected = NasBench101Space().from_matrix(matrix, ["input", "conv1x1-bn-relu", "output"])
    assert SPACE.canonical(builder.finished(state)) == SPACE.canonical(expected)


@pytest.mark.parametrize("length", range(6))
def test_a_chain_of_any_length_is_rebuilt_from_its_encoding(length: int) -> None:
    builder = CellBuilder()
    operations = [v % 3 for v in range(length)]
    chain = [[[operation], [v, NOWHERE]] for v, operation in enumerate(operations)]
    state = build(builder, *chain, [[STOP], [length, NOWHERE]])
    architecture = builder.finished(state)
    graph = SPACE.graph(architecture)
    assert (graph.adjacency == np.eye(length + 2, k=1, dtype=bool)).all()
    names = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
    assert graph.operations == ("input", *(names[v] for v in operations), "output")
    assert decode(builder.encode(state)) == architecture


def test_after_five_operations_only_the_output_is_left() -> None:
    builder = CellBuilder()
    steps = [[[CONV3], [0, NOWHERE]] for _ in range(5)]
    state = build(builder, *steps)
    assert [list(neurons) for neurons in builder.allowed(state)] == [[STOP], [*range(6), NOWHERE]]


def test_the_tenth_edge_is_left_out() -> None:
    builder = CellBuilder()
    dense = [[[CONV3], [0, NOWHERE]], *[[[CONV3], [v, v - 1]] for v in range(1, 5)]]
    state = build(builder, *dense)
    # Seven edges before the fifth vertex, whose second one would leave none for the output.
    assert len(state.edges) == MAX_EDGES - 1
    assert (4, 5) in state.edges
    assert (3, 5) not in state.edges
    closed = builder.step(state, [[STOP], [2, 5]])
    assert len(closed.edges) == MAX_EDGES
    assert (2, 6) in closed.edges
    # Of four operations all edges stand.
    state = build(builder, *dense[:4], [[STOP], [4, 3]])
    assert len(state.edges) == MAX_EDGES


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_is_built_is_in_the_space(seed: int) -> None:
    builder = CellBuilder()
    state = random_build(builder, random.Random(seed))
    architecture = builder.finished(state)
    assert architecture in SPACE
    bits = builder.encode(state)
    assert len(bits) == builder.width
    assert decode(bits) == architecture


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_every_cell_with_at_most_two_inputs_a_vertex_can_be_built(seed: int) -> None:
    rng = random.Random(seed)
    while True:
        graph = SPACE.graph(SPACE.sample(rng))
        if graph.adjacency.sum(axis=0).max() <= 2:
            break
    names = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3", "output")
    steps = []
    for vertex in range(1, len(graph.operations)):
        inputs = np.flatnonzero(graph.adjacency[:, vertex]).tolist()
        steps.append([[names.index(graph.operations[vertex])], [*inputs, NOWHERE][:2]])
    builder = CellBuilder()
    built = builder.finished(build(builder, *steps))
    assert SPACE.graph(built).operations == graph.operations
    assert (SPACE.graph(built).adjacency == graph.adjacency).all()


@pytest.mark.data
def test_how_many_cells_can_be_built(data_dir: Path) -> None:
    """The documented number: those with at most two inputs a vertex, among all cells."""
    cells = np.load(data_dir / "nasbench101" / "nb101_space.npz")
    bits = cells["adj_bits"].astype(np.int64)
    inputs = np.zeros((len(bits), 7), int)
    for x, y in EDGES:
        inputs[:, y] += bits >> (x + y * (y - 1) // 2) & 1
    assert len(bits) == 423_624
    assert (inputs.max(axis=1) <= 2).sum() == 182_947


# --- other spaces -----------------------------------------------------------------------------


def test_decisions_one_after_the_other() -> None:
    builder = DecisionBuilder((2, 3))
    assert builder.heads == ((3, 1),)
    assert builder.encode(()) == [0, 0, 0, 0, 0, 1, 0]
    assert list(builder.allowed(())[0]) == [0, 1]
    assert builder.encode((1,)) == [0, 1, 0, 0, 0, 0, 1]
    assert list(builder.allowed((1,))[0]) == [0, 1, 2]
    assert builder.finished((1,)) is None
    state = build(builder, [[1]], [[2]])
    assert builder.encode(state) == [0, 1, 0, 0, 1, 0, 0]
    assert builder.finished(state) == (1, 2)


def test_states_can_be_compared() -> None:
    builder = CellBuilder()
    assert builder.start == Cell((), (), False)
    assert build(builder, [[CONV3], [0, NOWHERE]]) == Cell(((0, 1),), (CONV3,), False)
