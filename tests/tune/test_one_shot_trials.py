"""Searches by supernets as Ray Tune trials: the plain loop's digests, through kills too."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.experiment import Experiment
from harness.traces import trace_files
from tests.tune.helpers import digests, finish, kill_session, start, wait_for

QUICK = ("bayesnas:epochs=2,curvature=diagonal", "rsws:epochs=2")
METHODS = ("bayesnas", "darts", "rsws", "enas")


def test_trials_leave_the_traces_of_the_plain_loop(tmp_path: Path) -> None:
    """Supernets beside a strategy that samples, under one budget."""
    searchers = ["random_search", *QUICK]
    grid = Experiment(["tss-digits"], searchers, 1, {"image_passes": 4_096})
    plain, lane = tmp_path / "plain", tmp_path / "lane"
    grid.run(plain, inline=True)
    heard: list[tuple[int, int]] = []
    grid.run(lane, progress=lambda *further: heard.append(further))
    assert digests(lane) == digests(plain) and len(digests(lane)) == len(searchers)
    assert sum(searches for searches, _ in heard) == len(searchers)
    assert not list(lane.glob("journal/*/*"))
    assert len(list(lane.glob("one-shot/*/*.jsonl"))) == len(QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_killed_searches_go_on_from_their_checkpoints(method: str, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    words = [sys.executable, "-m", "harness", "run", "--benchmark", "tss-digits"]
    words += ["--searcher", f"{method}:epochs=30", "--budget", "image-passes=20480", "--out"]
    process = start([*words, str(out)])
    wait_for(lambda: bool(list(out.glob("journal/*/*.pt"))), process, timeout=600)
    kill_session(process)
    assert not trace_files(out)
    for command in ([*words, str(out)], [*words, str(whole), "--inline"]):
        status, _, stderr = finish(start(command), timeout=900)
        assert status == 0, stderr
    assert digests(out) == digests(whole) and len(digests(out)) == 1
    assert not list(out.glob("journal/*/*"))
