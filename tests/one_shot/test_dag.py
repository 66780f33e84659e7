"""Relevances along a graph, its connectivity, and what is derived from it."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product
from typing import get_args

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.spaces.tss import EDGES, TopologySpace
from searchers.one_shot.dag import (
    Choice,
    Mode,
    SparseDAG,
    combined,
    invalid_probability,
    reachable,
    redundant,
)
from searchers.one_shot.derivation import argmax, connected, pruned, threshold
from searchers.one_shot.relevance import THRESHOLD

CELL = SparseDAG.complete(4, ("a", "b", "c"))
TSS = SparseDAG(4, (0,), (3,), tuple(sorted(EDGES, key=lambda edge: edge[::-1])), ("a",))
DARTS = SparseDAG.complete(6, tuple("abcdefg"), inputs=(0, 1), output=(2, 3, 4, 5))
# What 1 -> 2 reads are three operations.
MOTIF = SparseDAG(3, (0,), (2,), ((0, 1), (1, 2)), ("a", "b", "c"))


@st.composite
def graphs(draw: st.DrawFn) -> SparseDAG:
    nodes = draw(st.integers(2, 6))
    inputs = tuple(range(draw(st.integers(1, min(2, nodes - 1)))))
    possible = [(i, j) for j in range(len(inputs), nodes) for i in range(j)]
    kept = draw(st.lists(st.sampled_from(possible), unique=True))
    output = draw(st.lists(st.integers(len(inputs), nodes - 1), min_size=1, unique=True))
    edges = tuple(edge for edge in possible if edge in kept)
    return SparseDAG(nodes, inputs, tuple(sorted(output)), edges, ("a", "b"))


@st.composite
def graphs_with_choices(draw: st.DrawFn) -> tuple[SparseDAG, Choice]:
    dag = draw(graphs())
    kept = st.sampled_from(((), (0,), (1,), (0, 1)))
    return dag, tuple(draw(kept) for _ in dag.edges)


@st.composite
def graphs_with_variances(draw: st.DrawFn) -> tuple[SparseDAG, np.ndarray, np.ndarray]:
    dag = draw(graphs())
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    s = rng.exponential(size=dag.shape) * (rng.random(dag.shape) < 0.7)
    return dag, s, rng.exponential(size=len(dag.edges)) * (rng.random(len(dag.edges)) < 0.8)


# --- variances ------------------------------------------------------------------------------


def test_predecessors_by_hand() -> None:
    s = np.array([[0.3, 0.2, 0.5], [0.5, 1.0, 0.0]])
    gamma = combined(MOTIF, s)
    assert gamma[1, 0] == pytest.approx(1 / 3)
    assert gamma[1].tolist() == pytest.approx([1 / 3, 0.5, 0.0])
    # What leaves an input of the graph keeps its own variance.
    assert gamma[0].tolist() == s[0].tolist()
    weak = combined(MOTIF, np.array([[1e-12, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    assert weak[1, 0] == pytest.approx(1e-12)


def test_zero_operations_by_hand() -> None:
    dag = SparseDAG(4, (0, 1), (3,), ((0, 2), (1, 2), (2, 3)), ("a", "b"))
    s = np.array([[0.3, 0.2], [0.5, 0.0], [0.5, 0.0]])
    gates = np.array([1.0, 0.5, 0.25])
    arriving = 1 / (1 / 1.0 + 1 / 0.3) + 1 / (1 / 1.0 + 1 / 0.2) + 1 / (1 / 0.5 + 1 / 0.5)
    printed = combined(dag, s, gates, "zero")
    assert printed[2, 0] == pytest.approx(0.2821229, abs=1e-7)
    assert printed[2, 0] == pytest.approx(1 / (1 / arriving + 1 / 0.5))
    own = combined(dag, s, gates, "zero-own")
    assert own[2, 0] == pytest.approx(1 / (1 / arriving + 1 / 0.5 + 1 / 0.25))
    gate = combined(dag, s, gates, "gate")
    assert gate[2, 0] == pytest.approx(1 / (1 / 0.5 + 1 / 0.25))
    assert combined(dag, s, mode="none").tolist() == s.tolist()


def test_an_edge_that_is_off_takes_along_what_it_alone_feeds() -> None:
    # Figure 3-1: without 1 -> 2 node 2 is fed by nothing, so that 2 -> 3 and 2 -> 4 go too.
    dag = SparseDAG(5, (0, 1), (4,), ((1, 2), (0, 3), (2, 3), (2, 4), (3, 4)), ("a",))
    s = np.array([[0.0], [1.0], [1.0], [1.0], [1.0]])
    choice = threshold(dag, combined(dag, s))
    assert choice == ((), (0,), (), (), (0,))
    assert reachable(dag, choice).connected


def test_a_gate_that_is_off_takes_its_own_edge_alone() -> None:
    gates = np.ones(6)
    gates[CELL.edges.index((0, 2))] = 0.0
    s = np.ones((6, 3))
    for mode in ("gate", "zero-own"):
        gamma = combined(CELL, s, gates, mode)
        assert [not row.any() for row in gamma] == [edge == (0, 2) for edge in CELL.edges]


def test_death_goes_one_step_or_through_the_whole_chain() -> None:
    chain = SparseDAG(4, (0,), (3,), ((0, 1), (1, 2), (2, 3)), ("a",))
    s = np.array([[0.0], [1.0], [1.0]])
    assert combined(chain, s).ravel().tolist() == [0.0, 0.0, 0.5]
    assert combined(chain, s, sweep=True).ravel().tolist() == [0.0, 0.0, 0.0]


@pytest.mark.slow
@given(graphs_with_variances())
def test_a_sweep_kills_just_what_no_input_feeds(
    drawn: tuple[SparseDAG, np.ndarray, np.ndarray],
) -> None:
    dag, s, gates = drawn
    for gated in (False, True):
        on = (s > 0) & (gates[:, None] > 0) if gated else s > 0
        fed: nx.DiGraph[int] = nx.DiGraph()
        fed.add_nodes_from(range(dag.nodes))
        fed.add_edges_from(edge for edge, row in zip(dag.edges, on, strict=True) if row.any())
        reached = {n for i in dag.inputs for n in {i, *nx.descendants(fed, i)}}
        arriving = np.array([source in reached for source, _ in dag.edges], dtype=bool)
        gamma = combined(dag, s, gates, "zero-own" if gated else "predecessors", sweep=True)
        assert np.array_equal(gamma > 0, on & arriving[:, None])


@pytest.mark.slow
@given(graphs_with_variances())
def test_gamma_is_bounded_by_all_that_it_combines(
    drawn: tuple[SparseDAG, np.ndarray, np.ndarray],
) -> None:
    dag, s, gates = drawn
    none, gate, before, zero, own = (combined(dag, s, gates, mode) for mode in get_args(Mode))
    tolerance = 1 + 1e-12
    assert (before <= none * tolerance).all() and (zero <= before * tolerance).all()
    assert (own <= np.minimum(zero, gate) * tolerance).all()
    assert (gate <= np.minimum(s, gates[:, None]) * tolerance).all()
    swept = combined(dag, s, gates, "zero-own", sweep=True)
    assert (swept <= own * tolerance).all()


def test_independent_cells_are_combined_each_for_itself() -> None:
    rng = np.random.default_rng(0)
    s, gates = rng.random((5, 6, 3)), rng.random((5, 6))
    together = combined(CELL, s, gates, "zero")
    for number in range(5):
        assert np.array_equal(together[number], combined(CELL, s[number], gates[number], "zero"))


def test_weights_of_opposite_signs_do_not_cancel() -> None:
    w = np.array([[1.0, -1.0, 0.0], [2.0, 0.0, 0.0]])
    assert w[1, 0] * w[0].sum() == 0  # Proposition 1 as printed would call it redundant.
    assert redundant(MOTIF, w).tolist() == [[False, False, True], [False, True, True]]
    assert redundant(MOTIF, w * [[0.0], [1.0]]).all()


def test_the_cell_of_the_experiments() -> None:
    # Its seventh node joins the four inner ones and has no operations.
    assert DARTS.shape == (14, 7)


# --- paths ----------------------------------------------------------------------------------


@given(graphs_with_choices())
def test_what_is_live_lies_on_a_path(drawn: tuple[SparseDAG, Choice]) -> None:
    dag, choice = drawn
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(dag.nodes))
    graph.add_edges_from(e for e, kept in zip(dag.edges, choice, strict=True) if kept)
    paths = [
        path
        for start in dag.inputs
        for end in dag.output
        for path in nx.all_simple_paths(graph, start, end)
    ]
    on_paths = {step for path in paths for step in pairwise(path)}
    reach = reachable(dag, choice)
    assert reach.live == tuple(edge in on_paths for edge in dag.edges)
    assert reach.connected == bool(paths)
    inner = set(range(dag.nodes)) - set(dag.inputs)
    assert set(reach.dangling) == inner - {node for path in paths for node in path}
    assert set(reach.dead) == {
        e for e, kept in enumerate(choice) if kept and dag.edges[e] not in on_paths
    }
    left = pruned(dag, choice)
    assert reachable(dag, left).live == reach.live and not reachable(dag, left).dead


def test_invalid_graphs_of_the_literature() -> None:
    assert invalid_probability(CELL, Fraction(1, 4)) == Fraction(511, 1024)
    fifth = Fraction(1, 5)
    assert invalid_probability(TSS, fifth) == Fraction(6_345, 15_625)
    assert invalid_probability(TSS, fifth, "disconnected") == Fraction(341, 15_625)


def test_the_audit_agrees_with_the_space_on_all_its_cells() -> None:
    space = TopologySpace()
    dangling = disconnected = 0
    for used in product((False, True), repeat=6):
        # The space's edges are in the order of the graph's: by target, then by source.
        reach = reachable(TSS, tuple((0,) if on else () for on in used))
        cell = tuple(map(int, used))
        inner = bool({1, 2} & set(reach.dangling))
        assert reach.connected == space.has_path(cell)
        assert inner == space.has_dangling_node(cell)
        dangling += inner * 4 ** sum(used)
        disconnected += (not reach.connected) * 4 ** sum(used)
    assert (dangling, disconnected) == (6_345, 341)


@pytest.mark.slow
@given(graphs(), st.sampled_from(("dangling", "disconnected")), st.integers(0, 1000))
def test_invalid_probability_is_the_sum_over_all_graphs(
    dag: SparseDAG, fault: str, seed: int
) -> None:
    if len(dag.edges) > 8:
        dag = SparseDAG(dag.nodes, dag.inputs, dag.output, dag.edges[:8], ("a",))
    rng = np.random.default_rng(seed)
    zeros = [Fraction(int(n), 5) for n in rng.integers(0, 6, len(dag.edges))]
    total = Fraction(0)
    for used in product((False, True), repeat=len(dag.edges)):
        weight = Fraction(1)
        for on, zero in zip(used, zeros, strict=True):
            weight *= 1 - zero if on else zero
        edges = [edge for edge, on in zip(dag.edges, used, strict=True) if on]
        fed = {target for _, target in edges} | set(dag.inputs)
        read = {source for source, _ in edges} | set(dag.output)
        everything = set(range(dag.nodes))
        if fault == "dangling":
            invalid = fed != everything or read != everything
        else:
            invalid = not reachable(dag, tuple((0,) if on else () for on in used)).connected
        total += weight * invalid
    assert invalid_probability(dag, zeros, fault) == total  # type: ignore[arg-type]


# --- derivation -----------------------------------------------------------------------------


def test_argmax_takes_the_best_and_the_first_of_equals() -> None:
    scores = np.array([[1, 3, 2], [5, 5, 0], [0, 0, 1], [9, 0, 0], [0, 2, 2], [4, 0, 4]])
    assert argmax(CELL, scores) == ((1,), (0,), (2,), (0,), (1,), (0,))
    # Two edges into every node: of node 3's those worth 9, 2 and 4 the first and the last.
    assert argmax(CELL, scores, keep=2) == ((1,), (0,), (2,), (0,), (), (0,))
    assert argmax(CELL, scores, keep=1) == ((1,), (0,), (), (0,), (), ())


def test_threshold_prunes_what_has_no_entropy() -> None:
    gamma = np.zeros((6, 3))
    gamma[0] = [THRESHOLD, 0.06, 0.07]
    assert threshold(CELL, gamma) == ((1, 2), (), (), (), (), ())
    assert threshold(CELL, gamma, level=0.065) == ((2,), (), (), (), (), ())


def test_a_path_is_added_where_all_is_pruned() -> None:
    scores = np.full((6, 3), 0.1)
    for edge, score in {(0, 1): 0.9, (1, 2): 0.5, (2, 3): 0.8, (0, 3): 0.4}.items():
        scores[CELL.edges.index(edge), 2] = score
    nothing: Choice = ((),) * 6
    found = connected(CELL, scores, nothing)
    assert {CELL.edges[e] for e, kept in enumerate(found) if kept} == {(0, 1), (1, 2), (2, 3)}
    assert all(kept in ((), (2,)) for kept in found)
    # What is kept already costs nothing: the path goes through it.
    kept = tuple((0, 1) if edge == (1, 3) else () for edge in CELL.edges)
    through = connected(CELL, scores, kept)
    assert {CELL.edges[e]: k for e, k in enumerate(through) if k} == {(0, 1): (2,), (1, 3): (0, 1)}


@pytest.mark.slow
@given(graphs_with_choices(), st.booleans(), st.integers(0, 1000))
def test_derived_graphs_are_connected(
    drawn: tuple[SparseDAG, Choice], prune: bool, seed: int
) -> None:
    dag, choice = drawn
    scores = np.random.default_rng(seed).random(dag.shape)
    if not reachable(dag, dag.everything()).connected:
        with pytest.raises(UserError, match="no path leads"):
            connected(dag, scores, choice)
        return
    found = connected(dag, scores, choice, prune=prune)
    reach = reachable(dag, found)
    assert reach.connected
    if prune:
        assert not reach.dead
    else:
        assert all(set(old) <= set(new) for old, new in zip(choice, found, strict=True))
    if reachable(dag, choice).connected:
        assert found == (pruned(dag, choice) if prune else choice)


# --- mistakes -------------------------------------------------------------------------------


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="sorted by target"):
        SparseDAG(3, (0,), (2,), ((1, 2), (0, 1)), ("a",))
    with pytest.raises(UserError, match="1->0 leads backwards"):
        SparseDAG(3, (2,), (1,), ((1, 0),), ("a",))
    with pytest.raises(UserError, match="leads backwards or to an input"):
        SparseDAG(3, (0, 1), (2,), ((0, 1),), ("a",))
    with pytest.raises(UserError, match="nodes below 3"):
        SparseDAG(3, (0,), (3,), (), ("a",))
    with pytest.raises(UserError, match="gates are missing"):
        combined(CELL, np.ones((6, 3)), mode="zero")
    with pytest.raises(UserError, match="one of none, gate"):
        combined(CELL, np.ones((6, 3)), mode="all")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"shape \(3, 6\)"):
        combined(CELL, np.ones((3, 6)))
    with pytest.raises(UserError, match="ascending order"):
        reachable(CELL, ((1, 0), (), (), (), (), ()))
    with pytest.raises(UserError, match="hold NaN"):
        argmax(CELL, np.full((6, 3), np.nan))
    with pytest.raises(UserError, match="a probability for each"):
        invalid_probability(CELL, [Fraction(1, 2)])
