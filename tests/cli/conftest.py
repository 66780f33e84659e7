"""The command line in this process, and tables to use it on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.cli.console import console
from harness.testing import synthetic_table
from tests.command_line import Command, Outcome
from tests.small_table import small_table


@pytest.fixture
def nas(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``nas-harness`` with some words in this process, as its script does."""
    # Its width was fixed when it was imported, by whichever test came first.
    monkeypatch.setattr(console, "_width", 200)

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
