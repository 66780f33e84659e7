"""Live training by commands: run, info, report, train, retrain-top."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.traces import load_traces
from tests.command_line import Command
from tests.live.conftest import TINY

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
