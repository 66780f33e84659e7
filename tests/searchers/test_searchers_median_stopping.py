"""The median stopping rule: what is stopped, what goes on, and when."""

from __future__ import annotations

from statistics import mean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks import Benchmark, open_benchmark
from harness.errors import UserError
from harness.loop import Budget, Search, run_search
from harness.searcher import Observation, Proposal
from harness.spaces import Architecture, get_space
from harness.spec import SearcherSpec
from harness.testing import synthetic_table
from harness.testing.conversation import Ask, converse
from searchers.median_stopping import MedianStopping

TSS = get_space("tss")
THREE = (1, 2, 3)


def trained(searcher: MedianStopping, values: list[float]) -> Architecture:
    """Train one architecture by the rule on the given values; it must get as far as they do."""
    paused = None
    for epochs, value in enumerate(values, 1):
        number, proposal = searcher.asked, searcher.ask()
        assert (proposal.fidelity, proposal.continues) == (epochs, paused)
        architecture, paused = proposal.architecture, epochs
        searcher.tell(Observation(number, architecture, epochs, value, failed=False))
    return architecture


def test_the_rule_by_hand() -> None:
    """Running averages after two epochs: 15, 20 and 50 of those in full; their median is 20."""
    searcher = MedianStopping(TSS, 1, THREE)
    trained(searcher, [10.0, 20.0, 90.0])
    trained(searcher, [20.0, 20.0, 20.0])
    trained(searcher, [0.0, 100.0, 100.0])  # nothing is stopped before there are three
    assert searcher.stopped == [0, 0]
    # After one epoch the median of 10, 20 and 0 is 10. An equal value goes on, a lower one not.
    trained(searcher, [9.9])
    assert searcher.stopped == [1, 0]
    trained(searcher, [10.0, 19.9])
    assert searcher.stopped == [1, 1]
    # The best value counts: the last one, and the average of 15.5, are below 20.
    trained(searcher, [21.0, 10.0, 5.0])
    assert searcher.stopped == [1, 1]
    assert searcher.statistics() == {"rungs": [1, 2, 3], "stopped": [1, 1]}


def naive_lags(own: list[float], others: list[list[float]], minimum: int) -> bool:
    """The paper's sentence, over whole curves."""
    step = len(own)
    averages = [mean(curve[:step]) for curve in others if len(curve) >= step]
    return len(averages) >= minimum and max(own) < median(averages)


@settings(max_examples=30, deadline=None)
@given(
    compare_with=st.sampled_from(["completed", "all"]),
    minimum=st.integers(1, 4),
    grace=st.integers(0, 2),
    factor=st.sampled_from([None, 2, 3]),
    workers=st.integers(1, 6),
    seed=st.integers(0, 50),
    last_first=st.booleans(),
    every=st.integers(6, 40),
)
def test_what_goes_on_is_what_the_papers_sentence_says(
    compare_with: str,
    minimum: int,
    grace: int,
    factor: int | None,
    workers: int,
    seed: int,
    last_first: bool,
    every: int,
) -> None:
    """From the log alone: each continued training, in order, and every new one is random."""
    searcher = MedianStopping(
        TSS,
        seed,
        (1, 2, 4, 6, 9),
        compare_with=compare_with,
        min_trials=minimum,
        grace=min(grace, 1),
        reduction_factor=factor,
    )
    levels = searcher.rungs
    # Few values, and whole ones, so that there are ties and every mean and median is exact.
    talk = converse(
        searcher,
        TSS,
        150,
        workers=workers,
        last_first=last_first,
        failing=lambda number: number % every == every - 1,
        score=lambda text, visit: float(12 * ((sum(map(ord, text)) + visit * 5) % 7)),
    )
    curves: dict[int, list[float]] = {}  # of a proposal: its training's values up to there
    due: list[Proposal] = []
    due_curves: list[list[float]] = []
    pool: list[list[float]] = []
    stopped = [0] * (len(levels) - 1)
    fresh = SearcherSpec("random_search").build(TSS, seed, ())
    number = 0
    for event in talk.events:
        if isinstance(event, Ask):
            if due:
                assert event.proposal == due.pop(0)
                curves[number] = due_curves.pop(0)
            else:
                expected = fresh.ask()
                assert expected is not None
                assert event.proposal == Proposal(expected.architecture, levels[0])
                curves[number] = []
            number += 1
            continue
        told = event.observation
        if told.failed:
            continue
        own = [*curves[told.number], told.value]
        rung = len(own) - 1
        if rung + 1 == len(levels):
            pass
        elif rung >= searcher.grace and naive_lags(own, pool, minimum):
            stopped[rung] += 1
        else:
            due.append(Proposal(told.architecture, levels[rung + 1], levels[rung]))
            due_curves.append(own)
        if compare_with == "completed":
            pool += [own] if rung + 1 == len(levels) else []
        else:
            # Each step of a training replaces its shorter self, so that it counts once a rung.
            pool = [curve for curve in pool if curve is not curves[told.number]] + [own]
    assert searcher.stopped == stopped


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("median") / "synthetic.table"
    synthetic_table(path)
    return open_benchmark(path, "multi-fidelity")


def test_grace_and_a_high_minimum_let_everything_train_in_full(table: Benchmark) -> None:
    """Then it is random search, epoch by epoch."""
    for word in ("grace=11", "min_trials=1000"):
        spec = SearcherSpec.parse(f"median_stopping:{word}")
        searcher = spec.build(TSS, 3, table.fidelities)
        trace = run_search(Search(searcher, table, Budget(120), 3, spec.identity, 1))
        assert trace.header["statistics"]["stopped"] == [0] * 11
        assert trace.columns["epochs"].tolist() == [*range(1, 13)] * 10


def test_stopping_leaves_time_for_more(table: Benchmark) -> None:
    """Most of what is drawn is stopped, and no more is spent than was given."""
    spec = SearcherSpec.parse("median_stopping")
    searcher = spec.build(TSS, 3, table.fidelities)
    trace = run_search(Search(searcher, table, Budget(epochs=600), 3, spec.identity, 4))
    spent = trace.columns["epochs"] - trace.columns["continued"]
    assert set(spent) == {1} and spent.sum() <= 600
    begun = int((trace.columns["continued"] == 0).sum())
    assert begun > 2 * 600 / 12
    assert begun > sum(trace.header["statistics"]["stopped"]) > begun / 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("min_trials=0", "min_trials=0; must be at least 1"),
        ("grace=-1", "grace=-1; must be at least 0"),
        ("grace=3", "grace=3; must be at most rungs below the full training=2"),
        ("reduction_factor=1", "reduction_factor=1; must be at least 2"),
        ("compare_with=running", "compare_with='running'; must be one of completed, all"),
    ],
)
def test_mistaken_options(options: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        SearcherSpec.parse(f"median_stopping:{options}").build(TSS, 0, THREE)
    assert message in str(caught.value)
