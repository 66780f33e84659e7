"""Which nodes of a graph lie on a path between two of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from graphlib import TopologicalSorter
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def reached(edges: Iterable[tuple[Node, Node]], start: Node) -> set[Node]:
    """All nodes that a walk along the edges reaches from a node, that one included."""
    after: dict[Node, list[Node]] = {}
    for source, target in edges:
        after.setdefault(source, []).append(target)
    found, waiting = {start}, [start]
    while waiting:
        for target in after.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def on_paths(
    edges: Iterable[tuple[Node, Node]], first: Node, last: Node
) -> list[tuple[Node, Node]]:
    """The edges on paths from the first node to the last, in their order."""
    given = list(edges)
    live = reached(given, first) & reached([(t, s) for s, t in given], last)
    return [(s, t) for s, t in given if s in live and t in live]


def ordered(edges: Iterable[tuple[Node, Node]]) -> list[Node]:
    """The ends of the edges in a topological order that depends on the edges' order alone.

    Raises:
        graphlib.CycleError: If there is a cycle.
    """
    sorter: TopologicalSorter[Node] = TopologicalSorter()
    for source, target in edges:
        sorter.add(target, source)
    return list(sorter.static_order())
