"""Strategies that promote, as Ray Tune's scheduler: trials are paused and resumed."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness.experiment import BenchmarkSpec, Experiment
from harness.journal import Journal
from harness.spaces import Architecture
from harness.tune.promotions import PromotingSearcher
from harness.tune.session import ray_session
from tests.function_benchmark import Slopes
from tests.tune.helpers import digests

NAME = "tests.tune.test_promotions:Counted"
WORDS = ("asha", "hyperband", "bohb")


class Counted(Slopes):
    """Writes every evaluation to the file that the environment names."""

    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        log = os.environ.get("COUNTED_LOG")
        if log:
            with Path(log).open("a") as file:
                file.write(json.dumps([os.getpid(), list(architecture), epochs]) + "\n")  # type: ignore[call-overload]
        return super().value(architecture, epochs, rng)


def experiment(benchmark: BenchmarkSpec, workers: int) -> Experiment:
    # Under seed 1, hyperband promotes an architecture that it had met before at the higher level.
    return Experiment([benchmark], WORDS, [1], {"evaluations": 30}, workers)


def test_promoted_trials_leave_the_traces_of_the_plain_loop(tmp_path: Path) -> None:
    """Paused at a rung, resumed from their checkpoints, and told in the order of virtual time."""
    spec = BenchmarkSpec("tests.function_benchmark:Slopes")
    for workers in (1, 3):
        plain = experiment(spec, workers).run(tmp_path / f"plain-{workers}", inline=True)
        lane = tmp_path / f"lane-{workers}"
        with ray_session(None):
            experiment(spec, workers).run(lane, trials="evaluation")
        assert len(digests(lane)) == len(WORDS)
        assert digests(lane) == digests(plain)
        assert not list(lane.glob("journal/*/*.jsonl"))


def test_a_promotion_goes_on_with_its_own_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each number of epochs is measured once, although a trial visits several."""
    log = tmp_path / "log"
    started = []
    suggest = PromotingSearcher.suggest

    def spied(self: PromotingSearcher, trial_id: str) -> Any:
        config = suggest(self, trial_id)
        started.extend([config] if isinstance(config, dict) else [])
        return config

    monkeypatch.setattr(PromotingSearcher, "suggest", spied)
    monkeypatch.setenv("COUNTED_LOG", str(log))
    Experiment([NAME], ["asha"], 1, {"evaluations": 30}, 3).run(
        tmp_path / "out", trials="evaluation"
    )
    measured = [json.loads(line)[1:] for line in log.read_text().splitlines()]
    # The driver asks the function too, for virtual costs and for the trace's values.
    here = os.getpid()
    by_trials = [json.loads(line) for line in log.read_text().splitlines()]
    trials = [(tuple(a), epochs) for pid, a, epochs in by_trials if pid != here]
    assert measured and len(trials) == 30
    assert {epochs for _, epochs in trials} == {1, 3, 9}
    repeated = {key for key, count in Counter(trials).items() if count > 1}
    # A trial is begun for every candidate, and none for a promotion.
    assert len(started) == sum(epochs == 1 for _, epochs in trials) < 30
    # Only architectures that were drawn twice.
    assert all(trials.count((a, 1)) > 1 for a, _ in repeated)


@pytest.mark.slow
def test_without_continuing_each_promotion_is_a_trial_of_its_own(tmp_path: Path) -> None:
    spec = BenchmarkSpec("tests.function_benchmark:Slopes", options={"promotion": "restart"})
    grid = Experiment([spec], ["asha"], 1, {"evaluations": 20}, 2)
    plain = grid.run(tmp_path / "plain", inline=True)
    lane = grid.run(tmp_path / "lane", trials="evaluation")
    assert digests(lane) == digests(plain)


def test_a_trial_that_dies_while_it_pauses_is_begun_anew(tmp_path: Path) -> None:
    """Its measured rung stands; its promotion is a new trial, trained from the beginning."""
    grid = Experiment(["tests.function_benchmark:Slopes"], ["asha"], 1, {"evaluations": 30})
    search = grid.cells[0].start(grid.opened[0], 0)
    searcher = PromotingSearcher(search, Journal(tmp_path / "journal"), search.searcher.rungs)  # type: ignore[attr-defined]
    value = 0.0
    for number in range(40):
        trial = f"trial-{number}"
        config = searcher.suggest(trial)
        assert isinstance(config, dict), "nothing to do although the search goes on"
        if config["levels"][0] > 1:
            break
        value += 1.0
        searcher.measured(trial, {"value": value, "epochs": 1})
        searcher.on_trial_complete(trial, error=True)
    assert config["levels"] == [3, 9]
    assert len(search.rows) == number
