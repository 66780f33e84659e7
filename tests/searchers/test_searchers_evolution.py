"""Evolution: what is asked for, what is kept, and what it is worth."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.loop import Budget, Search, run_search
from harness.searcher import Observation, Searcher
from harness.spaces import Architecture, get_space
from harness.spec import SearcherSpec
from harness.streams import below, distinct, stream
from harness.testing.conversation import Conversation, Tell, converse, hashed_score
from searchers.era import EraEvolution
from searchers.evolution import ClassicEvolution, RegularizedEvolution

TSS = get_space("tss")
Cell = tuple[int, ...]


def score_of(architecture: Architecture) -> float:
    return hashed_score(TSS.to_string(architecture), 0)


def told(talk: Conversation) -> list[Observation]:
    return [event.observation for event in talk.events if isinstance(event, Tell)]


def differences(a: Cell, b: Cell) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))


# --- regularized evolution against the paper's pseudo-code ------------------------------------


def algorithm_1(
    seed: int,
    cycles: int,
    population_size: int,
    sample_size: int,
    *,
    replacement: bool = True,
    new_value: bool = True,
    initial: int | None = None,
) -> list[Cell]:
    """Real et al. (2019), algorithm 1, written down once more, on the searcher's two streams."""
    init = stream(seed, "init", "tss")
    rng = stream(seed, "search", "RegularizedEvolution")
    cells: list[Cell] = []
    population: list[tuple[Cell, float]] = []
    history = 0
    while history < (initial or population_size):
        model = TSS.sample(init)
        population = [*population, (model, score_of(model))][-population_size:]
        cells.append(model)
        history += 1
    while history < cycles:
        sample: list[tuple[Cell, float]] = []
        if replacement:
            while len(sample) < sample_size:
                sample.append(population[below(rng, population_size)])
        else:
            sample = [population[i] for i in distinct(rng, population_size, sample_size)]
        best = sample[0]
        for candidate in sample[1:]:
            if candidate[1] > best[1]:
                best = candidate
        child = list(best[0])
        place = below(rng, 6)
        if new_value:
            others = [value for value in range(5) if value != child[place]]
            child[place] = others[below(rng, 4)]
        else:
            child[place] = below(rng, 5)
        population = [*population, (tuple(child), score_of(tuple(child)))][1:]
        cells.append(tuple(child))
        history += 1
    return cells


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    population_size=st.integers(5, 30),
    sample_size=st.integers(1, 5),
    replacement=st.booleans(),
    new_value=st.booleans(),
    extra=st.sampled_from([None, 0, 7]),
)
def test_regularized_evolution_is_algorithm_1(
    seed: int,
    population_size: int,
    sample_size: int,
    replacement: bool,
    new_value: bool,
    extra: int | None,
) -> None:
    initial = None if extra is None else population_size + extra
    searcher = RegularizedEvolution(
        TSS,
        seed,
        population_size=population_size,
        tournament_size=sample_size,
        tournament_replacement=replacement,
        new_value=new_value,
        initial_samples=initial,
    )
    talk = converse(searcher, TSS, 80)
    assert [p.architecture for p in talk.proposals] == algorithm_1(
        seed,
        80,
        population_size,
        sample_size,
        replacement=replacement,
        new_value=new_value,
        initial=initial,
    )


def test_asynchronous_population_is_the_last_finished() -> None:
    searcher = RegularizedEvolution(TSS, 1, population_size=10, tournament_size=3)
    talk = converse(searcher, TSS, 120, workers=6, last_first=True)
    assert searcher.population == told(talk)[-10:]


def test_idle_workers_get_random_architectures_until_the_population_is_full() -> None:
    searcher = RegularizedEvolution(TSS, 1, population_size=10, tournament_size=3)
    talk = converse(searcher, TSS, 40, workers=4)
    init = stream(1, "init", "tss")
    random_ones = [TSS.sample(init) for _ in range(14)]
    cells = [p.architecture for p in talk.proposals]
    # Ten must finish; three more are in flight by then.
    assert cells[:13] == random_ones[:13]
    assert cells[13] != random_ones[13]


