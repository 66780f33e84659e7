"""`nas-harness archive` and `nas-harness compare`."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

from harness.experiment import Experiment
from reports import load_summary, summarise
from tests.command_line import Command, digests, mistake

FILE = Path(__file__).resolve().parents[2] / "examples" / "my_searcher.py"
EVOLUTION = "regularized_evolution:population_size=4,tournament_size=2"


@pytest.fixture(scope="module")
def ran(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ran")
    searchers = ["random_search", EVOLUTION, "local_search"]
    return Experiment([str(table)], searchers, 4, {"evaluations": 12}).run(out, inline=True)


@pytest.fixture
def archived(nas: Command, ran: Path, tmp_path: Path) -> Path:
    path = tmp_path / "ours.parquet"
    done = nas("archive", ran, "--out", path)
    assert (done.status, done.err) == (0, "")
    assert f"{path}: 12 searches in" in done.out
    return path


def test_compare_a_file_with_an_archive(
    nas: Command, ran: Path, archived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = nas("compare", FILE, "--archive", archived)
    assert (done.status, done.err) == (0, "")
    # Only the newcomer was run, and the others are what they were.
    assert "4 searches, 48 evaluations in" in done.out
    assert digests(ran) < digests(tmp_path / "comparison")
    summary = load_summary(tmp_path / "comparison" / "report" / "summary.json")
    (label,) = {s["searcher"] for s in summary.searchers} - {
        "random_search", EVOLUTION, "local_search",
    }  # fmt: skip
    assert label.startswith("HillClimber@") and summary.seeds == (0, 1, 2, 3)
    (benchmark,) = summary.benchmarks
    found = benchmark.headline(label)
    assert found is not None and found.difference.mean is not None
    (line,) = (line for line in done.out.splitlines() if line.startswith(f"{label} "))
    assert "random search on small (" in line
    against = done.out[done.out.index(f"small: {label} under the same seeds") :]
    rows = [row.split("│")[1].strip() for row in against.splitlines() if row.startswith("│")]
    assert rows == [EVOLUTION, "local_search"]
    assert f"{found.difference.mean:+.3f}".replace("-", "−") in line


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes seconds, and is tested elsewhere."""
    monkeypatch.setattr(import_module("harness.cli.compare"), "_report", lambda out, spec: None)


@pytest.mark.usefixtures("undrawn")
def test_versions_and_parts_share_a_report(nas: Command, archived: Path, tmp_path: Path) -> None:
    mine, out = tmp_path / "mine.py", tmp_path / "out"
    mine.write_text(FILE.read_text())
    words = ("--archive", archived, "--out", out, "--seeds", 2, "--only", "local_search")
    assert nas("compare", mine, *words).status == 0
    mine.write_text(FILE.read_text().replace(">=", ">"))
    done = nas("compare", f"{mine}:HillClimber", *words, "--declare", "tuning=None, ever.")
    assert done.status == 0 and "2 searches" in done.out
    record = json.loads((out / "experiment.json").read_text())
    labels = [s["searcher"].partition("@")[0] for s in record["searchers"]]
    assert sorted(labels) == ["HillClimber", "HillClimber", "local_search", "random_search"]
    assert record["seeds"] == [0, 1] and record["declared"] == {"tuning": "None, ever."}
    assert summarise(out).declared["tuning"] == "None, ever."


@pytest.mark.usefixtures("undrawn")
def test_compare_registered_names(nas: Command, archived: Path, tmp_path: Path) -> None:
    """What is there is not run again."""
    words = ("--archive", archived, "--out", tmp_path / "out")
    done = nas("compare", "local_search", *words)
    assert done.status == 0 and "0 searches, 0 evaluations" in done.out
    done = nas("compare", "local_search:improvement=first", *words)
    assert done.status == 0 and "4 searches, 48 evaluations" in done.out


@pytest.mark.usefixtures("undrawn")
def test_a_label_of_the_archive_is_not_taken(nas: Command, table: Path, tmp_path: Path) -> None:
    """The same name with other options."""
    ours = {"local_search": {"label": "local_search", "initial_samples": 3}}
    grid = Experiment([str(table)], ["random_search", ours], 2, {"evaluations": 5})
    grid.run(tmp_path / "ran", inline=True)
    assert nas("archive", tmp_path / "ran", "--out", tmp_path / "a.parquet").status == 0
    words = ("--archive", tmp_path / "a.parquet", "--out", tmp_path / "out")
    assert nas("compare", "local_search", *words).status == 0
    record = json.loads((tmp_path / "out" / "experiment.json").read_text())
    labels = {s["searcher"]: s["options"].get("initial_samples") for s in record["searchers"]}
    assert labels == {"random_search": None, "local_search": 3, "local_search (yours)": 1}


@pytest.mark.usefixtures("undrawn")
def test_the_embedded_archive_is_the_default(nas: Command, tmp_path: Path) -> None:
    words = ("--seeds", 2, "--only", "local_search", "--out", tmp_path)
    done = nas("compare", FILE, *words)
    assert (done.status, done.err) == (0, "")
    assert "2 searches, 400 evaluations" in done.out and "from tss-digits.parquet" in done.out
    assert "HillClimber@" in done.out and "local_search" in done.out


# --- mistakes -------------------------------------------------------------------------------


def test_mistakes_leave_nothing_behind(
    nas: Command, archived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    several = Path("several.py")
    several.write_text(FILE.read_text() + FILE.read_text().replace("HillClimber", "Other"))
    for words, message in (
        (("absent.py",), "cannot read absent.py"),
        (("several.py",), "several searchers (HillClimber, Other): name one"),
        (("local_serch",), "did you mean local_search"),
        ((FILE, "--only", "evolution"), "unknown searcher of ours.parquet"),
        ((FILE, "--seeds", 5), "--seeds 5: the archive has 4"),
        ((FILE, "--seeds", 0), "--seeds 0"),
        ((FILE, "--address", "auto"), "--address needs --ray"),
        ((FILE, "--declare", "tuning"), "--declare tuning: write name=text"),
        ((FILE, "--declare", "tunning=no"), "did you mean tuning"),
    ):
        mistake(nas("compare", *words, "--archive", archived), message)
    mistake(nas("compare", FILE, "--archive", "tss-digit"), "did you mean tss-digits?")
    mistake(nas("compare", FILE, "--archive", several), "is no archive")
    mistake(nas("archive", tmp_path, "--out", "a.parquet"), "no intact experiment")
    assert not Path("comparison").exists() and not Path("a.parquet").exists()


@pytest.mark.parametrize(
    ("old", "new", "message", "status"),
    [
        ("observation.value >=", "observation.valeu >=", "AttributeError: 'Observation'", 1),
        ("Proposal(self.space.sample", "(self.space.sample", "returns Proposal(architecture)", 2),
        ("Proposal(self.space.sample", "Proposal(str", "is not an architecture of the space", 2),
        ("self.rng)", "__import__('random'))", "gave two different searches under seed 0", 2),
    ],
)
def test_what_a_newcomer_gets_wrong(
    nas: Command, archived: Path, tmp_path: Path, old: str, new: str, message: str, status: int
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(FILE.read_text().replace(old, new))
    done = nas("compare", mine, "--archive", archived, "--out", tmp_path / "out")
    mistake(done, message, status)
    if status == 1:
        line = 1 + FILE.read_text()[: FILE.read_text().index(old)].count("\n")
        assert f"mine.py, line {line}: " in done.err
    assert not (tmp_path / "out").exists()
