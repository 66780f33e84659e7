"""The search loop, beside a naive second implementation of what it promises."""

from __future__ import annotations

import sys
import time
from itertools import pairwise
from math import inf, isnan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.base import FAILED, MISSING, OK, REPEAT, STATUS
from harness.benchmarks.table import TableBenchmark
from harness.errors import UserError
from harness.loop import MAX_FREE_REPEATS, Budget, Search, run_search
from harness.protocol import CostTerm, Measure
from harness.searcher import Observation, Proposal
from harness.traces import Trace
from tests.naive_search import Row, Scripted, naive
from tests.small_table import CELLS, EPOCHS, ONCE, VALID, SmallTable, small_table

MICRO = 1_000_000
LOOP = sys.modules[Search.__module__]


def rows_of(trace: Trace, benchmark: TableBenchmark) -> list[Row]:
    cells = map(benchmark.space.from_string, trace.architectures)
    columns = [
        trace.columns[name].tolist() for name in ("number", "start", "end", "worker", "status")
    ]
    return [Row(n, c, s, e, w, x) for c, n, s, e, w, x in zip(cells, *columns, strict=True)]


def search(
    benchmark: TableBenchmark, budget: Budget, workers: int = 1, seed: int = 0, **options: Any
) -> tuple[Trace, Scripted]:
    searcher = Scripted(benchmark.search_space(), seed, **options)
    identity = {"searcher": "scripted", "strategy": "scripted", "options": {}}
    return run_search(Search(searcher, benchmark, budget, seed, identity, workers)), searcher


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[SmallTable]:
    """Tables with real and with small whole costs: many evaluations of these end together."""
    folder = tmp_path_factory.mktemp("search")
    return [
        small_table(folder / f"{i}.table", seed=i, whole_seconds=i % 2 == 1, cells=CELLS[: 24 - i])
        for i in range(4)
    ]


BUDGETS = st.builds(
    Budget,
    st.none() | st.integers(1, 40),
    st.none() | st.floats(0.5, 300) | st.integers(1, 200).map(float),
    st.integers(1, 150),
)


@settings(max_examples=150, deadline=None)
@given(
    table=st.integers(0, 3),
    seed=st.integers(0, 99),
    workers=st.integers(1, 5),
    budget=BUDGETS,
    protocol=st.fixed_dictionaries(
        {
            "repeat": st.sampled_from(["cached", "fresh"]),
            "charge_repeats": st.booleans(),
            "time_noise": st.sampled_from([0.0, 0.4]),
        }
    ),
    patience=st.integers(1, 6),
    limit=st.sampled_from([3, 20, 200]),
    fidelities=st.sampled_from([(None,), EPOCHS, (None, 1)]),
)
def test_the_loop_does_what_the_naive_one_does(
    tables: list[SmallTable],
    table: int,
    seed: int,
    workers: int,
    budget: Budget,
    protocol: dict[str, Any],
    patience: int,
    limit: int,
    fidelities: Any,
) -> None:
    benchmark = tables[table].benchmark(missing="fail", fidelities=EPOCHS, **protocol)
    options = {"patience": patience, "limit": limit, "fidelities": fidelities}
    trace, searcher = search(benchmark, budget, workers, seed, **options)
    copy = Scripted(benchmark.space, seed, **options)
    expected, stopped = naive(copy, benchmark.evaluator(seed), budget, workers)
    assert rows_of(trace, benchmark) == expected
    assert trace.header["stopped"] == stopped
    assert searcher.heard == copy.heard
    assert_invariants(trace, budget, workers)


def assert_invariants(trace: Trace, budget: Budget, workers: int) -> None:
    """No limit is passed, no worker does two things at once, rows stand in order of completion."""
    column = trace.columns
    charged = column["status"] != REPEAT
    if budget.evaluations is not None:
        assert charged.sum() <= budget.evaluations
    if budget.seconds is not None:
        assert column["end"].max(initial=0) <= budget.seconds * MICRO
    if budget.epochs is not None:
        assert column["epochs"].sum() <= budget.epochs
    order = list(zip(column["end"].tolist(), column["number"].tolist(), strict=True))
    assert order == sorted(order)
    assert sorted(column["number"].tolist()) == list(range(len(trace)))
    for worker in range(workers):
        mine = column["worker"] == worker
        spans = sorted(zip(column["start"][mine], column["end"][mine], strict=True))
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert ((column["worker"] >= 0) & (column["worker"] < workers)).all()


# --- budgets --------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_a_budget_of_evaluations_is_used_up(tables: list[SmallTable], workers: int) -> None:
    trace, searcher = search(tables[0].benchmark(), Budget(17), workers)
    assert (len(trace), len(searcher.heard), trace.header["stopped"]) == (17, 17, "budget")


