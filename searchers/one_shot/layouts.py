"""What is known of a space's supernet before it is built, and without torch."""

from __future__ import annotations

from dataclasses import dataclass

from harness.spaces import SearchSpace, darts, pyramid_tree, tss

_PUBLISHED_EDGES = 16
"""Edges of a normal and a reduction cell in the topology "bayesnas" of `supernets.darts`."""


@dataclass(frozen=True)
class Layout:
    """The size of a supernet's cells, one cell of each type.

    Attributes:
        edges: Of all types of cells together.
        operations: Candidates on every edge.
        repeated: Whether a network has several cells of one structure.
        several: Whether an edge may keep more than one operation.
    """

    edges: int
    operations: int
    repeated: bool
    several: bool


def layout(space: SearchSpace, topology: str = "full") -> Layout | None:
    """The layout of a space's supernet; None for spaces that another distribution brings.

    Args:
        space: Where to search.
        topology: Of the supernet of `darts`.
    """
    if space.name == "tss":
        return Layout(len(tss.EDGES), len(tss.OPERATIONS) - 1, repeated=True, several=False)
    if space.name == "darts":
        edges = 2 * len(darts.EDGES) if topology == "full" else _PUBLISHED_EDGES
        return Layout(edges, len(darts.OPERATIONS), repeated=True, several=True)
    if isinstance(space, pyramid_tree.PyramidTreeSpace):
        cells = space.stages * space.bottlenecks
        return Layout(cells, len(pyramid_tree.PATHS), repeated=False, several=True)
    return None
