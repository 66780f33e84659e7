"""What the tests of NORD's descriptors share, and its listing written down once more."""

from __future__ import annotations

import random
from functools import cache
from itertools import permutations
from math import inf

import numpy as np

from harness.errors import UserError
from harness.spaces import Architecture, SearchSpace, get_space, tss
from harness.spaces.nasbench101 import NasBench101Space
from harness.streams import below, choice, stream
from harness.testing.conversation import Score
from searchers.nord_descriptor import OUTPUT, OUTPUT_PREFIX, Descriptor, Edge
from searchers.nord_evolution import NordEvolution

TSS: tss.TopologySpace = get_space("tss")  # type: ignore[assignment]
NB101: NasBench101Space = get_space("nasbench101")  # type: ignore[assignment]
SPACES: list[SearchSpace] = [TSS, NB101]


def chain(*operations: str) -> Descriptor:
    descriptor = Descriptor()
    for operation in operations:
        descriptor = descriptor.append(operation)
    return descriptor.append(OUTPUT, OUTPUT_PREFIX)


def fresh(space: SearchSpace = TSS, seed: int = 1, **options: object) -> NordEvolution:
    return NordEvolution(space, seed, **options)  # type: ignore[arg-type]


@cache
def all_embeddings(size: int, edges: tuple[Edge, ...], *, exactly: bool) -> list[tuple[int, ...]]:
    """By trying all: layers to distinct cell edges, in lexicographic order.

    Args:
        size: Number of layers.
        edges: Of the descriptor.
        exactly: Whether a layer feeds another if and only if its edge ends where the other's
            begins; else: only if.
    """
    found = []
    for places in permutations(range(6), size - 2):
        begins = ["before", *(tss.EDGES[place][0] for place in places), 3]
        ends = [0, *(tss.EDGES[place][1] for place in places), "behind"]
        touching = {
            (a, b) for a in range(size) for b in range(size) if a != b and ends[a] == begins[b]
        }
        if touching == set(edges) or (not exactly and touching >= set(edges)):
            found.append(places)
    return found


class Listing:
    """The listing, with names and dictionaries as in NORD, on the searcher's two streams."""

    def __init__(
        self, space: SearchSpace, seed: int, population: int, sample: int, score: Score
    ) -> None:
        self.space = space
        self.score = score
        self.init = stream(seed, "init", space.name)
        self.rng = stream(seed, "search", "NordEvolution")
        self.size, self.sample = population, sample
        self.max_layers = 5
        self.ops = list(fresh(space).operations)
        self.population: list[tuple[dict[str, list[str]], dict[str, str], float]] = []

    @staticmethod
    def number(name: str) -> float:
        return float(name.split("_")[0])

    def names(self, connections: dict[str, list[str]]) -> list[str]:
        return sorted(connections, key=self.number)

    def add_edge(self, connections: dict[str, list[str]], rng: random.Random) -> None:
        names = self.names(connections)
        source = choice(rng, names)
        later = [name for name in names if self.number(name) > self.number(source)]
        if len(later) < 2:
            return
        target = choice(rng, later)
        if target not in connections[source]:
            connections[source].append(target)

    def initial(self) -> tuple[dict[str, list[str]], dict[str, str]]:
        connections: dict[str, list[str]] = {"0_input": []}
        layers = {"0_input": "input"}
        previous = "0_input"
        for i in range(1 + below(self.init, self.max_layers - 1) + 1):
            name = f"{i + 1}_Layer"
            layers[name] = choice(self.init, self.ops)
            connections[name] = []
            connections[previous].append(name)
            previous = name
            if self.init.random() < 1 / 7:
                self.add_edge(connections, self.init)
        connections["9999_output"] = []
        layers["9999_output"] = "output"
        connections[previous].append("9999_output")
        return connections, layers

    def mutate(self, connections: dict[str, list[str]], layers: dict[str, str]) -> None:
        fate = self.rng.random()
        if fate < 0.5 or len(layers) == self.max_layers + 2:
            self.add_edge(connections, self.rng)
        elif fate < 1.0:
            source = choice(self.rng, self.names(connections)[:-1])
            target = choice(self.rng, sorted(connections[source], key=self.number))
            prefix = (self.number(source) + self.number(target)) / 2
            name = f"{prefix}_Layer{len(layers)}"  # no name twice
            layers[name] = choice(self.rng, self.ops)
            connections[source].remove(target)
            connections[source].append(name)
            connections[name] = [target]

    def architecture(
        self, connections: dict[str, list[str]], layers: dict[str, str]
    ) -> Architecture | None:
        names = self.names(connections)
        edges = tuple(
            sorted((names.index(a), names.index(b)) for a in names for b in connections[a])
        )
        if self.space is TSS:
            found = all_embeddings(len(names), edges, exactly=True) if len(names) <= 8 else []
            if not found:
                return None
            cell = [0] * 6
            for place, name in zip(found[0], names[1:-1], strict=True):
                cell[place] = tss.OPERATIONS.index(layers[name])
            return tuple(cell)
        matrix = np.zeros((len(names), len(names)), int)
        for edge in edges:
            matrix[edge] = 1
        try:
            return NB101.from_matrix(matrix, [layers[name] for name in names])
        except UserError:
            return None

    def step(self) -> Architecture | None:
        if len(self.population) < self.size:
            connections, layers = self.initial()
        else:
            sample = [choice(self.rng, self.population) for _ in range(self.sample)]
            best = sample[0]
            for member in sample[1:]:
                if member[2] > best[2]:
                    best = member
            connections = {name: list(targets) for name, targets in best[0].items()}
            layers = dict(best[1])
            self.mutate(connections, layers)
        cell = self.architecture(connections, layers)
        value = -inf if cell is None else self.score(self.space.to_string(cell), 0)
        if len(self.population) == self.size:
            self.population.pop(0)
        self.population.append((connections, layers, value))
        return cell
