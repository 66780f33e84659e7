"""Every mistake on the command line is answered with one line and an exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

import harness.cli
from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.traces import trace_files
from tests.command_line import INTERRUPTED, Command, flags, mistake


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"benchmark": "tss-digit"}, "did you mean tss-digits?"),
        ({"benchmark": "no/such.table"}, "there is no table no/such.table"),
        ({"searcher": "regularised_evolution"}, "did you mean regularized_evolution"),
        ({"searcher": "random_search:replace=1"}, "did you mean replacement"),
        ({"searcher": "random_search:replacement=3"}, "replacement=3"),
        ({"searcher": "random_search:replacement"}, "write options as name:option=value"),
        ({"searcher": "local_search:initial_samples=["}, "write options as name:option=value"),
        ({"searcher": "regularized_evolution:population_size=0"}, "population_size=0"),
        ({"protocol": "plane"}, "unknown protocol of small#d 'plane': did you mean plain"),
        ({"protocol": "plain:mising=fail"}, "did you mean missing"),
        ({"protocol": "plain:missing=maybe"}, "missing='maybe'; must be 'refuse'"),
        ({"protocol": "plain:missing"}, "write options as name:option=value"),
        ({"protocol": "plain:missing=["}, "write options as name:option=value"),
        ({"benchmark": "TABLE#d2"}, "unknown data set of small 'd2'"),
        ({"evaluations": None}, "at least one of evaluations, seconds, epochs"),
        ({"evaluations": 0}, "evaluations=0; must be positive"),
        ({"seconds": -1}, "seconds=-1.0; must be positive"),
        ({"seconds": "nan"}, "seconds=nan; must be positive"),
        ({"seconds": "inf"}, "seconds=inf; must be positive"),
        ({"epochs": -1}, "epochs=-1; must be positive"),
        ({"workers": 0}, "workers=0; 1 to"),
        ({"seeds": 0}, "at least one of its seeds"),
        ({"seeds": -3}, "at least one of its seeds"),
        ({"searcher": None}, "give an experiment file, or --benchmark and --searcher"),
        ({"benchmark": None}, "give an experiment file, or --benchmark and --searcher"),
        # What typer finds wrong with the words themselves.
        ({"seeds": "three"}, "Invalid value for '--seeds'"),
        ({"evaluations": "1e3"}, "Invalid value for '--evaluations'"),
        ({"trials": "evaluations"}, "'search', 'evaluation'"),
        ({"seed": 3}, "No such option: --seed (Possible options: --searcher, --seconds, --seeds)"),
        ({"inline": "yes"}, "give either yes or flags"),
    ],
)
def test_mistakes_of_run(
    nas: Command, table: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    if changes.get("benchmark") == "TABLE#d2":
        changes = {"benchmark": f"{table}#d2"}
    extra = ["--inline"] if "inline" not in changes else []
    mistake(nas("run", *flags(table, tmp_path / "out", **changes), *extra), message)
    assert trace_files(tmp_path / "out") == []


def test_more_mistakes_of_run(nas: Command, table: Path, two: Path, tmp_path: Path) -> None:
    mistake(nas("run"), "give an experiment file, or --benchmark")
    mistake(nas("run", tmp_path / "none.yaml"), "none.yaml: No such file or directory")
    mistake(nas("run", tmp_path), "Is a directory")
    (tmp_path / "e.yaml").write_text("benchmarks: [x]\nsearchers: [y]\nseeds: 1\nbudgets: {}")
    mistake(nas("run", tmp_path / "e.yaml"), "e.yaml: budget: Field required")
    both = nas("run", tmp_path / "e.yaml", "--seeds", 3)
    mistake(both, "e.yaml or flags for the searches, not both")
    mistake(nas("run", "a", "b"), "unexpected extra argument")
    mistake(nas("run", "--seeds"), "requires an argument")
    leaky = nas("run", *flags(two, tmp_path / "out", protocol="leaky"), "--inline")
    mistake(leaky, "'leaky' is refused: its search uses test images")
    refused = nas("run", *flags(two, tmp_path / "out"), "--inline")
    mistake(refused, "set missing=resample or missing=fail in the protocol")
    twice = nas("run", *flags(table, tmp_path / "o"), "--searcher", "random_search", "--inline")
    mistake(twice, "'random_search' is given twice")
    mistake(nas("run", *flags(table, tmp_path / "e.yaml"), "--inline"), "choose another --out")


def test_another_budget_in_the_same_place(nas: Command, table: Path, tmp_path: Path) -> None:
    nas("run", *flags(table, tmp_path), "--inline")
    other = nas("run", *flags(table, tmp_path, evaluations=9), "--inline")
    mistake(other, "choose another --out")


def test_damage_is_a_failure(nas: Command, table: Path, tmp_path: Path) -> None:
    nas("run", *flags(table, tmp_path), "--inline")
    trace_files(tmp_path)[0].write_bytes(b"")
    mistake(nas("run", *flags(table, tmp_path), "--inline"), "is no trace file", status=1)


def test_a_table_that_is_none(nas: Command, tmp_path: Path) -> None:
    (tmp_path / "t.table").write_bytes(b"architecture,accuracy\n" * 10)
    mistake(nas("run", *flags(tmp_path / "t.table", tmp_path / "out")), "is not a packed table")
    mistake(nas("info", tmp_path / "t.table"), "is not a packed table")


def test_mistakes_of_report(nas: Command, tmp_path: Path) -> None:
    mistake(nas("report", tmp_path / "none"), "holds no experiment")
    mistake(nas("report"), "Missing argument 'directory'")


def test_unknown_commands(nas: Command) -> None:
    mistake(nas("runn"), "No such command 'runn'. Did you mean 'run'? (see `nas-harness --help`)")
    mistake(nas("--version-of-nothing"), "No such option: --version-of-nothing")


# --- ends -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (HarnessError("a failure\nin two lines"), 1, "nas-harness: a failure in two lines\n"),
        (OSError(28, "No space left", "/x"), 1, "nas-harness: /x: No space left\n"),
        (KeyboardInterrupt(), 130, INTERRUPTED),
        (typer.Abort(), 130, INTERRUPTED),
    ],
)  # fmt: skip
def test_failures_are_one_line(
    nas: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, line: str
) -> None:
    def failing(**options: object) -> None:
        raise error

    monkeypatch.setattr(harness.cli, "app", failing)
    assert nas("list") == (status, "", line)


def test_an_interrupted_run_says_how_to_go_on(
    nas: Command, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Experiment, "run", interrupt)
    done = nas("run", *flags(table, tmp_path), "--inline")
    assert done.status == 130 and "run the same command again to resume" in done.err


def test_python_m_harness_and_a_reader_that_leaves(table: Path) -> None:
    """`| head` ends the command without a word."""
    words = f"{sys.executable} -m harness info {table} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and done.stderr == ""
