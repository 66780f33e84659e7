"""Architectures as labelled graphs, in one form for all spaces."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from harness.spaces import Architecture, CategoricalSpace, SearchSpace
from harness.spaces.tss import EDGES, OPERATIONS, TopologySpace
from harness.streams import stream

_NONE = "none"
ENUMERATED = 20_000
"""Spaces with at most so many architectures give exact base rates."""

DRAWN = 5_000
"""Random architectures that base rates of larger spaces come from."""


@dataclass(frozen=True)
class CellGraph:
    """A directed graph with labels on vertices and edges.

    Attributes:
        vertices: Label of each; the first is "input", the last "output".
        edges: Source, target and label of each, in order; no two between the same vertices.
        numbered: Whether vertices are told apart by their numbers. Otherwise inner vertices may
            be exchanged.
        on_edges: Whether operations are the labels of edges; otherwise of inner vertices.
    """

    vertices: tuple[str, ...]
    edges: tuple[tuple[int, int, str], ...]
    numbered: bool
    on_edges: bool = False

    @property
    def operations(self) -> tuple[str, ...]:
        """Its operations, as often as they occur."""
        if self.on_edges:
            return tuple(label for _, _, label in self.edges)
        return tuple(self.vertices[1:-1])


def cell_graph(space: SearchSpace, architecture: Architecture) -> CellGraph:
    """An architecture as a labelled graph.

    * The topology space: operations on the edges of four numbered nodes; `none` is no edge.
    * Fixed decisions without a topology of their own: a chain of numbered vertices.
    * Other spaces: the graph that the space gives, whose inner vertices have no numbers.
    """
    if isinstance(space, TopologySpace):
        cell: tuple[int, ...] = architecture  # type: ignore[assignment]
        edges = ((*edge, OPERATIONS[value]) for edge, value in zip(EDGES, cell, strict=True))
        kept = tuple(edge for edge in edges if edge[2] != _NONE)
        return CellGraph(("input", "1", "2", "output"), kept, numbered=True, on_edges=True)
    graph = space.graph(architecture)
    pairs = zip(*np.nonzero(graph.adjacency), strict=True)
    edges_ = tuple((int(i), int(j), "") for i, j in pairs)
    chain = isinstance(space, CategoricalSpace) and type(space).graph is CategoricalSpace.graph
    return CellGraph(graph.operations, edges_, numbered=chain)


def operation_names(space: SearchSpace) -> tuple[str, ...]:
    """The operations of a space, in its order where it has one; () if that is not known."""
    if isinstance(space, TopologySpace):
        return tuple(name for name in OPERATIONS if name != _NONE)
    if isinstance(space, CategoricalSpace) and type(space).graph is CategoricalSpace.graph:
        return tuple(dict.fromkeys(name for names in space.options for name in names))
    return ()


def base_architectures(space: SearchSpace) -> tuple[list[Architecture], bool]:
    """What base rates are counted over, and whether it is the whole space.

    Returns:
        All architectures of a small categorical space; otherwise uniform draws of `sample`.
    """
    if isinstance(space, CategoricalSpace) and np.prod(space.sizes, dtype=float) <= ENUMERATED:
        everything = product(*map(range, space.sizes))
        return [architecture for architecture in everything if space.valid(architecture)], True
    rng = stream(0, "base rates", space.name)
    return [space.sample(rng) for _ in range(DRAWN)], False
