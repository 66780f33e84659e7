"""NORD's descriptors as cells of a benchmark.

A descriptor has its operations on nodes. So has a cell of NAS-Bench-101, and the two are the same
graph. A cell of NAS-Bench-201 has them on the edges of a graph of four nodes; its descriptor is
that graph's line graph (Kyriakides 2022, section 3: the example names six layers, one for each
edge of the cell, and feeds one by another where the one's edge ends in the node in which the
other's begins).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

from harness.errors import UserError
from harness.spaces import Architecture, SearchSpace, nasbench101, tss
from searchers.nord_descriptor import Descriptor, Edge

_NONE = tss.OPERATIONS.index("none")

# The ends of the input and of the output in the four nodes. Before the input and behind the output
# there is no node, which the numbers -1 and 4 stand for.
_INPUT_SPAN, _OUTPUT_SPAN = (-1, 0), (3, 4)


class Dialect(NamedTuple):
    """How descriptors are read in a space.

    Attributes:
        operations: What a hidden layer may do.
        cell: The architecture of a descriptor; None if the space holds no such cell.
    """

    operations: tuple[str, ...]
    cell: Callable[[Descriptor], Architecture | None]


def dialect_of(space: SearchSpace) -> Dialect:
    """The dialect of a space, or of the covered part of one.

    Raises:
        UserError: If descriptors have no meaning in the space.
    """
    if space.name == "nasbench101":
        return Dialect(nasbench101.OPERATIONS, partial(_vertices, space))
    if space.name == "tss":
        operations = tuple(name for name in tss.OPERATIONS if name != "none")
        return Dialect(operations, _cell_edges)
    raise UserError(
        f"nord_evolution: the space '{space.name}' cannot read NORD's descriptors; use a benchmark"
        " with the space tss or nasbench101"
    )


def _vertices(space: Any, descriptor: Descriptor) -> Architecture | None:
    """The NAS-Bench-101 cell with the same graph: at most seven vertices and nine edges.

    The output is the last vertex. Vertices that are not used stand before it, without edges.
    """
    unused = nasbench101.VERTICES - len(descriptor.layers)
    if unused < 0:
        return None
    vertices = (*range(len(descriptor.layers) - 1), nasbench101.VERTICES - 1)
    edges = {(vertices[source], vertices[target]) for source, target in descriptor.edges}
    hidden = [nasbench101.OPERATIONS.index(name) for _, name in descriptor.layers[1:-1]]
    cell = (*(int(edge in edges) for edge in nasbench101.EDGES), *hidden, *[0] * unused)
    return cell if space.valid(cell) else None


def _cell_edges(descriptor: Descriptor) -> Architecture | None:
    """The NAS-Bench-201 cell whose line graph the descriptor is; edges without a layer: none."""
    places = embedding(len(descriptor.layers), descriptor.edges)
    if places is None:
        return None
    cell = [_NONE] * len(tss.EDGES)
    for place, layer in zip(places, descriptor.layers[1:-1], strict=True):
        cell[place] = tss.OPERATIONS.index(layer.operation)
    return tuple(cell)


@lru_cache(maxsize=1 << 14)
def embedding(size: int, edges: tuple[Edge, ...]) -> tuple[int, ...] | None:
    """The cell edges that the hidden layers of a descriptor stand for.

    Every hidden layer gets a cell edge of its own, so that a layer feeds another if and only if
    its edge ends in the node in which the other's begins. The input feeds the edges that begin in
    node 0, and the output is fed by those that end in node 3. Hence paths have at most three
    hidden layers, and no edge may be a short cut past one.

    Args:
        size: Number of layers, input and output included.
        edges: The descriptor's edges.

    Returns:
        Positions in `tss.EDGES`, one a hidden layer, in the order of the layers; of several
        solutions the lexicographically first. None if there is none.
    """
    fed = frozenset(edges)

    def agrees(spans: list[Edge]) -> bool:
        """Whether the last layer is fed by the earlier ones as it should be, and feeds none."""
        *earlier, (begin, end) = spans
        return all(
            (other_end == begin) == ((other, len(earlier)) in fed) and end != other_begin
            for other, (other_begin, other_end) in enumerate(earlier)
        )

    def extend(spans: list[Edge]) -> list[Edge] | None:
        if not agrees(spans):
            return None
        if len(spans) == size:
            return spans
        for span in tss.EDGES if len(spans) < size - 1 else (_OUTPUT_SPAN,):
            found = None if span in spans else extend([*spans, span])
            if found is not None:
                return found
        return None

    found = extend([_INPUT_SPAN]) if size - 2 <= len(tss.EDGES) else None
    return None if found is None else tuple(tss.EDGES.index(span) for span in found[1:-1])
