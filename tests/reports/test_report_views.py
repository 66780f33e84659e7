"""Further views in the report: where they stand, and what happens when parts lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.benchmarks import open_benchmark
from harness.experiment import Experiment
from harness.testing.tables import synthetic_table
from harness.traces import load_traces
from reports import summarise
from reports.document import Section
from reports.random_search import exact_baseline
from reports.report_document import document
from reports.sections.dynamics import dynamics
from reports.sections.equivalent_budget import equivalent_budget
from reports.sections.space import space
from reports.sections.targets import targets
from reports.summary import BenchmarkSummary, Summary
from reports.views import Views
from tests.reports.conftest import edited

EVOLUTION = "regularized_evolution:population_size=5,tournament_size=2"
SECTIONS = (equivalent_budget, targets, space, dynamics)


@pytest.fixture(scope="module")
def summary(results: Path) -> Summary:
    """The summary of the experiment."""
    return summarise(results)


@pytest.fixture(scope="module")
def first(summary: Summary) -> BenchmarkSummary:
    """Its first benchmark."""
    return summary.benchmarks[0]


def shown(summary: Summary, place: int = 0) -> list[Section]:
    """The sections of the views."""
    found = [section(summary, summary.benchmarks[place]) for section in SECTIONS]
    return [section for section in found if section is not None]


def test_views_survive_the_file(summary: Summary) -> None:
    text = summary.to_json()
    read = Summary.from_json(text)
    assert read.to_json() == text
    assert read.benchmarks[0].views.runtimes is not None


def test_summaries_from_before_the_views_load(summary: Summary) -> None:
    older = json.loads(summary.to_json())
    for benchmark in older["benchmarks"]:
        del benchmark["views"]
    read = Summary.from_json(json.dumps(older))
    assert read.benchmarks[0].views == Views()
    assert shown(read) == []
    assert document(read).sections


def test_views_say_what_the_traces_say(
    summary: Summary, first: BenchmarkSummary, results: Path, table: Path
) -> None:
    views, traces = first.views, load_traces(results)
    traces = traces[(traces.benchmark == first.name) & (traces.searcher == EVOLUTION)]
    benchmark = open_benchmark(f"{table}#one")
    report = benchmark.means(benchmark.protocol.report)  # type: ignore[attr-defined]
    report = np.where(np.isnan(report), -np.inf, report)
    places = []
    for _, search in traces.groupby("seed"):
        row = search.row.to_numpy()[np.nanargmax(search.selection)]
        places.append(100 * ((report < report[row]).mean() + (report == report[row]).mean() / 2))
    assert views.percentiles is not None
    found = next(p for p in views.percentiles.found if p.searcher == EVOLUTION)
    assert found.percentile.mean == pytest.approx(np.mean(places))
    assert (found.least, found.most) == pytest.approx((min(places), max(places)))

    # The mean of all evaluations of all searches, which are equally long.
    assert views.dynamics is not None
    course = next(c for c in views.dynamics.courses if c.searcher == EVOLUTION)
    means = traces.groupby("seed").selection.mean()
    assert course.cumulative.mean[-1] == pytest.approx(means.mean())
    counted = next(s for s in views.dynamics.scatters if s.searcher == EVOLUTION)
    assert sum(map(sum, counted.counts)) == traces.selection.notna().sum()

    # Five initial samples, and what the winner has of the best of them.
    assert views.resemblances is not None
    (likeness,) = views.resemblances.found
    shares = []
    for _, search in traces.groupby("seed"):
        at = (np.nanargmax(search.selection[:5]), np.nanargmax(search.selection))
        cells = [benchmark.space.from_string(search.architecture.to_numpy()[i]) for i in at]
        shares.append(np.mean(np.array(cells[0]) == np.array(cells[1])))
    assert likeness.initial == 5
    assert likeness.shared.mean == pytest.approx(np.mean(shares))

    # The exact curve at k times the evaluations is the strategy's mean.
    (budget,) = views.equivalent_budgets
    assert budget.final.mean is not None
    exact = exact_baseline(benchmark)
    n = budget.final.mean * 30
    low, high = (exact.reported(m).mean for m in (int(n), int(n) + 1))
    final = next(f for f in first.finals if f.searcher == EVOLUTION).report.mean
    assert final is not None
    slack = 0.02 * abs(exact.reported(2 * int(n)).mean - low)
    assert low - slack <= final <= high + slack


def test_every_view_has_its_section(summary: Summary) -> None:
    names = [section.name for section in shown(summary)]
    assert names == [
        f"synthetic-one-{what}" for what in ("equivalent-budget", "runtimes", "space", "dynamics")
    ]
    whole = document(summary)
    everything = [section.name for section in whole]
    assert set(names) < set(everything) and len(set(everything)) == len(everything)
    figures = [figure.name for section in whole for figure in section.figures]
    tables = [table.name for section in whole for table in section.tables]
    assert len(set(figures + tables)) == len(figures + tables)


def test_no_evaluation_reaches_the_page(summary: Summary) -> None:
    for section in shown(summary):
        for figure in section.figures:
            (rows,) = (v for k, v in figure.spec["datasets"].items() if len(v) > 1)
            assert len(rows) < 500
            assert len(json.dumps(figure.spec)) < 60_000


def test_leaks_are_stamped_on_the_views(summary: Summary) -> None:
    assert summary.benchmarks[1].leaks
    for place, leaks in ((0, False), (1, True)):
        for section in shown(summary, place):
            for figure in section.figures:
                assert ("LEAK" in json.dumps(figure.spec["title"])) == leaks


def test_what_is_beyond_random_search_is_said_in_words(
    summary: Summary, first: BenchmarkSummary
) -> None:
    from dataclasses import replace

    (budget,) = first.views.equivalent_budgets
    most = (budget.most,) * len(budget.x)
    beyond = replace(budget, times=replace(budget.times, mean=most, high=most))
    views = replace(first.views, equivalent_budgets=(beyond,))
    changed = replace(first, views=views)
    section = equivalent_budget(replace(summary, benchmarks=(changed,)), changed)
    assert section is not None
    assert section.tables[0].rows[0][1] == f"more than {budget.most:.3g}"


# --- what lacks ------------------------------------------------------------------------------


def test_without_its_table_a_benchmark_has_fewer_views(results: Path, tmp_path: Path) -> None:
    def elsewhere(benchmarks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**b, "source": "gone.table"} for b in benchmarks]

    found = summarise(edited(results, tmp_path / "copy", benchmarks=elsewhere))
    views = found.benchmarks[0].views
    assert views.landscape is None and views.percentiles is None
    assert views.resemblances is None and views.depth_biases is None
    assert views.runtimes is not None and views.runtimes.kind == "results"
    assert views.runtimes.exact is None
    (budget,) = views.equivalent_budgets
    assert budget.reference == "sampled" and budget.median is None
    texts = [text for section in shown(found) for text in section.text]
    assert any("table not found" in text for text in texts)
    assert any("quantiles of the final results" in text for text in texts)


def test_one_search_of_one_strategy(tmp_path: Path) -> None:
    table = tmp_path / "t.table"
    synthetic_table(table)
    one = Experiment([str(table)], ["local_search"], 1, {"evaluations": 3})
    found = summarise(one.run(tmp_path / "out", inline=True))
    assert len(shown(found)) == 4
    assert document(Summary.from_json(found.to_json())).sections


def test_budgets_of_time(tmp_path: Path) -> None:
    table = tmp_path / "t.table"
    synthetic_table(table)
    cost = open_benchmark(str(table)).level(None).costs[0] / 1e6  # type: ignore[attr-defined]
    timed = Experiment([str(table)], ["random_search", EVOLUTION], 4, {"seconds": 30 * cost})
    found = summarise(timed.run(tmp_path / "out", inline=True))
    views = found.benchmarks[0].views
    # Searches are of different lengths, so that there is no one final number of evaluations.
    assert views.landscape is not None and views.landscape.headroom is None
    assert views.percentiles is not None and views.percentiles.random_search is None
    assert views.equivalent_budgets[0].reference == "exact"
    assert len(shown(found)) == 4
