"""The plug-in of `examples/`, installed: it is listed, conforms and runs like what is built in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docs.conftest import PLUGIN

PARTS = ("committees", "one_plus_one", "committee-curve", "committee-digits")
GRID = (
    "--benchmark", "committee-curve", "--benchmark", "committee-digits",
    "--searcher", "random_search", "--searcher", "one_plus_one:patience=5",
    "--seeds", "3", "--evaluations", "20",
)  # fmt: skip


class Installed:
    """Runs Python programs in a folder, with the plug-in on the path."""

    def __init__(self, site: Path, folder: Path) -> None:
        self.folder = folder
        # As where it is installed beside nas-harness: this project's folder is not on the path.
        harness = Path(__file__).resolve().parents[2]
        path = os.pathsep.join([str(site), str(harness)])
        self.environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "120"}

    def __call__(self, *words: str) -> str:
        """What a module prints, run as a program."""
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def installed(plugin_site: Path, tmp_path: Path) -> Installed:
    return Installed(plugin_site, tmp_path)


def test_it_is_listed_with_its_origin(installed: Installed) -> None:
    lines = installed("harness", "list").splitlines()
    for part in PARTS:
        (line,) = (line for line in lines if part in line.split())
        assert "nas-harness-committees" in line


def test_its_parts_conform(installed: Installed) -> None:
    """As its users check it: pytest on its own test file."""
    shutil.copy(PLUGIN / "test_committees.py", installed.folder)
    installed("pytest", "-q", "-p", "no:cacheprovider", "test_committees.py")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_its_networks_conform(installed: Installed) -> None:
    shutil.copy(PLUGIN / "test_networks.py", installed.folder)
    installed("pytest", "-q", "-p", "no:cacheprovider", "test_networks.py")


def test_it_runs_and_is_reported(installed: Installed) -> None:
    assert "12 searches, 240 evaluations" in installed(
        "harness", "run", *GRID, "--out", "out", "--inline"
    )
    installed("harness", "report", "out")
    page = (installed.folder / "out" / "report" / "index.html").read_text()
    assert all(part in page for part in PARTS[1:])


def test_both_kinds_of_benchmarks_have_information(installed: Installed) -> None:
    computed = installed("harness", "info", "committee-curve")
    for text in ("committees.curve:CommitteeCurve", "146 architectures", "1, 3, 9, 27 epochs"):
        assert text in computed
    table = installed("harness", "info", "committee-digits", "--verify")
    assert "40 architectures in 40 measured rows" in table and "(verified)" in table


def test_the_table_is_made_of_the_measurements(installed: Installed) -> None:
    """The table that ships is the CSV file beside it, bit for bit."""
    words = ("import", "csv", str(PLUGIN / "digits.csv"), "--spec", str(PLUGIN / "digits.yaml"))
    installed("harness", *words, "--out", "made.table")
    shipped = (PLUGIN / "committees" / "digits.table").read_bytes()
    assert (installed.folder / "made.table").read_bytes() == shipped


@pytest.mark.slow
def test_all_lanes_agree(installed: Installed) -> None:
    code = (
        "from pathlib import Path\nfrom harness.traces import read_batch, trace_files\n"
        "for out in ('inline', 'searches', 'evaluations'):\n"
        "    files = trace_files(Path(out))\n"
        "    print(sorted(trace.digest for file in files for trace in read_batch(file)))\n"
    )
    (installed.folder / "digests.py").write_text(code)
    lanes = {"inline": ["--inline"], "searches": [], "evaluations": ["--trials", "evaluation"]}
    for out, flags in lanes.items():
        installed("harness", "run", *GRID, "--out", out, *flags)
    assert len(set(installed("digests").splitlines())) == 1
