"""The study of sparsities: its statistics on made-up searches, and one real search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.api import search
from harness.benchmarks import Benchmark, open_benchmark
from harness.errors import UserError
from harness.loop import Budget
from harness.one_shot.problem import problem_of
from harness.spec import SearcherSpec
from reports.rendering import write_document
from reports.rounding import to_json
from reports.studies.sparsity import SparsityCurve, compute, sparsity_curve, sparsity_document
from reports.studies.sparsity.result import Found

pytest.importorskip("torch", reason="parameters are counted by torch")

BUDGET = Budget(evaluations=5)
ERRORS = {0.01: (20.0, 24.0, 22.0), 0.03: (21.0, 23.0, 25.0), 0.1: (30.0, 26.0, None)}
SIZES = {0.01: (900, 800, 700), 0.03: (600, 850, 500), 0.1: (100, 200, None)}


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> SparsityCurve:
    def found(spec: SearcherSpec, benchmark: Benchmark, budget: Budget, seed: int) -> Found:
        value = spec.options["sparsity"]
        if ERRORS[value][seed] is None:
            return Found(None, None, None)
        return Found(f"cell {value}", ERRORS[value][seed], SIZES[value][seed], 24)

    monkeypatch.setattr(compute, "_found", found)
    told: list[tuple[int, int]] = []
    made = sparsity_curve(
        open_benchmark("tss-digits"),
        sparsities=(0.1, 0.01, 0.03),
        seeds=3,
        budget=BUDGET,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(done, 9) for done in range(10)]
    return made


def test_levels_steps_and_trends_are_paired_by_seed(study: SparsityCurve) -> None:
    assert [level.sparsity for level in study.levels] == [0.01, 0.03, 0.1]
    assert [level.parameters.mean for level in study.levels] == [800, 650, 150]
    assert study.levels[2].error.mean == 28, "a failed search is left out"
    assert [level.failed for level in study.levels] == [0, 0, 1]
    assert study.steps[0].error.mean == pytest.approx((1 - 1 + 3) / 3)
    assert study.steps[1].error.mean == pytest.approx((9 + 3) / 2)
    assert study.steps[0].parameters.mean == pytest.approx((-300 + 50 - 200) / 3)
    expected = [
        stats.kendalltau(there, [SIZES[v][seed] for v in there]).statistic
        for seed, there in ((0, [0.01, 0.03, 0.1]), (1, [0.01, 0.03, 0.1]), (2, [0.01, 0.03]))
    ]
    assert study.trend.parameters.mean == pytest.approx(sum(expected) / 3)
    assert study.trend.operations.mean == 0, "nothing changed"
    assert study.random is not None and study.random.parameters.mean is not None


def test_the_page_says_what_the_numbers_say(study: SparsityCurve, tmp_path: Path) -> None:
    document = sparsity_document(study)
    page = write_document(document, tmp_path, summary=to_json(study))
    assert page.exists()
    assert "from a sparsity of 0.01 to 0.1" in document.lead[0].lower()
    assert "Random search" in document.lead[-1]
    assert "1 of 9 searches failed, and are left out." in document.lead
    assert [row[-1] for row in document.sections[0].tables[0].rows] == [0, 0, 1, 0]


@pytest.mark.parametrize("maximize", [True, False])
def test_what_a_search_found(maximize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best by the protocol's own direction; nothing where all failed or the end diverged."""
    benchmark = open_benchmark("tss-digits")
    trace = search(benchmark, "random_search", seed=1, evaluations=6)
    monkeypatch.setattr(compute, "parameters", lambda problem, text: 7)
    protocol = replace(benchmark.protocol, maximize=maximize)
    monkeypatch.setattr(benchmark, "protocol", protocol)
    selection, report = (trace.columns[name] for name in ("selection", "report"))
    best = int(selection.argmax() if maximize else selection.argmin())
    problem = problem_of(benchmark)
    found = compute._told(benchmark, trace, problem)
    error = 100 - report[best] if protocol.larger_report_is_better else report[best]
    assert found == Found(trace.architectures[best], float(error), 7)
    nothing = {**trace.columns, "selection": np.full(6, np.nan)}
    assert compute._told(benchmark, replace(trace, columns=nothing), problem) == Found(*[None] * 3)
    # Of a one-shot search the last derivation counts alone.
    header = {**trace.header, "one_shot": {"passes": [1, 2, 3, 4, 5, 6], "evaluation_passes": 1}}
    ended = {**trace.columns, "selection": np.append(selection[:-1], np.nan)}
    diverged = replace(trace, header=header, columns=ended)
    assert compute._told(benchmark, diverged, problem) == Found(None, None, None)


def test_a_method_without_sparsity_is_refused() -> None:
    benchmark = open_benchmark("tss-digits")
    with pytest.raises(UserError, match="'random_search' has no option sparsity"):
        sparsity_curve(benchmark, "random_search", budget=BUDGET)
    with pytest.raises(UserError, match="two different sparsities"):
        sparsity_curve(benchmark, sparsities=(0.1, 0.1), budget=BUDGET)


@pytest.mark.slow
def test_real_searches_on_digits() -> None:
    made = sparsity_curve(
        open_benchmark("tss-digits"),
        "bayesnas:curvature=diagonal",
        sparsities=(0.003, 0.1),
        seeds=1,
        budget=Budget(evaluations=2),
    )
    for level in made.levels:
        (found,) = level.found
        assert found.error is not None and 0 < found.error < 95 and found.parameters
