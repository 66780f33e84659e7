"""Reports of experiments in which some strategies are one-shot methods."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.benchmarks import TableBenchmark, open_benchmark
from harness.loop import Budget
from harness.spaces import CategoricalSpace
from harness.spec import SearcherSpec
from harness.testing.tables import synthetic_table
from reports.build import summarise
from reports.checklist import checklist
from reports.document import Table
from reports.origins import origin_of
from reports.records import read_records
from reports.report_document import document
from reports.retrained import best
from reports.studies.traced import run_searches
from reports.summary import BenchmarkSummary, Summary
from tests.reports.one_shot_traces import EVALUATION, LABEL, experiment, one_shot_trace

SEEDS = range(5)
TOTAL = 8 * EVALUATION
PASSES = (3_000, 5_400, 7_800, TOTAL - 30)
AXIS = "charged evaluations, or as many image passes"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> TableBenchmark:
    path = tmp_path_factory.mktemp("one-shot") / "synthetic.table"
    synthetic_table(path, CategoricalSpace("toy", [("a", "b", "c")] * 5), datasets=("one",))
    opened = open_benchmark(str(path))
    assert isinstance(opened, TableBenchmark)
    return opened


@pytest.fixture(scope="module")
def ran(asked: TableBenchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five searches each; the last derivation of seed 4 has no value."""
    derived = [one_shot_trace(asked, s, PASSES, [3] if s == 4 else []) for s in SEEDS]
    out = tmp_path_factory.mktemp("one-shot-ran")
    source = str(asked.table.path)
    budget = {"image_passes": TOTAL}
    return experiment(out, asked, source, derived, budget=budget, images_per_epoch=100)


@pytest.fixture(scope="module")
def summary(ran: Path) -> Summary:
    return Summary.from_json(summarise(ran).to_json())


@pytest.fixture(scope="module")
def found(summary: Summary) -> BenchmarkSummary:
    return summary.benchmarks[0]


def words(summary: Summary) -> str:
    shown = document(summary)
    parts = [*shown.lead]
    for whole in shown.sections:
        for section in whole:
            parts += [section.title, *section.text]
            parts += [f"{f.title} {f.caption}" for f in section.figures]
            parts += [t.note for t in section.tables]
    return "\n".join(parts)


def test_final_results_are_those_of_the_last_derivations(
    asked: TableBenchmark, found: BenchmarkSummary
) -> None:
    final = next(f for f in found.finals if f.searcher == LABEL)
    last = [one_shot_trace(asked, s, PASSES).columns["report"][-1] for s in range(4)]
    assert (final.n, final.without) == (5, 1)
    assert final.report.mean == pytest.approx(np.mean(last))
    curve = next(c for c in found.curves if c.searcher == LABEL)
    # 3,000 image passes are two and a half trainings.
    assert curve.x == tuple(range(1, 9))
    assert curve.report.mean[:2] == (None, None)
    assert curve.report.mean[2] is not None
    # Both kinds of search had the same budget, so that they are compared at the same place.
    assert next(c for c in found.curves if c.searcher == "random_search").x == curve.x
    assert found.comparison(LABEL, "sampled") is not None


def test_a_budget_of_image_passes_fixes_the_number_of_evaluations(found: BenchmarkSummary) -> None:
    assert found.exact is not None
    assert found.exact.n == TOTAL // EVALUATION
    assert found.exact.final is not None
    assert found.comparison(LABEL, "exact") is not None


def test_image_passes_a_method_stand_in_the_table(
    summary: Summary, found: BenchmarkSummary
) -> None:
    tables = [t for whole in document(summary).sections for s in whole for t in s.tables]
    table = next(t for t in tables if t.title == "Final results")
    place = [c.name for c in table.columns].index("image passes")
    passes = {row[0]: row[place] for row in table.rows}
    assert passes["random_search"] == TOTAL
    assert passes[LABEL] == TOTAL - 30
    curse = [c.name for c in table.columns].index("winner's curse")
    assert [row[curse] is None for row in table.rows] == [False, False, True]
    assert "has no winner's curse" in table.note
    assert found.one_shot == summary.one_shot == (LABEL,)


def test_the_page_says_what_one_shot_means(summary: Summary) -> None:
    text = words(summary)
    for part in (
        "budget 9,600 image passes a search",
        "80 evaluations and 20 derivations of one-shot methods",
        "An image pass is one image on its way forward and backward",
        "The incumbent is the latest derivation, not the best",
        "saw training and validation images only",
        "full training of the derived network itself",
        f"what was derived last: {LABEL}.",
        f"{LABEL}: statuses are those of derivations",
        f"Regret by {AXIS}",
        f"Targets held by {AXIS}",
    ):
        assert part in text, part
    assert "virtual seconds, or as many" not in text


