"""The examples in README.md and docs/ run, and print what the pages say.

The blocks of a page run in order in one fresh folder, which holds a copy of `examples/`:

* ``python`` is executed; the blocks of a page share their names;
* ``pycon`` is a doctest with the same names;
* ``console`` runs every ``$ nas-harness ...`` in this process (searches without Ray) and compares
  what follows with what it prints;
* ``$ pip install ./examples/plugin`` in such a block does that, for the rest of the page;
* any block marked ``file=NAME`` is written to that file;
* any block marked ``of=FILE`` must stand in that file of the repository, and is not run;
* any block marked ``no-run`` is only shown.

In expected output ``...`` stands for anything and white space counts once; times and sizes of
files may differ.
"""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.cli import main
from harness.cli.console import console, errors

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WIDTH = 96
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
VARYING = re.compile(r"(?<=\bin )[\d.,]+(?= s\b)|(?<=\()[\d.]+(?= MB\))")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its marks and its text."""

    place: str
    language: str
    marks: tuple[str, ...]
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page that are more than shown."""
    content = page.read_text()
    for found in FENCE.finditer(content):
        language, *marks = found[1].split() or [""]
        line = content.count("\n", 0, found.start()) + 1
        if "no-run" not in marks:
            yield Block(f"{page.name}:{line}", language, tuple(marks), found[2])


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with the output that the page shows."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        # A backslash continues the command on the next line.
        length = next(i for i, line in enumerate(lines, 1) if not line.endswith("\\\n"))
        command = "".join(lines[:length]).replace("\\\n", " ").strip()
        yield command, "".join(lines[length:])


def stands_in(text: str, file: Path) -> bool:
    """Whether lines stand in a file one after the other, however far they are indented."""
    lines = [line.strip() for line in text.strip().splitlines()]
    others = [line.strip() for line in file.read_text().splitlines()]
    return any(others[i : i + len(lines)] == lines for i in range(len(others)))


class Page:
    """Runs the blocks of one page.

    Args:
        capture: pytest's capture of what is printed.
        monkeypatch: For the arguments of the command line.
        install: Makes the plug-in known to this process.
    """

    def __init__(
        self,
        capture: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        install: Callable[[], None],
    ) -> None:
        self.capture = capture
        self.monkeypatch = monkeypatch
        self.install = install
        self.names: dict[str, object] = {"__name__": "page"}

    def run(self, block: Block) -> None:
        """Run a block, or write its file."""
        for mark in block.marks:
            name, _, value = mark.partition("=")
            assert name in ("file", "of"), f"{block.place}: unknown mark '{mark}'"
            if name == "of":
                assert stands_in(block.text, ROOT / value), f"{block.place}: not in {value}"
                return
            Path(value).parent.mkdir(parents=True, exist_ok=True)
            Path(value).write_text(block.text)
            return
        if block.language == "python":
            exec(compile(block.text, block.place, "exec"), self.names)
        elif block.language == "pycon":
            test = doctest.DocTestParser().get_doctest(
                block.text, self.names, block.place, block.place, 0
            )
            said: list[str] = []
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            failed = runner.run(test, out=said.append, clear_globs=False).failed
            assert not failed, "".join(said)
            self.names.update(test.globs)
        elif block.language == "console":
            for command, expected in commands(block.text):
                self.command(block.place, command, expected)

    def command(self, place: str, command: str, expected: str) -> None:
        """Run a command of ours, and compare what it prints."""
        words = shlex.split(command, comments=True)
        if command == "pip install ./examples/plugin":
            self.install()
            return
        assert words[0] == "nas-harness", f"{place}: mark the block no-run, or drop: {command}"
        if words[1] == "run":
            words.append("--inline")
        self.monkeypatch.setattr(sys, "argv", words)
        self.capture.readouterr()
        status: object = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code
        printed = "".join(self.capture.readouterr())
        refused = expected.startswith("nas-harness: ")
        assert bool(status) == refused, f"{place}: $ {command}\n{printed}"
        same = doctest.OutputChecker().check_output(
            VARYING.sub("...", expected), VARYING.sub("*", printed), FLAGS
        )
        if expected.strip() and not same:
            pytest.fail(f"{place}: $ {command}\n--- prints\n{printed}\n--- the page\n{expected}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_of(
    page: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    install_plugin: Callable[[], None],
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    for output in (console, errors):
        monkeypatch.setattr(output, "_width", WIDTH)
    runner = Page(capsys, monkeypatch, install_plugin)
    for block in blocks(page):
        runner.run(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of(page: Path) -> None:
    """Links to files of the repository lead somewhere."""
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    lost = [link for link in links if not (page.parent / link).exists()]
    assert not lost
