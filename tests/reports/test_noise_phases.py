"""Phase diagrams: noise of a table scaled, strategies against random search, the whole study."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

import harness
from harness.benchmarks import TableBenchmark, open_table
from harness.benchmarks.rastrigin import noisy_rastrigin
from harness.errors import UserError
from harness.protocol import Measure
from harness.testing import synthetic_table
from harness.traces import Trace
from reports.comparison import BETTER, UNDECIDED, WORSE, against_exact
from reports.random_search import exact_baseline
from reports.rounding import to_json
from reports.studies.noise import Searches, Settings, noise_document, noise_study
from reports.studies.noise.calibration import calibrated
from reports.studies.noise.lattice_phases import lattice_phases
from reports.studies.noise.scaled import PROXY, RUNS, ScaledNoise
from reports.studies.noise.table_phases import table_phases
from tests.small_table import VALID, protocol, small_table

EVOLUTION = "regularized_evolution:population_size=5,tournament_size=2"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> TableBenchmark:
    return TableBenchmark(small_table(tmp_path_factory.mktemp("noise") / "s.table").table)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("noise") / "synthetic.table"
    synthetic_table(path)
    return path


def scaled(small: TableBenchmark, factor: float, **changes: object) -> ScaledNoise:
    return ScaledNoise(small.table, None, protocol(**changes), factor)


def test_factor_one_is_the_table(small: TableBenchmark) -> None:
    same = scaled(small, 1.0)
    for seed in range(3):
        for searcher in ("random_search", EVOLUTION):
            ours = harness.search(same, searcher, seed=seed, evaluations=20)
            table = harness.search(
                TableBenchmark(small.table, None, protocol()), searcher, seed=seed, evaluations=20
            )
            assert ours.architectures == table.architectures
            for column in ("value", "selection", "true", "report"):
                np.testing.assert_array_equal(ours.columns[column], table.columns[column])


@pytest.mark.parametrize("factor", [0.0, 0.5, 3.0])
def test_runs_are_moved_away_from_their_means(small: TableBenchmark, factor: float) -> None:
    noisy = scaled(small, factor)
    search, report = noisy.protocol.search, noisy.protocol.report
    assert noisy.kind == RUNS
    for ours, table in zip(noisy.runs(search), small.runs(search), strict=True):
        mean = sum(table) / len(table) if table else 0.0
        assert ours == pytest.approx([mean + factor * (run - mean) for run in table])
    np.testing.assert_allclose(noisy.means(search), small.means(search))
    np.testing.assert_array_equal(noisy.means(report), small.means(report))
    distances = [run - np.mean(runs) for runs in small.runs(search) for run in runs]
    degrees = sum(len(runs) - 1 for runs in small.runs(search) if runs)
    assert noisy.deviation == pytest.approx(np.sqrt(np.square(distances).sum() / degrees))
    assert noisy.checksum != small.checksum


def test_a_single_measure_is_moved_away_from_the_report(small: TableBenchmark) -> None:
    changes = {"search": Measure(VALID, 1, "mean")}
    own = TableBenchmark(small.table, None, protocol(**changes))
    search, report = own.protocol.search, own.protocol.report
    table, truth = own.means(search), own.means(report)
    both = ~(np.isnan(table) | np.isnan(truth))
    for factor in (0.0, 1.0, 2.5):
        noisy = scaled(small, factor, **changes)
        assert noisy.kind == PROXY
        centre = truth + np.nanmean(table) - np.nanmean(truth)
        expected = centre + factor * (table - centre)
        np.testing.assert_allclose(noisy.means(search)[both], expected[both])
        np.testing.assert_array_equal(noisy.means(report), truth)
        tau = kendalltau(expected[both], truth[both]).statistic
        assert noisy.tau() == pytest.approx(tau)
    assert scaled(small, 0.0, **changes).tau() == pytest.approx(1.0)


def test_tau_falls_as_noise_grows(synthetic: Path) -> None:
    diagram = table_phases(
        str(synthetic), ["random_search"], factors=[4, 0, 1], budgets=[5], seeds=2
    )
    assert [level.name for level in diagram.levels] == ["0", "1", "4"]
    taus = [level.tau for level in diagram.levels]
    assert taus == sorted(taus, reverse=True)
    deviations = [level.deviation for level in diagram.levels]
    assert deviations == pytest.approx([0.0, deviations[1], 4 * deviations[1]])
    assert 0.5 < deviations[1] < 0.7  # that of the synthetic table's function is about 0.6


def test_random_search_at_every_factor_is_the_exact_one(small: TableBenchmark) -> None:
    for factor in (0.0, 3.0):
        noisy = scaled(small, factor)
        exact = exact_baseline(noisy).reported(4)
        traces = [
            harness.search(noisy, "random_search", seed=seed, evaluations=4) for seed in range(600)
        ]
        sampled = np.array(list(map(final, traces)))
        sampled = sampled[~np.isnan(sampled)]
        assert abs(sampled.mean() - exact.mean) < 4 * exact.sd / len(sampled) ** 0.5


def final(trace: Trace) -> float:
    """The reported result of a trace's first best evaluation."""
    selection = trace.columns["selection"]
    if np.isnan(selection).all():
        return float("nan")
    return float(trace.columns["report"][np.nanargmax(selection)])


