"""`nas-harness study noise`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import Command, mistake

QUICK = ("--dimension", 2, "--tau", 0.8, "--generations", 5, "--repeats", 40)


def test_the_study_of_a_table(nas: Command, table: Path, tmp_path: Path) -> None:
    given = ("--searcher", "local_search", "--benchmark", table, "--factor", 2, "--budget", 8)
    lattice = ("--searcher-dimension", 0, "--seeds", 4, "--law", "gaussian", "--frozen")
    done = nas("study", "noise", *QUICK, *given, *lattice, "--out", tmp_path / "out")
    assert (done.status, done.err) == (0, "")
    assert "Rastrigin's function in 2 dimensions after 5 generations" in done.out
    assert "local_search is better in" in done.out
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    settings = summary["simulation"]["settings"]
    assert settings["taus"] == [1.0, 0.8]
    assert (settings["law"], settings["frozen"], settings["repeats"]) == ("gaussian", True, 40)
    assert summary["lattice"] is None
    (phase,) = summary["table"]["phases"]
    assert (phase["searcher"], phase["level"], phase["budget"]) == ("local_search", "2", 8)
    assert (tmp_path / "out" / "index.html").stat().st_size > 10_000


def test_the_same_command_gives_the_same_bytes(nas: Command, tmp_path: Path) -> None:
    for name in ("a", "b"):
        nas("study", "noise", *QUICK, "--searcher", "none", "--out", tmp_path / name)
    one, other = ((tmp_path / name / "index.html").read_bytes() for name in ("a", "b"))
    assert one == other


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tau", 1.5), "tau 1.5: above 0 and at most 1"),
        (("--dimension", 20), "20 dimensions: 1 to 8"),
        (("--repeats", 1), "1 repeats: at least 2"),
        (("--generations", 0), "generations (0,): at least 1"),
        (("--searcher", "randm_search"), "unknown searcher 'randm_search'"),
        (("--benchmark", "tss-digts"), "unknown benchmark 'tss-digts'"),
        (("--benchmark", "rastrigin-2d"), "is computed: give a table"),
        (("--factor", -1), "noise factor -1: 0 or more"),
        (("--protocol", "mean9"), "unknown protocol of tss-digits#digits 'mean9'"),
        (("--seed", -1), "seed -1: 0 or more"),
        (("--speedup", "0.75"), "--speedup 0.75: give tau=factor"),
        (("--speedup", "0.75=0"), "the factor must be above 0"),
    ],
)
def test_mistakes(nas: Command, tmp_path: Path, words: tuple[object, ...], message: str) -> None:
    few = ("--seeds", 2, "--budget", 3, "--searcher-dimension", 0)
    done = nas("study", "noise", *words, *few, "--out", tmp_path / "out")
    mistake(done, message)
    assert not (tmp_path / "out").exists()
