"""Studies of rank retention against scipy on the tables' own numbers."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.benchmarks.importers.tabular import import_csv
from harness.benchmarks.packed import Column, PackedTable
from harness.errors import UserError
from harness.protocol import Measure, Protocol
from harness.testing.tables import synthetic_table
from reports.rank_correlation import agreement
from reports.rendering import write_document
from reports.rounding import to_json
from reports.studies.rank_retention import RankRetention, rank_retention, retention_document
from reports.studies.rank_retention.measurements import Measurement, single_runs, values_of
from tests.reports.made_table import table_of
from tests.small_table import small_table

RUNS = 400
BUDGETS = (4, 12, 36, 108)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> PackedTable:
    path = tmp_path_factory.mktemp("retention") / "synthetic.table"
    return synthetic_table(path, coverage=0.04, datasets=("one", "two"))


@pytest.fixture(scope="module")
def study(synthetic: PackedTable) -> RankRetention:
    return rank_retention([(synthetic, ("one",))], resamples=60)


# --- the study -------------------------------------------------------------------------------


def test_every_pair_is_scipys(synthetic: PackedTable, study: RankRetention) -> None:
    (benchmark,) = study.benchmarks
    values = {}
    for m in benchmark.measured:
        seeds = int(m.seeds) if m.seeds.isdecimal() else m.seeds
        values[m.label] = values_of(synthetic, Measurement(m.column, m.epoch, seeds))
        present = values[m.label][~np.isnan(values[m.label])]
        assert (m.n, m.distinct) == (len(present), len(set(present.tolist())))
    assert len(benchmark.pairs) == len(list(combinations(values, 2)))
    for pair in benchmark.pairs:
        x, y = values[pair.first], values[pair.second]
        both = ~np.isnan(x + y)
        x, y = x[both], y[both]
        assert pair.agreement.tau.value == stats.kendalltau(x, y).statistic
        assert benchmark.pair(pair.second, pair.first) == pair.agreement
        tau = pair.agreement.tau
        assert tau.low is not None and tau.high is not None and tau.low < tau.mean < tau.high  # type: ignore[operator]


def test_curves_and_subsets_repeat_the_pairs(study: RankRetention) -> None:
    (benchmark,) = study.benchmarks
    whole = [c for c in benchmark.curves if c.subset == "all"]
    assert {c.reference for c in whole} == {"test_accuracy@12:mean", "valid_accuracy@12:other"}
    for curve in whole:
        assert curve.epochs == tuple(range(1, 13)) and not curve.separate
        for epoch in (1, 12):
            pair = benchmark.pair(f"valid_accuracy@{epoch}:random", curve.reference)
            assert pair.tau == curve.agreements[curve.epochs.index(epoch)].tau
    assert {s.subset for s in benchmark.subsets} >= {"best 10%", "larger half"}
    (best,) = (
        s.agreement.n
        for s in benchmark.subsets
        if s.subset == "best 10%" and s.proxy == "valid_accuracy@12:mean"
    )
    assert best == pytest.approx(0.1 * benchmark.rows, abs=2)


def test_ceilings_without_and_with_the_same_training(
    synthetic: PackedTable, study: RankRetention
) -> None:
    (benchmark,) = study.benchmarks
    found = {c.draw: c for c in benchmark.ceilings if c.measurement == "valid_accuracy@12"}
    apart, again = found["two different trainings"], found["two draws, the same training included"]
    # One to three trainings a cell.
    count = (~np.isnan(synthetic.values("one/ep12/valid_accuracy", epoch=12))).sum(axis=1)
    assert apart.same == 0.0 and again.same == pytest.approx((1 / count).mean(), abs=0.05)
    assert apart.agreement.n == (count > 1).sum() and again.agreement.n == (count > 0).sum()
    assert apart.agreement.tau.value < again.agreement.tau.value  # type: ignore[operator]
    taus = [found[f"seeds {a} and {b}"] for a, b in combinations((777, 888, 999), 2)]
    assert np.mean([c.agreement.tau.value for c in taus]) == pytest.approx(
        apart.agreement.tau.value, abs=0.02
    )


def test_single_runs_whose_seeds_are_unknown(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(70, 5, (RUNS, 1, 1))
    run, other = (np.round(truth + rng.normal(0, 2, truth.shape), 2) for _ in range(2))
    same = rng.random(RUNS) < 1 / 3
    other[same] = run[same]
    columns = {
        Column(f"d/ep9/valid_accuracy_{name}", epochs=(9,), dtype="float64"): values
        for name, values in (("run", run), ("runB", other))
    } | {Column("d/ep9/params", "M", "", dtype="float64"): np.ones((RUNS, 1, 1))}
    table = table_of(tmp_path / "t", columns)
    names = [c.name for c in columns]
    assert single_runs(table) == [(names[0], names[1])]
    study = rank_retention([(table, ())], measures=names[:2], resamples=0)
    included, apart = study.benchmarks[0].ceilings
    assert included.measurement == apart.measurement == "valid_accuracy@9"
    assert included.same == pytest.approx(np.mean(run == other)) and apart.same == 0.0
    assert included.agreement.tau.value == stats.kendalltau(run, other).statistic
    kept = (run != other).ravel()
    expected = stats.kendalltau(run[kept], other[kept]).statistic
    assert apart.agreement.n == kept.sum() and apart.agreement.tau.value == expected


def test_smaller_is_better(tmp_path: Path) -> None:
    """A loss that falls where accuracy rises agrees with it, if the protocol says so."""
    rng = np.random.default_rng(1)
    accuracy = rng.normal(70, 5, (RUNS, 1, 1))
    loss = 3.0 - accuracy / 40.0 + rng.normal(0, 0.01, accuracy.shape)
    columns = {
        Column("loss", "", "valid", epochs=(1,), dtype="float64"): loss,
        Column("accuracy", epochs=(1,), dtype="float64"): accuracy,
    }
    protocol = Protocol(
        "p", Measure("loss", 1), Measure("accuracy", 1), maximize=False, maximize_report=True
    )
    (benchmark,) = rank_retention(
        [(table_of(tmp_path / "t", columns, protocol), ())], resamples=0
    ).benchmarks
    agreement = benchmark.pair("loss@1", "accuracy@1")
    assert agreement.tau.value == pytest.approx(-stats.kendalltau(loss, accuracy).statistic)
    assert agreement.tau.value > 0.9 and agreement.top_overlap > 0.8  # type: ignore[operator]
    # One is no percentage: rounding it would say nothing.
    assert agreement.rounded is None


def test_failed_trainings_are_left_out(tmp_path: Path) -> None:
    table = small_table(tmp_path / "t", failing=3).table
    (benchmark,) = rank_retention([(table, ())], resamples=20).benchmarks
    assert {m.n for m in benchmark.measured if m.seeds != "other"} == {21}
    assert any("says nothing of sizes" in remark for remark in benchmark.remarks)
    assert {s.subset for s in benchmark.subsets} == {"best 10%"}


def test_progress_and_refusals(tmp_path: Path, synthetic: PackedTable) -> None:
    calls: list[tuple[int, int]] = []
    names = [f"one/ep12/valid_accuracy@{epoch}:777" for epoch in (1, 12)]
    again = rank_retention(
        [(synthetic, ())], measures=names, resamples=0, progress=lambda *c: calls.append(c)
    )
    assert again.benchmarks[0].references == {"": "valid_accuracy@12:777"}
    assert [done for done, _ in calls] == list(range(1, calls[-1][1] + 1))
    for options, message in (
        ({"measures": names[:1]}, "two or more times"),
        ({"resamples": 1}, "--resamples 1"),
        ({"top_share": 1.5}, "--top 1.5"),
    ):
        with pytest.raises(UserError, match=message):
            rank_retention([(synthetic, ())], **options)  # type: ignore[arg-type]
    bare = table_of(tmp_path / "t", {Column("c", epochs=(1,)): np.ones((3, 1, 1))})
    with pytest.raises(UserError, match="no protocols"):
        rank_retention([(bare, ())])


# --- the page --------------------------------------------------------------------------------


def test_the_page_shows_what_was_found(study: RankRetention, tmp_path: Path) -> None:
    document = retention_document(study)
    text = to_json(study)
    page = write_document(document, tmp_path, summary=text, formats=("html", "md", "csv", "tex"))
    assert page.exists()
    assert json.loads((tmp_path / "summary.json").read_text())["resamples"] == 60
    (benchmark,) = study.benchmarks
    value = benchmark.pair("valid_accuracy@1:random", "test_accuracy@12:mean").tau.value
    assert value is not None
    assert f"tau-b of {value:.3f}" in document.lead[0]
    (apart, *_) = (c for c in benchmark.ceilings if c.draw == "two different trainings")
    assert f"{apart.agreement.tau.value:.3f}" in document.lead[1]
    rows = (tmp_path / "tables" / "benchmark-0-retention.csv").read_text().splitlines()
    assert len(rows) == len(benchmark.measured)
    assert to_json(replace(study)) == text


def test_the_switch_shows_one_statistic_at_a_time(study: RankRetention) -> None:
    figures = [figure for section in retention_document(study) for figure in section.figures]
    assert len(figures) == 2
    for figure in figures:
        (parameter,) = figure.spec["params"]
        options = parameter["bind"]["options"]
        assert parameter["value"] == options[0] == "tau-b" and "tau-b, rounded" in options
        place = [column.name for column in figure.data.columns].index("statistic")
        shown = {row[place] for row in figure.data.rows}
        assert shown == set(options)
        for layer in figure.spec["layer"]:
            assert parameter["name"] in json.dumps(layer["transform"])


# --- real data -------------------------------------------------------------------------------


def nasbench101(data_dir: Path) -> np.ndarray:
    """Validation accuracies [cells, budgets] in percent, as the file says."""
    with gzip.open(data_dir / "nasbench101" / "nb101_30k.csv.gz", "rt", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return np.array([[100.0 * float(row[f"val_ep{e}"]) for e in BUDGETS] for row in rows])


@pytest.mark.data
def test_nasbench101(data_dir: Path, tmp_path: Path) -> None:
    """The file's own numbers; that the importer keeps them is another test's business."""
    values = nasbench101(data_dir)[:, None]
    column = Column("c/budgets/valid", "%", epochs=BUDGETS, schedule="separate", dtype="float64")
    table = table_of(tmp_path / "t", {column: values})
    names = [f"{column.name}@{epoch}" for epoch in BUDGETS]
    (benchmark,) = rank_retention([(table, ())], measures=names, resamples=0).benchmarks
    assert benchmark.rows == 30001 and benchmark.ceilings == ()
    assert any("no noise ceiling" in remark for remark in benchmark.remarks)
    for epoch, raw, rounded in ((4, 0.309, 0.326), (12, 0.439, 0.462), (36, 0.695, 0.733)):
        found = benchmark.pair(f"valid@{epoch}", "valid@108")
        assert found.n == 30001 and found.rounded is not None
        assert round(found.tau.value, 3) == raw  # type: ignore[arg-type]
        assert round(found.rounded.value, 3) == rounded  # type: ignore[arg-type]


@pytest.mark.data
@pytest.mark.slow
def test_800_resamples_of_30001_cells(data_dir: Path) -> None:
    """4, 12 and 36 epochs against 108, raw and rounded."""
    values = nasbench101(data_dir)
    for place in range(3):
        found = agreement(values[:, place], values[:, 3], percent=True)
        assert found.tau.error is not None and 0.001 < found.tau.error < 0.005
        assert found.rounded is not None and found.rounded.p_normal is not None


@pytest.mark.data
def test_nasbench201(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "nasbench201" / "nb201_main.csv.gz"
    import_csv(source, "nasbench201", tmp_path / "nb201.table")
    table = PackedTable(tmp_path / "nb201.table")
    (benchmark,) = rank_retention([(table, ("cifar100",))], resamples=0).benchmarks
    x = table.values("cifar100/ep12/valid_accuracy", epoch=12)[:, 0]
    y = table.values("cifar100/ep200/test_accuracy_mean", epoch=200)[:, 0]
    found = benchmark.pair("ep12/valid_accuracy", "ep200/test_accuracy_mean")
    assert found.tau.value == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-6)
    # CIFAR-100 has two columns of single runs, and the other data sets' do not stand here.
    included, apart = benchmark.ceilings
    assert included.draw == "run and runB, the same training included"
    assert included.same is not None and 0.2 < included.same < 0.7 and apart.same == 0.0
    assert apart.agreement.tau.value < included.agreement.tau.value  # type: ignore[operator]
    assert round(apart.agreement.tau.value, 3) == 0.885  # type: ignore[arg-type]


def test_the_command(synthetic: PackedTable, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from harness.cli import app

    words = ["study", "rank-retention", "--benchmark", f"{synthetic.path}#two"]
    words += ["--resamples", "20", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "the order of" in done.output and (tmp_path / "out" / "index.html").exists()
    refused = CliRunner().invoke(app, [*words[:3], "tss-digits#mnist", *words[4:]])
    assert isinstance(refused.exception, UserError)