def test_phases_are_those_of_single_searches(synthetic: Path) -> None:
    diagram = table_phases(
        str(synthetic), [EVOLUTION, "local_search"], factors=[0, 3], budgets=[40, 10], seeds=6
    )
    assert (diagram.budgets, diagram.searchers) == ((10, 40), (EVOLUTION, "local_search"))
    assert len(diagram.phases) == 2 * 2 * 2
    noisy = ScaledNoise(open_table(synthetic), None, None, 3.0)
    for budget in (10, 40):
        results = np.array(
            [final(harness.search(noisy, EVOLUTION, seed=s, evaluations=budget)) for s in range(6)]
        )
        exact = exact_baseline(noisy).reported(budget)
        phase = diagram.phase(EVOLUTION, "3", budget)
        assert phase.result.mean == pytest.approx(results.mean())
        assert phase.random == pytest.approx(exact.mean)
        alone = against_exact(EVOLUTION, "3", results, exact, maximize=True)
        assert phase.difference == alone.difference
        assert phase.p_holm is not None and alone.p is not None
        assert phase.p_holm >= alone.p
        if phase.verdict == BETTER:
            assert phase.difference.low is not None and phase.difference.low > 0
        if phase.verdict == WORSE:
            assert phase.difference.high is not None and phase.difference.high < 0


def test_onsets() -> None:
    diagram = lattice_phases(2, [EVOLUTION], taus=[1.0], budgets=[10, 20, 30], seeds=2)
    for verdicts, onset in (
        ((BETTER, BETTER, BETTER), 10),
        ((BETTER, WORSE, BETTER), 30),
        ((UNDECIDED, BETTER, BETTER), 20),
        ((BETTER, BETTER, UNDECIDED), None),
    ):
        phases = tuple(
            replace(phase, verdict=verdict)
            for phase, verdict in zip(diagram.phases, verdicts, strict=True)
        )
        assert replace(diagram, phases=phases).onset(EVOLUTION, "1") == onset


