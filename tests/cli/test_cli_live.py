"""Live training by commands: run, info, report, train, retrain-top."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.cli.training import final_question
from harness.experiment import Experiment
from harness.live.question import LiveQuestion
from harness.resources import for_questions
from harness.traces import load_traces
from reports.records import describe_records
from tests.command_line import Command
from tests.live.conftest import TINY

REFUSED = "regularized_evolution:population_size=2,tournament_size=3"
CELL = "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|skip_connect~2|"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


def test_a_search_its_report_and_what_it_found(nas: Command, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["--benchmark", "live:tss/digits", "--recipe", recipe, "--evaluations", 4, "--inline"]
    words += ["--searcher", "random_search", "--searcher", "local_search", "--seeds", 2]
    done = nas("run", *words, "--out", out)
    assert done.status == 0 and "4 searches, 16 evaluations" in done.out
    # The same searches, all of which are finished.
    assert "0 searches, 0 evaluations" in nas("run", *words, "--out", out).out
    assert nas("report", out).status == 0
    page = (out / "report" / "report.md").read_text()
    assert "real hours, one after the other" in page and "| devices | cpu |" in page
    # With a point for every evaluation the incumbent is drawn as what it is, a step function.
    during = page.split("## During the search")[1].split("Reported result by ")
    joined = ["Straight lines join points" in part for part in during if "The incumbent: " in part]
    assert joined == [False, True]
    best = nas("retrain-top", out, "-k", 2, "--recipe", recipe, "--seeds", 2, "--inline")
    assert best.status == 0 and f"written: {out}/retrained/index.html" in best.out
    with (out / "retrained" / "tables" / "finals.csv").open() as file:
        rows = list(csv.DictReader(file))
    traces = load_traces(out)
    scores = traces.drop_duplicates(["architecture", "seed"]).groupby("architecture")["value"]
    expected = scores.mean().sort_values(ascending=False)
    assert [float(row["search score"]) for row in rows] == pytest.approx(expected.tolist()[:2])
    assert all(0 <= float(row["test low"]) <= float(row["test high"]) <= 100 for row in rows)
    # The final trainings are new ones, not those of the search.
    trained = [
        json.loads(line)["key"]
        for line in next(out.glob("retrained/trainings/*/trainings.jsonl")).open()
    ]
    assert len(trained) == 4 and all(key.split("-")[1].startswith("100000") for key in trained)
    lacking = nas("retrain-top", out, "--repeats", 9, "--recipe", recipe, "--inline")
    assert lacking.status == 2 and "9 full evaluations: lower --repeats" in lacking.err


def test_one_architecture(nas: Command, recipe: Path, tmp_path: Path) -> None:
    words = ["--space", "tss", "--dataset", "digits", "--recipe", recipe, "--inline"]
    done = nas("train", CELL, *words, "--seeds", 2, "--out", tmp_path / "w")
    assert done.status == 0 and "test accuracy: " in done.out
    again = nas("train", CELL, *words, "--seeds", 2, "--out", tmp_path / "w")
    assert again.out == done.out
    wrong = nas("train", "|none|", *words, "--out", tmp_path / "w")
    assert wrong.status == 2 and "is not an architecture of the space 'tss'" in wrong.err


def test_what_it_is_and_what_it_would_cost(nas: Command, recipe: Path) -> None:
    name = f"live:tss/digits:{recipe}"
    told = nas("info", name)
    assert told.status == 0 and "96 train, 64 valid, 80 test; 1 x 8 x 8" in told.out
    words = ["--benchmark", name, "--searcher", "random_search", "--evaluations", 7]
    estimate = nas("run", *words, "--dry-run")
    assert estimate.status == 0 and "seconds a training" in estimate.out
    verified = nas("info", name, "--verify")
    assert verified.status == 2 and "is trained: it has no numbers to verify" in verified.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["live:tss/digits:quick", "--recipe", "quick"], "names its recipe: leave out --recipe"),
        (["live:tss/digits:quick@cpu", "--gpus-per-trial", 1], "is not for GPUs"),
        (["live:tss/digits", "--recipe", "quick", "--recipe", "digits"], "is given 2 times"),
        (["live:tss/digits:quick@tpu", "--gpus-per-trial", 1], "'tpu' is neither cpu nor cuda"),
        (["tss-digits", "--recipe", "quick"], "no benchmark trains (live:SPACE/DATASET): leave"),
        (["tss-digits", "--gpus-per-trial", 1], "leave out --gpus-per-trial"),
        (["tss-digits", "--cpus-per-trial", 2], "leave out --cpus-per-trial"),
        (["tss-digits", "--searcher", REFUSED], "tournament_size"),
        (["live:tss/digits", "--recipe", "quik"], "unknown recipe 'quik': did you mean quick"),
        (["live:tss/digits:quick", "--gpus-per-trial", 1.5], "a fraction of one, or a whole"),
        (["live:tss/digits:quick", "--cpus-per-trial", 0], "cpus per trial: 0.0"),
        (["live:tss/digits:quick", "--protocol", "no"], "unknown protocol of live:tss"),
    ],
)
def test_mistakes(nas: Command, tmp_path: Path, words: list[object], message: str) -> None:
    out = tmp_path / "out"
    searching = ["--searcher", "random_search", "--evaluations", 2, "--out", out, "--inline"]
    done = nas("run", "--benchmark", *words, *searching)
    assert done.status == 2 and message in done.err and not out.exists()


def test_a_refused_run_changes_no_record(nas: Command, tmp_path: Path) -> None:
    """What was refused neither fixes the budget nor stays as a benchmark without searches."""
    words = ["--benchmark", "tss-digits", "--inline", "--out", tmp_path]
    refused = nas("run", *words, "--searcher", REFUSED, "--evaluations", 3)
    assert refused.status == 2 and not (tmp_path / "experiment.json").exists()
    assert nas("run", *words, "--searcher", "random_search", "--evaluations", 4).status == 0
    before = (tmp_path / "experiment.json").read_bytes()
    assert nas("run", *words, "--searcher", REFUSED, "--evaluations", 4).status == 2
    assert (tmp_path / "experiment.json").read_bytes() == before


def test_benchmarks_without_searches_are_passed_over(
    nas: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an interruption; and a data set that the search named by a relative path."""
    there, out = tmp_path / "there", tmp_path / "out"
    there.mkdir()
    monkeypatch.chdir(there)
    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 256, (300, 8, 8, 1), np.uint8), np.arange(300) % 3
    np.savez("mine.npz", images=images, labels=labels)
    words = ["--searcher", "random_search", "--evaluations", 1, "--inline", "--out", out]
    name = f"live:tss/mine.npz:{recipe}"
    grid = Experiment([name, "tss-digits"], ["random_search"], 1, {"evaluations": 1})
    grid.record(out)
    done = nas("run", "--benchmark", name, *words)
    assert done.status == 0 and "tss-digits" not in done.out
    monkeypatch.chdir(tmp_path)
    again = ["retrain-top", out, "--recipe", recipe, "--seeds", 1, "--inline"]
    lacking = nas(*again)
    assert lacking.status == 2 and "run this in the directory of the search, or" in lacking.err
    found = nas(*again, "--dataset", "there/mine.npz")
    assert found.status == 0, found.err


