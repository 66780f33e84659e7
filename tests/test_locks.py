"""Locks: one run at a time writes to a directory, and a killed one locks nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.experiment import Experiment
from harness.locks import sole_writer
from tests.function_benchmark import NAME


def experiment() -> Experiment:
    return Experiment([NAME], ["random_search"], 1, {"evaluations": 3})


def test_a_second_run_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from harness.locks import sole_writer\n"
        f"with sole_writer(pathlib.Path({str(tmp_path)!r})):\n"
        "    print('locked', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    said = rf"is being written to by process {process.pid} on \S+: wait .* another --out"
    with pytest.raises(UserError, match=said):
        experiment().run(tmp_path, inline=True)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    process.kill()
    process.communicate()
    experiment().run(tmp_path, inline=True)
    experiment().run(tmp_path, inline=True)


def test_the_same_process_cannot_write_twice_either(tmp_path: Path) -> None:
    with sole_writer(tmp_path), pytest.raises(UserError, match="wait for its end"):
        experiment().run(tmp_path, inline=True)


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    place = tmp_path / "file" / "out"
    place.parent.write_text("")
    with pytest.raises(UserError, match=re.escape(f"cannot write to {place}: Not a directory")):
        experiment().run(place, inline=True)
