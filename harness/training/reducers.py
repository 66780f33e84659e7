"""Several workers train one network together: what they exchange, and how often.

G. Kyriakides (thesis 2022, chapter 8) compares two ways: all-reducing every batch's gradients
(Algorithm 2), and averaging the weights once an epoch (Algorithm 1), which communicates as many
times less as an epoch has batches. Both are a `harness.training.Reducer`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn

Mode = Literal["batch", "epoch"]


class Averaging:
    """Averages tensors over the workers of a process group, and counts what that takes.

    Args:
        group: The workers; None stands for all of the process.

    Attributes:
        communications: All-reduce operations so far. Each blocks until all workers have come.
        sent: Bytes that this worker gave to them so far.
        seconds: Wall seconds that they took so far, waiting included, by the processor's clock:
            a GPU may do a part of it later.
    """

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        self._group = group
        self.communications = 0
        self.sent = 0
        self.seconds = 0.0

    def gradients(self, parameters: Iterable[Tensor]) -> None:
        """Hear that a batch's gradients are there, before they are used."""

    def epoch(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Hear that an epoch's last step is done, before the evaluation."""

    @torch.no_grad()
    def _average(self, tensors: Sequence[Tensor]) -> None:
        """Put the workers' mean into each tensor, all of them in one communication.

        Two equal summands are doubled and halved without rounding, so two workers that hold the
        same values keep them to the last bit.
        """
        if not tensors:
            return
        begun = time.perf_counter()
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat, group=self._group)
        flat /= dist.get_world_size(self._group)
        self.communications += 1
        self.sent += flat.nbytes
        pieces = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.copy_(piece.view(tensor.shape))
        self.seconds += time.perf_counter() - begun


class BatchReducer(Averaging):
    """Algorithm 2: the workers' mean gradient takes every step, so their weights never differ.

    G workers with batches of B images take the steps of one worker with batches of G x B.
    Running statistics (batch normalisation) come from each worker's own images. They are averaged
    at the epoch's end: one more communication an epoch, for networks that have any.
    """

    def gradients(self, parameters: Iterable[Tensor]) -> None:
        """Average the gradients. Parameters without one (unused by this network) are left out."""
        self._average([p.grad for p in parameters if p.grad is not None])

    def epoch(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Average the running statistics."""
        self._average(_statistics(network))


class EpochReducer(Averaging):
    """Algorithm 1: the workers train on their own for an epoch, then average their weights.

    Running statistics are averaged with the weights. The optimizer's state (momentum, second
    moments) belongs to the path that a worker took; the thesis does not mention it.

    Args:
        group: See `Averaging`.
        state: "local" leaves each worker its own optimizer state, the plain reading of the
            algorithm; "average" averages it with the weights, at the price of two (momentum) to
            three (Adam) times the bytes, still in one communication. The workers are then equal
            after every epoch, so that one worker's state suffices to resume.
    """

    def __init__(
        self,
        group: dist.ProcessGroup | None = None,
        *,
        state: Literal["local", "average"] = "local",
    ) -> None:
        super().__init__(group)
        self._state = state

    def epoch(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Average weights and running statistics, and the optimizer's state if so asked."""
        tensors = [p.detach() for p in network.parameters()] + _statistics(network)
        if self._state == "average":
            tensors += _moments(optimizer)
        self._average(tensors)


def make_reducer(mode: Mode, group: dist.ProcessGroup | None = None) -> Averaging:
    """The reducer of a mode: `BatchReducer` for "batch", `EpochReducer` for "epoch"."""
    return BatchReducer(group) if mode == "batch" else EpochReducer(group)


def _statistics(network: nn.Module) -> list[Tensor]:
    """The buffers that training moves and that have a mean: batch counters are no such thing."""
    return [buffer for buffer in network.buffers() if buffer.is_floating_point()]


def _moments(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """The optimizer's tensors that stand for a parameter, in the order of the parameters.

    Step counters, which PyTorch keeps as tensors of one number, are the same on all workers.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return [
        value
        for parameter in parameters
        for value in optimizer.state.get(parameter, {}).values()
        if isinstance(value, Tensor) and value.shape == parameter.shape and value.dim() > 0
    ]
