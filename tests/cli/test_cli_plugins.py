"""Plug-ins on the command line: broken ones are named in one line, and hinder no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import searchers
from harness import benchmarks, spaces
from harness.errors import HarnessError
from harness.spaces import get_space
from tests.command_line import Command, flags, mistake
from tests.function_benchmark import NAME
from tests.small_table import small_table

MODULE = """
from pathlib import Path
from harness.spaces import CategoricalSpace
from searchers.random_search import RandomSearch

table = lambda: Path(__file__).parent / "small.table"
nowhere = lambda: Path("no-such.table")
nothing = lambda: None
misnamed = lambda: CategoricalSpace("another", [["a", "b"]])
number = 3
def fails(): raise ValueError("no luck")
"""

Plug = Callable[..., None]


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plug]:
    """Installs a distribution with entry points: ``plug("dist", spaces={"name": "part"})``."""
    registries = (searchers.registry, spaces.registry, benchmarks.registry)
    site = tmp_path / "site"
    site.mkdir()
    (site / "their_parts.py").write_text(MODULE)
    small_table(site / "small.table")
    monkeypatch.syspath_prepend(str(site))

    def forget() -> None:
        for registry in registries:
            vars(registry).pop("_third_party", None)

    def install(dist: str, **groups: dict[str, str]) -> None:
        folder = site / f"{dist}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n")
        with (folder / "entry_points.txt").open("w") as stream:
            for group, parts in groups.items():
                stream.write(f"[nas_harness.{group}]\n")
                for name, part in parts.items():
                    path = part if ":" in part else f"their_parts:{part}"
                    stream.write(f"{name} = {path}\n")
        forget()

    yield install
    forget()


def test_list_names_what_is_broken_and_goes_on(nas: Command, plug: Plug) -> None:
    parts = {"absent": "no_such_module:X", "number": "number", "fine": "RandomSearch"}
    plug("theirs", searchers=parts, benchmarks={"small": "table"})
    listed = nas("list")
    assert (listed.status, listed.err) == (0, "")
    for text in ("cannot be loaded", "No module named 'no_such_module'", "must be a class of"):
        assert text in " ".join(listed.out.split())
    (line,) = (line for line in listed.out.splitlines() if " fine " in line)
    assert "replacement=True" in line and "theirs" in line
    assert "tss-digits" in listed.out and "small" in listed.out


def test_clashes_are_listed_and_the_built_in_part_wins(
    nas: Command, plug: Plug, table: Path, tmp_path: Path
) -> None:
    plug("theirs", searchers={"random_search": "no_such_module:X", "double": "RandomSearch"})
    plug("others", searchers={"double": "RandomSearch"})
    listed = nas("list").out
    assert "searcher 'random_search' of theirs is hidden by the built-in one: rename it" in listed
    assert "searcher 'double' is brought by " in listed
    assert nas("run", *flags(table, tmp_path / "out"), "--inline").status == 0
    found = nas("run", *flags(table, tmp_path / "out", searcher="double"), "--inline")
    mistake(found, "uninstall all but one")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("no_such_module:X", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("fails", "of theirs fails: ValueError: no luck"),
        ("nowhere", "of theirs has no table: there is no file no-such.table"),
        ("nothing", "of theirs has no table: there is no file None"),
        ("RandomSearch", "is neither a FunctionBenchmark nor a registered function"),
    ],
)
def test_broken_benchmarks(
    nas: Command, plug: Plug, tmp_path: Path, part: str, message: str
) -> None:
    plug("theirs", benchmarks={"broken": part})
    for words in (["info", "broken"], ["run", *flags("broken", tmp_path / "out"), "--inline"]):
        mistake(nas(*words), message, status=1)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            "misnamed",
            "makes a space named 'another': it must make a SearchSpace of its registered",
        ),
        ("nothing", "makes None: it must make a SearchSpace"),
        ("fails", "of theirs fails: ValueError: no luck"),
        ("no_such_module:X", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_broken_spaces(plug: Plug, part: str, message: str) -> None:
    plug("theirs", spaces={"broken": part})
    with pytest.raises(HarnessError, match=message) as caught:
        get_space("broken")
    assert len(str(caught.value).splitlines()) == 1


def test_names_may_hold_dots(nas: Command, plug: Plug) -> None:
    plug("theirs", benchmarks={"small.v2": "table"})
    assert "24 architectures" in nas("info", "small.v2", "--verify").out


def test_computed_benchmarks_have_information(nas: Command) -> None:
    shown = nas("info", NAME)
    assert (shown.status, shown.err) == (0, "")
    for text in (
        f"{NAME}, version 1",
        "625 architectures",
        "1, 3, 9 epochs",
        "noise=0.5",
        "clean",
    ):
        assert text in shown.out
    mistake(nas("info", NAME, "--verify"), "is computed: it has no numbers to verify")
    mistake(nas("info", f"{NAME}#d"), "is computed: it has no data set 'd'")
    mistake(nas("info", "no_such_module:X"), "cannot be imported (ModuleNotFoundError")
