"""A cell's trainings: all seeds side by side in one network, or one network a seed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from torch import nn

from harness.errors import OutOfMemory
from harness.networks import NotBuildable, Task, build
from harness.networks.counting import count
from harness.spaces import get_space
from harness.streams import key
from harness.tabulation.cells import Cell
from harness.tabulation.work import Batch
from harness.training import Curve, tensors, train, train_cell
from harness.training.memory import within_memory

Result = tuple[Curve, dict[str, int]]
"""A curve, and the network's "params" and "flops" if it could be built."""


def train_together(batch: Batch, cell: Cell) -> list[Result]:
    """Train a topology-space cell once for each seed of its batch, as copies in one network."""
    counts: dict[str, int] = {}
    try:
        counts = _counts(_network(batch, cell, 0), batch)
        curves = train_cell(
            cell, batch.dataset, batch.recipe, batch.seeds, optimizer=batch.optimizer
        )
    except (NotBuildable, OutOfMemory) as error:
        curves = [_failed(error)] * len(batch.seeds)
    return [(curve, counts) for curve in curves]


def train_alone(batch: Batch, cell: Cell) -> list[Result]:
    """Train a cell once for each seed of its batch, one after the other."""
    return [_train_alone(batch, cell, seed) for seed in batch.seeds]


def _train_alone(batch: Batch, cell: Cell, seed: int) -> Result:
    counts: dict[str, int] = {}
    try:
        network = _network(batch, cell, key(seed, "weights", *cell))
        counts = _counts(network, batch)
        data = tensors(batch.dataset, batch.recipe)
        order = key(seed, "order", *cell)
        (curve,) = train(network, data, batch.recipe, [order], batch.optimizer)
    except (NotBuildable, OutOfMemory) as error:
        curve = _failed(error)
    return curve, counts


def _network(batch: Batch, cell: Cell, seed: int) -> nn.Module:
    space, options = get_space(batch.space), batch.recipe.network
    task = _task(batch)
    return within_memory(
        torch.device("cpu"), lambda: build(space, cell, task, seed=seed, options=options)
    )


def _task(batch: Batch) -> Task:
    data = tensors(batch.dataset, batch.recipe)
    return Task(data.shape, data.classes)


def _counts(network: nn.Module, batch: Batch) -> dict[str, int]:
    counted = count(network, _task(batch).shape)
    return {"params": counted.parameters, "flops": counted.flops}


def _failed(error: NotBuildable | OutOfMemory) -> Curve:
    """The record of a training that gave nothing: no working network, or one too large."""
    nothing: dict[str, Any] = {field.name: () for field in fields(Curve)}
    reason = "out of memory" if isinstance(error, OutOfMemory) else str(error)
    return Curve(**{**nothing, "status": "failed", "reason": reason})
