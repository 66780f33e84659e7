"""Random kills of drivers and workers; and that their audit would notice what it looks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tune.kills.audit import Audit
from tests.tune.kills.stage import Setup

ROOT = Path(__file__).resolve().parents[2]
JOURNAL, CELL = "/out/journal/cell/seed-000000.jsonl", "/out/journal/cell"
TRACE = "/out/traces/cell/seeds-000000-000000.parquet"


def kills(*options: str) -> str:
    """What the command prints; fails if it found anything wrong."""
    words = [sys.executable, "-m", "tests.tune.kills", *options]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "none lost, none repeated" in done.stdout
    return done.stdout


def test_a_few_kills() -> None:
    # Workers that are killed at once may make it some more.
    assert int(kills("--kills", "10").split()[0]) >= 10


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_five_minutes_of_kills(capfd: pytest.CaptureFixture[str]) -> None:
    result = kills("--minutes", "5", "--seed", "1")
    with capfd.disabled():
        print(f"\n{result}")


# --- the audit ------------------------------------------------------------------------------


@pytest.fixture
def expected() -> Any:
    setup = Setup("random_search", 1, 3, seeds=1)
    experiment = setup.experiment()
    (cell,) = experiment.cells
    return dict(enumerate(cell.run(experiment.opened[0], experiment.seeds)))


def opening() -> list[dict[str, Any]]:
    return [
        {"what": "opened", "path": JOURNAL},
        {"what": "synced", "path": JOURNAL, "size": 0},
        {"what": "synced", "path": CELL, "size": 0},
    ]


def measured(expected: Any, number: int) -> dict[str, Any]:
    trace = expected[0]
    (row,) = [row for row in range(3) if trace.columns["number"][row] == number]
    numbers = {name: int(trace.columns[name][row]) for name in ("epochs", "visit")}
    return {
        "what": "measured", "seed": 0, "architecture": trace.architectures[row], **numbers
    }  # fmt: skip


def evaluation(expected: Any, number: int) -> list[dict[str, Any]]:
    """All that should happen, in order."""
    return [
        measured(expected, number),
        {"what": "appended", "path": JOURNAL, "number": number},
        {"what": "synced", "path": JOURNAL, "size": 100 * (number + 1)},
        {"what": "heard", "seed": 0, "number": number},
    ]


def test_an_undisturbed_search_is_as_it_should_be(expected: Any) -> None:
    audit = Audit(expected)
    audit.read(opening())
    for number in range(3):
        audit.read(evaluation(expected, number))
    audit.read([{"what": "renamed", "path": TRACE}])
    audit.read([{"what": "synced", "path": str(Path(TRACE).parent), "size": 0}])
    audit.read([{"what": "removed", "path": JOURNAL}])
    audit.stands({}, {0}, power_cut=False)
    assert (audit.problems, audit.measured, audit.again) == ([], 3, 0)


def test_only_what_was_in_flight_may_be_measured_again(expected: Any) -> None:
    audit = Audit(expected)
    audit.read([*opening(), *evaluation(expected, 0), measured(expected, 1)])
    audit.killed()
    audit.stands({0: [0]}, set(), power_cut=False)
    audit.read([*opening(), measured(expected, 1)])
    assert (audit.problems, audit.again) == ([], 1)
    audit.read([measured(expected, 1)])
    assert audit.problems == ["seed 0, 1 was measured again without a kill"]
    audit.read([measured(expected, 0)])
    assert audit.problems[1:] == ["seed 0, 0 stood in the journal; measured again"]


def test_a_line_that_was_not_synced_counts_if_it_stands(expected: Any) -> None:
    audit = Audit(expected)
    audit.read([*opening(), *evaluation(expected, 0)[:2]])
    audit.killed()
    audit.stands({0: [0]}, set(), power_cut=False)
    audit.read([*opening(), {"what": "heard", "seed": 0, "number": 0}])
    assert audit.problems == []
    audit.read([measured(expected, 0)])
    assert audit.problems == ["seed 0, 0 stood in the journal; measured again"]


@pytest.mark.parametrize("power_cut", [False, True])
def test_what_was_synced_may_not_be_lost(expected: Any, power_cut: bool) -> None:
    audit = Audit(expected)
    audit.read([*opening(), *evaluation(expected, 0)])
    audit.stands({0: []}, set(), power_cut=power_cut)
    assert audit.problems == ["lost: [(0, 0)]"]


def test_only_a_power_cut_may_take_what_was_not_synced(expected: Any) -> None:
    for power_cut in (False, True):
        audit = Audit(expected)
        audit.read([*opening(), *evaluation(expected, 0)[:2]])
        audit.stands({0: [0]}, set(), power_cut=False)
        audit.stands({0: []}, set(), power_cut=power_cut)
        assert audit.problems == ([] if power_cut else ["lost: [(0, 0)]"])


@pytest.mark.parametrize("lacking", [1, 2])
def test_a_searcher_may_not_hear_too_early(expected: Any, lacking: int) -> None:
    """Before the line has been synced, or the name of its file."""
    begin, (asked, appended, synced, heard) = opening(), evaluation(expected, 0)
    events = [*begin, asked, appended, heard] if lacking == 1 else [
        *begin[:2], asked, appended, synced, heard
    ]  # fmt: skip
    audit = Audit(expected)
    audit.read(events)
    assert audit.problems == ["the searcher of seed 0 heard of 0 too early"]


def test_a_journal_may_not_go_before_its_trace_is_safe(expected: Any) -> None:
    audit = Audit(expected)
    audit.read([{"what": "renamed", "path": TRACE}, {"what": "removed", "path": JOURNAL}])
    assert audit.problems == [f"{JOURNAL} is removed before {TRACE} is on the disk"]


def test_an_evaluation_stands_once_in_a_journal(expected: Any) -> None:
    audit = Audit(expected)
    audit.stands({0: [0, 1, 0]}, set(), power_cut=False)
    assert audit.problems == ["the journal of seed 0 holds an evaluation twice"]
