"""Lane B in a bare process: all but Ray is real, and a start takes milliseconds, not seconds.

The child runs the same `Experiment.run(..., trials="evaluation")`. In place of Ray Tune stands a
loop that asks the same searcher for trials, and completes them in a random order.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import nullcontext
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from harness.tune import evaluations
from tests.tune.kills.observed import LOG, observe
from tests.tune.kills.stage import SEARCHERS, Setup, Stage
from tests.tune.kills.tally import BARE, Tally

AT_RANDOM = "SIGKILL at a random moment"
IN_AN_APPEND = "SIGKILL just before a sync"
MOST_SECONDS = 60


def kill_without_ray(folder: Path, random: Random, tally: Tally) -> Stage:
    """Run an experiment to its end, killing its process again and again.

    Args:
        folder: A new directory.
        random: All that is random.
        tally: Says how many kills there are to be.

    Raises:
        AssertionError: If the experiment fails or hangs.
    """
    folder.mkdir()
    stage = Stage(Setup.draw(random, SEARCHERS, evaluations=40), folder / "out", folder / "log")
    while True:
        wanted = tally.wants(BARE)
        armed = wanted and random.random() < 0.5
        die = random.randint(1, 30) if armed else 0
        process = os.fork()
        if process == 0:
            _live(stage, folder / "log", random.getrandbits(32), die)
        at_random = wanted and not armed
        status = _end_of(process, random.uniform(0, 0.3) if at_random else MOST_SECONDS)
        stage.after_a_kill(random, power_cut=random.random() < 0.5)
        if status == 0:
            return stage
        assert wanted and status == -signal.SIGKILL, f"{stage.setup}: status {status}"
        tally.kinds[BARE][IN_AN_APPEND if armed else AT_RANDOM] += 1


def _end_of(process: int, limit: float) -> int:
    """Wait for a process, but kill it after some seconds; its status, negative for a signal."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _live(stage: Stage, log: Path, seed: int, die: int) -> None:
    """The child: run the experiment, and end the process."""
    status = 1
    try:
        os.environ[LOG] = str(log)
        observe(die)
        changes = {
            "tune": _tune(Random(seed)),
            "ray": SimpleNamespace(cluster_resources=lambda: {"CPU": 2.0}),
            "ray_session": nullcontext,
            "check_workers": dict,
            "start_depot": lambda *given: None,
            "run_config": lambda *given, **more: None,
        }
        for name, changed in changes.items():
            setattr(evaluations, name, changed)
        stage.setup.experiment().run(stage.out, trials="evaluation")
        status = 0
    finally:
        os._exit(status)


def _tune(random: Random) -> Any:
    """As much of `ray.tune` as lane B uses."""

    def with_parameters(trainable: Any, **parameters: Any) -> Any:
        def step(config: dict[str, Any]) -> dict[str, Any]:
            trial = trainable.__new__(trainable)
            trial.setup(config, **parameters)
            result: dict[str, Any] = trial.step()
            return result

        return step

    class Tuner:
        def __init__(self, step: Any, tune_config: Any, run_config: Any) -> None:
            self.step = step
            self.searcher = tune_config.search_alg
            self.slots = tune_config.max_concurrent_trials

        def fit(self) -> None:
            trials: dict[str, dict[str, Any]] = {}
            number = 0
            while True:
                name = f"trial-{number}"
                asked = self.searcher.suggest(name) if len(trials) < self.slots else None
                if isinstance(asked, dict):
                    trials[name] = asked
                    number += 1
                elif trials:
                    name = random.choice(sorted(trials))
                    self.searcher.on_trial_complete(name, self.step(trials.pop(name)))
                else:
                    return

    return SimpleNamespace(
        with_parameters=with_parameters,
        with_resources=lambda trainable, share: trainable,
        Tuner=Tuner,
        TuneConfig=SimpleNamespace,
    )
