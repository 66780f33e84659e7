"""Genomes of growing networks: layers numbered by age, and connections that are never lost.

Source: Kyriakides (2022), chapter 6. A genome begins as one connection from the input to the
output. A new layer splits a connection, which is switched off but kept: switched on again it
becomes a skip connection, split again it becomes a branch. A genome may also be written down as a
whole, without a past.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError
from typing import NamedTuple, TypeVar

from harness.macro.paths import on_paths, ordered, reached

T = TypeVar("T")
Ends = tuple[int, int]

INPUT, OUTPUT = -2, 99
"""The numbers of the two ends; layers are numbered from 1 by their age."""


class Connection(NamedTuple):
    """A connection gene.

    Attributes:
        source: Number of the node that it leaves.
        target: Number of the node that it enters.
        enabled: Whether it is a part of the network.
    """

    source: int
    target: int
    enabled: bool = True

    @property
    def ends(self) -> Ends:
        """Its two nodes."""
        return self.source, self.target


@dataclass(frozen=True)
class Genome:
    """A genome: an immutable, hashable value.

    Attributes:
        layers: The gene of every layer; layer number i + 1 stands at place i.
        connections: All connections that ever were, oldest first.
    """

    layers: tuple[str, ...]
    connections: tuple[Connection, ...]

    def sound(self) -> bool:
        """Whether it is a network: every layer is connected, nothing twice, no cycle, a path."""
        connections: object = self.connections
        if not isinstance(connections, tuple) or not all(
            type(c) is Connection and [type(part) for part in c] == [int, int, bool]
            for c in connections
        ):
            return False
        ends = [c.ends for c in self.connections]
        inner = set(range(1, len(self.layers) + 1))
        if {s for s, _ in ends} != {INPUT, *inner} or {t for _, t in ends} != {*inner, OUTPUT}:
            return False
        try:
            ordered(ends)
        except CycleError:
            return False
        return len(set(ends)) == len(ends) and bool(self.live)

    @cached_property
    def live(self) -> tuple[Ends, ...]:
        """The enabled connections on paths from input to output; empty if there is no path."""
        return tuple(on_paths([c.ends for c in self.connections if c.enabled], INPUT, OUTPUT))

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The numbers of the layers on such paths, in topological order."""
        return tuple(node for node in ordered(self.live) if node not in (INPUT, OUTPUT))

    @cached_property
    def depth(self) -> dict[int, int]:
        """The live nodes' longest distances from the input, in connections, in their order."""
        found = {INPUT: 0}
        for node in (*self.order, OUTPUT):
            found[node] = 1 + max(found[s] for s, target in self.live if target == node)
        return found

    def split(self, place: int, layer: str) -> Genome:
        """A new layer on the connection at a place, which is switched off and kept."""
        old, new = self.connections[place], len(self.layers) + 1
        kept = _replaced(self.connections, place, old._replace(enabled=False))
        further = Connection(old.source, new), Connection(new, old.target)
        return Genome((*self.layers, layer), (*kept, *further))

    def toggle(self, place: int) -> Genome:
        """The connection at a place is switched on if it was off, and off if it was on."""
        old = self.connections[place]
        changed = old._replace(enabled=not old.enabled)
        return Genome(self.layers, _replaced(self.connections, place, changed))

    def relayer(self, place: int, layer: str) -> Genome:
        """Another layer gene at a place."""
        return Genome(_replaced(self.layers, place, layer), self.connections)

    def connect(self, source: int, target: int) -> Genome:
        """A connection that never was before."""
        return Genome(self.layers, (*self.connections, Connection(source, target)))

    def unconnected(self) -> list[Ends]:
        """What `connect` can add: new connections that close no cycle, with any kept one."""
        known = {c.ends: None for c in self.connections}
        inner = range(1, len(self.layers) + 1)
        reversed_ends = [(target, source) for source, target in known]
        found = []
        for source in (INPUT, *inner):
            before = reached(reversed_ends, source)
            found += [(source, target) for target in (*inner, OUTPUT) if target not in before]
        return [ends for ends in found if ends not in known]

    def origin(self, number: int) -> Ends:
        """The ends of the connection that a layer split: its oldest source and target."""
        source = next(c.source for c in self.connections if c.target == number)
        target = next(c.target for c in self.connections if c.source == number)
        return source, target


START = Genome((), (Connection(INPUT, OUTPUT),))
"""The genome from which all others grow."""


def cross(a: Genome, b: Genome, rng: random.Random) -> Genome:
    """A child with the structure of one parent, and genes that both have from either.

    As in NEAT, genes are compared where they have the same historical origin: layers of the same
    number that split the same connection, and the connections between such layers. Which parent
    gives the structure is drawn, since a space does not know which is the better one. Where the
    mixed switches leave no path, they stay as that parent has them.
    """
    one, other = (a, b) if rng.random() < 0.5 else (b, a)
    shared = {INPUT, OUTPUT}
    for number in range(1, min(len(a.layers), len(b.layers)) + 1):
        if a.origin(number) == b.origin(number) and shared.issuperset(a.origin(number)):
            shared.add(number)
    layers = tuple(
        other.layers[i] if i + 1 in shared and rng.random() < 0.5 else layer
        for i, layer in enumerate(one.layers)
    )
    theirs = {c.ends: c for c in other.connections if shared.issuperset(c.ends)}
    connections = tuple(
        theirs[c.ends] if c.ends in theirs and rng.random() < 0.5 else c for c in one.connections
    )
    mixed = Genome(layers, connections)
    return mixed if mixed.live else Genome(layers, one.connections)


def _replaced(items: tuple[T, ...], place: int, item: T) -> tuple[T, ...]:
    return (*items[:place], item, *items[place + 1 :])
