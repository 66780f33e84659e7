"""Whole trainings on several workers."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.errors import HarnessError, UserError  # noqa: E402
from harness.networks import Task, build  # noqa: E402
from harness.recipes import Recipe  # noqa: E402
from harness.spaces import get_space  # noqa: E402
from harness.training import Curve, Tensors, Training, tensors  # noqa: E402
from harness.training.parallel import (  # noqa: E402
    Job,
    Outcome,
    _digest,
    merged,
    share,
    train_parallel,
    work,
)
from harness.training.processes import in_processes  # noqa: E402
from tests.training.gang import together  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:You are using a Backend")

RECIPE = Recipe(
    train_images=130,
    valid_images=51,
    test_images=60,
    epochs=3,
    batch_size=16,
    learning_rate=0.1,
    momentum=0.9,
    nesterov=True,
    network={"width": 2, "depth": 1},
)
JOB = Job("tss", (3, 2, 1, 4, 3, 1), "digits", RECIPE, 11, 12, 2, "batch", "sharded", "cpu", 3)


def alone(job: Job) -> tuple[Curve, str]:
    """The curve and the final weights of the same training without workers."""
    data = tensors(job.dataset, job.recipe)
    task, options = Task(data.shape, data.classes), job.recipe.network
    space = get_space(job.space)
    network = build(space, job.architecture, task, seed=job.weights, options=options)
    training = Training(network, data, job.recipe, [job.order], test_epochs=job.test_epochs)
    training.run(job.until)
    return training.curves()[0], _digest(training.network)


def untimed(curve: Curve) -> Curve:
    return replace(curve, train_seconds=(), evaluate_seconds=())


def as_threads(job: Job) -> Outcome:
    """The outcome of the job, in which all workers agree."""
    cpu = torch.device("cpu")
    outcomes = together(job.workers, lambda rank, group: work(job, rank, cpu, group))
    assert len({outcome.weights for outcome in outcomes}) == 1
    assert all(outcome.curve == outcomes[0].curve for outcome in outcomes)
    first: Outcome = outcomes[0]
    return first


@pytest.mark.parametrize("mode", ["batch", "epoch"])
def test_two_identical_workers_are_one(mode: str) -> None:
    job = replace(JOB, data="identical", mode=mode, test_epochs=(3,))  # type: ignore[arg-type]
    outcome = as_threads(job)
    curve, weights = alone(job)
    assert outcome.weights == weights
    assert untimed(outcome.curve) == untimed(curve)
    assert curve.test_correct[:2] == (None, None)
    assert outcome.state is None  # nothing to go on to


@pytest.mark.parametrize("mode", ["batch", "epoch"])
def test_an_interrupted_training_on_shards_goes_on_exactly(mode: str) -> None:
    job = replace(JOB, mode=mode)  # type: ignore[arg-type]
    whole = as_threads(job)
    first = as_threads(replace(job, until=1))
    rest = as_threads(replace(job, state=first.state))
    assert whole.weights != alone(job)[1]
    assert len(first.curve.train_loss) == 1
    assert (untimed(rest.curve), rest.weights) == (untimed(whole.curve), whole.weights)
    assert first.communications + rest.communications == whole.communications
    steps = 130 // 2 // RECIPE.batch_size
    # In batch mode, running statistics are the last communication of an epoch.
    assert whole.communications == RECIPE.epochs * (steps + 1 if mode == "batch" else 1)


def test_all_workers_stop_when_one_diverges(monkeypatch: pytest.MonkeyPatch) -> None:
    def poisoned(data: Tensors, job: Job, rank: int) -> Tensors:
        part = share(data, job, rank)
        return replace(part, images=part.images * inf) if rank == 1 else part

    monkeypatch.setattr("harness.training.parallel.share", poisoned)
    outcome = as_threads(replace(JOB, mode="epoch"))
    assert (outcome.curve.status, outcome.curve.train_loss) == ("diverged", ())
    assert "finite" in outcome.curve.reason
    assert outcome.state is None


def test_a_worker_without_images_to_evaluate_stops_with_the_others() -> None:
    """It hears by the flag alone that its own last step has broken the weights."""
    recipe = replace(RECIPE, batch_size=130, learning_rate=1e36)
    curve = as_threads(replace(JOB, recipe=recipe, data="identical")).curve
    assert (curve.status, curve.train_loss) == ("diverged", ())
    assert curve.reason == "loss or outputs were not finite numbers in epoch 1"


def test_a_mistake_is_the_same_error_for_all_workers() -> None:
    with pytest.raises(UserError, match="65 training images make no batch of 66"):
        as_threads(replace(JOB, recipe=replace(RECIPE, batch_size=66)))


@pytest.mark.slow
def test_processes_give_what_threads_give() -> None:
    job = Job(
        space="tss",
        architecture=(3, 2, 1, 4, 3, 1),
        dataset="digits",
        recipe=RECIPE,
        weights=11,  # seeds
        order=12,
        workers=2,
        mode="epoch",
        data="sharded",
        device="cpu",
        until=1,
    )
    outcome = in_processes(job)
    expected = as_threads(job)
    assert untimed(outcome.curve) == untimed(expected.curve)
    assert outcome.weights == expected.weights
    assert (outcome.communications, outcome.sent) == (expected.communications, expected.sent)
    rest = in_processes(replace(job, until=RECIPE.epochs, state=outcome.state))
    assert rest.weights == as_threads(replace(job, until=RECIPE.epochs)).weights


@pytest.mark.slow
def test_a_mistake_and_a_crash_in_a_process_are_one_line() -> None:
    with pytest.raises(UserError, match="65 training images make no batch of 66"):
        in_processes(replace(JOB, recipe=replace(RECIPE, batch_size=66)))
    with pytest.raises(HarnessError, match=r"training on 2 workers failed: .*Error") as error:
        in_processes(replace(JOB, architecture=(3, 2)))  # no such cell: a crash, not a mistake
    assert "\n" not in str(error.value)


def test_shards_are_disjoint_and_equally_long() -> None:
    data = tensors("digits", RECIPE)
    numbered = replace(
        data,
        labels=torch.arange(len(data.labels)),
        held_out_labels=torch.arange(len(data.held_out_labels)),
    )
    shards = [share(numbered, replace(JOB, workers=3), rank) for rank in range(3)]
    assert [len(s.labels) for s in shards] == [43, 43, 43]  # of 130
    assert len(set(torch.cat([s.labels for s in shards]).tolist())) == 129
    assert [s.valid for s in shards] == [17, 17, 17]
    held = torch.cat([s.held_out_labels for s in shards])
    assert sorted(held.tolist()) == list(range(111))
    for s in shards:
        assert all(s.held_out_labels[: s.valid] < 51)
        assert torch.equal(s.images, data.images[s.labels])
        assert torch.equal(s.held_out, data.held_out[s.held_out_labels])
    again = share(numbered, replace(JOB, workers=3), 1)
    assert torch.equal(again.labels, shards[1].labels)
    other = share(numbered, replace(JOB, workers=3, order=13), 1)
    assert not torch.equal(other.labels, shards[1].labels)


def test_identical_shares_are_judged_once() -> None:
    data = tensors("digits", RECIPE)
    first, second = (share(data, replace(JOB, data="identical"), rank) for rank in range(2))
    assert torch.equal(first.images, data.images)
    assert torch.equal(second.images, data.images)
    assert (len(first.held_out), first.valid) == (len(data.held_out), data.valid)
    assert (len(second.held_out), second.valid) == (0, 0)


def test_curves_merge_to_the_last_epoch_that_all_have() -> None:
    fine = Curve("ok", "", (5, 6), (None, 9), (1.0, 2.0), (0.5, 0.5), (0.25, 0.5))
    bad = Curve("diverged", "not finite", (3,), (None,), (2.0,), (0.25,), (0.75,))
    assert merged([fine, bad]) == Curve(
        "diverged", "not finite", (8,), (None,), (2.0,), (0.5,), (0.5,)
    )
    assert merged([fine, fine]).test_correct == (None, 18)
    assert merged([fine]) == fine


def test_mistakes_are_refused_before_anything_starts() -> None:
    with pytest.raises(UserError, match="unknown mode of averaging 'epochs': did you mean epoch"):
        replace(JOB, mode="epochs")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="way to share images 'shard'"):
        replace(JOB, data="shard")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="1 worker or more, not 0"):
        replace(JOB, workers=0)
    if torch.cuda.device_count() < 9:
        with pytest.raises(UserError, match="9 workers need a GPU each"):
            in_processes(replace(JOB, device="cuda", workers=9))


def test_the_short_form_derives_its_seeds_from_one() -> None:
    jobs = []

    def launch(job: Job) -> Outcome:
        jobs.append(job)
        return Outcome(Curve("ok", "", (), (), (), (), ()), 0, 0, "", None, 0)

    def train(seed: int) -> Curve:
        return train_parallel(
            "tss", JOB.architecture, "digits", RECIPE, seed, workers=2, until=1, launch=launch
        )

    assert train(0).status == train(0).status == train(1).status == "ok"
    assert jobs[0] == jobs[1]
    assert jobs[0].weights not in (jobs[2].weights, jobs[0].order)
    assert (jobs[0].mode, jobs[0].data, jobs[0].device) == ("batch", "sharded", "cpu")
