"""NORD's neural descriptor as an immutable value: a digraph with an operation on every layer.

Source: Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial Neural
Networks" (PhD thesis, University of Macedonia, 2022), section 3, whose descriptors are changed in
place. Here every change gives a new value, so that parent and child can share one.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

INPUT, OUTPUT = "input", "output"
OUTPUT_PREFIX = 9999.0

Edge = tuple[int, int]


class Layer(NamedTuple):
    """A layer of a descriptor.

    Attributes:
        prefix: The number that begins the layer's name in NORD, and orders the layers.
        operation: Name of its operation.
    """

    prefix: float
    operation: str


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A network as operations on the nodes of a directed acyclic graph.

    Edges lead from smaller to strictly larger prefixes, so that the order of the prefixes is a
    topological one. Two layers may have the same prefix; no edge joins them.

    Attributes:
        layers: In the order of their prefixes; of equal ones the older first. The first is the
            input.
        edges: (source, target) positions in `layers`, sorted, without repetition.
    """

    layers: tuple[Layer, ...] = (Layer(0.0, INPUT),)
    edges: tuple[Edge, ...] = ()

    def later(self, source: int) -> list[int]:
        """The positions of all layers with a larger prefix: where an edge may lead."""
        prefix = self.layers[source].prefix
        return [place for place, layer in enumerate(self.layers) if layer.prefix > prefix]

    def targets(self, source: int) -> list[int]:
        """The positions of the layers that a layer feeds."""
        return [end for start, end in self.edges if start == source]

    def append(self, operation: str, prefix: float | None = None) -> Descriptor:
        """With a new last layer, fed by the present last one (`add_layer_sequential`).

        Args:
            operation: The new layer's operation.
            prefix: Its prefix, larger than all others; None: the number of layers.
        """
        size = len(self.layers)
        layer = Layer(float(size) if prefix is None else prefix, operation)
        edges = sorted((*self.edges, (size - 1, size)))
        return Descriptor((*self.layers, layer), tuple(edges))

    def connect(self, source: int, target: int) -> Descriptor:
        """With one more edge; the same if it is there already."""
        if (source, target) in self.edges:
            return self
        return Descriptor(self.layers, tuple(sorted((*self.edges, (source, target)))))

    def insert(self, source: int, target: int, operation: str) -> Descriptor:
        """With the edge source -> target replaced by source -> new -> target.

        The new layer has the mean of their prefixes.
        """
        prefix = (self.layers[source].prefix + self.layers[target].prefix) / 2
        place = bisect_right(self.layers, prefix, key=lambda layer: layer.prefix)
        layers = (*self.layers[:place], Layer(prefix, operation), *self.layers[place:])
        # The layers behind the new one move up; `source` stands before it, `target` behind it.
        kept = [
            (start + (start >= place), end + (end >= place))
            for start, end in self.edges
            if (start, end) != (source, target)
        ]
        return Descriptor(layers, tuple(sorted((*kept, (source, place), (place, target + 1)))))