def test_what_was_evaluated_leaves_derivations_out(found: BenchmarkSummary) -> None:
    views = found.views
    assert views.dynamics is not None
    assert {s.searcher for s in views.dynamics.scatters} == {
        f.searcher for f in found.finals if f.searcher != LABEL
    }
    assert views.resemblances is not None
    assert LABEL not in {r.searcher for r in views.resemblances.found}
    # What it returned has its place in the space.
    assert views.percentiles is not None
    assert {p.searcher: p.n for p in views.percentiles.found}[LABEL] == 4


def test_the_checklist_says_what_supernets_saw(summary: Summary) -> None:
    items = {item.number: item for item in summary.checklist}
    assert "Part of nas-harness 0.1.0: random_search" in items["2, 3"].evidence
    assert items["2, 3"].answer == "yes"
    assert "9,600 image passes" in items["6"].evidence
    assert "training and validation images only" in items["6"].evidence
    assert "or as many image passes, and up to" in items["7"].evidence
    assert "may depend on the device" in items["11"].evidence
    assert "made 80 evaluations" in items["13"].evidence
    assert "one full training of what they derive" in items["13"].evidence


def test_without_one_shot_methods_nothing_changes(ran: Path, tmp_path: Path) -> None:
    """Neither words nor fields of one-shot methods where there are none."""
    content = json.loads((ran / "experiment.json").read_text())
    content["searchers"] = [s for s in content["searchers"] if s["searcher"] != LABEL]
    del content["benchmarks"][0]["images_per_epoch"]
    content["budget"] = {"evaluations": 8, "seconds": None, "epochs": None}
    (tmp_path / "experiment.json").write_text(json.dumps(content))
    (tmp_path / "traces").symlink_to(ran / "traces")
    summary = summarise(tmp_path)
    text = words(summary)
    for part in ("one-shot", "image pass", "supernet", "derivation"):
        assert part not in text, part
    for run in json.loads(summary.to_json())["benchmarks"][0]["searches"]:
        assert set(run) == {
            "searcher", "searches", "evaluations", "statuses", "stopped", "digest",
        }  # fmt: skip


def test_only_the_last_derivation_is_trained_again(ran: Path, asked: TableBenchmark) -> None:
    candidates = best(
        ran,
        asked.name,
        1_000,
        identity=lambda text: text,
        epochs=asked.protocol.search.epoch,
    )
    derived = {c.architecture for c in candidates if LABEL in c.searchers}
    expected = {one_shot_trace(asked, s, PASSES).architectures[-1] for s in range(4)}
    assert derived == expected
    # Of strategies that evaluate, all evaluations count.
    random = run_searches(asked, SearcherSpec.parse("random_search"), SEEDS, Budget(evaluations=8))
    everything = {a for trace in random for a in trace.architectures}
    assert {c.architecture for c in candidates if "random_search" in c.searchers} == everything


def test_the_cell_knows_its_image_passes(ran: Path) -> None:
    cells = read_records(ran).cells
    by_label = {label: cell for (label, _), cell in cells.items()}
    derivations = by_label[LABEL].one_shot
    assert derivations is not None
    assert derivations.evaluation == EVALUATION
    assert by_label["random_search"].one_shot is None
    assert by_label["random_search"].image_passes == TOTAL


def test_images_only_classified_stand_in_the_table(summary: Summary) -> None:
    def table(shown: Summary) -> Table:
        tables = [t for whole in document(shown).sections for s in whole for t in s.tables]
        return next(t for t in tables if t.title == "Final results")

    assert "only classified" not in [c.name for c in table(summary).columns]
    assert "cost a third of a pass in virtual time" in words(summary)
    told = table(_changed(summary, classified=4_800.0))
    place = [c.name for c in told.columns].index("only classified")
    assert [row[place] for row in told.rows] == [None, None, 4_800.0]


def test_short_evaluations_are_named(summary: Summary) -> None:
    name = summary.searchers[1]["searcher"]
    assert "shorter than a full training" not in words(summary)
    assert "Evaluations are counted in full trainings" not in words(summary)
    text = words(_changed(summary, name, short=True))
    assert f"Not so {name}, some of whose evaluations are shorter than a full training" in text
    assert "Evaluations are counted in full trainings" in text
    assert AXIS not in text


def test_supernets_are_no_pairs_and_have_one_worker(ran: Path, summary: Summary) -> None:
    assert f"{LABEL}: a supernet shares nothing with a random search" in words(summary)
    (origin,) = (origin_of(q, {}) for q in read_records(ran).questions)
    items = {i.number: i for i in checklist(replace(summary, workers=4), [origin])}
    expected = "4 simulated workers, but for one-shot methods, which have one."
    assert expected in items["6"].evidence


def _changed(summary: Summary, label: str = LABEL, **fields: Any) -> Summary:
    """The summary with other fields of what was run of one strategy."""
    (benchmark,) = summary.benchmarks
    runs = [replace(r, **fields) if r.searcher == label else r for r in benchmark.searches]
    return replace(summary, benchmarks=(replace(benchmark, searches=tuple(runs)),))
