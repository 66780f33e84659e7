"""Successive halving, Hyperband, ASHA and BOHB: rungs, promotions, and what they cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from copy import copy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from harness import search
from harness.benchmarks import Benchmark, open_benchmark
from harness.errors import UserError
from harness.searcher import Observation, Proposal
from harness.spaces import CategoricalSpace, get_space
from harness.spec import SearcherSpec
from harness.testing import synthetic_table
from harness.testing.conversation import Ask, converse
from searchers.asha import Asha
from searchers.bohb import Density
from searchers.hyperband import Hyperband, SuccessiveHalving
from searchers.rungs import rungs

TSS = get_space("tss")
TWELVE = tuple(range(1, 13))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("fidelities") / "synthetic.table"
    synthetic_table(path)
    return open_benchmark(path, "multi-fidelity")


# --- rungs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fidelities", "eta", "minimum", "expected"),
    [
        (range(1, 82), 3, None, (1, 3, 9, 27, 81)),
        (range(1, 101), 3, None, (1, 4, 11, 33, 100)),
        ((4, 12, 36, 108), 3, None, (4, 12, 36, 108)),
        ((4, 12, 36, 108), 3, 12, (12, 36, 108)),
        ((4, 12, 36, 108), 2, None, (4, 12, 36, 108)),
        (range(1, 9), 2, None, (1, 2, 4, 8)),
        (range(1, 9), 3, None, (3, 8)),
        (range(1, 201), 4, 10, (12, 50, 200)),
    ],
)
def test_rungs(
    fidelities: range, eta: int, minimum: int | None, expected: tuple[int, ...]
) -> None:
    assert rungs(tuple(fidelities), eta, minimum) == expected


@given(
    st.lists(st.integers(1, 300), min_size=2, unique=True).map(sorted),
    st.integers(2, 9),
    st.none() | st.integers(1, 300),
)
def test_rungs_are_on_offer_and_ascend(
    fidelities: list[int], eta: int, minimum: int | None
) -> None:
    try:
        found = rungs(fidelities, eta, minimum)
    except UserError as error:
        assert "no rung below" in str(error)
        return
    assert found[-1] == fidelities[-1] and set(found) <= set(fidelities)
    assert list(found) == sorted(set(found)) and len(found) > 1
    assert found[0] >= (minimum or 1)


@pytest.mark.parametrize(
    "word", ["asha", "hyperband", "successive_halving", "bohb", "median_stopping"]
)
def test_a_protocol_without_fidelities_is_refused(word: str) -> None:
    with pytest.raises(UserError, match="needs a protocol with several fidelities"):
        search("tss-digits", word, evaluations=5)


@pytest.mark.parametrize(
    "word",
    [
        "asha:reduction_factor=1",
        "hyperband:min_epochs=0",
        "successive_halving:candidates=2",
        "bohb:random_fraction=1.5",
        "asha:min_epochs=13",
    ],
)
def test_mistaken_options(word: str) -> None:
    with pytest.raises(UserError):
        SearcherSpec.parse(word).build(TSS, 0, TWELVE)


def test_bohb_needs_fixed_decisions() -> None:
    growing = copy(TSS)
    growing.sizes = None
    with pytest.raises(UserError, match="no fixed decisions; use hyperband"):
        SearcherSpec.parse("bohb").build(growing, 0, TWELVE)


# --- brackets ---------------------------------------------------------------------------------


def test_the_brackets_of_the_paper() -> None:
    """Li et al. (2018), table 1: R = 81, eta = 3; evaluations by bracket and epochs."""
    paper = [
        {1: 81, 3: 27, 9: 9, 27: 3, 81: 1},
        {3: 34, 9: 11, 27: 3, 81: 1},
        {9: 15, 27: 5, 81: 1},
        {27: 8, 81: 2},
        {81: 5},
    ]
    total = sum(sum(bracket.values()) for bracket in paper)
    searcher = Hyperband(TSS, 1, tuple(range(1, 82)))
    talk = converse(searcher, TSS, 2 * total)
    levels = [proposal.fidelity for proposal in talk.proposals]
    # One worker finishes a bracket before the next; after the last comes the first again.
    for start in (0, total):
        at = start
        for bracket in paper:
            size = sum(bracket.values())
            assert Counter(levels[at : at + size]) == bracket
            at += size
    assert searcher.statistics() == {"brackets": 10}


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4), st.integers(1, 9), st.integers(0, 5), st.booleans())
def test_a_rung_promotes_its_best(eta: int, workers: int, seed: int, last_first: bool) -> None:
    """Told from the log alone: the top n / eta of a full rung go on, and nothing else does."""
    searcher = SuccessiveHalving(TSS, seed, TWELVE, reduction_factor=eta, candidates=2 * eta)
    talk = converse(searcher, TSS, 60, workers=workers, last_first=last_first)
    levels = searcher.rungs
    told = defaultdict(list)
    for event in talk.events:
        if isinstance(event, Ask):
            proposal = event.proposal
            assert proposal is not None
            rung = levels.index(proposal.fidelity or 0)
            if rung:
                assert proposal.continues == levels[rung - 1]
                below = {o.architecture: o.value for o in told[rung - 1]}
                assert proposal.architecture in below
        else:
            told[levels.index(event.observation.fidelity or 0)].append(event.observation)
    if workers == 1:
        first = told[0][: 2 * eta]
        best = sorted(first, key=lambda o: -o.value)[:2]
        promoted = [p.architecture for p in talk.proposals if p.fidelity == levels[1]]
        assert promoted[:2] == [o.architecture for o in best]


def test_failures_are_not_promoted() -> None:
    searcher = SuccessiveHalving(TSS, 1, TWELVE)
    talk = converse(searcher, TSS, 9, failing=lambda number: number != 4)
    kept = talk.proposals[4].architecture
    number, last = talk.in_flight[0]
    searcher.tell(Observation(number, last.architecture, last.fidelity, 0.0, number != 4))
    # One of nine survives its first training, and is trained in full.
    assert searcher.ask() == Proposal(kept, searcher.rungs[1], searcher.rungs[0])


# --- ASHA -------------------------------------------------------------------------------------


def naive_get_job(rung_results: list[list[Observation]], promoted: list[set[int]], eta: int):
    """Algorithm 2 of the paper, word for word: (rung, observation to promote), or None."""
    for k in reversed(range(len(rung_results))):
        ranked = sorted(rung_results[k], key=lambda o: (-o.value, o.number))
        candidates = ranked[: len(ranked) // eta]
        promotable = [o for o in candidates if o.number not in promoted[k] and not o.failed]
        if promotable:
            return k, promotable[0]
    return None


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 4),
    st.integers(1, 8),
    st.integers(0, 100),
    st.booleans(),
    st.integers(1, 5),
)
def test_asha_is_the_papers_algorithm(
    eta: int, workers: int, seed: int, last_first: bool, every: int
) -> None:
    searcher = Asha(TSS, seed, TWELVE, reduction_factor=eta)
    talk = converse(
        searcher,
        TSS,
        120,
        workers=workers,
        last_first=last_first,
        failing=lambda number: number % (3 * every) == 0,
        # Few values, so that there are ties.
        score=lambda text, visit: float(sum(map(ord, text)) % 7),
    )
    results: list[list[Observation]] = [[] for _ in searcher.rungs[1:]]
    promoted: list[set[int]] = [set() for _ in searcher.rungs[1:]]
    for event in talk.events:
        if isinstance(event, Ask):
            job = naive_get_job(results, promoted, eta)
            if job is None:
                assert event.proposal is not None
                assert event.proposal[1:] == (searcher.rungs[0], None)
                continue
            k, best = job
            promoted[k].add(best.number)
            expected = Proposal(best.architecture, searcher.rungs[k + 1], searcher.rungs[k])
            assert event.proposal == expected
        else:
            rung = searcher.rungs.index(event.observation.fidelity or 0)
            if rung < len(results):
                results[rung].append(event.observation)


# --- cost -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["hyperband", "asha", "successive_halving", "bohb", "median_stopping"]
)
@pytest.mark.parametrize("workers", [1, 4])
def test_a_promotion_pays_for_its_further_epochs(
    table: Benchmark, word: str, workers: int
) -> None:
    trace = search(table, word, evaluations=200, workers=workers)
    columns = trace.columns
    reached: dict[str, set[int]] = defaultdict(set)
    seconds = np.round((columns["end"] - columns["start"]) / 1e6, 6)
    cost = table.evaluator(0)
    for i in np.argsort(columns["number"]):
        text = trace.architectures[i]
        epochs, continued = int(columns["epochs"][i]), int(columns["continued"][i])
        assert continued == 0 or continued in reached[text]
        architecture = table.space.from_string(text)
        paid = cost(architecture, continued).cost if continued else 0
        assert seconds[i] == pytest.approx((cost(architecture, epochs).cost - paid) / 1e6)
        reached[text].add(epochs)
    assert (columns["continued"] > 0).any()


def test_restarted_promotions_pay_in_full(table: Benchmark) -> None:
    protocol = table.protocol.with_options(promotion="restart")
    trace = search(str(table.table.path), "asha", evaluations=60, protocol=protocol)  # type: ignore[attr-defined]
    assert not trace.columns["continued"].any()
    assert len(set(trace.columns["epochs"])) > 1


def test_pauses_cost_what_the_protocol_says(table: Benchmark) -> None:
    path = str(table.table.path)  # type: ignore[attr-defined]
    plain = search(path, "asha", evaluations=60, protocol=table.protocol)
    slow = search(
        path, "asha", evaluations=60, protocol=table.protocol.with_options(pause_seconds=7.5)
    )
    continued = plain.columns["continued"] > 0
    extra = (slow.columns["end"] - slow.columns["start"]) - (
        plain.columns["end"] - plain.columns["start"]
    )
    assert plain.architectures == slow.architectures
    assert set(extra[continued]) == {7_500_000} and not extra[~continued].any()


def test_the_budget_of_epochs_counts_further_epochs_alone(table: Benchmark) -> None:
    trace = search(table, "hyperband", epochs=300)
    trained = trace.columns["epochs"] - trace.columns["continued"]
    assert 300 - 12 < trained.sum() <= 300


# --- BOHB -------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_the_density_sums_to_one(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(2, 4), min_size=1, max_size=3))
    point = st.tuples(*(st.integers(0, size - 1) for size in sizes))
    points = np.array(data.draw(st.lists(point, min_size=2, max_size=6)))
    density = Density(points, sizes)
    everything = np.array(list(np.ndindex(*sizes)))
    assert density.at(everything).sum() == pytest.approx(1.0)
    # The kernel by hand, at the first point.
    expected = 0.0
    for other in points:
        product = 1.0
        for d, size in enumerate(sizes):
            h = density.bandwidths[d]
            product *= 1 - h if other[d] == points[0][d] else h / (size - 1)
        expected += product / len(points)
    assert density.at(points[:1])[0] == pytest.approx(expected)


def test_the_model_finds_better_candidates_than_chance(table: Benchmark) -> None:
    """Mean final accuracy of all that was drawn: BOHB against Hyperband, seed by seed."""
    difference = []
    for seed in range(12):
        means = []
        for word in ("bohb", "hyperband"):
            trace = search(table, word, seed=seed, evaluations=200)
            drawn = trace.columns["continued"] == 0
            means.append(float(np.mean(trace.columns["true"][drawn])))
        difference.append(means[0] - means[1])
    assert wilcoxon(difference, alternative="greater").pvalue < 0.001


def test_a_space_with_few_architectures_is_no_trouble(tmp_path: Path) -> None:
    space = CategoricalSpace("tiny", [["a", "b"], ["1", "2", "3"]])
    synthetic_table(tmp_path / "tiny.table", space)
    benchmark = open_benchmark(tmp_path / "tiny.table", "multi-fidelity")
    for word in ("asha", "hyperband", "bohb", "median_stopping"):
        assert len(search(benchmark, word, evaluations=100, workers=3)) == 100
