"""Trials whose trainings have several workers, through Ray Train."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.errors import HarnessError, UserError  # noqa: E402
from harness.recipes import Recipe  # noqa: E402
from harness.training.parallel import Job, Outcome, work  # noqa: E402
from tests.training.gang import together  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:You are using a Backend")]

RECIPE = Recipe(
    train_images=128,
    valid_images=50,
    test_images=60,
    epochs=2,
    batch_size=16,
    learning_rate=0.1,
    momentum=0.9,
    network={"width": 2, "depth": 1},
)
JOB = Job("tss", (3, 2, 1, 4, 3, 1), "digits", RECIPE, 11, 12, 2, "batch", "identical", "cpu", 2)


@pytest.fixture(scope="module")
def two_processors() -> Iterator[None]:
    """A Ray session that has room for the workers of one trial at a time."""
    import ray

    import harness.tune.session  # noqa: F401  # its settings

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def trial(config: dict[str, Any]) -> None:
    """What a live trial does: train on several workers, then report to Tune itself."""
    from ray import tune

    from harness.tune.parallel import on_ray

    tune.report({"outcome": on_ray(config["job"])})


def run(*jobs: Job) -> list[dict[str, Any]]:
    """The last report of each job's trial; all are started at once."""
    from ray import tune

    from harness.tune.parallel import TRIAL

    with tempfile.TemporaryDirectory() as scratch:
        results = tune.Tuner(
            tune.with_resources(trial, TRIAL),
            param_space={"job": tune.grid_search(list(jobs))},
            tune_config=tune.TuneConfig(max_concurrent_trials=len(jobs)),
            run_config=tune.RunConfig(storage_path=scratch, verbose=0),
        ).fit()
        assert not results.errors
        return [dict(result.metrics or {}) for result in results]


def untimed(outcome: Outcome) -> Outcome:
    curve = replace(outcome.curve, train_seconds=(), evaluate_seconds=())
    return replace(outcome, curve=curve, peak_memory=0)


@pytest.mark.timeout(300)
def test_two_trials_of_two_workers_share_two_processors(two_processors: None) -> None:
    """None waits for ever, and two workers with the same images give what one gives."""
    both, sharded = (
        report["outcome"] for report in run(JOB, replace(JOB, data="sharded", mode="epoch"))
    )
    cpu = torch.device("cpu")
    (one,) = together(1, lambda rank, group: work(replace(JOB, workers=1), rank, cpu, group))
    assert untimed(both) == untimed(one)
    assert len(both.curve.train_loss) == sharded.communications == 2
    assert sharded.weights != both.weights


class Deadly(tuple[int, ...]):
    """An architecture whose network cannot be built by the second worker: it dies."""

    def __iter__(self) -> Iterator[int]:
        if torch.distributed.is_initialized() and torch.distributed.get_rank() == 1:
            os._exit(9)
        return super().__iter__()


@pytest.mark.timeout(300)
def test_what_goes_wrong_in_a_worker_is_one_clear_line(two_processors: None) -> None:
    from harness.tune.parallel import on_ray

    with pytest.raises(HarnessError, match="worker 1: ") as dead:
        on_ray(replace(JOB, architecture=Deadly(JOB.architecture)), retries=0)  # type: ignore[arg-type]
    assert "\n" not in str(dead.value)
    with pytest.raises(UserError, match="128 training images make no batch of 129"):
        on_ray(replace(JOB, recipe=replace(RECIPE, batch_size=129)))
    with pytest.raises(UserError, match="3 workers need 3 CPUs, and Ray has 2: lower"):
        on_ray(replace(JOB, workers=3))
