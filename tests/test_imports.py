"""What an import costs: the heavy libraries are loaded where they are used, and only there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import harness
from tests.small_table import small_table

HEAVY = {"ray", "torch", "torchvision", "pandas", "pyarrow", "pydantic", "scipy", "sklearn"}
SHOW = "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def loaded_by(program: str, *words: str) -> set[str]:
    """The top-level modules that are loaded after a program in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", program + SHOW, *words], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_harness_and_searchers_loads_nothing_heavy() -> None:
    program = (
        "import harness, searchers\n"
        "assert len(searchers.registry.names()) >= 6\n"
        "from harness.errors import UserError\n"
        "from harness.spaces import get_space"
    )
    loaded = loaded_by(program)
    assert {"harness", "searchers"} <= loaded
    assert not loaded & (HEAVY | {"yaml", "typer", "rich", "altair"})


def test_a_command_starts_without_what_it_may_need_later() -> None:
    assert not loaded_by("import harness.cli") & (HEAVY | {"altair", "statsmodels"})


def test_opening_a_table_loads_no_table_library(tmp_path: Path) -> None:
    path = small_table(tmp_path / "t.table").table.path
    program = (
        "import sys; from harness.benchmarks import open_benchmark\n"
        "benchmark = open_benchmark(sys.argv[1]); benchmark.evaluator(0)((0, 0, 0))"
    )
    assert not loaded_by(program, str(path)) & HEAVY


RUN = "import sys; from harness.cli import main\nsys.argv = ['nas-harness', *sys.argv[1:]]\nmain()"


def run_words(folder: Path) -> Sequence[str]:
    path = small_table(folder / "t.table").table.path
    words = ["--benchmark", str(path), "--searcher", "random_search", "--seeds", "2"]
    return [*words, "--evaluations", "5", "--out", str(folder / "out")]


def test_an_inline_run_loads_neither_ray_nor_torch(tmp_path: Path) -> None:
    loaded = loaded_by(RUN, "run", *run_words(tmp_path), "--inline")
    assert "pyarrow" in loaded
    assert not loaded & {"ray", "torch", "torchvision"}
    assert list((tmp_path / "out").glob("traces/*/*.parquet"))


@pytest.mark.parametrize("words", [["list"], ["run", "--help"]])
def test_looking_around_loads_neither_ray_nor_torch(words: list[str]) -> None:
    assert not loaded_by(RUN, *words) & {"ray", "torch", "pandas"}


# --- the package's own names ----------------------------------------------------------------


def test_the_function_is_not_hidden_by_the_module_of_its_name(tmp_path: Path) -> None:
    """`harness.search` is the function, whatever else of the package was imported."""
    path = small_table(tmp_path / "t.table").table.path
    call = "assert len(harness.search(sys.argv[1], 'random_search', evaluations=3)) == 3\n"
    load = "from harness.loop import Budget\nassert Budget(5).evaluations == 5\n"
    for program in (call + call + load + call, "import harness.loop\n" + load + call + call):
        loaded_by("import sys, harness\n" + program, str(path))


def test_the_names_that_the_package_offers() -> None:
    for name in harness.__all__:
        assert callable(getattr(harness, name))
    with pytest.raises(AttributeError, match="module 'harness' has no attribute 'serch'"):
        harness.serch  # noqa: B018
