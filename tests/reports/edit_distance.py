"""Graph edit distances the slow way: networkx's search, and every partial map written out."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import networkx as nx

from reports.studies.diversity.graphs import CellGraph

_ENDS = ("input", "output")
_FORBIDDEN = 1_000.0
_LESS = 1e-6
"""networkx misses the optimum where a replacement costs exactly a deletion and an insertion; a
little less leaves the optimum, a whole number, where it is after rounding."""


def as_networkx(cell: CellGraph) -> Any:
    """The cell as a networkx graph."""
    graph = nx.DiGraph()
    for number, label in enumerate(cell.vertices):
        graph.add_node(number, label=label, number=number)
    for source, target, label in cell.edges:
        graph.add_edge(source, target, label=label)
    return graph


def by_networkx(a: CellGraph, b: CellGraph) -> int:
    """networkx's exact graph edit distance under the study's costs."""

    def vertex(x: dict[str, Any], y: dict[str, Any]) -> float:
        if a.numbered and x["number"] != y["number"]:
            return _FORBIDDEN
        if x["label"] == y["label"]:
            return 0.0
        return _FORBIDDEN if {x["label"], y["label"]} & set(_ENDS) else 2.0 - _LESS

    def edge(x: dict[str, Any], y: dict[str, Any]) -> float:
        return 0.0 if x["label"] == y["label"] else 2.0 - _LESS

    def alone(x: dict[str, Any]) -> float:
        return _FORBIDDEN if x["label"] in _ENDS else 1.0

    found = nx.graph_edit_distance(
        as_networkx(a),
        as_networkx(b),
        node_subst_cost=vertex,
        node_del_cost=alone,
        node_ins_cost=alone,
        edge_subst_cost=edge,
        edge_del_cost=lambda x: 1.0,
        edge_ins_cost=lambda x: 1.0,
    )
    return round(found)


def by_every_map(a: CellGraph, b: CellGraph) -> int:
    """The least cost over all partial one-to-one maps of inner vertices, unmatched ones too."""
    ours, theirs = range(1, len(a.vertices) - 1), range(1, len(b.vertices) - 1)
    edges_a = {(i, j): label for i, j, label in a.edges}
    edges_b = {(i, j): label for i, j, label in b.edges}
    best = None
    for size in range(min(len(ours), len(theirs)) + 1):
        for kept in combinations(ours, size):
            for images in permutations(theirs, size):
                if a.numbered and kept != images:
                    continue
                mapped = {0: 0, len(a.vertices) - 1: len(b.vertices) - 1}
                mapped |= dict(zip(kept, images, strict=True))
                cost = len(ours) + len(theirs) - 2 * size
                cost += sum(2 for i, j in mapped.items() if a.vertices[i] != b.vertices[j])
                moved = {}
                for (i, j), label in edges_a.items():
                    if i in mapped and j in mapped:
                        moved[mapped[i], mapped[j]] = label
                    else:
                        cost += 1
                for pair in moved.keys() | edges_b.keys():
                    if moved.get(pair) != edges_b.get(pair):
                        cost += 1 + (pair in moved and pair in edges_b)
                best = cost if best is None else min(best, cost)
    assert best is not None
    return best
