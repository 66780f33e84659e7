"""A worker that would import other code than the driver's is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.tune.sources import PACKAGES, fingerprint, mismatch
from tests.tune.helpers import command, run


def test_packages_are_found_with_a_stable_hash() -> None:
    here = fingerprint(PACKAGES)
    assert set(here) == set(PACKAGES)
    assert all(content for _, content in here.values())
    assert fingerprint(PACKAGES) == here
    assert mismatch(here, here, "node") == ""


@pytest.mark.parametrize(
    "shadow",
    [
        "reports.py",
        pytest.param("harness.py", marks=pytest.mark.slow),
        pytest.param("searchers/__init__.py", marks=pytest.mark.slow),
    ],
)
def test_a_shadowing_file_is_named(table: Path, tmp_path: Path, shadow: str) -> None:
    """The driver is the installed command, which does not look into its directory; workers do."""
    place = tmp_path / "work"
    file = place / shadow
    file.parent.mkdir(parents=True)
    file.write_text("raise RuntimeError('the wrong file')\n")
    words = command(table, tmp_path / "out")
    # As the console script starts: the directory is not on the driver's path.
    code = (
        "import sys; sys.path = [p for p in sys.path if p]; from harness.cli import main; main()"
    )
    status, _, stderr = run([words[0], "-c", code, *words[3:]], cwd=place)
    if status == 0:
        # Ray put no such directory on the worker's path: nothing was shadowed.
        pytest.fail("the shadowing file went unnoticed and unused: does Ray still add it?")
    assert status == 2, stderr
    assert str(file) in stderr
    assert len(stderr.strip().splitlines()) == 1
