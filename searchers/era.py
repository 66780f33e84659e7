"""ERA: the three evolutions of the thesis "Evolution of Residual Architectures".

Sources: Lundberg, "Evolution of Residual Architectures" (master's thesis, Lund University,
2020:E35), chapter 4; for what the thesis leaves open, `evolution.py` of the public HyperMapper
repository, to which the thesis' author contributed this algorithm.
"""

from __future__ import annotations

from typing import Literal

from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import Architecture, SearchSpace
from searchers.checks import at_least, one_of
from searchers.evolution import distinct_contestants, value_of
from searchers.random_search import sample_unseen

CONTESTANTS = {"basic": 2, "regularized": 2, "crossover": 3}
MUTATIONS = 8
"""Candidate mutations before a duplicate is given up for a random architecture."""


class EraEvolution(Searcher):
    """Steady-state evolution by small tournaments, without replacement.

    * ``basic``: of two members the loser dies and the winner has a mutated child;
    * ``regularized``: of two members the winner has a mutated child, and the oldest dies;
    * ``crossover``: of three members the best two have a child that takes each decision from
      either with probability one half and is then mutated, and the oldest dies.

    A mutation gives one decision another value. Of equals the first drawn wins. Failed
    evaluations enter the population as the worst.

    With W workers, random architectures are drawn until `population_size` evaluations have
    finished, so W - 1 more than with one. In ``basic`` the loser dies when the child is proposed:
    the members and the evaluations in flight together keep their number.

    Args:
        space: Where to search.
        seed: The search's seed.
        form: Which of the three evolutions.
        population_size: Members of the population. The thesis' budget of 200 evaluations are
            50 random ones and 150 children.
        avoid_duplicates: Whether no evaluation is spent on an architecture that was proposed
            before: a duplicate child is mutated anew up to 8 times and then replaced by a fresh
            random architecture, and the initial ones are distinct. The search ends when the
            space is exhausted. (HyperMapper tries as many mutations as there are decisions: 8
            in the thesis' space.)

    Raises:
        UserError: If an option is out of range.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        form: Literal["basic", "regularized", "crossover"] = "basic",
        population_size: int = 50,
        avoid_duplicates: bool = True,
    ) -> None:
        super().__init__(space, seed)
        one_of(self, CONTESTANTS, form=form)
        at_least(self, CONTESTANTS[form], population_size=population_size)
        self.form = form
        self.population_size = population_size
        self.avoid_duplicates = avoid_duplicates
        self.finished = 0
        self.population: list[Observation] = []
        self.proposed: set[Architecture] = set()

    def ask(self) -> Proposal | None:
        if self.finished < self.population_size:
            architecture = self._initial()
        elif len(self.population) < CONTESTANTS[self.form]:
            return None  # Only with many workers: the losers are gone, their successors in flight.
        else:
            architecture = self._child()
        if architecture is None:
            return None
        self.proposed.add(architecture)
        return Proposal(architecture)

    def tell(self, observation: Observation) -> None:
        self.finished += 1
        self.population.append(observation)
        if self.form != "basic" and len(self.population) > self.population_size:
            del self.population[0]

    def _initial(self) -> Architecture | None:
        if self.avoid_duplicates:
            return sample_unseen(self.space, self.initial, self.proposed)
        return self.space.sample(self.initial)

    def _child(self) -> Architecture | None:
        sample = distinct_contestants(self.rng, self.population, CONTESTANTS[self.form])
        winner, second, *_ = sorted(sample, key=value_of, reverse=True)
        parent = winner.architecture
        if self.form == "basic":
            self.population.remove(second)
        elif self.form == "crossover":
            parent = self.space.crossover(parent, second.architecture, self.rng)
        for _ in range(MUTATIONS):
            child = self.space.mutate(parent, self.rng)
            if not self.avoid_duplicates or child not in self.proposed:
                return child
        return sample_unseen(self.space, self.rng, self.proposed)