def test_a_budget_of_seconds_is_met_exactly(tables: list[SmallTable]) -> None:
    """One second an evaluation: exactly ten fit into ten seconds, nine into 9.999999."""
    benchmark = tables[0].benchmark(cost=())
    assert len(search(benchmark, Budget(seconds=10))[0]) == 10
    assert len(search(benchmark, Budget(seconds=9.999999))[0]) == 9
    assert len(search(benchmark, Budget(seconds=10), 4)[0]) == 40
    assert len(search(benchmark, Budget(seconds=0.5))[0]) == 0


def test_a_budget_of_epochs_is_met_exactly(tables: list[SmallTable]) -> None:
    benchmark = tables[0].benchmark()
    assert len(search(benchmark, Budget(epochs=20))[0]) == 5
    assert len(search(benchmark, Budget(epochs=19))[0]) == 4


def test_the_first_limit_counts(tables: list[SmallTable]) -> None:
    benchmark = tables[0].benchmark(cost=())
    for budget in (Budget(5, 100, 100), Budget(100, 5, 100), Budget(100, 100, 5 * 4)):
        assert len(search(benchmark, budget)[0]) == 5


def test_uncharged_repeats_use_up_nothing(tables: list[SmallTable]) -> None:
    trace, _ = search(tables[0].benchmark(charge_repeats=False), Budget(20), cells=CELLS[:20])
    charged = trace.columns["status"] != REPEAT
    assert charged.sum() == 20 < len(trace)
    assert len(set(trace.columns["row"][charged].tolist())) == 20
    repeats = ~charged
    assert (trace.columns["start"][repeats] == trace.columns["end"][repeats]).all()
    assert trace.columns["epochs"][repeats].sum() == 0


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"evaluations": 0},
        {"seconds": -1.0},
        {"epochs": 0},
        {"seconds": inf},
        {"seconds": inf - inf},
    ],
)
def test_a_budget_is_positive_and_finite(limits: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="budget"):
        Budget(**limits)


def test_at_least_one_worker(tables: list[SmallTable]) -> None:
    with pytest.raises(UserError, match="workers=0; at least one"):
        search(tables[0].benchmark(), Budget(1), 0)


# --- ends -----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_an_exhausted_searcher_ends_the_search(tables: list[SmallTable], workers: int) -> None:
    trace, searcher = search(tables[0].benchmark(), Budget(100), workers, limit=13, patience=2)
    assert (len(trace), trace.header["stopped"]) == (13, "exhausted")
    assert len(searcher.heard) == 13


def test_a_searcher_with_nothing_to_say(tables: list[SmallTable]) -> None:
    trace, _ = search(tables[0].benchmark(), Budget(100), limit=0)
    assert (len(trace), trace.header["stopped"]) == (0, "exhausted")
    assert all(len(column) == 0 for column in trace.columns.values())
    assert len(trace.digest) == 64


