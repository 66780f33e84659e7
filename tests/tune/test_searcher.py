"""The Ray Tune searcher against a hand-driven Tune."""

from __future__ import annotations

from math import nan
from pathlib import Path
from typing import Any

import pytest
from ray.tune.search import Searcher as RaySearcher

from harness.errors import HarnessError, ReplayError
from harness.experiment import Experiment
from harness.journal import Journal, journal_line
from harness.loop import Search, run_search
from harness.tune.searcher import TuneSearcher
from harness.tune.searches import refusal
from harness.tune.session import RETRIES


def search(table: Path, workers: int = 1, evaluations: int = 20) -> Search:
    searchers = ["regularized_evolution:population_size=5,tournament_size=2"]
    grid = Experiment([str(table)], searchers, 1, {"evaluations": evaluations}, workers)
    return grid.cells[0].start(grid.opened[0], 0)


def measure(searching: Search, config: dict[str, Any]) -> float:
    space = searching.benchmark.space
    architecture = space.from_string(config["architecture"])
    return searching.benchmark.read(
        architecture, config["fidelity"], config["seed"], config["visit"]
    )


def drive(searcher: TuneSearcher, searching: Search, order: str) -> None:
    """Play Tune: fill the slots, complete the newest or the oldest trial first."""
    trials: dict[str, dict[str, Any]] = {}
    for number in range(10_000):
        config = searcher.suggest(f"trial-{number}")
        if isinstance(config, dict):
            trials[f"trial-{number}"] = config
            continue
        if config == RaySearcher.FINISHED and not trials:
            return
        name = list(trials)[-1 if order == "newest" else 0]
        value = measure(searching, trials.pop(name))
        # Tune calls by keyword without a limiter: the parameter must be named trial_id.
        searcher.on_trial_complete(trial_id=name, result={"value": value})
    raise AssertionError("the search never ended")


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_order_in_which_trials_complete_does_not_matter(
    table: Path, tmp_path: Path, workers: int, order: str
) -> None:
    expected = run_search(search(table, workers)).digest
    searching = search(table, workers)
    drive(TuneSearcher(searching, Journal(tmp_path / "a.jsonl")), searching, order)
    assert searching.trace().digest == expected


@pytest.mark.parametrize("kept", [0, 1, 7, 19, 20])
def test_a_journal_replays_to_the_same_search(table: Path, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "a.jsonl"
    whole = search(table)
    drive(TuneSearcher(whole, Journal(path)), whole, "oldest")
    lines = path.read_text().splitlines(keepends=True)
    # A line that a kill cut short is dropped.
    path.write_text("".join(lines[:kept]) + '{"number": 3')

    resumed = search(table)
    drive(TuneSearcher(resumed, Journal(path)), resumed, "oldest")
    assert resumed.trace().digest == whole.trace().digest
    assert path.read_text().splitlines(keepends=True) == lines


def test_changed_code_stops_at_the_first_difference(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    whole = search(table)
    drive(TuneSearcher(whole, Journal(path)), whole, "oldest")
    lines = path.read_bytes().splitlines()
    entries = Journal(path).entries
    lines[4] = journal_line({**entries[4], "architecture": entries[5]["architecture"]})
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(ReplayError, match="evaluation 4 was"):
        TuneSearcher(search(table), Journal(path))


def test_damage_inside_a_journal_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [journal_line({"number": number}) for number in range(3)]
    path.write_bytes(b"\n".join([lines[0], lines[1][:6], lines[2], b""]))
    with pytest.raises(HarnessError, match="line 2 is damaged"):
        Journal(path)


def test_a_crashed_trial_is_tried_again_and_then_a_failed_row(table: Path, tmp_path: Path) -> None:
    searching = search(table, evaluations=3)
    searcher = TuneSearcher(searching, Journal(tmp_path / "a.jsonl"))
    searcher.suggest("first")
    searcher.on_trial_complete("first", {"value": 50.0})
    asked = [searcher.suggest("second")]
    for number in range(RETRIES):
        searcher.on_trial_complete("second" if number == 0 else f"again-{number - 1}", error=True)
        assert len(searching.rows) == 1
        asked.append(searcher.suggest(f"again-{number}"))
    assert asked == [asked[0]] * (RETRIES + 1)
    searcher.on_trial_complete(f"again-{RETRIES - 1}", error=True)
    searcher.suggest("third")
    searcher.on_trial_complete("third", {"value": nan, "reason": "diverged at epoch 3"})
    trace = searching.trace()
    assert trace.columns["status"].tolist() == [0, 1, 1]
    assert trace.telemetry["reasons"] == {1: "the trial crashed", 2: "diverged at epoch 3"}


def test_a_lost_worker_changes_nothing(table: Path, tmp_path: Path) -> None:
    """Every trial is lost once before it succeeds."""
    searching = search(table, workers=3)
    searcher = TuneSearcher(searching, Journal(tmp_path / "a.jsonl"))
    lost: set[str] = set()
    waiting: list[tuple[str, dict[str, Any]]] = []
    for number in range(10_000):
        config = searcher.suggest(f"trial-{number}")
        if isinstance(config, dict):
            waiting.append((f"trial-{number}", config))
            continue
        if not waiting:
            break
        name, config = waiting.pop()
        first = str(config) not in lost
        lost.add(str(config))
        result = None if first else {"value": measure(searching, config)}
        searcher.on_trial_complete(trial_id=name, result=result, error=first)
    assert searching.trace().digest == run_search(search(table, workers=3)).digest


def test_a_failure_of_the_journal_ends_the_search(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tune swallows what a searcher raises."""

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    searching = search(table, workers=2)
    searcher = TuneSearcher(searching, Journal(tmp_path / "a.jsonl"))
    config = searcher.suggest("first")
    searcher.suggest("second")
    monkeypatch.setattr(Journal, "append", full)
    searcher.on_trial_complete("first", {"value": measure(searching, config)})
    assert str(searcher.failure) == "[Errno 28] No space left on device"
    assert searching.rows == [], "it was not told of what is not on the disk"
    assert searcher.suggest("third") == RaySearcher.FINISHED


def test_what_a_worker_refuses_is_not_a_failed_evaluation(table: Path, tmp_path: Path) -> None:
    searching = search(table)
    searcher = TuneSearcher(searching, Journal(tmp_path / "a.jsonl"))
    searcher.suggest("first")
    searcher.on_trial_complete("first", refusal(HarnessError("the table is damaged")))
    assert searching.rows == []
    assert (tmp_path / "a.jsonl").read_bytes() == b""
