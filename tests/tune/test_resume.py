"""After `kill -9`, only work in flight is redone, and the digests are the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from harness.traces import trace_files
from tests.tune.helpers import (
    command,
    digests,
    finish,
    kill_session,
    run,
    start,
    wait_for,
    workers_of,
)

# Enough searches that a kill falls into the middle: a batch holds 20,000 evaluations.
MANY = {"seeds": 400, "evaluations": 300}


def test_searches_resume_after_the_driver_is_killed(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(command(table, out, **MANY))
    wait_for(lambda: len(trace_files(out)) >= 2, process)
    kill_session(process)
    before = {path: path.stat().st_mtime_ns for path in trace_files(out)}
    kept = digests(out)
    assert 0 < len(kept) < 800

    status, stdout, stderr = run(command(table, out, **MANY))
    assert status == 0, stderr
    assert f"{len(kept):,} finished earlier" in stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before
    inline = tmp_path / "inline"
    run(command(table, inline, "--inline", **MANY))
    assert digests(out) == digests(inline)
    assert len(digests(out)) == 800


def test_searches_survive_a_killed_worker(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(command(table, out, **MANY))
    wait_for(lambda: bool(workers_of("SearchTrial")) and bool(trace_files(out)), process)
    for pid in workers_of("SearchTrial"):
        os.kill(pid, signal.SIGKILL)
    status, _, stderr = finish(process)
    assert status == 0, stderr
    inline = tmp_path / "inline"
    run(command(table, inline, "--inline", **MANY))
    assert digests(out) == digests(inline)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="SIGINT"),
        pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_run_ends_at_once_with_one_line(
    table: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Ray Tune would end its round of trials, after which we would start the next."""
    out = tmp_path / "out"
    # So many that the run is not over before the signal arrives.
    process = start(command(table, out, seeds=20_000, evaluations=MANY["evaluations"]))
    wait_for(lambda: bool(trace_files(out)), process)
    process.send_signal(number)
    status, _, stderr = finish(process)
    assert status == 130
    assert stderr.strip() == "nas-harness: interrupted; run the same command again to resume"
    assert len(digests(out)) < 40_000
