"""After `kill -9`, only work in flight is redone, and the digests are the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

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


def test_evaluations_resume_from_the_journal(table: Path, tmp_path: Path) -> None:
    """Driver and worker are killed in the middle of one search on lane B."""
    out = tmp_path / "out"
    words = command(table, out, "--trials", "evaluation", seeds=1, evaluations=60)

    def journalled() -> list[str]:
        files = sorted(out.glob("journal/*/*.jsonl"))
        return files[0].read_text().splitlines() if files else []

    process = start(words)
    wait_for(lambda: len(journalled()) >= 10, process)
    kill_session(process)
    first = journalled()

    process = start(words)
    wait_for(lambda: len(journalled()) >= len(first) + 5, process)
    for pid in workers_of("EvaluationTrial"):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(journalled()) >= len(first) + 10, process)
    again = journalled()
    assert again[: len(first)] == first, "a journalled evaluation was repeated"
    assert len(set(again)) == len(again)
    status, _, stderr = finish(process)
    assert status == 0, stderr
    assert not list(out.glob("journal/*/*.jsonl"))

    inline = tmp_path / "inline"
    run(command(table, inline, "--inline", seeds=1, evaluations=60))
    assert digests(out) == digests(inline)
