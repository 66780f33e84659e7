"""NORD's descriptors, and the cells that they stand for."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from nord_listing import NB101, SPACES, TSS, all_embeddings, chain, fresh

from harness.spaces import Graph, SearchSpace, tss
from searchers.nord_cells import dialect_of, embedding
from searchers.nord_descriptor import INPUT, OUTPUT, OUTPUT_PREFIX, Descriptor, Layer

TSS_CELL = dialect_of(TSS).cell
NB101_CELL = dialect_of(NB101).cell


def from_graph(graph: Graph) -> Descriptor:
    """The descriptor with the same graph, in the same order."""
    prefixes = [*map(float, range(len(graph.operations) - 1)), OUTPUT_PREFIX]
    edges = np.argwhere(graph.adjacency).tolist()
    layers = tuple(map(Layer, prefixes, graph.operations))
    return Descriptor(layers, tuple(sorted((x, y) for x, y in edges)))


def digraph(graph: Descriptor | Graph) -> nx.DiGraph:
    """For networkx, with the operations as labels."""
    result = nx.DiGraph()
    if isinstance(graph, Descriptor):
        names = [layer.operation for layer in graph.layers]
        edges = list(graph.edges)
    else:
        names = list(graph.operations)
        edges = np.argwhere(graph.adjacency).tolist()
    result.add_nodes_from((i, {"operation": name}) for i, name in enumerate(names))
    result.add_edges_from(edges)
    return result


def isomorphic(a: Descriptor | Graph, b: Descriptor | Graph) -> bool:
    same = nx.algorithms.isomorphism.categorical_node_match("operation", None)
    return bool(nx.is_isomorphic(digraph(a), digraph(b), node_match=same))


# --- descriptors ------------------------------------------------------------------------------


def test_a_chain() -> None:
    descriptor = chain("a", "b")
    assert [layer.prefix for layer in descriptor.layers] == [0, 1, 2, 9999]
    assert [layer.operation for layer in descriptor.layers] == [INPUT, "a", "b", OUTPUT]
    assert descriptor.edges == ((0, 1), (1, 2), (2, 3))


def test_an_inserted_layer_has_the_mean_prefix() -> None:
    descriptor = chain("a", "b").insert(2, 3, "c")
    assert descriptor.layers[3] == Layer(5000.5, "c")
    assert descriptor.edges == ((0, 1), (1, 2), (2, 3), (3, 4))
    between = descriptor.insert(0, 1, "d")
    assert [layer.operation for layer in between.layers] == [INPUT, "d", "a", "b", "c", OUTPUT]
    assert between.layers[1].prefix == 0.5
    assert between.edges == ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5))


def test_a_layer_may_have_the_prefix_of_another_and_no_edge_joins_them() -> None:
    descriptor = chain("a", "b").connect(0, 2).insert(0, 2, "c")
    assert [layer.prefix for layer in descriptor.layers] == [0, 1, 1, 2, 9999]
    assert [layer.operation for layer in descriptor.layers] == [INPUT, "a", "c", "b", OUTPUT]
    assert descriptor.edges == ((0, 1), (0, 2), (1, 3), (2, 3), (3, 4))
    assert descriptor.later(1) == descriptor.later(2) == [3, 4]


def test_an_edge_is_there_once() -> None:
    descriptor = chain("a", "b")
    assert descriptor.connect(0, 1) is descriptor
    assert descriptor.connect(0, 2).connect(0, 2).edges == ((0, 1), (0, 2), (1, 2), (2, 3))


def check(descriptor: Descriptor, max_layers: int) -> None:
    """What holds for every descriptor that the rules make."""
    layers, edges = descriptor.layers, descriptor.edges
    prefixes = [layer.prefix for layer in layers]
    assert prefixes == sorted(prefixes)
    assert (layers[0], layers[-1]) == (Layer(0, INPUT), Layer(OUTPUT_PREFIX, OUTPUT))
    assert 2 <= len(layers) - 2 <= max_layers
    assert list(edges) == sorted(set(edges))
    assert all(prefixes[source] < prefixes[target] for source, target in edges)
    # Every layer lies on a path from input to output.
    assert {source for source, _ in edges} == set(range(len(layers) - 1))
    assert {target for _, target in edges} == set(range(1, len(layers)))


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    space=st.sampled_from(SPACES),
    max_layers=st.integers(2, 30),
    mutations=st.integers(0, 60),
)
def test_prefixes_stay_a_topological_order(
    seed: int, space: SearchSpace, max_layers: int, mutations: int
) -> None:
    searcher = fresh(space, seed, max_layers=max_layers)
    descriptor = searcher.initialise()
    check(descriptor, max_layers)
    for _ in range(mutations):
        child = searcher.mutate(descriptor)
        check(child, max_layers)
        more_layers = len(child.layers) - len(descriptor.layers)
        more_edges = len(child.edges) - len(descriptor.edges)
        assert (more_layers, more_edges) in {(0, 0), (0, 1), (1, 1)}
        if (more_layers, more_edges) == (0, 0):
            assert child == descriptor
        descriptor = child


# --- cells of NAS-Bench-201 -------------------------------------------------------------------


def test_the_listings_example() -> None:
    """Layers 1..6 are the edges 0->1, 1->2, 2->3, 1->3, 0->2, 0->3 of the cell."""
    cell_edges = {1: (0, 1), 2: (1, 2), 3: (2, 3), 4: (1, 3), 5: (0, 2), 6: (0, 3)}
    names = {
        1: "nor_conv_3x3",
        2: "nor_conv_1x1",
        3: "skip_connect",
        4: "avg_pool_3x3",
        5: "nor_conv_3x3",
        6: "skip_connect",
    }
    fed = {("in", 1), ("in", 5), ("in", 6), (1, 2), (1, 4), (2, 3), (5, 3)}
    fed |= {(3, "out"), (4, "out"), (6, "out")}
    order = ["in", 1, 5, 6, 2, 4, 3, "out"]  # layer 5 feeds layer 3
    layers = [Layer(0, INPUT), *(Layer(i + 1, names[n]) for i, n in enumerate(order[1:-1]))]  # type: ignore[index]
    edges = sorted((order.index(a), order.index(b)) for a, b in fed)
    descriptor = Descriptor((*layers, Layer(OUTPUT_PREFIX, OUTPUT)), tuple(edges))
    cell = TSS_CELL(descriptor)
    assert cell == tuple(
        tss.OPERATIONS.index(next(names[n] for n, e in cell_edges.items() if e == edge))
        for edge in tss.EDGES
    )
    assert isomorphic(TSS.graph(cell), descriptor)


def test_chains_longer_than_three_are_no_cells() -> None:
    conv = "nor_conv_3x3"
    assert TSS_CELL(chain(conv)) == (0, 0, 0, 3, 0, 0)
    assert TSS_CELL(chain(conv, conv)) == (3, 0, 0, 0, 3, 0)
    assert TSS_CELL(chain(conv, conv, conv)) == (3, 0, 3, 0, 0, 3)
    assert TSS_CELL(chain(conv, conv, conv, conv)) is None
    assert TSS_CELL(chain(*[conv] * 7)) is None


def test_an_edge_past_a_layer_is_no_cell() -> None:
    """Where an edge skips a layer, two layers would have to be fed by one node and differ."""
    plain = chain("nor_conv_3x3", "nor_conv_1x1", "skip_connect")
    for source, target in combinations(range(5), 2):
        if target > source + 1:
            assert TSS_CELL(plain.connect(source, target)) is None


def test_every_cell_is_the_cell_of_its_graph() -> None:
    for cell in TSS._cells:
        found = TSS_CELL(from_graph(TSS.graph(cell)))
        assert found is not None
        assert TSS.functional(found) == TSS.functional(cell)


def test_the_graph_of_a_descriptors_cell_is_the_descriptor() -> None:
    """For all sets of used edges, with an operation of its own on each where there are enough."""
    for used in range(1 << 6):
        cell = tuple((1 + i % 4) * (used >> i & 1) for i in range(6))
        descriptor = from_graph(TSS.graph(cell))
        found = TSS_CELL(descriptor)
        assert found is not None
        assert isomorphic(TSS.graph(found), descriptor)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), hidden=st.integers(0, 5))
def test_embedding_is_the_first_of_all(data: st.DataObject, hidden: int) -> None:
    pairs = list(combinations(range(hidden + 2), 2))
    edges = tuple(pair for pair in pairs if data.draw(st.booleans()))
    expected = all_embeddings(hidden + 2, edges, exactly=True)
    assert embedding(hidden + 2, edges) == (expected[0] if expected else None)


def test_all_graphs_of_up_to_three_layers() -> None:
    for hidden in range(4):
        pairs = list(combinations(range(hidden + 2), 2))
        for used in range(1 << len(pairs)):
            edges = tuple(pair for i, pair in enumerate(pairs) if used >> i & 1)
            expected = all_embeddings(hidden + 2, edges, exactly=True)
            assert embedding(hidden + 2, edges) == (expected[0] if expected else None)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**40), mutations=st.integers(0, 6))
def test_if_and_if_and_only_if_agree(seed: int, mutations: int) -> None:
    """The two readings of "feeds where its edge ends" have the same cells: all layers are used.

    Also: whatever embedding is taken, the network is the same.
    """
    searcher = fresh(TSS, seed, max_layers=4)
    descriptor = searcher.initialise()
    for _ in range(mutations):
        descriptor = searcher.mutate(descriptor)
    size, edges = len(descriptor.layers), descriptor.edges
    strict = all_embeddings(size, edges, exactly=True)
    assert strict == all_embeddings(size, edges, exactly=False)
    networks = set()
    for places in strict:
        cell = [0] * 6
        for place, layer in zip(places, descriptor.layers[1:-1], strict=True):
            cell[place] = tss.OPERATIONS.index(layer.operation)
        networks.add(TSS.functional(tuple(cell)))
    assert len(networks) <= 1


# --- cells of NAS-Bench-101 -------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**40), max_layers=st.integers(2, 6), mutations=st.integers(0, 8))
def test_nasbench101_cells_have_the_descriptors_graph(
    seed: int, max_layers: int, mutations: int
) -> None:
    searcher = fresh(NB101, seed, max_layers=max_layers)
    descriptor = searcher.initialise()
    for _ in range(mutations):
        descriptor = searcher.mutate(descriptor)
    cell = NB101_CELL(descriptor)
    assert (cell is None) == (len(descriptor.layers) > 7 or len(descriptor.edges) > 9)
    if cell is not None:
        assert cell in NB101
        graph = NB101.graph(cell)
        assert from_graph(graph).edges == descriptor.edges
        assert graph.operations == tuple(layer.operation for layer in descriptor.layers)
        # The space's own reading of a matrix.
        assert cell == NB101.from_matrix(graph.adjacency, graph.operations)
