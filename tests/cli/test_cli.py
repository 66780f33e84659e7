"""The command line: what each command does, and one line for every mistake."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from harness.cli import app
from harness.experiment import Experiment
from harness.protocol import Protocol
from searchers import registry as searchers
from tests.command_line import EVOLUTION, Command, digests, flags, mistake
from tests.small_table import CELLS

# --- run ------------------------------------------------------------------------------------


def test_run_by_flags(nas: Command, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = flags(table, out, workers=2)
    done = nas("run", *words, "--searcher", EVOLUTION, "--inline")
    assert (done.status, done.err) == (0, "")
    assert "6 searches, 48 evaluations in" in done.out and f"nas-harness report {out}" in done.out
    for name in ("random_search", EVOLUTION, "valid", "test"):
        assert name in done.out
    grid = Experiment([str(table)], ["random_search", EVOLUTION], 3, {"evaluations": 8}, 2)
    assert grid.pending(out) == []
    assert len(digests(out)) == 6


def test_run_resumes(nas: Command, table: Path, tmp_path: Path) -> None:
    nas("run", *flags(table, tmp_path), "--inline")
    before = digests(tmp_path)
    again = nas("run", *flags(table, tmp_path), "--inline")
    assert again.status == 0 and "0 searches" in again.out and "3 finished earlier" in again.out
    more = nas("run", *flags(table, tmp_path, seeds=5), "--inline")
    assert "2 searches" in more.out and "3 finished earlier" in more.out
    assert before < digests(tmp_path) and len(digests(tmp_path)) == 5


def test_run_a_file_as_by_flags(nas: Command, table: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.table").write_bytes(table.read_bytes())
    content = {
        "benchmarks": ["mine.table"],
        "searchers": [
            "random_search",
            {"regularized_evolution": {"population_size": 4, "tournament_size": 2}},
        ],
        "seeds": 2,
        "budget": {"seconds": 90},
        "workers": 3,
    }
    (tmp_path / "e.yaml").write_text(yaml.safe_dump(content))
    by_file = nas("run", tmp_path / "e.yaml", "--out", tmp_path / "a", "--inline")
    words = flags(table, tmp_path / "b", seeds=2, evaluations=None, seconds=90, workers=3)
    by_flags = nas("run", *words, "--searcher", EVOLUTION, "--inline")
    assert (by_file.status, by_flags.status) == (0, 0)
    assert digests(tmp_path / "a") == digests(tmp_path / "b") and len(digests(tmp_path / "a")) == 4


def test_run_with_fields_of_the_protocol_replaced(nas: Command, two: Path, tmp_path: Path) -> None:
    source = f"{two}#two"
    words = flags(source, tmp_path, protocol="mean:missing=fail,repeat=fresh,time_noise=0.5")
    assert nas("run", *words, "--inline").status == 0
    record = json.loads((tmp_path / "experiment.json").read_text())["benchmarks"][0]
    protocol = Protocol.from_dict(record["protocol"])
    assert record["dataset"] == "two" and protocol.search.seeds == "mean"
    assert (protocol.missing, protocol.repeat, protocol.time_noise) == ("fail", "fresh", 0.5)
    only = nas("run", *flags(two, tmp_path / "b", protocol=":missing=resample"), "--inline")
    assert only.status == 0


def test_an_opted_leak_is_stamped(nas: Command, two: Path, tmp_path: Path) -> None:
    words = flags(two, tmp_path, protocol="leaky:allow_leak=true,missing=fail")
    done = nas("run", *words, "--inline")
    assert done.status == 0
    assert "leak: synthetic#one: its search uses test images" in done.out
    assert json.loads((tmp_path / "experiment.json").read_text())["benchmarks"][0]["leaks"]


def test_a_dry_run_estimates_and_writes_nothing(nas: Command, table: Path, tmp_path: Path) -> None:
    done = nas("run", *flags(table, tmp_path / "out", seeds=1000), "--dry-run")
    assert (done.status, done.err) == (0, "")
    for line in ("1,000", "about 8,000", "s of one core", "MB", "hours of training"):
        assert line in done.out
    assert list(tmp_path.iterdir()) == []
    assert nas("run", *flags(table), "--dry-run").status == 0
    nas("run", *flags(table, tmp_path / "out"), "--inline")
    rest = nas("run", *flags(table, tmp_path / "out", seeds=5), "--dry-run")
    assert "about 16" in rest.out, "only what is not finished yet"


def test_names_with_brackets_and_colons_are_shown_as_they_are(
    nas: Command, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "[red] :smile: [/]"
    done = nas("run", *flags(table, out), "--inline")
    assert done.status == 0 and f"nas-harness report {out}" in done.out


# --- the other commands ---------------------------------------------------------------------


def test_list(nas: Command) -> None:
    done = nas("list")
    assert (done.status, done.err) == (0, "")
    for name in (*searchers.builtin, "population_size=100", "tss-digits", "sss", "nasbench101"):
        assert name in done.out


def test_info(nas: Command, table: Path, two: Path) -> None:
    done = nas("info", table, "--verify")
    assert (done.status, done.err) == (0, "")
    for text in (
        "small",
        "(verified)",
        "24 architectures",
        "d/valid_accuracy",
        "valid+test",
        "clean",
    ):
        assert text in done.out
    shown = nas("info", f"{two}#two").out
    assert "refused: leaks test data" in shown and "val-test (default)" in shown
    mistake(nas("info", "tss-digit"), "did you mean tss-digits?")
    mistake(nas("info"), "Missing argument 'table'")


def test_info_verify_finds_an_altered_value(nas: Command, table: Path, tmp_path: Path) -> None:
    content = bytearray(table.read_bytes())
    content[-70] ^= 1
    (tmp_path / "t.table").write_bytes(content)
    assert nas("info", tmp_path / "t.table").status == 0
    mistake(nas("info", tmp_path / "t.table", "--verify"), "is altered", status=1)


def test_import_csv_and_run_on_it(nas: Command, tmp_path: Path) -> None:
    lines = [f"{a}{b}{c},{10 * a + b + c},{20 * a + b}" for a, b, c in CELLS]
    (tmp_path / "t.csv").write_text("\n".join(["code,acc,test", *lines]))
    description = {
        "name": "mine",
        "space": {"name": "mine", "options": [["a", "b", "c"], ["x", "y"], ["p", "q", "r", "s"]]},
        "architecture": {"digits": "code"},
        "columns": {
            "d/ep3/valid_accuracy": {"column": "acc", "epoch": 3, "split": "valid", "unit": "%"},
            "d/ep3/test_accuracy": {"column": "test", "epoch": 3, "split": "test", "unit": "%"},
        },
        "datasets": {"d": {"default": "p", "protocols": {"p": {
            "search": {"column": "d/ep3/valid_accuracy", "epoch": 3},
            "report": {"column": "d/ep3/test_accuracy", "epoch": 3},
        }}}},
    }  # fmt: skip
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(description))
    words = ["--spec", tmp_path / "t.yaml", "--out", tmp_path / "t.table"]
    done = nas("import", "csv", tmp_path / "t.csv", *words)
    assert (done.status, done.err) == (0, "")
    assert "24" in done.out and "optimum" in done.out
    assert nas("run", *flags(tmp_path / "t.table", tmp_path / "out"), "--inline").status == 0
    absent = nas("import", "csv", tmp_path / "none.csv", *words)
    assert absent.status == 2 and absent.err.count("\n") == 1
    mistake(nas("import", "csv", tmp_path / "t.csv"), "Missing option '--spec'")
    mistake(nas("import", "cvs"), "No such command 'cvs'. Did you mean 'csv'?")
    wrong = nas("import", "nats", tmp_path, "--out", tmp_path / "n.table")
    assert wrong.status == 2 and wrong.err.count("\n") == 1


def test_report(nas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes the page of a directory and says where it is; `tests/reports` look into it."""

    def write_report(directory: Path, *, margin: float | None) -> Path:
        assert directory == tmp_path and margin is None
        (tmp_path / "index.html").write_bytes(b"x" * 1_500_000)
        return tmp_path / "index.html"

    monkeypatch.setattr("reports.write_report", write_report)
    done = nas("report", tmp_path)
    assert (done.status, done.err) == (0, "")
    assert done.out == f"{tmp_path / 'index.html'} (1.5 MB)\n"


# --- help -----------------------------------------------------------------------------------


def commands() -> list[list[str]]:
    """Every command and group, as the words that name it."""
    found: list[list[str]] = [[]]
    root = typer.main.get_command(app)
    pending: list[tuple[list[str], Any]] = [([], root)]
    while pending:
        words, command = pending.pop()
        for name, below in getattr(command, "commands", {}).items():
            found.append([*words, name])
            pending.append((found[-1], below))
    return found


def test_all_commands_are_known() -> None:
    names = {" ".join(words) for words in commands()}
    assert names >= {
        "",
        "run",
        "report",
        "import",
        "import csv",
        "import nats",
        "list",
        "info",
        "tabulate",
    }


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_help_has_an_example(nas: Command, words: Sequence[str]) -> None:
    done = nas(*words, "--help")
    assert (done.status, done.err) == (0, "")
    assert "Example" in done.out
    example = done.out.partition("Example")[2]
    assert f"nas-harness {' '.join(words)}".strip() in " ".join(example.split())


@pytest.mark.parametrize("words", [[], ["import"]])
def test_no_words_show_the_help(nas: Command, words: Sequence[str]) -> None:
    done = nas(*words)
    assert done.status == 2
    assert "Usage: nas-harness" in done.out + done.err