def test_failed_evaluations_enter_as_the_worst() -> None:
    searcher = RegularizedEvolution(TSS, 1, population_size=10, tournament_size=10)
    talk = converse(searcher, TSS, 60, failing=lambda number: number % 2 == 0)
    assert sum(member.failed for member in searcher.population) == 5
    succeeded = {o.architecture for o in told(talk) if not o.failed}
    for proposal in talk.proposals[10:]:
        assert any(differences(proposal.architecture, parent) == 1 for parent in succeeded)


def test_classic_evolution_keeps_the_best() -> None:
    searcher = ClassicEvolution(TSS, 1, population_size=10, tournament_size=3)
    talk = converse(searcher, TSS, 100)
    best = sorted((o.value for o in told(talk)), reverse=True)[:10]
    assert sorted((m.value for m in searcher.population), reverse=True) == best


def test_classic_evolution_drops_the_oldest_of_equals() -> None:
    searcher = ClassicEvolution(TSS, 1, population_size=10, tournament_size=3)
    talk = converse(searcher, TSS, 50, score=lambda text, visit: 1.0)
    assert searcher.population == told(talk)[-10:]


def test_tournament_of_one_has_no_selection() -> None:
    """Every member is the parent equally often: a frozen population of ten distinct cells."""
    searcher = RegularizedEvolution(TSS, 1, population_size=10, tournament_size=1)
    cells = [(i % 5, i // 5, 0, 0, 0, 0) for i in range(10)]
    for number, cell in enumerate(cells):
        searcher.tell(Observation(number, cell, None, float(number), False))
    parents: Counter[Cell] = Counter()
    n = 20_000
    for _ in range(n):
        child = searcher.ask().architecture
        near = [cell for cell in cells if differences(cell, child) == 1]
        # A child that differs in an untouched decision tells its parent.
        if len(near) == 1:
            parents[near[0]] += 1
    counts = np.array([parents[cell] for cell in cells])
    expected = counts.sum() / 10
    # Chi-square with 9 degrees of freedom; 33.7 has a probability of 1e-4.
    assert ((counts - expected) ** 2 / expected).sum() < 33.7


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("regularized_evolution:tournament_size=0", "tournament_size=0; must be at least 1"),
        ("regularized_evolution:population_size=5", "tournament_size=10; must be at most popul"),
        ("classic_evolution:initial_samples=7", "initial_samples=7; must be at least 100"),
        ("era_evolution:form=crossover,population_size=2", "population_size=2; must be at leas"),
        ("era_evolution:form=sexual", "form='sexual'"),
        ("regularized_evolution:population_size=5.5", "population_size=5.5"),
    ],
)
def test_options_are_checked(word: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        SearcherSpec.parse(word).build(TSS, 1)


# --- ERA --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["basic", "regularized", "crossover"])
@pytest.mark.parametrize("workers", [1, 4])
def test_era_population_is_constant(form: str, workers: int) -> None:
    searcher = EraEvolution(TSS, 1, form=form, population_size=20)  # type: ignore[arg-type]
    sizes = []
    talk = Conversation(searcher)
    for asks in range(1, 121):
        talk = converse(searcher, TSS, asks, workers=workers, history=talk)
        in_flight = len(talk.in_flight)
        if asks > 20 + workers:
            sizes.append(len(searcher.population) + (in_flight if form == "basic" else 0))
    # Basic: a loser dies when its successor is proposed, so members and successors together
    # keep their number; W - 1 random ones were in flight when the population was full.
    assert set(sizes) == {20 + workers - 1 if form == "basic" else 20}


def test_era_evaluates_population_and_generations() -> None:
    """P + G evaluations: the first 50 random, 150 children one mutation away from a member."""
    searcher = EraEvolution(TSS, 3, population_size=50)
    cells = [p.architecture for p in converse(searcher, TSS, 200).proposals]
    init = stream(3, "init", "tss")
    assert cells[:50] == [TSS.sample(init) for _ in range(50)]
    assert len(set(cells)) == 200
    for i, child in enumerate(cells[50:], start=50):
        assert any(differences(child, parent) == 1 for parent in cells[:i])


def test_era_basic_never_deletes_a_winner() -> None:
    searcher = EraEvolution(TSS, 1, form="basic", population_size=20)
    talk = converse(searcher, TSS, 21)
    for asks in range(22, 160):
        before = list(searcher.population)
        pending = talk.in_flight
        talk = converse(searcher, TSS, asks, history=talk)
        newcomer = told(talk)[-1]
        assert newcomer.number == pending[0][0]
        (loser,) = [m for m in [*before, newcomer] if m not in searcher.population]
        child = talk.proposals[-1].architecture
        winners = [m for m in searcher.population if differences(m.architecture, child) == 1]
        assert any(winner.value >= loser.value for winner in winners)


@pytest.mark.parametrize("form", ["regularized", "crossover"])
def test_era_regularized_deletes_by_age(form: str) -> None:
    searcher = EraEvolution(TSS, 1, form=form, population_size=20)  # type: ignore[arg-type]
    talk = converse(searcher, TSS, 100)
    assert searcher.population == told(talk)[-20:]


def test_era_crossover_takes_genes_from_the_best_two_of_three() -> None:
    searcher = EraEvolution(TSS, 1, form="crossover", population_size=3)
    worst, second, best = (0, 0, 0, 0, 0, 0), (1, 1, 1, 1, 1, 1), (2, 2, 2, 2, 2, 2)
    for number, (cell, value) in enumerate([(best, 3.0), (worst, 1.0), (second, 2.0)]):
        searcher.tell(Observation(number, cell, None, value, False))
    genes: Counter[int] = Counter()
    for _ in range(300):
        child = searcher.ask().architecture  # type: ignore[union-attr]
        assert sum(gene not in (1, 2) for gene in child) <= 1
        genes.update(child)
    assert 0.9 < genes[1] / genes[2] < 1.1


@pytest.mark.parametrize("avoid", [True, False])
def test_era_duplicates(avoid: bool) -> None:
    searcher = EraEvolution(TSS, 1, population_size=10, avoid_duplicates=avoid)
    # A single peak draws everything to a few cells.
    talk = converse(searcher, TSS, 600, score=lambda text, visit: float(text.count("conv_3x3")))
    cells = [p.architecture for p in talk.proposals]
    assert (len(set(cells)) == len(cells)) is avoid


# --- what it is worth -------------------------------------------------------------------------


def best_true_values(word: str, table: object, seeds: int) -> np.ndarray:
    spec = SearcherSpec.parse(word)
    finals = []
    for seed in range(seeds):
        searcher: Searcher = spec.build(TSS, seed)
        search = Search(searcher, table, Budget(evaluations=200), seed, spec.identity)  # type: ignore[arg-type]
        columns = run_search(search).columns
        finals.append(columns["true"][np.argmax(columns["selection"])])
    return np.array(finals)


@pytest.mark.parametrize(
    "word",
    [
        "regularized_evolution:population_size=30",
        "classic_evolution:population_size=30",
        "era_evolution:form=basic",
        "era_evolution:form=regularized",
        "era_evolution:form=crossover",
        "local_search",
        "local_search:improvement=first",
        "local_search:initial_samples=50,starts=10",
        "reinforce:learning_rate=0.1",
    ],
)
def test_better_than_random_search(word: str, synthetic: object) -> None:
    """On a landscape with structure, every strategy beats random search at 200 evaluations."""
    seeds = 30
    gain = best_true_values(word, synthetic, seeds) - best_true_values(
        "random_search", synthetic, seeds
    )
    # Paired over seeds; three standard errors above zero.
    assert gain.mean() > 3 * gain.std(ddof=1) / seeds**0.5


def test_control_without_selection_is_no_better_than_random_search(synthetic: object) -> None:
    word = "regularized_evolution:population_size=30,tournament_size=1"
    gain = best_true_values(word, synthetic, 30) - best_true_values("random_search", synthetic, 30)
    assert gain.mean() < 2 * gain.std(ddof=1) / 30**0.5


def test_members_live_for_p_generations() -> None:
    """By age: whoever enters leaves exactly P results later."""
    searcher = RegularizedEvolution(TSS, 1, population_size=10, tournament_size=3)
    talk = converse(searcher, TSS, 10)
    populations = []
    for asks in range(11, 60):
        talk = converse(searcher, TSS, asks, history=talk)
        populations.append([member.number for member in searcher.population])
    for before, after in pairwise(populations):
        assert after == [*before[1:], before[-1] + 1]
