"""Which parameters an input's part of a local linear map is made of: those on live paths.

The two worked examples of Siegert, "Training-free neural architecture search" (master's thesis,
Chalmers, 2022): a fully connected network and a one-dimensional convolutional one, each with
three inputs, two hidden layers and one output. Parameters are named as the thesis does, "w13" as
13.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

INPUTS = 3
OUTPUT = "y"


@dataclass(frozen=True)
class Network:
    """A network as edges.

    Attributes:
        edges: (source vertex, target vertex) -> number of the parameter on the edge.
    """

    edges: dict[tuple[str, str], int]

    def parameters(self, number: int, dead: Iterable[str]) -> frozenset[int]:
        """Parameters on paths from an input to the output that meet no dead unit.

        Args:
            number: The input, from 1.
            dead: Hidden units whose rectifier is off.
        """
        off = set(dead)
        found: set[int] = set()
        self._follow(f"x{number}", off, (), found)
        return frozenset(found)

    def _follow(self, vertex: str, dead: set[str], path: tuple[int, ...], found: set[int]) -> None:
        if vertex == OUTPUT:
            found.update(path)
        for (source, target), parameter in self.edges.items():
            if source == vertex and target not in dead:
                self._follow(target, dead, (*path, parameter), found)


def fully_connected() -> Network:
    """Three inputs, twice three units, one output; every edge has a weight of its own."""
    names = [[f"{layer}{unit}" for unit in (1, 2, 3)] for layer in ("x", "h1", "h2")]
    edges = {
        (source, target): 10 * (layer + 1) + 3 * a + b + 1
        for layer in (0, 1)
        for a, source in enumerate(names[layer])
        for b, target in enumerate(names[layer + 1])
    }
    return Network(edges | {(unit, OUTPUT): 31 + a for a, unit in enumerate(names[2])})


def convolutional() -> Network:
    """Two padded convolutions of three taps, with two channels and with one, and a linear layer.

    Units h11 to h13 are the first channel of the first layer, h14 to h16 the second.
    """
    places = (1, 2, 3)
    edges = {}
    for source in places:
        for target in places:
            # A unit's first tap reads the input before its own place, the last the one after.
            tap = {1: 0, 0: 1, -1: 2}.get(target - source)
            if tap is None:
                continue
            for channel in (0, 1):
                unit = f"h1{3 * channel + target}"
                edges[f"x{source}", unit] = 11 + 2 * tap + channel
                unit = f"h1{3 * channel + source}"
                edges[unit, f"h2{target}"] = 21 + 2 * tap + channel
    return Network(edges | {(f"h2{place}", OUTPUT): 30 + place for place in places})
