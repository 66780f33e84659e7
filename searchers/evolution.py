"""Evolution of a population by tournaments and mutation: regularized and classic.

Source: Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier Architecture
Search" (AAAI 2019), algorithm 1. The rules in which the field's implementations differ, and
with them their results, are options here.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from operator import attrgetter

from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import SearchSpace
from harness.streams import distinct
from searchers.checks import at_least, at_most

value_of = attrgetter("value")


class RegularizedEvolution(Searcher):
    """Ageing evolution: the best of a random sample has a mutated child, and the oldest dies.

    The population holds finished evaluations in the order in which they finished. Failed ones
    enter as the worst (their value is -inf), so that they are never bred from beside others.

    With several workers an idle one always gets a proposal: a random architecture until
    `initial_samples` evaluations have finished, then a child of the population as it stands.
    W workers hence begin with up to W - 1 more random architectures than one worker (Syne Tune's
    and PyGlove's rule).

    Args:
        space: Where to search.
        seed: The search's seed.
        population_size: Members of the population, P.
        tournament_size: Members that compete to be the parent, S. With 1 there is no selection:
            every child's parent is uniform. Kyriakides ("Parallel and Distributed Methods",
            2022) uses that as a control; it is a random walk, not random search.
        tournament_replacement: Whether a member can be drawn twice for a tournament (as in Real
            et al., NASLib and Syne Tune) or not (NNI, PyGlove). Of equals the first drawn wins.
        new_value: Whether mutation excludes the old value (NASLib, Syne Tune) or may leave the
            child equal to its parent (NNI).
        initial_samples: Finished random evaluations before evolution begins; None:
            `population_size`. If there are more than P, P of them remain by the removal rule.

    Raises:
        UserError: If an option is out of range.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        population_size: int = 100,
        tournament_size: int = 10,
        tournament_replacement: bool = True,
        new_value: bool = True,
        initial_samples: int | None = None,
    ) -> None:
        super().__init__(space, seed)
        at_least(self, 1, population_size=population_size, tournament_size=tournament_size)
        at_most(self, population_size, "population_size", tournament_size=tournament_size)
        if initial_samples is not None:
            at_least(self, population_size, initial_samples=initial_samples)
        self.population_size = population_size
        self.tournament_size = tournament_size
        self.new_value = new_value
        self.contestants = contestants if tournament_replacement else distinct_contestants
        self.remaining = initial_samples or population_size
        self.population: list[Observation] = []

    def ask(self) -> Proposal:
        if self.remaining > 0:
            return Proposal(self.space.sample(self.initial))
        sample = self.contestants(self.rng, self.population, self.tournament_size)
        parent = max(sample, key=value_of)
        return Proposal(self.space.mutate(parent.architecture, self.rng, new_value=self.new_value))

    def tell(self, observation: Observation) -> None:
        self.remaining -= 1
        self.population.append(observation)
        if len(self.population) > self.population_size:
            self.remove_one()

    def remove_one(self) -> None:
        """The oldest dies."""
        del self.population[0]


class ClassicEvolution(RegularizedEvolution):
    """The same, but the worst dies instead of the oldest; of equally bad ones the oldest.

    A child that is worse than the whole population dies at once.
    """

    def remove_one(self) -> None:
        """The worst dies."""
        values = list(map(value_of, self.population))
        del self.population[values.index(min(values))]


def contestants(
    rng: random.Random, population: Sequence[Observation], size: int
) -> list[Observation]:
    """A uniform sample with replacement."""
    draw, n = rng.random, len(population)
    return [population[int(draw() * n)] for _ in range(size)]


def distinct_contestants(
    rng: random.Random, population: Sequence[Observation], size: int
) -> list[Observation]:
    """A uniform sample without replacement, in random order."""
    return [population[i] for i in distinct(rng, len(population), size)]
