"""Carries out one training of a live benchmark, from its checkpoint if there is one."""

from __future__ import annotations

import io
import os
import time
from math import nan
from typing import TYPE_CHECKING, Any

import torch

from harness.errors import HarnessError, OutOfMemory, UserError
from harness.live.record import DIVERGED, FAILED, OK, Record
from harness.networks import NotBuildable, Task, build
from harness.networks.counting import Counts, count
from harness.spaces import Architecture
from harness.streams import key as stream_key
from harness.training import Curve, Training, tensors
from harness.training.memory import within_memory

if TYPE_CHECKING:
    from harness.live.trainings import Trainings

CHECKPOINT_SECONDS = 60.0
"""Real seconds between two checkpoints: about what a kill can cost."""


def train(
    trainings: Trainings,
    architecture: Architecture,
    epochs: int,
    seed: int,
    visit: int,
) -> Record:
    """Train an architecture's network and keep what came out in the store.

    The result depends on the question, the architecture, the seed and the visit
    alone: neither on the searcher that asks nor on where the training was interrupted.

    Args:
        trainings: What is trained how; their store may hold a checkpoint.
        architecture: The representative of all architectures with this network.
        epochs: How far to train.
        seed: The search's seed.
        visit: Which draw of the search.

    Returns:
        The record; a network that cannot be built or does not fit is one with a reason.

    Raises:
        UserError: If the recipe does not fit the networks or the data, or there is no such device.
    """
    if trainings.question.device == "cuda" and not torch.cuda.is_available():
        raise UserError(
            f"{trainings.question}: no GPU is here that PyTorch can use; on a cluster, give"
            " --gpus-per-trial; on processors, leave out @cuda"
        )
    key = trainings.key(architecture, seed, visit)
    text = trainings.space.to_string(architecture)
    parameters, flops = trainings.counts(architecture)
    began = time.perf_counter()
    telemetry: dict[str, Any] = {"host": os.uname().nodename, "device": _device_name(trainings)}
    try:
        curve, memory = _trained(trainings, architecture, key, epochs, seed, visit)
    except UserError:
        raise
    except HarnessError as error:  # no network, no memory, or workers that die
        status = FAILED
        record = Record(key, text, epochs, status, str(error), parameters=parameters, flops=flops)
    else:
        held_out = trainings.data
        correct = curve.test_correct[-1] if len(curve.test_correct) == epochs else None
        test = {} if correct is None else {epochs: _percent(correct, len(held_out.test))}
        telemetry |= {
            "seconds": round(time.perf_counter() - began, 3),
            "train_seconds": [round(s, 4) for s in curve.train_seconds],
            "evaluate_seconds": [round(s, 4) for s in curve.evaluate_seconds],
            "peak_memory": memory,
        }
        record = Record(
            key,
            text,
            epochs,
            OK if curve.status == "ok" else DIVERGED,
            curve.reason,
            valid=tuple(_percent(n, len(held_out.valid)) for n in curve.valid_correct),
            test=test,
            train_loss=curve.train_loss,
            parameters=parameters,
            flops=flops,
            telemetry=telemetry,
        )
    return trainings.store.keep(record, last=trainings.recipe.epochs)


def _trained(
    trainings: Trainings,
    architecture: Architecture,
    key: str,
    epochs: int,
    seed: int,
    visit: int,
) -> tuple[Curve, int]:
    """The curve up to an epoch, and the most memory that it took."""
    name = trainings.space.key(architecture).hex()
    weights = stream_key(seed, "live weights", name, visit)
    order = stream_key(seed, "live order", name, visit)
    together = trainings.question.workers > 1
    carry_out = _together if together else _alone
    return carry_out(trainings, architecture, key, epochs, weights, order)


def _alone(
    trainings: Trainings,
    architecture: Architecture,
    key: str,
    epochs: int,
    weights: int,
    order: int,
) -> tuple[Curve, int]:
    """In this process, with a checkpoint now and then."""
    question, store = trainings.question, trainings.store
    training = Training(
        _network(trainings, architecture, weights),
        tensors(question.dataset, trainings.recipe, question.device),
        trainings.recipe,
        [order],
        device=question.device,
        test_epochs={epochs},
    )
    state = _state(trainings, key)
    if state is not None and len(state["epochs"]) < epochs:
        training.restore(state)
    saved = time.monotonic()
    while training.epoch < epochs and not training.diverged:
        training.run(training.epoch + 1)
        ended = training.epoch >= trainings.recipe.epochs or training.diverged
        due = training.epoch == epochs or time.monotonic() - saved > CHECKPOINT_SECONDS
        if due and not ended:
            store.keep_checkpoint(key, _bytes(training.state()))
            saved = time.monotonic()
    return training.curves()[0], training.peak_memory


def _together(
    trainings: Trainings,
    architecture: Architecture,
    key: str,
    epochs: int,
    weights: int,
    order: int,
) -> tuple[Curve, int]:
    """On several workers, with a checkpoint at the end."""
    from harness.training.parallel import Job

    question = trainings.question
    state = _state(trainings, key)
    goes_on = state is not None and len(state[0]["epochs"]) < epochs
    outcome = trainings.launch(
        Job(
            question.space,
            architecture,
            question.dataset,
            trainings.recipe,
            weights,
            order,
            question.workers,
            question.average,
            "sharded",
            question.device,
            until=epochs,
            test_epochs=(epochs,),
            state=trainings.store.checkpoint(key) if goes_on else None,
        )
    )
    if outcome.state is not None:
        trainings.store.keep_checkpoint(key, outcome.state)
    return outcome.curve, outcome.peak_memory


def _state(trainings: Trainings, key: str) -> Any:
    """What the checkpoint holds; None if there is none."""
    content = trainings.store.checkpoint(key)
    if content is None:
        return None
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _network(trainings: Trainings, architecture: Architecture, seed: int) -> torch.nn.Module:
    data = trainings.data
    channels, height, width = data.train.images.shape[1:]
    task = Task((channels, height, width), data.classes)
    options = trainings.recipe.network
    return within_memory(
        torch.device("cpu"),
        lambda: build(trainings.space, architecture, task, seed=seed, options=options),
    )


def counts(trainings: Trainings, architecture: Architecture) -> Counts:
    """Parameters and multiply-adds of an architecture's network; zeros if it has none."""
    try:
        network = _network(trainings, architecture, 0)
    except (NotBuildable, OutOfMemory):
        return Counts(0, 0)
    channels, height, width = trainings.data.train.images.shape[1:]
    return count(network, (channels, height, width))


def _percent(correct: int, images: int) -> float:
    return 100.0 * correct / images if images else nan


def _bytes(state: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    torch.save(state, stream)
    return stream.getvalue()


def _device_name(trainings: Trainings) -> str:
    cuda = trainings.question.device == "cuda" and torch.cuda.is_available()
    return torch.cuda.get_device_name() if cuda else trainings.question.device
