"""The command line: what each command does, and one line for every mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
import yaml

import harness.cli
from harness.cli import app, main
from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.protocol import Protocol
from harness.testing import synthetic_table
from harness.traces import read_batch, trace_files
from searchers import registry as searchers
from tests.small_table import CELLS, small_table

EVOLUTION = "regularized_evolution:population_size=4,tournament_size=2"
INTERRUPTED = "nas-harness: interrupted; run the same command again to resume\n"


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def nas(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``nas-harness`` with some words in this process, as its script does."""
    monkeypatch.setenv("COLUMNS", "200")

    def command(*words: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["nas-harness", *map(str, words)])
        status: Any = 0
        try:
            main()
        except SystemExit as leaving:
            status = leaving.code or 0
        return Outcome(status, *capsys.readouterr())

    return command


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_table(tmp_path_factory.mktemp("cli") / "small.table").table.path


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with two data sets and a leaky protocol."""
    path = tmp_path_factory.mktemp("cli") / "two.table"
    return synthetic_table(path, coverage=0.02, datasets=["one", "two"]).path


def flags(table: Path | str, to: Path | None = None, **changes: object) -> list[object]:
    given: dict[str, object] = {
        "benchmark": table, "searcher": "random_search", "seeds": 3, "evaluations": 8, "out": to,
    } | changes  # fmt: skip
    return [
        word
        for name, value in given.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", value)
    ]


def digests(out: Path) -> set[str]:
    return {trace.digest for path in trace_files(out) for trace in read_batch(path)}


def mistake(outcome: Outcome, message: str, status: int = 2) -> None:
    """One line on the error stream, which names the thing; nothing on the other."""
    assert outcome.err.count("\n") == 1 and outcome.err.startswith("nas-harness: "), outcome
    assert message in outcome.err
    assert outcome.status == status
    assert outcome.out == ""


# --- run ------------------------------------------------------------------------------------


def test_run_by_flags(nas: Command, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = flags(table, out, workers=2)
    done = nas("run", *words, "--searcher", EVOLUTION, "--inline")
    assert (done.status, done.err) == (0, "")
    assert "6 searches in" in done.out and f"nas-harness report {out}" in done.out
    for name in ("random_search", EVOLUTION, "24", "valid", "test"):
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
        ({"out": None}, "say where the traces go: --out DIR"),
        ({"searcher": None}, "give an experiment file, or --benchmark, --searcher and --seeds"),
        ({"benchmark": None}, "give an experiment file, or --benchmark, --searcher and --seeds"),
        ({"seeds": None}, "give an experiment file, or --benchmark, --searcher and --seeds"),
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

    def write_report(directory: Path) -> Path:
        assert directory == tmp_path
        (tmp_path / "index.html").write_bytes(b"x" * 1_500_000)
        return tmp_path / "index.html"

    monkeypatch.setattr("reports.write_report", write_report)
    done = nas("report", tmp_path)
    assert (done.status, done.err) == (0, "")
    assert done.out == f"{tmp_path / 'index.html'} (1.5 MB)\n"


def test_mistakes_of_report(nas: Command, tmp_path: Path) -> None:
    mistake(nas("report", tmp_path / "none"), "holds no experiment")
    mistake(nas("report"), "Missing argument 'directory'")


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