@pytest.mark.parametrize(
    ("gpus", "device", "workers", "share"),
    [(None, "cuda", 4, 1.0), (0.5, "cuda", 1, 0.5), (0.0, "cpu", 1, 0.0)],
)
def test_trained_again_as_in_the_search(
    gpus: float | None, device: str, workers: int, share: float
) -> None:
    searched = LiveQuestion.parse("live:tss/digits:quick@cuda*4-epoch")
    question = final_question("tss", "usps", "nats-200", searched, gpus)
    assert (question.device, question.workers) == (device, workers)
    assert (question.dataset, question.recipe) == ("usps", "nats-200")
    assert for_questions([str(question)], None, gpus).gpus == share
    assert final_question("tss", "usps", "nats-200", None, None).device == "cpu"


def test_percentages_promise_nothing_above_100(
    nas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reports.endings import Endings

    values = {"selection": np.array([100.0, 99.0, 100.0]), "report": np.array([1.0, 0.0, 0.0])}
    words = ["--benchmark", "tss-digits", "--searcher", "random_search", "--evaluations", 1]
    words += ["--inline", "--out", tmp_path]
    assert nas("run", *words).status == 0
    records = describe_records(tmp_path)
    key = ("random_search", records.questions[0].key)
    found = {key: Endings(values, np.arange(3), 0)}
    monkeypatch.setattr("reports.endings.read_endings", lambda _: (records, found))
    printed = nas("run", *words).out
    assert ", 100.000]" in printed and "[0.000, " in printed