@pytest.mark.parametrize("workers", [1, 3])
def test_a_searcher_that_only_repeats_itself_is_stopped(
    tables: list[SmallTable], monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(LOOP, "MAX_FREE_REPEATS", 50)
    benchmark = tables[0].benchmark(charge_repeats=False)
    trace, _ = search(benchmark, Budget(1000), workers, cells=CELLS[:2])
    assert trace.header["stopped"] == "nothing new"
    status = trace.columns["status"]
    assert (status != REPEAT).sum() == 2
    assert (status == REPEAT).sum() >= 50
    assert len(trace) < 110
    assert MAX_FREE_REPEATS >= 1000


def test_a_searcher_that_misses_the_table_is_stopped(
    tables: list[SmallTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing rows cost neither time nor epochs: such a budget alone would never end."""
    monkeypatch.setattr(LOOP, "MAX_FREE_REPEATS", 50)
    benchmark = tables[3].benchmark(missing="fail")
    trace, _ = search(benchmark, Budget(seconds=100), cells=CELLS[21:])
    assert (len(trace), trace.header["stopped"]) == (50, "nothing new")
    trace, _ = search(benchmark, Budget(60), cells=CELLS[21:])
    assert (len(trace), trace.header["stopped"]) == (60, "budget")


# --- what the searcher hears ----------------------------------------------------------------


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("charge", [True, False])
def test_values_are_to_be_maximised_and_failures_are_the_worst(
    tables: list[SmallTable], maximize: bool, charge: bool
) -> None:
    changes = {"missing": "fail", "charge_repeats": charge, "maximize": maximize}
    trace, searcher = search(tables[3].benchmark(**changes), Budget(80, None, 3000), 2)
    if charge:
        assert {STATUS[i] for i in trace.columns["status"]} == {"ok", "failed", "missing"}
    by_number = {o.number: o for o in searcher.heard}
    good = 0
    for number, value, status in zip(
        *(trace.columns[name].tolist() for name in ("number", "value", "status")), strict=True
    ):
        heard = by_number[number]
        if status in (FAILED, MISSING):
            assert isnan(value)
        if isnan(value):
            assert heard.failed and heard.value == -inf, "also at an uncharged repeat"
        else:
            assert status in (OK, REPEAT) and not heard.failed
            assert heard.value == (value if maximize else -value)
            good += 1
    assert good > 20


def test_the_searcher_never_sees_the_report(tables: list[SmallTable]) -> None:
    trace, searcher = search(tables[0].benchmark(), Budget(30))
    assert set(Observation._fields) == {"number", "architecture", "fidelity", "value", "failed"}
    told = {o.value for o in searcher.heard}
    assert not told & set(trace.columns["report"].tolist())


def test_resampling_is_counted_in_the_header(tables: list[SmallTable]) -> None:
    benchmark = tables[3].benchmark(missing="resample")
    traces = [search(benchmark, Budget(5))[0] for _ in range(2)]
    assert [t.header["statistics"] for t in traces] == [{"resampled": 0}] * 2
    assert "statistics" not in search(tables[3].benchmark(), Budget(5), cells=CELLS[:21])[0].header


# --- virtual time alone ---------------------------------------------------------------------


def test_real_time_is_telemetry(tables: list[SmallTable], monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark = tables[0].benchmark(time_noise=0.2)
    plain, _ = search(benchmark, Budget(25), 3)

    class Slow(Scripted):
        def ask(self) -> Proposal | None:
            time.sleep(0.002)
            return super().ask()

    monkeypatch.setattr(time, "time", lambda: 0.0)
    slow = Slow(benchmark.space, 0)
    trace = run_search(Search(slow, benchmark, Budget(25), 0, plain.header | {}, 3))
    assert trace.columns["end"].tolist() == plain.columns["end"].tolist()
    assert trace.digest == plain.digest
    assert trace.telemetry["wall_seconds"] > 0.05 > 0 and "wall_seconds" not in trace.header


def test_the_same_search_twice_and_other_seeds(tables: list[SmallTable]) -> None:
    benchmark = tables[0].benchmark()
    digests = {
        (seed, i): search(benchmark, Budget(10), seed=seed)[0].digest
        for seed in (1, 2)
        for i in (0, 1)
    }
    assert digests[1, 0] == digests[1, 1] != digests[2, 0] == digests[2, 1]


def test_one_worker_waits_for_each_evaluation(tables: list[SmallTable]) -> None:
    trace, _ = search(tables[0].benchmark(), Budget(20))
    assert trace.columns["number"].tolist() == list(range(20))
    assert trace.columns["start"][1:].tolist() == trace.columns["end"][:-1].tolist()


def test_ties_go_to_the_earlier_proposal(tables: list[SmallTable]) -> None:
    benchmark = tables[0].benchmark(cost=(CostTerm(ONCE, factor=0.0),))
    trace, _ = search(benchmark, Budget(20), 5)
    assert trace.columns["number"].tolist() == list(range(20))


def test_a_repeat_is_not_known_before_what_it_repeats(tables: list[SmallTable]) -> None:
    """Two workers on one architecture: the free one waits for the paid one."""
    benchmark = tables[0].benchmark(charge_repeats=False, cost=())
    trace, _ = search(benchmark, Budget(2), 2, cells=CELLS[:2])
    status, end = trace.columns["status"], trace.columns["end"]
    assert (end[status == REPEAT] >= MICRO).all()
    assert trace.columns["number"][0] == 0


# --- a search step by step, as lane B takes it ----------------------------------------------


def test_a_trial_may_say_what_was_measured(tables: list[SmallTable]) -> None:
    benchmark = tables[0].benchmark(search=Measure(VALID, 4, 7))
    searcher = Scripted(benchmark.space, 0)
    one = Search(searcher, benchmark, Budget(3), 0, {"searcher": "s"})
    (job,) = one.fill()
    assert one.fill() == []
    one.advance(job.answer._replace(value=1.5, status=OK))
    (job,) = one.fill()
    one.advance(job.answer._replace(value=float("nan"), status=FAILED), "out of memory")
    assert [(o.value, o.failed) for o in searcher.heard] == [(1.5, False), (-inf, True)]
    trace = one.trace()
    assert trace.columns["status"].tolist() == [OK, FAILED]
    assert trace.telemetry["reasons"] == {1: "out of memory"}
    assert trace.header["seed"] == 0 and trace.header["workers"] == 1


def test_header(tables: list[SmallTable], tmp_path: Path) -> None:
    benchmark = tables[0].benchmark()
    trace, _ = search(benchmark, Budget(5, epochs=1000), 2, seed=9)
    assert trace.header == {
        "searcher": "scripted", "strategy": "scripted", "options": {}, "benchmark": "small",
        "checksum": benchmark.checksum, "space": "small", "protocol": benchmark.protocol.hash,
        "budget": {"evaluations": 5, "seconds": None, "epochs": 1000}, "workers": 2, "seed": 9,
        "stopped": "budget",
    }  # fmt: skip
