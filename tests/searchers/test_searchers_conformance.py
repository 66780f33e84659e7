"""Every registered searcher passes the suite that third parties inherit."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import searchers
from harness.benchmarks.covered import CoveredSpace
from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import Architecture, SearchSpace, get_space
from harness.spec import SearcherSpec
from harness.testing import SearcherSuite
from harness.testing.conversation import converse


class TestRandomSearch(SearcherSuite):
    searcher = "random_search"
    initial_design = 50


class TestRandomSearchWithoutReplacement(SearcherSuite):
    searcher = "random_search:replacement=false"


class TestRegularizedEvolution(SearcherSuite):
    searcher = "regularized_evolution:population_size=20,tournament_size=5"
    initial_design = 20


class TestRegularizedEvolutionOtherRules(SearcherSuite):
    searcher = (
        "regularized_evolution:population_size=20,tournament_size=5,"
        "tournament_replacement=false,new_value=false,initial_samples=30"
    )
    initial_design = 30


class TestClassicEvolution(SearcherSuite):
    searcher = "classic_evolution:population_size=20,tournament_size=5"
    initial_design = 20


class TestEraBasic(SearcherSuite):
    searcher = "era_evolution:form=basic,population_size=20"
    initial_design = 20


class TestEraRegularized(SearcherSuite):
    searcher = "era_evolution:form=regularized,population_size=20,avoid_duplicates=false"
    initial_design = 20


class TestEraCrossover(SearcherSuite):
    searcher = "era_evolution:form=crossover,population_size=20"
    initial_design = 20


class TestLocalSearch(SearcherSuite):
    searcher = "local_search"


class TestLocalSearchFirstImprovement(SearcherSuite):
    searcher = "local_search:improvement=first,initial_samples=10,starts=3"
    initial_design = 10


class TestReinforce(SearcherSuite):
    searcher = "reinforce:learning_rate=0.1,entropy_bonus=0.1"


class TestDoubleDqn(SearcherSuite):
    searcher = "double_dqn:epsilon_episodes=50,batch_size=8,hidden_width=16"


class TestBayesNasTabular(SearcherSuite):
    searcher = "bayesnas_tabular"
    initial_design = 10
    asks = 60


class TestNordEvolution(SearcherSuite):
    searcher = "nord_evolution"

    def tiny_space(self) -> SearchSpace:
        """The chains of two operations."""
        return CoveredSpace(self.space(), chains_of_two)


class TestNordEvolutionNasBench101(SearcherSuite):
    searcher = "nord_evolution:population_size=20,tournament_size=5,max_descriptors=140"

    def space(self) -> SearchSpace:
        return get_space("nasbench101")

    def tiny_space(self) -> SearchSpace:
        """The chains of two vertices."""
        return CoveredSpace(self.space(), chains_of_two_vertices)

    def write_table(self, path: Path, **how: Any) -> Path:
        pytest.skip("a table of all encodings of NAS-Bench-101 is too large for a test")


class TestDoubleDqnNasBench101(SearcherSuite):
    searcher = (
        "double_dqn:epsilon_episodes=50,batch_size=8,hidden_width=16,target_update=3,"
        "avoid_duplicates=true"
    )

    def space(self) -> SearchSpace:
        return get_space("nasbench101")

    write_table = TestNordEvolutionNasBench101.write_table


def chains_of_two(cell: Architecture) -> bool:
    return [value > 0 for value in cell] == [True, False, False, False, True, False]  # type: ignore[attr-defined]


def chains_of_two_vertices(cell: Architecture) -> bool:
    return sum(cell[:21]) == 3  # type: ignore[index]


class TestSuccessiveHalving(SearcherSuite):
    searcher = "successive_halving"
    fidelities = range(1, 13)
    initial_design = 9


class TestHyperband(SearcherSuite):
    searcher = "hyperband:reduction_factor=2"
    fidelities = range(1, 13)
    initial_design = 8


class TestAsha(SearcherSuite):
    searcher = "asha:min_epochs=2"
    fidelities = range(1, 13)
    initial_design = 3


class TestMedianStopping(SearcherSuite):
    searcher = "median_stopping:min_trials=1"
    fidelities = range(1, 13)
    initial_design = 1


class TestMedianStoppingAll(SearcherSuite):
    searcher = "median_stopping:compare_with=all,reduction_factor=3"
    fidelities = range(1, 13)
    initial_design = 1


class TestBohb(SearcherSuite):
    searcher = "bohb:min_points=3"
    fidelities = range(1, 13)
    initial_design = 5


def test_every_registered_searcher_has_a_suite() -> None:
    words = [vars(suite).get("searcher") for suite in SearcherSuite.__subclasses__()]
    names = {word.partition(":")[0] for word in words if isinstance(word, str)}
    # Other libraries' have theirs in tests/tune.
    assert names >= {name for name in searchers.registry.builtin if not name.startswith("tune:")}


@pytest.mark.parametrize("name", ["sss", "nasbench101"])
@pytest.mark.parametrize(
    "word",
    [
        "random_search:replacement=false",
        "regularized_evolution:population_size=10",
        "era_evolution:form=crossover,population_size=10",
        "local_search",
        "reinforce",
        "double_dqn:batch_size=8",
        "bayesnas_tabular",
    ],
)
def test_other_spaces(word: str, name: str) -> None:
    space = get_space(name)
    talk = converse(SearcherSpec.parse(word).build(space, 1), space, 60, workers=2)
    assert len(talk.proposals) == 60
    assert all(proposal.architecture in space for proposal in talk.proposals)


# --- the suite itself: it must find what it is for -------------------------------------------


class Climber(Searcher):
    """A sound searcher that is not registered: mutates the best architecture so far."""

    def __init__(self, space: SearchSpace, seed: int, *, patience: int = 3) -> None:
        super().__init__(space, seed)
        self.patience = patience
        self.told: list[Observation] = []

    def ask(self) -> Proposal:
        if len(self.told) < self.patience:
            return Proposal(self.space.sample(self.initial))
        best = max(self.told, key=lambda observation: observation.value)
        return Proposal(self.space.mutate(best.architecture, self.rng))

    def tell(self, observation: Observation) -> None:
        self.told.append(observation)


class TestSuiteTakesAClass(SearcherSuite):
    searcher = Climber
    options = {"patience": 5}  # noqa: RUF012
    initial_design = 5


class GlobalRandomness(Climber):
    def ask(self) -> Proposal:
        return Proposal(self.space.sample(random.Random(random.random())))


class NumpyRandomness(Climber):
    def ask(self) -> Proposal:
        return Proposal(self.space.sample(random.Random(int(np.random.randint(1 << 30)))))


class SharedState(Climber):
    shared: list[Observation] = []  # noqa: RUF012

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, seed)
        self.told = self.shared


class HashOrder(Climber):
    def ask(self) -> Proposal:
        names = {self.space.to_string(self.space.sample(self.rng)) for _ in range(3)}
        return Proposal(self.space.from_string(next(iter(names))))


class TrustsOrder(Climber):
    def tell(self, observation: Observation) -> None:
        assert observation.number == len(self.told)
        super().tell(observation)


class TrustsSuccess(Climber):
    def tell(self, observation: Observation) -> None:
        int(observation.value)
        super().tell(observation)


class Ignorant(Climber):
    """Its first proposals are not those of random search."""

    def ask(self) -> Proposal:
        return Proposal(self.space.sample(self.rng))


@pytest.mark.parametrize(
    ("searcher", "finder"),
    [
        (GlobalRandomness, "test_global_random_state_is_neither_used_nor_changed"),
        (NumpyRandomness, "test_global_random_state_is_neither_used_nor_changed"),
        (SharedState, "test_same_seed_same_sequence"),
        (HashOrder, "test_same_sequence_in_another_process"),
        (TrustsOrder, "test_results_out_of_order"),
        (TrustsSuccess, "test_failed_results"),
        (Ignorant, "test_initial_design_is_that_of_random_search"),
    ],
)
def test_suite_finds(searcher: type[Searcher], finder: str) -> None:
    suite = type("Suite", (SearcherSuite,), {"searcher": searcher, "initial_design": 2})()
    arguments = {"test_results_out_of_order": (2,), "test_failed_results": ("all",)}
    with pytest.raises((AssertionError, OverflowError)):
        getattr(suite, finder)(*arguments.get(finder, ()))
