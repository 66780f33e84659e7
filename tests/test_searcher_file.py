"""Searchers in files of their own: what is found, how they are named, and every mistake."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from harness.benchmarks import open_benchmark
from harness.loop import Budget, Search, run_search
from harness.searcher_file import parse_searcher, searcher_in
from harness.spec import SearcherSpec
from tests.experiments import digests, experiment, refused
from tests.small_table import small_table

ONE = """
from harness.searcher import Observation, Proposal, Searcher

class Mine(Searcher):
    def __init__(self, space, seed, *, patience: int = 5) -> None:
        super().__init__(space, seed)
        self.patience = patience

    def ask(self) -> Proposal:
        return Proposal(self.space.sample(self.initial))

    def tell(self, observation: Observation) -> None:
        pass
"""
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "my_searcher.py"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = Path("mine.py")
    path.write_text(ONE)
    return path


def version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def test_a_file_with_one_searcher(mine: Path) -> None:
    spec = parse_searcher("mine.py")
    assert spec.name == f"file:mine.py:Mine@{version(mine)}"
    assert spec.label == f"Mine@{version(mine)}"
    assert spec.configuration == {"patience": 5}
    assert parse_searcher("mine.py:Mine") == parse_searcher(spec.name) == spec
    assert parse_searcher(f"file:mine.py:Mine@{version(mine)}:") == spec


@pytest.mark.parametrize("word", ["mine.py:patience=7", "mine.py:Mine:patience=7"])
def test_options(mine: Path, word: str) -> None:
    spec = parse_searcher(word)
    assert spec.options == {"patience": 7} and spec.label.endswith(":patience=7")
    assert "patience" in refused(lambda: parse_searcher("mine.py:pacience=7"))
    assert "integer" in refused(lambda: parse_searcher("mine.py:patience=yes"))


def test_it_is_a_searcher_like_others(mine: Path, tmp_path: Path) -> None:
    """Registered names and files give the same searches; an experiment's record repeats them."""
    table = small_table(tmp_path / "small.table").table.path
    spec = parse_searcher("mine.py")
    grid = experiment(table, searchers=[spec, "random_search"])
    a, b = (cell.run(grid.opened[0], [0])[0] for cell in grid.cells)
    assert a.architectures == b.architectures and a.digest != b.digest
    assert {name: a.header[name] for name in spec.identity} == spec.identity
    repeated = experiment(table, searchers=[{spec.name: {"label": spec.label, "patience": 5}}])
    assert repeated.cells[0].run(repeated.opened[0], [0])[0].digest == a.digest


def test_an_edited_file_is_another_searcher(mine: Path) -> None:
    before = parse_searcher("mine.py")
    mine.write_text(ONE + "\n# Edited.\n")
    after = parse_searcher("mine.py")
    assert after.name != before.name and after.label != before.label
    line = refused(lambda: searcher_in(before.name.removeprefix("file:")))
    assert "mine.py has changed since version" in line and after.name in line


def test_a_file_is_named_with_its_version(mine: Path) -> None:
    line = refused(lambda: SearcherSpec.parse("file:mine.py:Mine"))
    assert f"say which version: file:mine.py:Mine@{version(mine)}" in line


def test_other_words_are_registered_names(mine: Path) -> None:
    assert parse_searcher("local_search:starts=2") == SearcherSpec.parse("local_search:starts=2")
    assert "did you mean" in refused(lambda: parse_searcher("local_serch"))


def test_a_neighbour_can_be_imported_and_hides_nothing(mine: Path) -> None:
    Path("helping.py").write_text("FACTOR = 3\n")
    Path("reports.py").write_text("raise RuntimeError('the wrong one')\n")
    mine.write_text("from helping import FACTOR\nimport reports.intervals\n" + ONE)
    assert parse_searcher("mine.py").configuration == {"patience": 5}


@pytest.mark.slow
def test_workers_of_ray_find_the_file(mine: Path, tmp_path: Path) -> None:
    table = small_table(tmp_path / "small.table").table.path
    grid = experiment(table, searchers=[parse_searcher("mine.py")])
    grid.run(tmp_path / "inline", inline=True)
    grid.run(tmp_path / "ray")
    assert digests(tmp_path / "ray") == digests(tmp_path / "inline")


# --- mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x = 1\n", "mine.py holds no searcher: derive a class from harness.searcher.Searcher"),
        ("from searchers.era import EraEvolution\n", "holds no searcher"),
        ("def f(:\n", "mine.py, line 1: SyntaxError: invalid syntax"),
        ("x = 1\ny = x / 0\n", "mine.py, line 2: ZeroDivisionError: division by zero"),
        ("import no_such_module\n", "mine.py, line 1: ModuleNotFoundError: No module named"),
        ("import sys\nsys.exit('bye')\n", "mine.py, line 2: SystemExit: bye"),
        ("\0", "mine.py: "),
        (ONE + ONE.replace("Mine", "Other"), "(Mine, Other): name one, as in mine.py:Mine"),
    ],
)
def test_what_cannot_be_used(mine: Path, content: str, words: str) -> None:
    mine.write_text(content)
    assert words in refused(lambda: parse_searcher("mine.py"))


def test_what_is_not_there(mine: Path) -> None:
    assert "cannot read absent.py: No such file" in refused(lambda: parse_searcher("absent.py"))
    line = refused(lambda: parse_searcher("mine.py:Mime"))
    assert line == "unknown searcher in mine.py 'Mime': did you mean Mine?"
    Path("folder.py").mkdir()
    assert "cannot read folder.py" in refused(lambda: parse_searcher("folder.py"))


def test_one_of_several(mine: Path) -> None:
    mine.write_text(ONE + ONE.replace("Mine", "Other"))
    assert parse_searcher("mine.py:Other").label.startswith("Other@")


def test_the_example_climbs() -> None:
    """Each proposal is the best so far with one decision changed."""
    benchmark = open_benchmark("tss-digits")
    spec = parse_searcher(str(EXAMPLE))
    searcher = spec.build(benchmark.search_space(), 0)
    trace = run_search(Search(searcher, benchmark, Budget(50), 0, spec.identity))
    proposed = list(map(benchmark.space.from_string, trace.architectures))
    best = 0
    for i, value in enumerate(trace.columns["value"]):
        if i > 0:
            changed = [a != b for a, b in zip(proposed[i], proposed[best], strict=True)]
            assert sum(changed) == 1
        best = i if value >= trace.columns["value"][best] else best
    assert best > 0
