"""Regularized evolution of NORD's descriptors.

Source: Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial Neural
Networks" (PhD thesis, University of Macedonia, 2022), listings 3.6 (NAS-Bench-101) and 3.7 (its
port to NAS-Bench-201).
"""

from __future__ import annotations

import random
from math import inf
from typing import Any, NamedTuple

from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import SearchSpace
from harness.streams import below, choice
from searchers.checks import at_least, at_most
from searchers.evolution import value_of
from searchers.nord_cells import dialect_of
from searchers.nord_descriptor import OUTPUT, OUTPUT_PREFIX, Descriptor

EXTRA_EDGE = 1 / 7
"""Probability of an extra edge after each layer of an initial descriptor."""

TRIES = 10_000
"""Descriptors in a row that give no proposal before the search is taken to be stuck."""


class Member(NamedTuple):
    """A member of the population."""

    descriptor: Descriptor
    value: float


class NordEvolution(Searcher):
    """Ageing evolution whose mutations only add: an edge, or a layer in the middle of an edge.

    A descriptor that the space has no cell for enters the population as the worst, without an
    evaluation, and the next one is made at once; `statistics` counts these. When the table covers
    only a part of the space, cells outside it are discarded, and counted too. As nothing is ever
    taken away, a population can lose its last member with valid children: after 10,000
    descriptors in a row without a proposal the search is over.

    The population holds finished descriptors in the order in which they finished. Initial ones are
    made until `population_size` have finished, an evaluated one among them: with W workers up to
    W - 1 more than with one.

    Args:
        space: Where to search: ``tss`` or ``nasbench101``.
        seed: The search's seed.
        population_size: Members of the population.
        tournament_size: Members, drawn with replacement, of which the best is the parent. Of
            equals the first drawn wins.
        max_layers: Most hidden layers of a descriptor.
        add_connection_prob: Probability that a mutation adds an edge.
        add_node_prob: Probability that it inserts a layer, if there are fewer than `max_layers`.
            Where the two add up to less than 1, the other children are equal to their parents.
        max_descriptors: The search ends after so many proposals and invalid descriptors
            together: the thesis' count, in which the latter are evaluations with fitness 0. None:
            no limit.

    Raises:
        UserError: If an option is out of range, or the space is another one.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        population_size: int = 50,
        tournament_size: int = 10,
        max_layers: int = 5,
        add_connection_prob: float = 0.5,
        add_node_prob: float = 0.5,
        max_descriptors: int | None = None,
    ) -> None:
        super().__init__(space, seed)
        at_least(self, 1, population_size=population_size, tournament_size=tournament_size)
        at_least(self, 2, max_layers=max_layers)
        at_most(self, 30, max_layers=max_layers)  # means of prefixes stay exact
        at_least(self, 0, add_connection_prob=add_connection_prob, add_node_prob=add_node_prob)
        at_most(self, 1, add_connection_prob=add_connection_prob, add_node_prob=add_node_prob)
        if max_descriptors is not None:
            at_least(self, 1, max_descriptors=max_descriptors)
        self.operations, self.cell_of = dialect_of(space)
        self.population_size = population_size
        self.tournament_size = tournament_size
        self.max_layers = max_layers
        self.add_connection_prob = add_connection_prob
        self.add_node_prob = add_node_prob
        self.max_descriptors = inf if max_descriptors is None else max_descriptors
        self.remaining = population_size
        self.population: list[Member] = []
        self.in_flight: dict[int, Descriptor] = {}
        self.proposed = self.invalid = self.uncovered = 0
        self.evaluated = self.stuck = False

    def ask(self) -> Proposal | None:
        for _ in range(TRIES):
            if self.stuck or self.proposed + self.invalid >= self.max_descriptors:
                return None
            begun = self.remaining <= 0 and self.evaluated
            descriptor = self.evolve() if begun else self.initialise()
            cell = self.cell_of(descriptor)
            if cell is None:
                self.invalid += 1
                self.join(descriptor, -inf)
            elif cell not in self.space:
                self.uncovered += 1
            else:
                self.in_flight[self.proposed] = descriptor
                self.proposed += 1
                return Proposal(cell)
        self.stuck = True
        return None

    def tell(self, observation: Observation) -> None:
        self.join(self.in_flight.pop(observation.number), observation.value)
        self.evaluated, self.stuck = True, False

    def join(self, descriptor: Descriptor, value: float) -> None:
        """A new member; the oldest dies."""
        self.remaining -= 1
        self.population.append(Member(descriptor, value))
        if len(self.population) > self.population_size:
            del self.population[0]

    def initialise(self) -> Descriptor:
        """A chain of 2 to `max_layers` hidden layers, some with an extra edge."""
        rng, descriptor = self.initial, Descriptor()
        for _ in range(2 + below(rng, self.max_layers - 1)):
            descriptor = descriptor.append(choice(rng, self.operations))
            if rng.random() < EXTRA_EDGE:
                descriptor = with_random_edge(descriptor, rng)
        return descriptor.append(OUTPUT, OUTPUT_PREFIX)

    def evolve(self) -> Descriptor:
        """A mutated child of the best of a random sample."""
        sample = [choice(self.rng, self.population) for _ in range(self.tournament_size)]
        return self.mutate(max(sample, key=value_of).descriptor)

    def mutate(self, parent: Descriptor) -> Descriptor:
        """A child with one more edge or layer, or equal to its parent."""
        rng, fate = self.rng, self.rng.random()
        full = len(parent.layers) >= self.max_layers + 2
        if fate < self.add_connection_prob or full:
            return with_random_edge(parent, rng)
        if fate < self.add_connection_prob + self.add_node_prob:
            source = below(rng, len(parent.layers) - 1)  # not the output, which is the last
            target = choice(rng, parent.targets(source))
            return parent.insert(source, target, choice(rng, self.operations))
        return parent

    def statistics(self) -> dict[str, Any]:
        """How many descriptors were not proposed: no cell of the space, or not in the table."""
        return {"invalid": self.invalid, "uncovered": self.uncovered}


def with_random_edge(descriptor: Descriptor, rng: random.Random) -> Descriptor:
    """With an edge from a random layer to a random later one, where there are two or more.

    The descriptor stays as it is if there are fewer, or if the edge is there already.
    """
    source = below(rng, len(descriptor.layers))
    later = descriptor.later(source)
    return descriptor.connect(source, choice(rng, later)) if len(later) >= 2 else descriptor