def test_lattice_phases() -> None:
    taus = (1.0, 0.7)
    diagram = lattice_phases(2, [EVOLUTION], taus=taus, budgets=[20, 60], seeds=4)
    assert diagram.searchers == (EVOLUTION,)
    assert [level.name for level in diagram.levels] == ["1", "0.7"]
    amplitude = calibrated(2, 0.7, "uniform").noise.amplitude
    noisy = noisy_rastrigin(2, "uniform", amplitude)
    gaps: dict[str, list[float]] = {}
    for searcher in (EVOLUTION, "random_search"):
        gaps[searcher] = []
        for seed in range(4):
            columns = harness.search(noisy, searcher, seed=seed, evaluations=60).columns
            found = columns["report"][np.argmin(columns["selection"])]
            gaps[searcher].append(found / (2 * 40.353))
    phase = diagram.phase(EVOLUTION, "0.7", 60)
    assert phase.result.mean == pytest.approx(np.mean(gaps[EVOLUTION]))
    assert phase.random == pytest.approx(np.mean(gaps["random_search"]))
    frozen = lattice_phases(2, [EVOLUTION], taus=taus, budgets=[20, 60], seeds=4, frozen=True)
    # Without noise there is nothing to freeze.
    plain = (d.phase(EVOLUTION, "1", 60).difference for d in (frozen, diagram))
    assert len(set(plain)) == 1
    assert frozen.phase(EVOLUTION, "0.7", 60).difference != phase.difference


def test_mistakes(small: TableBenchmark, synthetic: Path) -> None:
    with pytest.raises(UserError, match="noise factor -1: 0 or more"):
        scaled(small, -1.0)
    report = protocol().report
    with pytest.raises(UserError, match="guides searches by what it reports"):
        scaled(small, 2.0, search=report, allow_leak=True)
    given = {"factors": [1], "budgets": [5], "seeds": 2}
    with pytest.raises(UserError, match="is computed: give a table"):
        table_phases("rastrigin-2d", ["random_search"], **given)  # type: ignore[arg-type]
    for change, message in (
        ({"seeds": 1}, "1 seeds: at least 2"),
        ({"budgets": [0]}, "at least one searcher and one budget"),
        ({"factors": []}, "at least one factor"),
    ):
        with pytest.raises(UserError, match=message):
            table_phases(str(synthetic), ["random_search"], **(given | change))  # type: ignore[arg-type]


SETTINGS = Settings((2,), (1.0, 0.75), (10, 25), repeats=60)


def test_the_study_and_its_page(synthetic: Path) -> None:
    searches = Searches(
        searchers=(EVOLUTION,),
        dimensions=2,
        lattice_budgets=(10, 30),
        lattice_seeds=3,
        benchmark=str(synthetic),
        factors=(0.0, 2.0),
        budgets=(10, 30),
        seeds=3,
    )
    done: dict[str, tuple[int, int]] = {}

    @contextmanager
    def bar(what: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda step, total: done.__setitem__(what, (step, total))

    study = noise_study(SETTINGS, searches, speedups={0.75: 2.5}, bar=bar)
    assert len(done) == 4 and all(step == total for step, total in done.values())
    assert study.published == {}
    document = noise_document(study)
    names = [section.name for section in document]
    phases = ["genetic-phases", "lattice-phases", "table-phases"]
    assert names == ["simulation", "equal-cost", *phases, "noise"]
    stems = [figure.name for section in document for figure in section.figures]
    stems += [table.name for section in document for table in section.tables]
    assert len(stems) == len(set(stems))
    summary = json.loads(to_json(study))
    assert summary["simulation"]["settings"]["repeats"] == 60
    assert summary["table"]["phases"][0]["searcher"] == EVOLUTION
    # Every sentence's numbers are the summary's.
    best = study.simulation.cell(2, 1.0, 25)
    assert f"range gap {best.range_gap.mean.mean:.4f}" in document.lead[0]
    better = [phase.verdict for phase in study.genetic[0].phases].count(BETTER)
    assert any(f"genetic algorithm is better in {better} and" in line for line in document.lead)


def test_a_study_of_the_function_alone() -> None:
    study = noise_study(replace(SETTINGS, taus=(0.75,)), Searches(searchers=()))
    assert (study.lattice, study.table, study.equal_costs) == (None, None, ())
    names = [section.name for section in noise_document(study)]
    assert names == ["simulation", "genetic-phases", "noise"]
